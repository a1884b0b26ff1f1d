"""How a repo's git is told to merge lockfiles: `.gitattributes` names the driver, the repo's configuration has it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from reconciler.adapters.git.command import GitFailed, run_git
from reconciler.adapters.project.places import find_git
from reconciler.adapters.project.scaffold import ScaffoldResult
from reconciler.core.errors import GitError

NAME = "reconcile-lockfile"
COMMAND = "reconcile lockfile merge %O %A %B %P"
DRIVER = f"merge.{NAME}.driver"
_SETTINGS = {f"merge.{NAME}.name": "merge engines.lock.json entry by entry", DRIVER: COMMAND}


def set_up_merge_driver(root: Path) -> ScaffoldResult | None:
    """Adds the driver unless there is one; None outside of git. Where git refuses, the note says why: all else stands
    without it.
    """
    if find_git(root) is None:
        return None
    shown = f"git config {DRIVER}"
    try:
        there = _configured(root, DRIVER)
        if there is not None:
            note = None if there == COMMAND else f"another command than `{COMMAND}` is set"
            return ScaffoldResult(shown, "kept", note)
        for setting, value in _SETTINGS.items():
            if _configured(root, setting) is None:
                run_git(root, ["config", setting, value])
    except GitError as error:
        return ScaffoldResult(shown, "kept", f"not set: {error.message}")
    return ScaffoldResult(shown, "created", "each clone needs it: run init there, too")


def leave_conflict(base: Path, ours: Path, theirs: Path) -> None:
    """Put git's own conflict markers into `ours`, or what git makes of it where lines don't conflict.

    Otherwise git would leave our side there alone, which looks like a result: whoever adds that forgets the engines of
    the other side.
    """
    labels = [word for label in ("ours", "base", "theirs") for word in ("-L", label)]
    files = [os.path.abspath(file) for file in (ours, base, theirs)]
    with suppress(GitFailed):  # it ends with the number of conflicts
        run_git(ours.parent, ["merge-file", "--quiet", *labels, "--", *files])


def _configured(root: Path, setting: str) -> str | None:
    try:
        return run_git(root, ["config", "--get", setting])
    except GitFailed:
        return None
