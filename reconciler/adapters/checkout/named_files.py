"""Which files of a work tree have a text in them, as `GitRemote.files_with` says it of a commit."""

from __future__ import annotations

import os
from pathlib import Path

from reconciler.adapters.git.command import UNSET, GitFailed, call_git

_ASKED = (
    "grep",
    "-l",
    "-z",
    "--full-name",
    "--no-color",
    "-I",
    "-F",
    "--untracked",
    "--no-recurse-submodules",
)


def files_with(top: Path, text: str, suffix: str) -> list[str]:
    """Those with this suffix, tracked or not, but for what git ignores. Paths count from `top`. Raises `GitError`."""
    try:
        found = call_git(top, [*_ASKED, "-e", text, "--", f":(top,glob)**/*{suffix}"])
    except GitFailed as error:
        if error.status == UNSET:  # as `git grep` ends where nothing has it
            return []
        raise
    return os.fsdecode(found).split("\0")[:-1]
