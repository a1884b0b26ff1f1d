"""Runs that share through a remote, as processes: at once, on bad days of git, and with the lease lost in mid-run."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.e2e.far_ends import Project, wait_until

LEDGER = "refs/reconcile/production"


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    made = tmp_path / "origin.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(made)], check=True)
    return made


@pytest.fixture
def shared(tmp_path: Path, origin: Path, platform: SandboxServer) -> Iterator[Project]:
    """A project whose origin is bare, with two engines."""
    project = Project(tmp_path / "work", platform.url)
    project.git("init", "--quiet", "--initial-branch=main")
    project.git("remote", "add", "origin", str(origin))
    project.engine("acme", running=True)
    project.engine("shop/web")
    project.commit()
    project.git("push", "--quiet", "origin", "main")
    yield project
    project.check_no_key_left()


def clone(project: Project, origin: Path, name: str, *options: str) -> Project:
    root = project.root.parent / name
    project.git("clone", "--quiet", *options, f"file://{origin}", str(root))
    return Project(root, project.url)


def published(origin: Path) -> dict[str, dict[str, str]]:
    shown = subprocess.run(
        ["git", "show", "main:engines.lock.json"], cwd=origin, capture_output=True, check=True
    )
    engines: dict[str, dict[str, str]] = json.loads(shown.stdout)["engines"]
    return engines


def hook(origin: Path, name: str, text: str) -> Path:
    file = origin / "hooks" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


def test_what_a_run_leaves_on_the_remote_and_what_it_does_not_touch(shared: Project, origin: Path) -> None:
    index, head = (shared.root / ".git/index").read_bytes(), shared.git("rev-parse", "HEAD")
    env = {"GITHUB_SERVER_URL": "https://github.example", "GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "42"}
    ran = shared.run("apply", "--yes", env=env | {"CI": "true", "RECONCILE_SKIP_CI": "true"})
    ran.ended(0, "published")
    commit = shared.git("--git-dir", str(origin), "show", "--stat", "--format=%B", "main")
    for words in (
        "Record 2 engines",
        "acme: eng_",
        "Run: https://github.example/a/b/actions/runs/42",
        "[skip ci]",
    ):
        assert words in commit
    assert "1 file changed" in commit
    assert published(origin) == shared.lock["engines"]
    assert shared.git("--git-dir", str(origin), "show", f"{LEDGER}:journal.jsonl") == ""
    log = shared.git("--git-dir", str(origin), "log", "--format=%s", LEDGER).splitlines()
    assert len(log) <= 4  # three pushes, the last of which has two commits
    assert (log[-1].split()[0], log[0]) == ("begin", "lease 1 given back")
    assert {"accepted", "completed"} <= {word.split()[0] for line in log for word in line.split("; ")}
    assert ((shared.root / ".git/index").read_bytes(), shared.git("rev-parse", "HEAD")) == (index, head)
    assert shared.git("status", "--porcelain") == "?? engines.lock.json\n"
    shared.run("apply", "--yes", "--publish").ended(0, "No changes")


def test_eight_clones_apply_at_once(shared: Project, origin: Path, platform: SandboxServer) -> None:
    clones = [clone(shared, origin, f"clone-{number}") for number in range(8)]
    processes = [one.start("apply", "--yes", "--publish") for one in clones]
    codes = [one.finish(process).code for one, process in zip(clones, processes, strict=True)]
    assert set(codes) <= {0, 5}
    assert 0 in codes
    assert platform.create_calls() == 2
    assert set(published(origin)) == {"acme", "shop/web"}


def test_clones_that_wait_for_the_lease_all_end_well(
    shared: Project, origin: Path, platform: SandboxServer
) -> None:
    clones = [clone(shared, origin, f"clone-{number}") for number in range(4)]
    processes = [one.start("apply", "--yes", "--publish", "--lease-wait", "95s") for one in clones]
    assert {one.finish(process).code for one, process in zip(clones, processes, strict=True)} == {0}
    assert platform.create_calls() == 2


def test_a_stale_checkout_makes_nothing_again(shared: Project, origin: Path, platform: SandboxServer) -> None:
    stale = clone(shared, origin, "stale")
    shared.run("apply", "--yes", "--publish").ended(0)
    stale.run("apply", "--yes", "--publish").ended(0, "No changes")
    assert platform.create_calls() == 2


@pytest.mark.parametrize("job_seconds", [20.0])
def test_a_run_whose_lease_was_taken_says_so_and_creates_nothing_more(
    shared: Project, origin: Path, platform: SandboxServer
) -> None:
    for number in range(40):
        shared.engine(f"more/{number:02}", running=True)
    platform.faults.add("create", "slow=0.3", times=1000)
    process = shared.start("apply", "--yes", "--publish", "--concurrency", "2", "--timeout", "120s")
    wait_until(lambda: platform.create_calls() >= 3, "the first create calls")
    # The holder is alive and pushes: whoever breaks its lease may have to try again.
    wait_until(lambda: shared.run("lease", "break", "--yes").code == 0, "the lease is broken", 60)
    wait_until(lambda: process.poll() is not None or _lost(shared, origin), "the run noticed", 30)
    made = platform.create_calls()
    process.terminate()
    ran = shared.finish(process)
    ran.ended(130, "lost the lease")
    assert platform.create_calls() <= made + 2  # those that were on their way
    assert platform.create_calls() < 42
    records = shared.git("--git-dir", str(origin), "show", f"{LEDGER}:journal.jsonl")
    for engine in platform.engines():
        assert str(engine["id"]) in records + shared.lockfile.read_text()


def _lost(project: Project, origin: Path) -> bool:
    """Whether the run has pushed again since its lease was taken: then it knows."""
    log = project.git("--git-dir", str(origin), "log", "-2", "--format=%s", LEDGER).splitlines()
    return not log[0].startswith("lease")


def test_a_protected_branch_keeps_nothing_from_the_journal(
    shared: Project, origin: Path, platform: SandboxServer
) -> None:
    refusing = hook(
        origin, "update", '[ "$1" != refs/heads/main ] || { echo "main is protected" >&2; exit 1; }'
    )
    shared.run("apply", "--yes", "--publish").ended(1, "main is protected", "Nothing is lost")
    fresh = clone(shared, origin, "fresh")
    refusing.unlink()
    fresh.run("apply", "--yes", "--publish").ended(0)
    assert platform.create_calls() == 2
    assert set(published(origin)) == {"acme", "shop/web"}


def test_a_remote_that_refuses_everything_lets_nothing_be_created(
    shared: Project, origin: Path, platform: SandboxServer
) -> None:
    hook(origin, "pre-receive", 'echo "read-only" >&2; exit 1')
    shared.run("apply", "--yes", "--publish").ended(1, "read-only")
    assert platform.create_calls() == 0


def test_a_remote_that_is_gone_lets_nothing_be_created(
    shared: Project, origin: Path, platform: SandboxServer
) -> None:
    shutil.move(origin, origin.with_suffix(".away"))
    shared.run("apply", "--yes", "--publish").ended(1, "cannot be read")
    assert platform.create_calls() == 0


@pytest.mark.parametrize("kind", ["shallow", "detached", "worktree", "nobody"])
def test_checkouts_as_ci_makes_them(
    shared: Project, origin: Path, platform: SandboxServer, kind: str
) -> None:
    env = {"GIT_CONFIG_GLOBAL": "/dev/null", "RECONCILE_BRANCH": "main" if kind == "detached" else None}
    run = clone(shared, origin, kind, *(("--depth", "1") if kind == "shallow" else ()))
    if kind == "detached":
        run.git("checkout", "--quiet", "--detach")
        run.run("apply", "--yes", "--publish").ended(1, "HEAD is detached")
    if kind == "worktree":
        tree = run.root.with_name("tree")
        run.git("checkout", "--quiet", "--detach")
        run.git("worktree", "add", "--quiet", str(tree), "main")
        run = Project(tree, run.url)
    run.run("apply", "--yes", "--publish", env=env).ended(0, "published")
    assert platform.create_calls() == 2
    assert set(published(origin)) == {"acme", "shop/web"}


def test_credentials_are_never_asked_for(shared: Project, platform: SandboxServer) -> None:
    """The sandbox answers git with an error, not with a repository; nothing waits for a password."""
    shared.git("remote", "set-url", "origin", f"{platform.url}/repo.git")
    shared.run("apply", "--yes", "--publish").ended(1, "cannot be read")
    assert platform.create_calls() == 0


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("journal.jsonl", "garbage\n", "cannot be read"),
        ("lease.json", '{"version": 9}\n', "version 9"),
        ("lease.json", "garbage\n", "reconcile lease break"),
    ],
)
def test_an_unreadable_ledger_stops_everything(
    shared: Project, origin: Path, platform: SandboxServer, file: str, content: str, said: str
) -> None:
    shared.run("apply", "--yes", "--publish").ended(0)
    made = platform.create_calls()
    blob = subprocess.run(
        ["git", "hash-object", "-w", "--stdin"],
        cwd=origin,
        input=content.encode(),
        capture_output=True,
        check=True,
    )
    tree = f"100644 blob {blob.stdout.decode().strip()}\t{file}\n"
    made_tree = subprocess.run(
        ["git", "mktree"], cwd=origin, input=tree.encode(), capture_output=True, check=True
    )
    commit = shared.git("--git-dir", str(origin), "commit-tree", made_tree.stdout.decode().strip(), "-m", "x")
    shared.git("--git-dir", str(origin), "update-ref", LEDGER, commit.strip())
    shared.engine("new")
    shared.run("apply", "--yes", "--publish").ended(3, said)
    assert platform.create_calls() == made


def test_a_deleted_ledger_is_made_anew(shared: Project, origin: Path, platform: SandboxServer) -> None:
    shared.run("apply", "--yes", "--publish").ended(0)
    shared.git("--git-dir", str(origin), "update-ref", "-d", LEDGER)
    shared.engine("new")
    shared.run("apply", "--yes", "--publish").ended(0, "1 created")
    assert platform.create_calls() == 3


def test_history_and_lease_are_there_to_be_looked_at(shared: Project, origin: Path) -> None:
    shared.run("history").ended(0, "no operations recorded")
    shared.run("lease", "show").ended(0, "the lease is free")
    shared.run("apply", "--yes", "--publish").ended(0)
    told = shared.run("history", "acme").ended(0, "created", shared.entry("acme")["engineId"])
    assert "shop/web" not in told.out
    operations = shared.run("history", "--format", "json").json["operations"]
    assert {one["key"] for one in operations} == {"acme", "shop/web"}
    shared.run("fetch").ended(0, "0 operations", "the lease: free")
    shared.run("plan", "--fetch").ended(0)


def test_history_says_what_was_done_without_a_call(shared: Project, origin: Path) -> None:
    shared.run("apply", "--yes", "--publish").ended(0)
    engines = {key: shared.entry(key)["engineId"] for key in ("acme", "shop/web")}
    other = clone(shared, origin, "other")
    other.git("mv", "engines/shop/web.yaml", "engines/web.yaml")
    (other.root / "engines/acme.yaml").unlink()
    other.commit()
    other.git("push", "--quiet", "origin", "main")
    other.run("apply", "--yes", "--publish").ended(0)
    found = other.run("history", "--format", "json").ended(0).json["operations"]
    done = {(one["key"], one["status"], one["engine_id"]) for one in found if one["operation"] is None}
    assert done == {
        ("web", "moved from shop/web", engines["shop/web"]),
        ("acme", "retired", engines["acme"]),
    }
    assert len(found) == 4
    other.run("history", "web").ended(0, "moved from shop/web")
