"""A lockfile that git could not merge: its sides are in the index, and the file here may look whole.

Where the merge driver does not run, git leaves our side in the work tree without a marker. Whoever plans from it, or
adds it, forgets the engines of the other side.
"""

from __future__ import annotations

from pathlib import Path

from reconciler.adapters.git.command import call_git
from reconciler.adapters.git.printed import sides_in
from reconciler.adapters.project.places import merge_under_way
from reconciler.core.commands import reconcile
from reconciler.core.errors import GitError, LockfileError
from reconciler.core.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Sides:
    """The contents in the index; None for a side that has no such file."""

    base: bytes | None
    ours: bytes | None
    theirs: bytes | None


def sides_of(root: Path, name: str, content: bytes | None) -> Sides | None:
    """The sides of a file that is unmerged in the index and one of them here; else None. Raises `GitError`."""
    if not merge_under_way(root):
        return None
    blobs = sides_in(call_git(root, ["ls-files", "--unmerged", "-z", "--", f":(literal){name}"]))
    if not blobs:
        return None
    contents = {stage: call_git(root, ["cat-file", "blob", blob]) for stage, blob in blobs.items()}
    sides = Sides(contents.get("1"), contents.get("2"), contents.get("3"))
    merged = sides.ours == sides.theirs or content not in (sides.ours, sides.theirs)
    return None if merged else sides


def check_merged(root: Path, name: str, content: bytes | None) -> None:
    """Raises `LockfileError` where the file here is one side of a merge as if it were the result."""
    try:
        sides = sides_of(root, name, content)
    except GitError:  # a plan needs no git
        return
    if sides is None:
        return
    raise LockfileError(
        f"{name} is not merged: git has two versions of it, and the file here is one of them",
        hint=f"run `{reconcile('lockfile repair')}` to merge both",
    )
