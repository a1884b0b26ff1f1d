"""The lockfile's commit is signed as git signs, where that is asked for."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.adapters.git.drafts import Draft
from reconciler.adapters.git.remote import GitRemote
from reconciler.core.errors import GitError
from tests.adapters.git_far_end import clone, remote_of
from tests.app.git_repo import git


@pytest.fixture
def repo(origin: Path) -> Path:
    """A clone with an ssh key to sign with."""
    made = clone(origin)
    key = origin.parent / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    (origin.parent / "allowed").write_text(f"ci@example.com {key.with_suffix('.pub').read_text()}")
    for name, value in {
        "gpg.format": "ssh",
        "user.signingkey": f"{key}.pub",
        "gpg.ssh.allowedSignersFile": str(origin.parent / "allowed"),
    }.items():
        git(made, "config", name, value)
    return made


def made_by(remote: GitRemote) -> str:
    head = git(remote.root, "rev-parse", "HEAD")
    ledger = Draft(None, {"journal.jsonl": b""}, "ledger\n", alone=True)
    lockfile = Draft(head, {"a": b"x"}, "Ümlaut\n\nbody\n", for_branch=True)
    of_ledger, branch = remote.commit([ledger, lockfile])
    assert not is_signed(remote.root, of_ledger)
    return branch


def is_signed(repo: Path, commit: str) -> bool:
    return "gpgsig" in git(repo, "cat-file", "commit", commit)


@pytest.mark.parametrize(("sign", "config"), [(True, "false"), (None, "true"), (None, "on")])
def test_it_is_signed_where_that_is_asked_for(repo: Path, sign: bool | None, config: str) -> None:
    git(repo, "config", "commit.gpgsign", config)
    branch = made_by(replace(remote_of(repo), sign=sign))
    assert is_signed(repo, branch)
    git(repo, "verify-commit", branch)
    assert git(repo, "log", "-1", "--format=%cn <%ae>%n%B", branch).split("\n")[:4] == [
        "CI Bot <ci@example.com>",
        "Ümlaut",
        "",
        "body",
    ]
    assert git(repo, "rev-parse", f"{branch}~1") == git(repo, "rev-parse", "HEAD")


@pytest.mark.parametrize(("sign", "config"), [(False, "true"), (None, "false")])
def test_it_is_not_signed_otherwise(repo: Path, sign: bool | None, config: str) -> None:
    git(repo, "config", "commit.gpgsign", config)
    assert not is_signed(repo, made_by(replace(remote_of(repo), sign=sign)))


def test_a_key_that_is_not_here_ends_a_run_only_where_it_was_asked_for(repo: Path) -> None:
    git(repo, "config", "commit.gpgsign", "true")
    git(repo, "config", "user.signingkey", "/nowhere/key.pub")
    heard: list[str] = []
    assert not is_signed(repo, made_by(replace(remote_of(repo), notice=heard.append)))
    assert len(heard) == 1
    assert "cannot be signed" in heard[0]
    with pytest.raises(GitError, match="cannot be signed") as caught:
        made_by(replace(remote_of(repo), sign=True))
    assert caught.value.hint
