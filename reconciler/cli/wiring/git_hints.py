"""The git commands that people are told. They work from where they are read: in a subfolder, and with -C."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from reconciler.adapters.project.places import find_git
from reconciler.cli.wiring.project import Project


def how_to_add(project: Project) -> str | None:
    """`git add` of the lockfile; None outside of git."""
    words = _git(project)
    return None if words is None else f"{words[0]} add {words[1]}"


def how_to_record(project: Project) -> str | None:
    """The same, and a commit."""
    words = _git(project)
    return None if words is None else f"{words[0]} add {words[1]} && {words[0]} commit"


def _git(project: Project) -> tuple[str, str] | None:
    """`git`, led to the project where we are not in its repository, and the lockfile's path from there."""
    found = find_git(project.root)
    if found is None:
        return None
    here, lockfile = Path.cwd(), os.path.realpath(project.root / project.settings.lockfile)
    if find_git(here) == found:
        return "git", shlex.quote(os.path.relpath(lockfile, here))
    root = project.root.resolve()
    folder = str(root.relative_to(here)) if root.is_relative_to(here) else str(root)
    return f"git -C {shlex.quote(folder)}", shlex.quote(os.path.relpath(lockfile, root))
