"""The git commands that record what an apply wrote. They work from where they are read: in a subfolder, and with -C."""

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
