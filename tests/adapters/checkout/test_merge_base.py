"""Finding the base: in whole, shallow and odd clones, with and without a remote that is there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from reconciler.adapters.checkout import merge_base as git_merge_base
from reconciler.adapters.checkout.merge_base import Aim, MergeBase
from reconciler.core.errors import GitError
from tests.adapters.git_far_end import clone, looks, odd_refs
from tests.app.git_repo import commit_all, git, new_repo


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An origin whose `main` went on after `topic` left it, and what GitHub would merge of the two."""
    root = new_repo(tmp_path_factory.mktemp("template") / "seed", "--template=")
    for number in range(4):
        _commit(root, f"old{number}")
    git(root, "tag", "fork")
    git(root, "checkout", "--quiet", "-b", "topic")
    for number in range(3):
        _commit(root, f"topic{number}")
    git(root, "checkout", "--quiet", "main")
    for number in range(3):
        _commit(root, f"main{number}")
    git(root, "checkout", "--quiet", "--detach")
    git(root, "merge", "--quiet", "--no-ff", "--message", "Merge topic into main", "topic")
    git(root, "update-ref", "refs/pull/7/merge", "HEAD")
    git(root, "update-ref", "refs/pull/7/head", "topic")
    git(root, "checkout", "--quiet", "main")
    return root


@pytest.fixture
def origin(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "origin"))


def _commit(root: Path, name: str) -> None:
    (root / name).write_text(name)
    commit_all(root, name)


def checkout(origin: Path, ref: str, *arguments: str) -> Path:
    """As actions/checkout does it: fetch one ref, and check it out detached."""
    root = new_repo(origin.parent / "work", "--template=")
    git(root, "remote", "add", "origin", f"file://{origin}")
    git(root, "fetch", "--quiet", "--no-tags", *arguments, "origin", f"+{ref}:refs/remotes/pull/checked-out")
    git(root, "checkout", "--quiet", "--detach", "refs/remotes/pull/checked-out")
    return root


def sha(root: Path, name: str) -> str:
    return git(root, "rev-parse", f"{name}^{{commit}}")


def find(root: Path, *names: str, merged: str | None = None) -> str:
    aim = Aim(names, frozenset({merged} if merged else ()))
    return MergeBase(root, "origin", 30.0).find(aim)


def shallow(root: Path) -> bool:
    return git(root, "rev-parse", "--is-shallow-repository") == "true"


@pytest.mark.parametrize("known_by", ["refs/pull/7/merge", "refs/pull/7/head"])
@pytest.mark.parametrize("depth", [["--depth=1"], []])
def test_what_github_merged_has_its_base_as_first_parent(
    origin: Path, depth: list[str], known_by: str
) -> None:
    root = checkout(origin, "refs/pull/7/merge", *depth)
    assert find(root, "main", merged=sha(origin, known_by)) == sha(origin, "main")
    assert shallow(root) is bool(depth)


def test_the_first_parent_counts_also_when_main_went_on(origin: Path) -> None:
    before = sha(origin, "main")
    root = checkout(origin, "refs/pull/7/merge", "--depth=1")
    _commit(origin, "later")
    assert find(root, "main", merged=sha(origin, "refs/pull/7/merge")) == before


@pytest.mark.parametrize("depth", [["--depth=1"], ["--depth=2"], []])
def test_a_checked_out_head_is_compared_with_where_it_left(origin: Path, depth: list[str]) -> None:
    root = checkout(origin, "refs/pull/7/head", *depth)
    assert find(root, "main") == sha(origin, "fork")


def test_deepening_stops_as_soon_as_they_meet(origin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git_merge_base, "STEPS", (1, 3, 50))
    root = checkout(origin, "refs/pull/7/head", "--depth=1")
    assert find(root, "main") == sha(origin, "fork")
    assert shallow(root)


