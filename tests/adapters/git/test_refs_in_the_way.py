"""Refs that cannot be made are named as such, and at once."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from reconciler.adapters.checkout.merge_base import Aim, MergeBase
from reconciler.adapters.git.drafts import Draft
from reconciler.adapters.git.remote import GitRemote, Update
from reconciler.core.errors import GitError, PushRefused
from tests.adapters.git_far_end import clone, remote_of
from tests.app.git_repo import git

MAIN = "refs/heads/main"


@pytest.fixture
def repo(origin: Path) -> Path:
    return clone(origin)


def push(remote: GitRemote, *refs: str) -> None:
    [made] = remote.commit([Draft(remote.tips([MAIN])[MAIN], {"a": b"x"}, "Record\n")])
    remote.push([Update(ref, made) for ref in refs])


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        ("refs/heads/reconcile", "refs/heads/reconcile/production"),
        ("refs/heads/release/1.0", "refs/heads/release"),
        ("refs/reconcile", "refs/reconcile/production"),
    ],
)
@pytest.mark.parametrize("more", [(), ("refs/other/x",)])
@pytest.mark.parametrize("packed", [False, True])
def test_a_ref_that_is_a_folder_of_another_is_named(
    origin: Path, repo: Path, there: str, wanted: str, more: tuple[str, ...], packed: bool
) -> None:
    git(origin, "update-ref", there, MAIN)
    if packed:
        git(origin, "pack-refs", "--all")
    with pytest.raises(PushRefused, match=f"has `{there}`, so `{wanted}` cannot be created") as caught:
        push(remote_of(repo), wanted, *more)
    assert caught.value.hint is not None
    assert there in caught.value.hint


def test_a_lock_that_was_left_over_is_named(origin: Path, repo: Path) -> None:
    (origin / f"{MAIN}.lock").touch()
    with pytest.raises(
        PushRefused, match=r"a lock file blocks the push in the remote `origin`: .*main\.lock"
    ):
        push(remote_of(repo), MAIN)


def test_a_lock_that_goes_again_is_waited_for(origin: Path, repo: Path) -> None:
    lock = origin / f"{MAIN}.lock"
    lock.touch()
    timer = threading.Timer(0.3, lock.unlink)
    timer.start()
    push(remote_of(repo), MAIN)
    timer.join()
    assert not lock.exists()


def test_a_lock_in_the_clone_is_named(repo: Path) -> None:
    other = clone(repo.parent / "origin.git", "other")
    push(remote_of(other), "refs/heads/new")
    lock = repo / ".git/refs/reconcile-remote/heads%2Fnew.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    with pytest.raises(GitError, match=r"a lock file blocks the push in the clone: .*heads%2Fnew\.lock"):
        remote_of(repo).fetch(["refs/heads/new"])


def test_a_branch_that_becomes_a_folder_is_fetched(origin: Path, repo: Path) -> None:
    remote = remote_of(repo)
    push(remote, "refs/heads/release")
    remote.fetch(["refs/heads/release"])
    git(origin, "update-ref", "-d", "refs/heads/release")
    push(remote, "refs/heads/release/1.0")
    assert remote.fetch(["refs/heads/release/1.0"])


def test_a_branch_named_like_the_ledger_is_the_branch(repo: Path) -> None:
    git(repo, "checkout", "--quiet", "-b", "reconcile/production")
    git(repo, "commit", "--quiet", "--allow-empty", "--message", "on the branch")
    git(repo, "update-ref", "refs/reconcile/production", "HEAD~1")
    remote = remote_of(repo)
    assert remote.current_branch() == "reconcile/production"
    head = git(repo, "rev-parse", "HEAD")
    assert MergeBase(repo, "origin").find(Aim(("reconcile/production",))) == head


def test_a_folder_is_no_remote(repo: Path) -> None:
    began = time.monotonic()
    git(repo, "init", "--quiet", "--bare", "upstream")
    with pytest.raises(GitError, match="has no remote `upstream`"):
        MergeBase(repo, "upstream").find(Aim(("nowhere",)))
    assert time.monotonic() - began < 30
