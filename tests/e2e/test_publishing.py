"""Publishing as users meet it: when it is on, who commits, and how a run ends when the remote is not as it should be.

What happens between runs (eight clones at once, kills, odd checkouts): `test_sharing.py`, `test_crash_matrix.py`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from reconciler.adapters.git.drafts import Identity
from reconciler.adapters.git.ledger import GitLedger
from reconciler.adapters.git.remote import GitRemote
from reconciler.adapters.system.clock import UtcClock
from reconciler.core.ledger.lease import Holder, Lease, take
from reconciler.core.ledger.seal import seal_for
from reconciler.sandbox.server import SandboxServer
from tests.e2e.far_ends import KEY, Project, interrupt, wait_until

LEDGER = "refs/reconcile/production"
PROTECTED = '[ "$1" != refs/heads/main ] || { echo "main is protected" >&2; exit 1; }'
TOKEN = "ghs_do_not_tell_4711"


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    made = tmp_path / "origin.git"
    empty = ["--quiet", "--bare", "--initial-branch=main", "--template="]
    subprocess.run(["git", "init", *empty, str(made)], check=True)
    return made


@pytest.fixture
def shared(tmp_path: Path, origin: Path, platform: SandboxServer) -> Iterator[Project]:
    """A project whose origin is bare, with an engine that is ready at once."""
    project = Project(tmp_path / "work", platform.url)
    project.git("init", "--quiet", "--initial-branch=main", "--template=")
    project.git("remote", "add", "origin", str(origin))
    project.engine("acme")
    project.commit()
    project.git("push", "--quiet", "origin", "main")
    yield project
    project.check_no_key_left()
    for path in origin.rglob("*"):
        assert project.key is None or not path.is_file() or project.key.encode() not in path.read_bytes()


def fresh_clone(project: Project, origin: Path, name: str = "fresh") -> Project:
    root = project.root.parent / name
    project.git("clone", "--quiet", "--template=", f"file://{origin}", str(root))
    return Project(root, project.url)


def in_origin(project: Project, origin: Path, *arguments: str) -> str:
    return project.git("--git-dir", str(origin), *arguments)


def ledger_of(project: Project) -> GitLedger:
    remote = GitRemote(project.root, "origin", Identity("Test", "test@localhost"))
    seal = seal_for(KEY, remote.url(), LEDGER)
    return GitLedger(remote, LEDGER, "main", "engines.lock.json", seal=seal)


def hook(origin: Path, name: str, script: str) -> Path:
    file = origin / "hooks" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


def hold_lease(project: Project, *, ttl: float, run_url: str | None = None) -> None:
    """As another run would, which then vanished."""
    ledger = ledger_of(project)
    seen = ledger.look()
    held = take(seen.lease, Holder("elsewhere", 4711, run_url), "another-run", UtcClock().now(), ttl)
    ledger.record(seen, (), held)


def lease(project: Project) -> Lease:
    return ledger_of(project).look().lease


# ── when, and as whom ──────────────────────────────────────────────────────────────────────────────────────────────


def test_it_is_on_in_ci_and_nowhere_else(shared: Project, origin: Path) -> None:
    ran = shared.apply()
    assert "published" not in ran.out
    shared.lockfile.unlink()
    ran = shared.run("apply", "--yes", "--no-publish", env={"CI": "true"}).ended(0)
    assert "published" not in ran.out
    shared.run("plan", env={"CI": "true"}).ended(0)
    assert in_origin(shared, origin, "for-each-ref", "refs/reconcile") == ""
    shared.lockfile.unlink()
    shared.run("apply", "--yes", env={"CI": "true"}).ended(0, "published")
    shared.git("remote", "remove", "origin")
    shared.engine("more")
    shared.run("apply", "--yes", "--publish").ended(1, "no remote `origin`")
    shared.run("apply", "--yes", env={"CI": "true"}).ended(1, "no remote `origin`", "--no-publish")
    shared.run("plan", env={"CI": "true"}).ended(0, "1 to create")


def test_the_plan_of_a_pull_request_and_that_of_the_apply_have_one_digest(
    shared: Project, origin: Path
) -> None:
    for name in ("Acme", "Acme 2"):  # nothing recorded yet, then a lockfile that a run has published
        shared.engine("acme", f"name: {name}\nlocales: [de]\n")
        shared.commit()
        shared.git("push", "--quiet", "origin", "main")
        reviewed = fresh_clone(shared, origin, f"review {name}").run("plan", "--format", "json").ended(0).json
        applied = fresh_clone(shared, origin, f"runner {name}").apply("--publish")
        applied.ended(0, f"{reviewed['digest'][:19]}\n")
        shared.git("pull", "--quiet", "origin", "main")


@pytest.mark.parametrize("trouble", ["no git", "not ours", "broken", "does not run"])
def test_in_ci_nothing_is_made_that_could_not_be_published(
    shared: Project, tmp_path: Path, platform: SandboxServer, trouble: str
) -> None:
    """What is made on a runner and published nowhere is lost, and the next run makes it again."""
    env = {"CI": "true", "GITHUB_REF": "refs/heads/main"}
    real, programs = shutil.which("git"), tmp_path / "programs"
    programs.mkdir()
    script = {
        "not ours": f'GIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec {real} "$@"',
        "does not run": "echo 'xcrun: error: invalid active developer path' >&2; exit 1",
    }.get(trouble, f'exec {real} "$@"')
    (programs / "git").write_text(f"#!/bin/sh\n{script}\n")
    (programs / "git").chmod(0o755)
    if trouble == "no git":
        shutil.rmtree(shared.root / ".git")
    if trouble == "broken":
        (tmp_path / "config").write_text("[user\n")
        env["GIT_CONFIG_GLOBAL"] = str(tmp_path / "config")
    env["PATH"] = f"{programs}:{os.environ['PATH']}"
    words = {
        "no git": "needs a git repository",
        "not ours": "safe.directory",
        "broken": "bad config line",
        "does not run": "xcrun",
    }
    ran = shared.run("apply", "--yes", env=env)
    assert ran.code in (1, 3)
    assert words[trouble] in ran.err
    assert "--no-publish" in ran.err or trouble != "no git"
    assert platform.create_calls() == 0


@pytest.mark.parametrize(
    ("env", "who"),
    [
        (
            {"RECONCILE_AUTHOR": "CI Bot <bot@example.com>", "GIT_AUTHOR_NAME": "x"},
            "CI Bot <bot@example.com>",
        ),
        ({"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.com"}, "Ada <ada@example.com>"),
        ({}, "reconcile <reconcile@localhost>"),
    ],
)
def test_who_commits(shared: Project, origin: Path, env: dict[str, str], who: str) -> None:
    shared.run("apply", "--yes", "--publish", env={"GIT_CONFIG_GLOBAL": "/dev/null"} | env).ended(0)
    for ref in ("main", LEDGER):
        shown = in_origin(shared, origin, "log", "-1", "--format=%an <%ae>|%cn <%ce>", ref).strip()
        assert shown == f"{who}|{who}"


def test_the_work_trees_lockfile_is_what_a_pull_brings(shared: Project, origin: Path) -> None:
    """As docs/publishing.md says it is done at one's desk, with a lockfile that is new and one that is known."""
    for key in ("acme", "more"):
        shared.engine(key, running=key == "more")
        shared.git("add", "engines")
        shared.git("diff", "--cached", "--quiet") if key == "acme" else shared.commit()
        shared.git("push", "--quiet", "origin", "main")
        shared.run("apply", "--yes", "--publish").ended(0, "published")
        shared.git("add", "engines.lock.json")
        shared.git("pull", "--quiet", "--ff-only", "origin", "main")
        assert shared.git("status", "--porcelain") == ""


