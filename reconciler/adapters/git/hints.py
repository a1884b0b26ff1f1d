"""The git commands that people are told. They work from where they are read: in a subfolder, and with -C."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from pathlib import Path

from reconciler.adapters.project.places import find_git


def git_from_here(folder: Path) -> tuple[str, Path] | None:
    """`git`, led to the repository of a folder where we are not in it, and where its paths count from; None outside."""
    found = find_git(folder)
    if found is None:
        return None
    here, top = Path.cwd(), found[0]
    if find_git(here) == found:
        return "git", here
    return f"git -C {shlex.quote(str(top.relative_to(here) if top.is_relative_to(here) else top))}", top


def git_command(folder: Path, steps: str, files: Iterable[str | Path] = ()) -> str:
    """Commands of git for the repository of a folder: `steps` without `git`, joined by ` && `; `PATHS` in them are the
    files, relative to the folder.
    """
    git, start = git_from_here(folder) or ("git", folder)
    paths = (os.path.relpath(os.path.join(os.path.realpath(folder), file), start) for file in files)
    told = " ".join(map(shlex.quote, paths))
    return " && ".join(f"{git} {step}".replace("PATHS", told) for step in steps.split(" && "))
