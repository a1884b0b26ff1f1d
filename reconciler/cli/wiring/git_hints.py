"""The git commands for what an apply wrote: that commit it, or bring in the commit that has it. They work from where
they are read: in a subfolder, and with -C.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from reconciler.adapters.project.places import find_git
from reconciler.core.commands import git, git_path
from reconciler.core.errors import GitError


def how_to_add(root: Path, *files: str) -> str | None:
    """`git add` of the project's files; None outside of git."""
    if find_git(root) is None:
        return None
    return git("add", *(git_path(os.path.realpath(root / file)) for file in files))


def how_to_record(root: Path, lockfile: str, outputs: Sequence[str]) -> str | None:
    """The same of the lockfile and of those outputs that changed, and a commit."""
    from reconciler.adapters.checkout.ignored import to_add  # git, only after an apply

    changed: list[str] = []
    if outputs and find_git(root) is not None:
        with suppress(GitError):
            changed = to_add(root, outputs)
    add = how_to_add(root, lockfile, *changed)
    return None if add is None else f"{add} && {git('commit')}"


def how_to_pull(root: Path, branch: str, published: str, files: Sequence[str]) -> str | None:
    """What brings the commit that was `published` to `branch` into this checkout, where another branch or nothing of
    it is checked out None.

    What a run wrote here differs from HEAD, so git would refuse to pull over it. Once it is in the index, and it is
    what was published, git goes ahead; where it is not, git refuses still, and nothing is lost. That holds for what an
    earlier run wrote, too: for another environment, or another project. A checkout with commits of its own cannot be
    brought forward like that: there HEAD's files come first.
    """
    from reconciler.adapters.checkout.already_here import already_here
    from reconciler.adapters.checkout.ignored import to_add
    from reconciler.adapters.git.command import call_git

    def says(*words: str) -> str:
        try:
            return os.fsdecode(call_git(root, list(words))).strip()
        except GitError:
            return ""

    found = find_git(root)
    if found is None or says("symbolic-ref", "--quiet", "HEAD") != f"refs/heads/{branch}":
        return None
    head = says("rev-parse", "--verify", "--quiet", "HEAD")
    if not head or head == published:
        return None
    top = found[0]
    try:
        written = [os.path.realpath(root / name) for name in to_add(root, files)]
        own = [os.path.relpath(path, top) for path in written]
        written += [os.path.join(top, path) for path in already_here(top, head, published, own)]
    except GitError:
        return None
    remotes = says("remote").split("\n")
    follows = says("config", "--get", f"branch.{branch}.merge") or len(remotes) != 1
    pull = git("pull") if follows else git("pull", remotes[0], branch)
    paths = [git_path(path) for path in written]
    if not paths:
        return pull
    if says("merge-base", head, published) == head:
        return f"{git('add', *paths)} && {pull}"
    return f"{git('checkout', 'HEAD', '--', *paths)} && {pull}"
