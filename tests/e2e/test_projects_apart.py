"""A run for one project touches no file, ledger or lease of another, whatever its settings and its files ask for."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.e2e.far_ends import Project, wait_until
from tests.e2e.repository import Repository

OUTPUT = "name: Acme\nlocales: [de]\noutputs:\n  - file: {}\n    pointer: /engineId\n"


@pytest.fixture
def repository(tmp_path: Path, platform: SandboxServer) -> Iterator[Repository]:
    """Projects `a` and `b`, both in the environment `production`, and a bare origin."""
    origin = tmp_path / "origin.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(origin)], check=True)
    made = Repository(tmp_path / "repo", platform.url)
    made.git("remote", "add", "origin", str(origin))
    made.project("a", "one")
    made.project("b", "two")
    land(made)
    yield made
    made.check_no_key_left()


def land(repository: Repository) -> None:
    repository.commit()
    repository.git("push", "--quiet", "origin", "HEAD:main")


def pull(repository: Repository) -> None:
    """The work tree becomes what is on the branch."""
    repository.git("fetch", "--quiet", "origin", "main")
    repository.git("reset", "--quiet", "--hard", "FETCH_HEAD")


def refs(repository: Repository) -> dict[str, str]:
    listed = repository.git("ls-remote", "origin", "refs/reconcile/*").split()
    return dict(zip(listed[1::2], listed[::2], strict=True))


def made_on(platform: SandboxServer) -> list[str]:
    return sorted(one["name"] for one in platform.engines())


# ── hostile settings ────────────────────────────────────────────────────────────────────────────────────────────────


REFUSED = [
    ("a", "lockfile: ../b/engines.lock.json\n"),
    ("a", "lockfile: x/../../b/engines.lock.json\n"),
    ("a", "engines: ../b/engines\n"),
    ("a", "environment: production+b\n"),
    ("a", "environment: ../b\n"),
    ("a", "branch: reconcile/production+b\n"),
    ("a", "publish: pr\npr_branch: reconcile/production+b\n"),
    (".", "lockfile: b/engines.lock.json\n"),
    (".", "lockfile: b/deep/mine.json\n"),
    (".", "engines: b/engines\n"),
    (".", "engines: b\n"),
]


def test_settings_that_name_what_is_anothers_are_refused(
    repository: Repository, platform: SandboxServer
) -> None:
    repository.within("b").apply("--publish").ended(0)
    pull(repository)
    before, ledgers = repository.within("b").snapshot(), refs(repository)
    for folder, settings in REFUSED:
        repository.project(folder, "mine", settings=settings)
        repository.within(folder).apply("--publish").ended(3)
    assert repository.within("b").snapshot() == before
    assert refs(repository) == ledgers
    assert made_on(platform) == ["two"]


@pytest.mark.parametrize("name", ["engines", "engines.lock.json", "reconcile.yaml"])
def test_links_into_another_project_are_refused(
    repository: Repository, platform: SandboxServer, name: str
) -> None:
    repository.within("b").apply().ended(0)
    mine = repository.root / "a" / name
    subprocess.run(["rm", "-rf", str(mine)], check=True)
    mine.symlink_to(f"../b/{name}")
    before = repository.within("b").snapshot()
    repository.within("a").apply().ended(3)
    assert repository.within("b").snapshot() == before
    assert made_on(platform) == ["two"]


def test_outputs_reach_no_project_inside(repository: Repository) -> None:
    repository.file("b/app.json", "{}\n")
    repository.file("b/engines/two.json", "{}\n")
    repository.project(".", "root")
    repository.file("engines/bad.yaml", OUTPUT.format("b/app.json"))
    repository.file("engines/worse.yaml", OUTPUT.format("b/new/file.json"))
    repository.file("engines/good.yaml", OUTPUT.format("c/app.json"))
    land(repository)
    before = repository.within("b").snapshot()
    repository.apply("--publish").ended(1, "b/app.json is not written", "b/new/file.json is not written")
    assert repository.within("b").snapshot() == before
    assert "engineId" in (repository.root / "c/app.json").read_text()
    published = repository.git("ls-tree", "-r", "--name-only", "refs/reconcile-remote/heads%2Fmain")
    assert "c/app.json" in published
    assert "b/new" not in published
    assert repository.git("show", "refs/reconcile-remote/heads%2Fmain:b/app.json") == "{}\n"


@pytest.mark.parametrize("name", ["app.json", "engines.lock.json"])
def test_a_file_that_is_a_link_into_a_project_inside_is_not_followed(
    repository: Repository, name: str
) -> None:
    """The output of the project at the root, and its lockfile."""
    repository.within("b").apply().ended(0)
    repository.file("b/app.json", "{}\n")
    repository.project(".", "root", settings="lockfile: c/engines.lock.json\n")
    repository.file("engines/root.yaml", OUTPUT.format("c/app.json"))
    (repository.root / "c").mkdir()
    (repository.root / "c" / name).symlink_to(f"../b/{name}")
    before = repository.within("b").snapshot()
    ran = repository.apply()
    assert ran.code in (0, 1, 3), ran
    assert repository.within("b").snapshot() == before
    assert ran.code == 0 or f"c/{name}" in ran.out + ran.err


def test_an_output_beside_the_project_is_refused(repository: Repository) -> None:
    for path in ("../b/app.json", "x/../../b/app.json"):
        repository.file("a/engines/one.yaml", OUTPUT.format(path))
        repository.within("a").run("validate").ended(3)
    repository.file("a/engines/one.yaml", OUTPUT.format("link/app.json"))
    (repository.root / "a/link").symlink_to("../b")
    before = repository.within("b").snapshot()
    repository.within("a").apply().ended(3, "`link/app.json` leads out of the project")
    assert repository.within("b").snapshot() == before


# ── at once ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_two_projects_of_one_clone_apply_at_once(repository: Repository, platform: SandboxServer) -> None:
    for folder in ("a", "b"):
        for number in range(8):
            repository.file(f"{folder}/engines/n{number}.yaml", f"name: {folder}{number}\n")
    land(repository)
    runs = [repository.within(folder).start("apply", "--yes", "--publish") for folder in ("a", "b")]
    for run in runs:
        repository.finish(run).ended(0)
    check_both(repository, platform, 18)


def test_two_projects_of_two_clones_apply_at_once(
    repository: Repository, platform: SandboxServer, tmp_path: Path
) -> None:
    other = Project(tmp_path / "other", platform.url)
    other.git("clone", "--quiet", str(tmp_path / "origin.git"), ".")
    runs = [
        repository.within("a").start("apply", "--yes", "--publish"),
        Project(other.root / "b", platform.url).start("apply", "--yes", "--publish"),
    ]
    for run in runs:
        repository.finish(run).ended(0)
    check_both(repository, platform, 2)


def check_both(repository: Repository, platform: SandboxServer, engines: int) -> None:
    """Each engine was made once, and each project's lockfile on the branch has its own and no other."""
    assert len(made_on(platform)) == engines
    assert len(set(made_on(platform))) == engines
    assert set(refs(repository)) == {"refs/reconcile/production+a", "refs/reconcile/production+b"}
    pull(repository)
    mine, others = repository.within("a").lock["engines"], repository.within("b").lock["engines"]
    assert len(mine) == len(others) == engines // 2
    assert "two" not in mine
    assert "one" not in others
    for folder in ("a", "b"):
        repository.within(folder).run("plan", "--fetch", "--detailed-exitcode").ended(0)