def test_histories_that_do_not_meet_in_reach_end_in_words(
    origin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git_merge_base, "STEPS", (1,))
    root = checkout(origin, "refs/pull/7/head", "--depth=1")
    with pytest.raises(GitError, match="have no common commit within 1 commits") as raised:
        find(root, "main")
    assert "fetch-depth: 0" in str(raised.value.hint)


def test_a_commit_of_our_own_on_a_shallow_clone(origin: Path) -> None:
    root = checkout(origin, "refs/pull/7/head", "--depth=1")
    _commit(root, "mine")
    assert find(root, "main") == sha(origin, "fork")


def test_no_network_where_everything_is_here(origin: Path) -> None:
    root = clone(origin)
    git(root, "checkout", "--quiet", "--detach", "origin/topic")
    fork, base = sha(origin, "fork"), sha(origin, "main")
    merged = sha(root, "HEAD")
    git(root, "fetch", "--quiet", "origin", "refs/pull/7/merge:merged")
    shutil.rmtree(origin)
    assert find(root, "origin/main") == fork
    assert find(root, "main") == fork
    assert find(root, base) == fork
    git(root, "checkout", "--quiet", "--detach", "merged")
    assert find(root, "nowhere", merged=merged) == base


@pytest.mark.parametrize("names", [["main"], ["origin/main"], ["refs/heads/main"], ["no-such", "main"]])
def test_a_branch_that_the_clone_lacks_is_fetched_and_nothing_else_is_touched(
    origin: Path, names: list[str]
) -> None:
    root = checkout(origin, "refs/pull/7/head")
    before, odd = looks(root), odd_refs(root)
    assert find(root, *names) == sha(origin, "fork")
    assert looks(root) == before
    assert {*odd_refs(root)} - {*odd} == {"refs/reconcile-remote/heads%2Fmain"}
    assert not shallow(root)


def test_a_commit_by_its_id_is_fetched(origin: Path) -> None:
    root = checkout(origin, "refs/pull/7/head", "--depth=1")
    assert find(root, sha(origin, "main")) == sha(origin, "fork")


def test_the_best_name_that_is_here_wins_over_one_to_fetch(origin: Path) -> None:
    root = clone(origin)
    git(root, "branch", "old", "origin/main~2")
    shutil.rmtree(origin)
    assert find(root, "not-here", "old") == sha(root, "old")


@pytest.mark.parametrize(
    "name", ["gone", "", "-x", "a..b", "a b", "x:y", "+main", "*", "a\nb", "@{u}", "0" * 40]
)
def test_names_that_lead_nowhere(origin: Path, name: str) -> None:
    root = checkout(origin, "refs/pull/7/head")
    with pytest.raises(GitError, match="the base cannot be determined") as raised:
        find(root, name)
    assert "--base" in str(raised.value.hint)


def test_a_remote_that_is_gone_is_said_with_what_to_do(origin: Path) -> None:
    root = checkout(origin, "refs/pull/7/merge", "--depth=1")
    merged = sha(root, "HEAD")
    shutil.rmtree(origin)
    with pytest.raises(GitError) as raised:
        find(root, "main", merged=merged)
    assert "fetch-depth: 0" in str(raised.value.hint)
    with pytest.raises(GitError, match="the base cannot be determined"):
        find(root, "main")


def test_histories_with_nothing_in_common(origin: Path) -> None:
    root = clone(origin)
    git(root, "checkout", "--quiet", "--orphan", "alone")
    git(root, "commit", "--quiet", "--allow-empty", "--message", "alone")
    with pytest.raises(GitError, match="no commit in common"):
        find(root, "main")


def test_a_repo_without_a_commit_or_without_the_remote(tmp_path: Path) -> None:
    root = new_repo(tmp_path / "empty", "--template=")
    with pytest.raises(GitError, match="no commit yet"):
        find(root, "main")
    _commit(root, "first")
    with pytest.raises(GitError, match="the base cannot be determined"):
        find(root, "other")
