"""Where a repository has projects: every `reconcile.yaml` that belongs to it, as git sees the work tree.

What git ignores, submodules, nested repositories and folders behind links are none of it. Vendored and hidden folders,
and those of another user, are reported and left alone: what a stranger wrote must not decide where the API key is sent.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from reconciler.adapters.git.command import call_git
from reconciler.adapters.project.places import find_git
from reconciler.adapters.project.safe_read import real_path
from reconciler.core.errors import InvalidInput
from reconciler.core.project_list import Skipped, chosen_by, is_vendored
from reconciler.core.settings.model import SETTINGS_FILE

_MOST = 200_000  # folders that are looked into where there is no git
# By what a project is known that has no settings file, where it is asked for by name.
_OTHER_SIGNS = ("engines.lock.json", "engines")


class Found(NamedTuple):
    """`folders` count from `top`, in order; `in_git` is whether git said so."""

    top: Path
    folders: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    in_git: bool


def find_projects(start: Path, globs: Sequence[str] = ()) -> Found:
    """Those of the repository around `start`, or below it outside of git; with `globs` (tidied) those that one of them
    matches, with or without settings. Raises `GitError`, or `InvalidInput` for a tree without end.
    """
    around = find_git(start)
    top = Path(os.path.realpath(start)) if around is None else around[0]
    files = _walked(top) if around is None else _known_to_git(top, bool(globs))
    folders = sorted(_folders(files, bool(globs)))
    taken, skipped = [], []
    for folder in folders:
        if globs and not chosen_by(folder, globs):
            continue
        reason = _not_ours(top, folder, globs)
        if reason is None:
            taken.append(folder)
        else:
            skipped.append(Skipped(folder, reason))
    return Found(top, tuple(taken), tuple(skipped), around is not None)


def _known_to_git(top: Path, named: bool) -> Iterator[str]:
    signs = [f":(top,glob)**/{SETTINGS_FILE}"]
    if named:
        signs += [":(top,glob)**/engines.lock.json", ":(top,glob)**/engines/**"]
    options = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--full-name"]
    yield from os.fsdecode(call_git(top, [*options, "--", *signs])).split("\0")[:-1]


def _walked(top: Path) -> Iterator[str]:
    """The same without git: nothing behind links, and nothing of repositories inside."""
    for seen, (folder, folders, files) in enumerate(os.walk(top)):
        if seen > _MOST:
            raise InvalidInput(
                f"more than {_MOST:,} folders, and no git repository to tell which count",
                hint="choose a smaller folder with -C",
            )
        inside = os.path.relpath(folder, top).replace(os.sep, "/")
        folders[:] = sorted(
            name
            for name in folders
            if not os.path.lexists(os.path.join(folder, name, ".git"))
            and not is_vendored(name)
            and not os.path.islink(os.path.join(folder, name))
        )
        yield from (name if inside == "." else f"{inside}/{name}" for name in files)


def _folders(files: Iterable[str], named: bool) -> set[str]:
    """The projects that the files are signs of; `engines/` counts as far out as it stands."""
    found = set()
    for file in files:
        folder, name = posixpath.split(file)
        if name == SETTINGS_FILE or (named and name == _OTHER_SIGNS[0]):
            found.add(folder or ".")
        elif named and _OTHER_SIGNS[1] in (parts := folder.split("/")):
            found.add("/".join(parts[: parts.index(_OTHER_SIGNS[1])]) or ".")
    return found


def _not_ours(top: Path, folder: str, globs: Sequence[str]) -> str | None:
    """Why the project in it is left alone."""
    named, by_name = folder in globs, bool(globs)
    path = top if folder == "." else top / folder
    if is_vendored(folder) and not named:
        return "it is in a vendored or hidden folder"
    if not os.path.isdir(path) or not _has_sign(path, by_name):
        return "git has it, and it is not in the work tree"
    if real_path(str(path)) != str(path):
        return "a link leads there"
    if (stranger := _stranger(top, folder)) is not None:
        return f"{stranger} belongs to another user, or everybody may write there"
    return None


def _has_sign(path: Path, by_name: bool) -> bool:
    signs = (SETTINGS_FILE, *_OTHER_SIGNS) if by_name else (SETTINGS_FILE,)
    return any(os.path.lexists(path / sign) for sign in signs)


def _stranger(top: Path, folder: str) -> str | None:
    """The first folder on the way that is not its repository's owner's."""
    owners = {os.stat(top).st_uid, 0, *([os.geteuid()] if hasattr(os, "geteuid") else [])}
    parts = [] if folder == "." else folder.split("/")
    for count in range(1, len(parts) + 1):
        status = os.stat(top.joinpath(*parts[:count]))
        shared = status.st_mode & stat.S_ISVTX and status.st_mode & stat.S_IWOTH
        if shared or status.st_uid not in owners:
            return "/".join(parts[:count])
    return None