def test_a_copy_of_a_project_deletes_no_engine_of_the_original(
    repository: Repository, platform: SandboxServer
) -> None:
    repository.within("a").apply("--publish").ended(0)
    pull(repository)
    shutil.copytree(repository.root / "a", repository.root / "copy")
    repository.file("copy/reconcile.yaml", "on_removed: delete\n")
    (repository.root / "copy/engines/one.yaml").unlink()
    repository.file("copy/engines/two.yaml", "name: Two\n")
    land(repository)
    [engine] = [one["id"] for one in platform.engines()]
    ran = repository.within("copy").apply("--publish").ended(0)
    assert f"{engine} is deleted later: named by a/engines.lock.json" in ran.err
    shutil.rmtree(repository.root / "a")
    ran = repository.within("copy").apply("--publish").ended(0)
    assert f"{engine} is deleted later: named by a/engines.lock.json on the branch" in ran.err
    assert engine in [one["id"] for one in platform.engines()]


@pytest.mark.parametrize("job_seconds", [30.0])
def test_a_run_of_one_holds_up_no_run_of_the_other(repository: Repository, platform: SandboxServer) -> None:
    """`a` is in the midst of a run, with its lease; then it is killed and leaves it."""
    repository.file(
        "a/engines/one.yaml", "name: one\nsources: [{type: link, payload: 'https://acme.example/x'}]\n"
    )
    land(repository)
    running = repository.within("a").start("apply", "--yes", "--publish")
    wait_until(lambda: "one" in made_on(platform), "the engine of `a` is being made")
    repository.within("b").apply("--publish").ended(0)
    repository.within("a").apply("--publish").ended(5)
    running.send_signal(signal.SIGKILL)
    repository.finish(running, killed=True)
    repository.file("b/engines/three.yaml", "name: three\n")
    repository.within("b").apply("--publish").ended(0)
    assert made_on(platform) == ["one", "three", "two"]


