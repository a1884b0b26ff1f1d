"""Git's configuration is read once, and again where the repository's own file changed."""

from __future__ import annotations

from pathlib import Path

from reconciler.adapters.git.remote import GitRemote
from tests.adapters.git_far_end import WHO, clone, remote_of
from tests.app.git_repo import git


def test_an_address_that_a_person_changed_meanwhile_is_seen(origin: Path) -> None:
    repo = clone(origin)
    remote, other = remote_of(repo), GitRemote(repo, "Origin", WHO)
    before = remote.url()
    git(repo, "remote", "set-url", "origin", "https://acme.example/Engines.git")
    git(repo, "remote", "add", "Origin", before)  # another one: names of remotes have a case
    assert (remote.url(), other.url()) == ("https://acme.example/Engines.git", before)