# ── a remote that is not as it should be ───────────────────────────────────────────────────────────────────────────


def test_a_branch_that_moves_keeps_what_others_put_there(shared: Project, origin: Path) -> None:
    other = fresh_clone(shared, origin)
    other.engine("theirs")
    other.run("apply", "--yes", "--no-publish", "--only", "theirs").ended(0)
    other.commit("theirs")
    other.git("push", "--quiet", "origin", "HEAD:refs/somebody/theirs")
    moves = "[ -e moved ] || { touch moved; git update-ref refs/heads/main refs/somebody/theirs; }"
    hook(origin, "post-receive", moves)  # after the push of the begins
    shared.engine("more", running=True)
    shared.run("apply", "--yes", "--publish").ended(0, "published")
    lockfile = json.loads(in_origin(shared, origin, "show", "main:engines.lock.json"))
    assert set(lockfile["engines"]) == {"acme", "more", "theirs"} == set(shared.lock["engines"])
    log = in_origin(shared, origin, "log", "--format=%s", "main").splitlines()
    assert log == ["Record 2 engines", "theirs", "Change"]


@pytest.mark.parametrize("job_seconds", [0.5])
def test_a_remote_that_vanishes_at_the_end(shared: Project, origin: Path, platform: SandboxServer) -> None:
    shared.engine("acme", running=True)
    away = origin.with_suffix(".away")
    process = shared.start("apply", "--yes", "--publish")
    wait_until(lambda: platform.create_calls() == 1, "the create call")
    shutil.move(origin, away)
    shared.finish(process).ended(1, "cannot be re", "run again")
    assert shared.entry("acme")["engineId"]
    assert "accepted" in shared.records()
    shutil.move(away, origin)
    shared.run("lease", "break", "--yes").ended(0)
    shared.run("apply", "--yes", "--publish").ended(0, "published")
    assert platform.create_calls() == 1
    assert shared.records() == []


