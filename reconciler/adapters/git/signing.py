"""Signs the commits that go to a branch, with the key and program that git has for it (`gpg.format`)."""

from __future__ import annotations

from pathlib import Path

from reconciler.adapters.git.command import GitFailed, call_git, read_config
from reconciler.core.errors import GitError

_YES = ("true", "yes", "on", "1")


def signs_commits(root: Path) -> bool:
    """Whether the person has git sign every commit."""
    return read_config(root).last("commit.gpgSign").lower() in _YES


def signed(root: Path, commit: str, timeout: float) -> str:
    """The same commit with a signature: its new id. Raises `GitError` where git cannot sign."""
    content = call_git(root, ["cat-file", "commit", commit]).decode("utf-8", "replace")
    header, _, message = content.partition("\n\n")
    lines = [line.partition(" ") for line in header.split("\n")]
    [tree] = [value for name, _, value in lines if name == "tree"]
    parents = [word for name, _, value in lines if name == "parent" for word in ("-p", value)]
    who = {name: value for name, _, value in lines if name in ("author", "committer")}
    variables = {key: value for role, value in who.items() for key, value in _variables(role.upper(), value)}
    command = ["commit-tree", "-S", *parents, "-F", "-", tree]
    try:
        said = call_git(
            root, command, stdin=message.encode(), network=True, timeout=timeout, variables=variables
        )
    except GitFailed as error:
        raise GitError(
            f"the lockfile's commit cannot be signed: {error.said}",
            hint="make git's signing key available to the run (`user.signingkey`, `gpg.format`), or set `sign: false`",
        ) from error
    return said.decode("ascii").strip()


def _variables(role: str, who: str) -> list[tuple[str, str]]:
    """For `Name <address> seconds zone`."""
    name, _, rest = who.partition(" <")
    address, _, date = rest.partition("> ")
    return [(f"GIT_{role}_NAME", name), (f"GIT_{role}_EMAIL", address), (f"GIT_{role}_DATE", f"@{date}")]
