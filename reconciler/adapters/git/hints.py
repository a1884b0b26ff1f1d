"""Commands of git for people that lead to any repository: that of the project, one around it, or a submodule."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from pathlib import Path

from reconciler.adapters.project.places import find_git
from reconciler.core.commands import git, reading_folder


def git_command(folder: Path, steps: str, files: Iterable[str | Path] = ()) -> str:
    """Commands of git for the repository of a folder: `steps` without `git`, joined by ` && `; `PATHS` in them are the
    files, relative to the folder. A word that is not ours is quoted there.
    """
    here, found = Path(reading_folder() or Path.cwd()), find_git(folder)
    top = folder if found is None else found[0]
    leads = found is not None and find_git(here) != found
    way = str(top.relative_to(here)) if top.is_relative_to(here) else str(top)
    start = top if leads else here
    paths = [os.path.relpath(os.path.join(os.path.realpath(folder), file), start) for file in files]
    words = (
        [one for word in shlex.split(step) for one in _filled(word, paths)] for step in steps.split(" && ")
    )
    return " && ".join(git(*step, folder=way if leads else "") for step in words)


def _filled(word: str, paths: list[str]) -> list[str]:
    return paths if word == "PATHS" else [word]
