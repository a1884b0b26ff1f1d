"""How a repo's git is told to merge lockfiles: `.gitattributes` names the driver, the repo's configuration has it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from reconciler.adapters.git.command import UNSET, GitFailed, run_git
from reconciler.adapters.project.places import find_git
from reconciler.adapters.project.scaffold import ScaffoldResult
from reconciler.core.errors import GitError

NAME = "reconcile-lockfile"
_ARGUMENTS = "lockfile merge %O %A %B %P"
# By its full path: git merges in shells, editors and hooks whose PATH lacks it. `%` is doubled for git.
COMMAND = f"{shlex.quote(sys.executable).replace('%', '%%')} -I -m reconciler {_ARGUMENTS}"
_TRY = 30.0  # seconds
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
        there = configured_driver(root)
        if there is not None and not there.endswith(_ARGUMENTS):
            return ScaffoldResult(shown, "kept", f"a command other than `{COMMAND}` is set")
        trouble = None if there is None else why_useless(there)
        if there is not None and trouble is None:
            return ScaffoldResult(shown, "kept", None)
        if (own := why_useless(COMMAND)) is not None:
            return ScaffoldResult(shown, "kept", f"not set: {own}")
        if there is not None:
            run_git(root, ["config", DRIVER, COMMAND])
            return ScaffoldResult(shown, "created", f"replaced the previous one, because {trouble}")
        for setting, value in _SETTINGS.items():
            if _configured(root, setting) is None:
                run_git(root, ["config", setting, value])
    except GitError as error:
        return ScaffoldResult(shown, "kept", f"not set: {error.message}")
    return ScaffoldResult(shown, "created", "run init in each clone; the setting is per clone")


def leave_conflict(base: Path, ours: Path, theirs: Path) -> None:
    """Put git's own conflict markers into `ours`, or what git makes of it where lines don't conflict.

    Otherwise git would leave our side there alone, which looks like a result: whoever adds that forgets the engines of
    the other side.
    """
    labels = [word for label in ("ours", "base", "theirs") for word in ("-L", label)]
    files = [os.path.abspath(file) for file in (ours, base, theirs)]
    with suppress(GitFailed):  # it ends with the number of conflicts
        run_git(ours.parent, ["merge-file", "--quiet", *labels, "--", *files])


def configured_driver(root: Path) -> str | None:
    """The command that git merges lockfiles with here."""
    return _configured(root, DRIVER)


def why_useless(command: str) -> str | None:
    """What keeps git from starting our driver wherever it merges; None if nothing does, or it is not ours to try."""
    program, ours, _ = command.replace("%%", "%").partition(f" {_ARGUMENTS}")
    if not ours:
        return None
    words = shlex.split(program)
    if not words or not os.path.isabs(words[0]):
        return f"`{program}` is found only through PATH"
    try:
        subprocess.run([*words, "--version"], capture_output=True, timeout=_TRY, check=True)  # noqa: S603 - a list
    except (OSError, subprocess.SubprocessError):
        return f"`{program}` does not run"
    return None


def _configured(root: Path, setting: str) -> str | None:
    try:
        return run_git(root, ["config", "--get", setting])
    except GitFailed as error:
        if error.status == UNSET:
            return None
        raise
