"""The merge driver in a repo's configuration: added where it is missing, and nothing overwritten."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.adapters.checkout.merge_driver import COMMAND, DRIVER, set_up_merge_driver


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", "--template=", tmp_path], check=True)
    return tmp_path


def configured(repo: Path) -> dict[str, str]:
    command = ["git", "-C", str(repo), "config", "--local", "--get-regexp", r"^merge\."]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return dict(line.split(" ", 1) for line in said.splitlines())


def test_a_repo_gets_the_driver_once(repo: Path) -> None:
    first = set_up_merge_driver(repo)
    assert first is not None
    assert first.action == "created"
    assert configured(repo) == {
        "merge.reconcile-lockfile.name": "merge engines.lock.json entry by entry",
        "merge.reconcile-lockfile.driver": f"{sys.executable} -I -m reconciler lockfile merge %O %A %B %P",
    }
    before = (repo / ".git/config").read_bytes()
    again = set_up_merge_driver(repo)
    assert again == (f"git config {DRIVER}", "kept", None)
    assert (repo / ".git/config").read_bytes() == before


def test_what_somebody_set_is_kept(repo: Path) -> None:
    for setting, value in ((DRIVER, "my-merge %A"), ("merge.reconcile-lockfile.name", "mine")):
        subprocess.run(["git", "-C", str(repo), "config", setting, value], check=True)
    before = (repo / ".git/config").read_bytes()
    result = set_up_merge_driver(repo)
    assert result is not None
    assert (result.action, result.note) == ("kept", f"a command other than `{COMMAND}` is set")
    assert (repo / ".git/config").read_bytes() == before


@pytest.mark.parametrize("program", ["reconcile", "/gone/bin/reconcile", "/bin/false"])
def test_a_driver_of_ours_that_git_could_not_start_is_replaced(repo: Path, program: str) -> None:
    subprocess.run(
        ["git", "-C", str(repo), "config", DRIVER, f"{program} lockfile merge %O %A %B %P"], check=True
    )
    result = set_up_merge_driver(repo)
    assert result is not None
    assert result.action == "created"
    assert program in (result.note or "")
    assert configured(repo)[DRIVER] == COMMAND


def test_a_name_that_somebody_gave_it_is_kept(repo: Path) -> None:
    subprocess.run(["git", "-C", str(repo), "config", "merge.reconcile-lockfile.name", "mine"], check=True)
    set_up_merge_driver(repo)
    assert set(configured(repo).values()) == {"mine", COMMAND}


def test_a_worktree_has_the_driver_of_its_repo(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    beside = tmp_path_factory.mktemp("beside") / "tree"
    who = ("-c", "user.name=T", "-c", "user.email=t@localhost")
    subprocess.run(["git", "-C", str(repo), *who, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    subprocess.run(["git", "-C", str(repo), "worktree", "add", "-q", str(beside)], check=True)
    assert set_up_merge_driver(beside) is not None
    assert DRIVER in configured(repo)


def test_outside_of_git_there_is_nothing_to_set(tmp_path: Path) -> None:
    assert set_up_merge_driver(tmp_path) is None


def test_a_configuration_that_cannot_be_written_is_a_note(repo: Path) -> None:
    (repo / ".git/config.lock").touch()  # as a git that runs right now leaves it
    result = set_up_merge_driver(repo)
    assert result is not None
    assert result.action == "kept"
    assert (result.note or "").startswith("not set: git config failed: ")
    assert configured(repo) == {}
