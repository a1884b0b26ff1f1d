"""A disk that refuses: read-only, full, or with folders where files belong. What was made is not lost."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.e2e.far_ends import Project, wait_until


def _mount(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Mounts something at a new folder; the test is skipped where that is not allowed."""
    folders: list[Path] = []

    def mount(name: str, *arguments: str) -> Path:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        if not _mount(*arguments, str(folder)):
            pytest.skip("mounting is not allowed here")
        folders.append(folder)
        return folder

    yield mount
    for folder in reversed(folders):
        subprocess.run(["umount", "--lazy", folder], capture_output=True, check=True)


def frozen(project: Project, mount: Callable[..., Path]) -> Project:
    """The same project at another path, where nothing can be written."""
    folder = mount("frozen", "--bind", str(project.root))
    assert _mount("-o", "remount,bind,ro", str(folder))
    return Project(folder, project.url, project.key)


def fill(folder: Path, step: int) -> Path:
    """Leaves no room on the folder's disk."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as stream, suppress(OSError):
        while stream.write(bytes(step)):
            pass
    return filler


def test_a_read_only_project(bare: Project, platform: SandboxServer, mounted: Callable[..., Path]) -> None:
    bare.url = platform.url
    still = frozen(bare, mounted)
    still.run("plan").ended(0, "1 to create")
    assert still.apply("--format", "json").ended(1, "ead-only file system").json["exitCode"] == 1
    assert platform.requests() == []


def test_a_lockfile_that_cannot_be_replaced(
    project: Project, platform: SandboxServer, mounted: Callable[..., Path]
) -> None:
    """Its folder is read-only and the git directory is not: known before the first call, so none is made."""
    git = project.root.parent / "git"
    (project.root / ".git").rename(git)
    (project.root / ".git").write_text(f"gitdir: {git}\n")
    frozen(project, mounted).apply().ended(1, "cannot write engines.lock.json", "read-only")
    assert platform.requests() == []


def test_a_full_disk(platform: SandboxServer, mounted: Callable[..., Path]) -> None:
    """No room for a single record: nothing is called."""
    full = Project(mounted("full", "-t", "tmpfs", "-o", "size=64k", "tmpfs"), platform.url)
    full.engine("acme")
    full.apply().ended(0)
    before = full.lockfile.read_bytes()
    full.engine("shop")
    filler = fill(full.root, 4096)
    full.run("plan").ended(0, "1 to create")
    full.apply().ended(1, "No space left")
    assert full.lockfile.read_bytes() == before
    assert platform.create_calls() == 1
    filler.unlink()
    full.apply().ended(0)
    assert platform.create_calls() == 2
    assert sorted(path.name for path in full.root.iterdir()) == [".reconcile", "engines", "engines.lock.json"]


def test_a_disk_that_fills_up_in_the_middle(platform: SandboxServer, mounted: Callable[..., Path]) -> None:
    """The journal's last block has room for the answer, and there is none for a lockfile."""
    platform.faults.add("create", "slow=1")
    full = Project(mounted("full", "-t", "tmpfs", "-o", "size=64k", "tmpfs"), platform.url)
    full.engine("acme")
    process = full.start("apply", "--yes")
    wait_until(lambda: full.records() == ["begin"], "the begin is in the journal")
    filler = fill(full.root, 512)
    ran = full.finish(process)
    ran.ended(1, str(platform.engines()[0]["id"]), "engines.lock.json could not be written", "No space left")
    filler.unlink()
    full.run("status").ended(0, str(platform.engines()[0]["id"]))
    full.apply().ended(0)
    assert full.entry("acme")["engineId"] == platform.engines()[0]["id"]
    assert platform.create_calls() == 1


@pytest.mark.parametrize(
    ("limit", "calls", "records"),
    [(700, 0, 0), (1300, 2, 4)],  # no room for two begins; room for the answers but not for a lockfile
)
def test_writes_that_stop_halfway(
    project: Project, platform: SandboxServer, limit: int, calls: int, records: int
) -> None:
    """No half lockfile is left, and no record that was acted upon is lost."""
    process = project.start(
        "apply",
        "--yes",
        env={"PYTHONDONTWRITEBYTECODE": "1"},  # Python would leave half a cached module, too
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    project.finish(process).ended(1, "File too large", *(str(engine["id"]) for engine in platform.engines()))
    assert platform.create_calls() == calls
    assert len(project.records()) >= records
    assert sorted(path.name for path in project.root.iterdir()) == [".git", "engines"]
    project.apply().ended(0)
    assert platform.create_calls() == 2
    assert sorted(project.lock["engines"]) == ["acme", "shop/web"]


def test_a_folder_in_the_place_of_the_journal(project: Project, platform: SandboxServer) -> None:
    project.journal.mkdir(parents=True)
    project.run("plan").ended(1, "journal.jsonl is not a regular file")
    project.apply().ended(1, "journal.jsonl is not a regular file")
    assert platform.requests() == []


def test_a_pipe_in_the_place_of_the_lockfile(bare: Project) -> None:
    os.mkfifo(bare.lockfile)
    bare.run("plan").ended(1, "not a regular file")


def test_a_git_file_that_leads_nowhere(project: Project, tmp_path: Path, platform: SandboxServer) -> None:
    odd = Project(tmp_path / "odd", platform.url)
    odd.engine("acme")
    (odd.root / ".git").write_text("gitdir: /nowhere/at/all\n")
    odd.run("plan").ended(0, "1 to create", "git cannot determine whether there was a lockfile")
    odd.apply("--no-publish").ended(1, "git refuses to work here")
    assert platform.create_calls() == 0
