"""What keeps a clone from being moved, in words."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.adapters.git.command import GitFailed
from reconciler.core.commands import git
from reconciler.core.patterns import lazy_pattern
from reconciler.core.watch.machine import Trouble

_LOCK = lazy_pattern(r"Unable to create '([^'\n]+\.lock)': File exists")
_SHOWN = 5  # names of files in a message


def in_the_way(paths: Sequence[str], branch: str) -> Trouble:
    """Changes in the clone that belong to somebody."""
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return Trouble(
        "dirty",
        f"the clone has changes that are not on `{branch}`: {', '.join(paths[:_SHOWN])}{more}",
        f"run `{git('status')}`; commit and push them, or remove them",
        True,
    )


def had_not_begun(error: GitFailed) -> bool:
    """Whether git wrote no file: it locks the index first, and HEAD and its branch at the end."""
    lock = _LOCK.search(error.stderr)
    return "would be overwritten" in error.stderr or (lock is not None and lock[1].endswith("/index.lock"))


def why_not(error: GitFailed) -> Trouble:
    """What kept git from moving the work tree."""
    if (lock := _LOCK.search(error.stderr)) is not None:
        hint = "wait for the git process that holds it; if none is running, delete the file"
        return Trouble("locked", f"a lock file blocks the clone: {lock[1]}", hint, True)
    if "would be overwritten" in error.stderr:
        return Trouble(
            "dirty", f"files in the clone are in the way: {error.said}", f"run `{git('status')}`", True
        )
    return Trouble("move", error.message, f"run `{git('status')}`", True)