def test_a_link_to_a_project_is_the_project(repository: Repository, platform: SandboxServer) -> None:
    (repository.root / "same").symlink_to("a")
    runs = [
        Project(repository.root / folder, platform.url).start(
            "apply", "--yes", "--publish", "--lease-wait=60s"
        )
        for folder in ("a", "same")
    ]
    for run in runs:
        repository.finish(run).ended(0)
    assert made_on(platform) == ["one"]
    assert set(refs(repository)) == {"refs/reconcile/production+a"}


def test_twins_and_nested_projects_have_ledgers_of_their_own(
    repository: Repository, platform: SandboxServer
) -> None:
    folders = [".", "b/inner", "A", "b%2Finner"]
    if os.path.lexists(repository.root / "A"):  # a file system that does not tell them apart
        folders.remove("A")
    for number, folder in enumerate(folders):
        repository.project(folder, f"e{number}")
    land(repository)
    for folder in folders:
        repository.within(folder).apply("--publish").ended(0)
        pull(repository)
    assert len(refs(repository)) == len(folders)
    for number, folder in enumerate(folders):
        assert list(repository.within(folder).lock["engines"]) == [f"e{number}"]
    repository.run("plan", "--all-projects", "--detailed-exitcode").ended(
        2, "6 plans: 2 with changes, 4 without changes."
    )


# ── ledgers of before ───────────────────────────────────────────────────────────────────────────────────────────────


def test_an_older_ledger_is_found_and_moved(repository: Repository, platform: SandboxServer) -> None:
    repository.project("приложение", "app")
    land(repository)
    project = repository.within("приложение")
    project.apply("--publish").ended(0)
    [now] = refs(repository)
    older = "refs/reconcile/production+" + "".join(f"%{ord(char):02X}" for char in "приложение")
    repository.git("fetch", "--quiet", "origin", now)
    repository.git("push", "--quiet", "origin", f"FETCH_HEAD:{older}", f":{now}")
    ran = project.apply("--publish").ended(1, "has a new name, and the remote has one under the older name")
    commands = [line.strip() for line in ran.err.splitlines() if line.strip().startswith("git ")]
    for command in commands:
        subprocess.run(shlex.split(command), cwd=project.root, check=True, capture_output=True)
    assert list(refs(repository)) == [now]
    project.apply("--publish").ended(0)
    assert made_on(platform) == ["app"]


def test_an_older_ledger_may_be_another_projects(repository: Repository, platform: SandboxServer) -> None:
    repository.project("☃", "snow")
    repository.project("&03", "and")
    land(repository)
    repository.within("&03").apply("--publish").ended(0)
    repository.within("☃").apply("--publish").ended(1, "rename one of the two folders")
    assert made_on(platform) == ["and"]
