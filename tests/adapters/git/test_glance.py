"""The one question whose answer is worth nothing where it fails: as `call_git` answers it, or not at all."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from reconciler.adapters.git.command import call_git
from reconciler.adapters.git.glance import glance
from reconciler.adapters.system import trail
from tests.app.git_repo import commit_all, git, new_repo

LOG = ["log", "--format=%H %s", "--end-of-options", "HEAD"]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = new_repo(tmp_path / "repo")
    (folder / "engines.lock.json").write_text("{}\n")
    commit_all(folder)
    return folder


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands of git that were started."""
    names: list[str] = []
    monkeypatch.setattr(trail, "_listeners", [lambda _level, text: names.append(text.split(" ")[1])])
    return names


def test_in_a_clone_a_worktree_and_a_subfolder_it_is_what_git_says(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "--quiet", str(tmp_path / "tree"))
    (repo / "sub").mkdir()
    for folder in (repo, repo / "sub", tmp_path / "tree"):
        assert glance(folder, LOG, 20.0) == call_git(folder, LOG)


def test_it_is_one_process(repo: Path, asked: list[str]) -> None:
    assert glance(repo, LOG, 20.0)
    assert asked == ["log"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("foreign", ["", ".git"])
def test_where_the_repository_is_somebody_elses_git_is_asked_first(
    repo: Path, asked: list[str], foreign: str
) -> None:
    os.chown(repo / foreign, 12345, -1)
    assert glance(repo, LOG, 20.0) is None
    assert asked == ["rev-parse"]


def test_without_an_answer_there_is_none(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert glance(repo, ["log", "--end-of-options", "nowhere"], 20.0) is None
    assert glance(tmp_path, LOG, 20.0) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert glance(repo, LOG, 20.0) is None


def test_what_takes_too_long_is_ended(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/process\necho some\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    began = time.monotonic()
    assert glance(repo, LOG, 1.0) is None
    assert time.monotonic() - began < 30
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "process").read_text()), 0)


def test_git_sees_neither_the_key_nor_what_leads_it_elsewhere(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nenv\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("LINGO_API_KEY", "a-secret-of-ours")
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    seen = (glance(repo, LOG, 20.0) or b"").decode()
    assert "GIT_NO_LAZY_FETCH=1" in seen
    assert "a-secret" not in seen
    assert "/elsewhere" not in seen
