"""A lockfile that is missing though git has one, in real clones."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from reconciler.adapters.checkout.lost_lockfile import refuse_if_in_head, refuse_if_known
from reconciler.core.errors import GitError, LockfileError
from tests.app.git_repo import commit_all, git, new_repo

NAME = "engines.lock.json"
FULL = '{"version": 1, "engines": {"acme": {"engineId": "eng_1"}}}\n'
EMPTY = '{"version": 1, "engines": {}}\n'


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = new_repo(tmp_path / "repo", "--template=")
    (root / "other").write_text("x")
    commit_all(root)
    (root / NAME).write_text(FULL)
    commit_all(root)
    monkeypatch.chdir(root)
    return root


def paste(error: LockfileError) -> None:
    assert error.hint is not None
    subprocess.run(["sh", "-c", error.hint.split("`")[1]], check=True, capture_output=True)


def test_one_that_head_or_the_index_has_comes_back(repo: Path) -> None:
    (repo / NAME).unlink()
    with pytest.raises(LockfileError, match="in git, but not in the work tree") as caught:
        refuse_if_in_head(repo, NAME)
    paste(caught.value)
    assert (repo / NAME).read_text() == FULL
    git(repo, "rm", "--quiet", NAME)
    with pytest.raises(
        LockfileError, match="is missing, but the commit that is checked out has it"
    ) as caught:
        refuse_if_in_head(repo, NAME)
    paste(caught.value)
    assert (repo / NAME).read_text() == FULL
    git(repo, "sparse-checkout", "set", "--no-cone", "/other")
    with pytest.raises(LockfileError, match="the checkout is sparse") as caught:
        refuse_if_in_head(repo, NAME)
    paste(caught.value)
    assert (repo / NAME).read_text() == FULL


def test_one_that_lost_its_engines_comes_back(repo: Path) -> None:
    (repo / NAME).write_text(EMPTY)
    with pytest.raises(LockfileError, match="has no engine, but 1 in the commit") as caught:
        refuse_if_in_head(repo, NAME, engines=True)
    paste(caught.value)
    assert (repo / NAME).read_text() == FULL
    (repo / NAME).write_text(EMPTY)
    commit_all(repo)
    refuse_if_in_head(repo, NAME, engines=True)  # on purpose


def test_one_that_a_commit_removed_comes_back_unless_that_says_so(repo: Path) -> None:
    (repo / NAME).unlink()
    commit_all(repo)
    refuse_if_in_head(repo, NAME)
    with pytest.raises(LockfileError, match="missing; a commit removed it") as caught:
        refuse_if_known(repo, NAME, [])
    paste(caught.value)
    assert (repo / NAME).read_text() == FULL
    (repo / NAME).write_text(EMPTY)
    commit_all(repo)
    git(repo, "rm", "--quiet", NAME)
    commit_all(repo)
    refuse_if_known(repo, NAME, [])


def test_one_that_only_the_branch_or_the_ledger_has_comes_back(repo: Path) -> None:
    refs = [
        ("refs/remotes/origin/main", f"./{NAME}"),
        ("refs/x/y", "published.lock.json"),
    ]
    git(repo, "update-ref", "refs/remotes/origin/main", "HEAD")
    git(repo, "reset", "--quiet", "--hard", "HEAD~1")
    with pytest.raises(LockfileError, match="`origin/main` has it with 1 engine") as caught:
        refuse_if_known(repo, NAME, refs)
    paste(caught.value)
    assert (repo / NAME).read_text() == FULL
    (repo / NAME).rename(repo / "published.lock.json")
    git(repo, "rm", "--quiet", "--cached", NAME)
    commit_all(repo)
    git(repo, "update-ref", "refs/x/y", "HEAD")
    git(repo, "update-ref", "-d", "refs/remotes/origin/main")
    with pytest.raises(LockfileError, match="`refs/x/y` has it") as caught:
        refuse_if_known(repo, NAME, refs)
    paste(caught.value)
    assert (repo / NAME).read_text() == FULL


def test_a_broken_one_counts_as_one(repo: Path) -> None:
    (repo / NAME).write_text("{")
    commit_all(repo)
    git(repo, "rm", "--quiet", "--cached", NAME)
    (repo / NAME).unlink()
    with pytest.raises(LockfileError, match="the commit that is checked out has it"):
        refuse_if_in_head(repo, NAME)


@pytest.mark.parametrize("commits", [0, 2])
def test_where_there_never_was_one_nothing_is_said(tmp_path: Path, commits: int) -> None:
    root = new_repo(tmp_path / "repo", "--template=")
    for number in range(commits):
        (root / "other").write_text(str(number))
        commit_all(root)
    for folder in (tmp_path, root):
        refuse_if_in_head(folder, NAME)
        refuse_if_in_head(folder, NAME, engines=True)
        refuse_if_known(folder, NAME, [("refs/remotes/origin/main", f"./{NAME}")])


def test_git_that_refuses_is_no_answer(repo: Path) -> None:
    (repo / NAME).unlink()
    (repo / ".git" / "HEAD").write_text("nonsense\n")
    with pytest.raises(GitError):
        refuse_if_in_head(repo, NAME)