def test_what_was_refused_is_published_later_without_the_platform(
    shared: Project, origin: Path, platform: SandboxServer
) -> None:
    refusing = hook(origin, "update", PROTECTED)
    ran = shared.run("apply", "--yes", "--publish", "--format", "json")
    assert ran.code == 1
    assert "main is protected" in ran.out
    assert lease(shared).holder is None
    refusing.unlink()
    fresh = fresh_clone(shared, origin)
    away = {"LINGO_API_URL": "http://127.0.0.1:9"}
    fresh.run("apply", "--yes", "--publish", env=away).ended(0, "published")
    assert platform.create_calls() == 1
    published = json.loads(in_origin(shared, origin, "show", "main:engines.lock.json"))
    assert published["engines"] == shared.lock["engines"] == fresh.lock["engines"]
    shared.engine("more")
    shared.run("apply", "--yes", "--publish").ended(0)
    assert platform.create_calls() == 2
    assert shared.records() == []


def test_a_token_in_the_remotes_address_is_never_shown(shared: Project, platform: SandboxServer) -> None:
    address = platform.url.replace("http://", f"http://x-access-token:{TOKEN}@") + "/acme.git"
    shared.git("remote", "set-url", "origin", address)
    for arguments in (["apply", "--yes", "--publish"], ["fetch"], ["lease", "show"], ["history"]):
        ran = shared.run("--log-level", "debug", *arguments).ended(1, "cannot be read")
        assert TOKEN not in ran.out + ran.err
    shared.git("remote", "set-url", "origin", "nowhere")


# ── the lease ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_lease_that_is_held_stops_a_run_and_one_that_ran_out_does_not(
    shared: Project, platform: SandboxServer
) -> None:
    hold_lease(shared, ttl=60)
    shared.run("apply", "--yes", "--publish").ended(5, "process 4711 on elsewhere", "reconcile lease break")
    shared.run("apply", "--yes", "--publish", "--lease-wait", "1s").ended(5)
    assert platform.create_calls() == 0
    hold_lease(shared, ttl=-60)
    shared.run("apply", "--yes", "--publish").ended(0, "published")
    assert lease(shared) == Lease(3)


def test_a_run_waits_for_the_lease(shared: Project, platform: SandboxServer, tmp_path: Path) -> None:
    hold_lease(shared, ttl=60)
    said = tmp_path / "said"
    with said.open("wb") as stream:
        process = shared.start("apply", "--yes", "--publish", "--lease-wait", "60s", stderr=stream)
    wait_until(lambda: "waiting for the lease" in said.read_text(), "it waits")
    shared.run("lease", "break", "--yes").ended(0)
    shared.finish(process).ended(0, "published")
    assert platform.create_calls() == 1


