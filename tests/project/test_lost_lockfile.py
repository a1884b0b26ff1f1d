"""Where git is asked for a lockfile that is not here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.app.recorded import RecordedState
from reconciler.core.errors import LockfileError
from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
from reconciler.core.lockfile.model import EMPTY, Lockfile
from reconciler.core.settings.model import Settings
from reconciler.project.lost_lockfile import refuse_if_lost
from tests.app.git_repo import commit_all, git, new_repo

NAME = "engines.lock.json"
FULL = '{"version": 1, "engines": {"acme": {"engineId": "eng_1"}}}\n'
NOTHING = RecordedState(EMPTY, (), EMPTY, "absent")


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("GITHUB_REF", "CI_COMMIT_BRANCH"):
        monkeypatch.delenv(name, raising=False)
    root = new_repo(tmp_path / "repo", "--template=")
    (root / "other").write_text("x")
    git(root, "update-ref", "refs/tags/first", commit_all(root))
    (root / NAME).write_text(FULL)
    commit_all(root)
    git(root, "branch", "with")
    git(root, "reset", "--quiet", "--hard", "first")
    return root


def test_the_branch_is_looked_at_under_the_names_it_may_have(repo: Path) -> None:
    refuse_if_lost(repo, Settings(), NOTHING)
    for ref in ("origin/main", "origin/release", "hub/main"):
        git(repo, "update-ref", f"refs/remotes/{ref}", "with")
        remote, _, branch = ref.partition("/")
        settings = Settings(remote=remote, branch=None if branch == "main" else branch)
        with pytest.raises(LockfileError, match=f"`{ref}` has it"):
            refuse_if_lost(repo, settings, NOTHING)
        git(repo, "update-ref", "-d", f"refs/remotes/{ref}")
    git(repo, "update-ref", "refs/reconcile-remote/heads%2Fmain", "with")
    refuse_if_lost(repo, Settings(), NOTHING)
    with pytest.raises(LockfileError, match="has it with 1 engine"):
        refuse_if_lost(repo, Settings(branch="main"), NOTHING)


def test_a_remote_that_was_looked_at_is_all_there_is_to_know(repo: Path) -> None:
    git(repo, "update-ref", "refs/remotes/origin/main", "with")
    seen = replace(NOTHING, shared=RemoteSnapshot(branch_tip=git(repo, "rev-parse", "HEAD")))
    refuse_if_lost(repo, Settings(), seen)
    git(repo, "reset", "--quiet", "--hard", "with")
    git(repo, "rm", "--quiet", NAME)
    seen = replace(NOTHING, shared=RemoteSnapshot(branch_tip=commit_all(repo)))
    with pytest.raises(LockfileError, match="a commit removed it"):
        refuse_if_lost(repo, Settings(), seen)


def test_one_that_is_here_and_empty_is_compared_with_the_commit(repo: Path, tmp_path: Path) -> None:
    git(repo, "reset", "--quiet", "--hard", "with")
    (repo / NAME).write_text('{"version": 1, "engines": {}}\n')
    with pytest.raises(LockfileError, match="has no engine, but 1 in the commit"):
        refuse_if_lost(repo, Settings(), NOTHING)
    retired = Lockfile(retired={"acme": ({"engineId": "eng_1", "retiredAt": "2026-01-01T00:00:00Z"},)})
    refuse_if_lost(repo, Settings(), replace(NOTHING, on_disk=retired))
    refuse_if_lost(tmp_path, Settings(), NOTHING)
