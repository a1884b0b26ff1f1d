"""The git commands that record what an apply wrote. They work from where they are read: in a subfolder, and with -C."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from reconciler.adapters.project.places import find_git
from reconciler.core.commands import git, git_path


def how_to_add(root: Path, *files: str) -> str | None:
    """`git add` of the project's files; None outside of git."""
    if find_git(root) is None:
        return None
    return git("add", *(git_path(os.path.realpath(root / file)) for file in files))


def how_to_record(root: Path, files: Sequence[str]) -> str | None:
    """The same, and a commit."""
    add = how_to_add(root, *files)
    return None if add is None else f"{add} && {git('commit')}"
