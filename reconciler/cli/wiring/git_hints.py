"""The git commands that people are told. They work from where they are read: in a subfolder, and with -C."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from reconciler.adapters.git.hints import git_from_here


def how_to_add(root: Path, lockfile: str) -> str | None:
    """`git add` of the lockfile; None outside of git."""
    words = _git(root, lockfile)
    return None if words is None else f"{words[0]} add {words[1]}"


def how_to_record(root: Path, lockfile: str) -> str | None:
    """The same, and a commit."""
    words = _git(root, lockfile)
    return None if words is None else f"{words[0]} add {words[1]} && {words[0]} commit"


def _git(root: Path, lockfile: str) -> tuple[str, str] | None:
    """`git`, led to the project where we are not in its repository, and the lockfile's path from there."""
    found = git_from_here(root)
    if found is None:
        return None
    git, start = found
    return git, shlex.quote(os.path.relpath(os.path.realpath(root / lockfile), start))