def test_a_lease_that_cannot_be_read_is_for_a_person_to_break(shared: Project, origin: Path) -> None:
    hold_lease(shared, ttl=600)
    root = shared.root.parent / "by-hand"
    shared.git("clone", "--quiet", "--no-checkout", str(origin), str(root))
    by_hand = Project(root)
    by_hand.git("fetch", "--quiet", "origin", LEDGER)
    by_hand.git("checkout", "--quiet", "FETCH_HEAD")
    (root / "lease.json").write_text("mine!")
    by_hand.commit()
    by_hand.git("push", "--quiet", "origin", f"HEAD:{LEDGER}")
    shared.run("apply", "--yes", "--publish").ended(3, "cannot be read", "reconcile lease break")
    shared.run("lease", "break", "--yes").ended(0, "it was overwritten", "the lease is free")
    shared.run("apply", "--yes", "--publish").ended(0, "published")


@contextmanager
def github(status: str) -> Iterator[tuple[str, list[str]]]:
    """Its API, as far as it is asked; and what it was asked."""
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.path} {self.headers['Authorization']}")
            body = json.dumps({"status": status}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(("status", "code"), [("completed", 0), ("in_progress", 5)])
def test_the_lease_of_a_github_run_that_ended_is_free_at_once(
    shared: Project, status: str, code: int
) -> None:
    hold_lease(shared, ttl=600, run_url="https://github.com/acme/engines/actions/runs/7")
    with github(status) as (url, asked):
        env = {"GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": url}
        ran = shared.run("apply", "--yes", "--publish", env=env).ended(code)
    assert set(asked) == {f"/repos/acme/engines/actions/runs/7 Bearer {TOKEN}"}
    assert TOKEN not in ran.out + ran.err


# ── people ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_person_settles_is_published(shared: Project, origin: Path, platform: SandboxServer) -> None:
    platform.faults.add("create", "lost-answer")
    shared.run("apply", "--yes", "--publish").ended(7, "reconcile resolve acme")
    fresh = fresh_clone(shared, origin)
    fresh.run("resolve", "acme", "--engine-id", "eng_found", "--publish").ended(
        0, "recorded eng_found as its engine"
    )
    published = json.loads(in_origin(shared, origin, "show", "main:engines.lock.json"))
    assert published["engines"]["acme"]["engineId"] == "eng_found"
    assert lease(shared).holder is None
    ran = shared.run("apply", "--yes", "--publish").ended(0)
    assert "create" not in ran.out
    assert len([one for one in platform.requests() if one.path == "/jobs/provisioning"]) == 1


@pytest.mark.parametrize("job_seconds", [60.0])
def test_an_interrupted_run_publishes_and_gives_the_lease_back_at_once(
    shared: Project, origin: Path, platform: SandboxServer
) -> None:
    shared.engine("slow", running=True)
    process = shared.start("apply", "--yes", "--publish")
    wait_until(lambda: shared.records().count("accepted") == 2, "both answers are in the journal")
    start = interrupt(process)
    shared.finish(process).ended(130, "interrupted")
    assert time.monotonic() - start < 20
    published = json.loads(in_origin(shared, origin, "show", "main:engines.lock.json"))["engines"]
    assert published["slow"]["pending"]["status"] == "in_progress"
    assert published["acme"]["engineId"]
    assert lease(shared).holder is None
    assert shared.records() == []


@pytest.mark.parametrize("job_seconds", [60.0])
def test_an_interrupt_does_not_wait_for_a_remote_that_hangs(
    shared: Project, origin: Path, platform: SandboxServer, tmp_path: Path
) -> None:
    shared.engine("slow", running=True)
    process = shared.start("apply", "--yes", "--publish")
    wait_until(lambda: shared.records().count("accepted") == 2, "both answers are in the journal")
    wait_until(lambda: "accepted" in _journal(shared, origin), "and on the ledger")
    hangs = tmp_path / "hangs"
    hangs.write_text("#!/bin/sh\nexec sleep 30\n")
    hangs.chmod(0o755)
    shared.git("config", "remote.origin.receivepack", str(hangs))
    start = interrupt(process)
    shared.finish(process).ended(130, "interrupted")
    assert time.monotonic() - start < 6.5, "five, and what a busy machine adds"
    assert shared.entry("acme")["engineId"]
    assert "accepted" in shared.records()


def _journal(project: Project, origin: Path) -> str:
    return in_origin(project, origin, "show", f"{LEDGER}:journal.jsonl")
