"""Files here that are what a newer commit has, though HEAD has not: git pulls over them once they are added."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from reconciler.adapters.checkout.ignored import to_add
from reconciler.adapters.git.command import call_git

_PATTERN = frozenset("*?[\\")  # `git add` would take more than the file of that name
_MOST = 1000  # files that a command can name, and that are worth a look


def already_here(top: Path, head: str, commit: str, but: Collection[str] = ()) -> list[str]:
    """Of the files that differ between both commits, those that are here as `commit` has them, and not as HEAD; paths
    from `top`, without those in `but`. Raises `GitError`.
    """
    differing = _lines(call_git(top, ["diff", "--name-only", "--no-renames", "-z", head, commit, "--"]))
    plain = [path for path in differing if path.isprintable() and _PATTERN.isdisjoint(path)]
    found = [path for path in to_add(top, plain) if path not in but and os.path.isfile(top / path)]
    if len(differing) > _MOST or not found:
        return []
    listed = _lines(call_git(top, ["ls-tree", "-r", "-z", "--full-tree", commit, "--", *found]))
    blobs = {path: meta.split(" ")[2] for meta, _, path in (line.partition("\t") for line in listed)}
    here = os.fsdecode(call_git(top, ["hash-object", "--", *found])).split()
    return [path for path, blob in zip(found, here, strict=True) if blobs.get(path) == blob]


def _lines(said: bytes) -> list[str]:
    return [line for line in os.fsdecode(said).split("\0") if line]
