"""A lockfile that is missing though git has one, or had: an error with the command that brings it back.

Without its lockfile a project looks as if nothing was ever made for it, and everything would be made, and billed, a
second time. Git is asked only where there is no lockfile, or one without an engine.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from reconciler.adapters.checkout.checked_out import GitCheckout
from reconciler.adapters.git.command import GitFailed, call_git
from reconciler.adapters.git.hints import git_command
from reconciler.adapters.git.printed import contents_of
from reconciler.adapters.project.places import find_git
from reconciler.core.commands import into_file
from reconciler.core.errors import LockfileError
from reconciler.core.lockfile import model

_LOG_SECONDS = 5.0  # of a history in which there never was a lockfile, git reads every commit


def refuse_if_in_head(root: Path, name: str, *, engines: bool = False) -> None:
    """For a lockfile that is missing: raises `LockfileError` where the commit that is checked out has it, or git's
    index. With `engines`, the file is here and has none, which is an error only where the commit's has some.

    Raises `GitError` where git cannot tell.
    """
    if find_git(root) is None:
        return
    there = _engines_in(root, [f"HEAD:./{name}"])
    if engines:
        if there:
            raise LockfileError(
                f"{name} has no engine, but {there[0][1]:,} in the commit that is checked out",
                hint=_run(git_command(root, "checkout HEAD -- PATHS", [name])),
            )
        return
    missing = GitCheckout(root, "", at_desk=False).missing(name)
    if missing is not None:
        raise LockfileError(missing.message, hint=missing.hint)
    if there:
        raise LockfileError(
            f"{name} is missing, but the commit that is checked out has it",
            hint=_run(git_command(root, "checkout HEAD -- PATHS", [name])),
        )


def refuse_if_known(root: Path, name: str, refs: Sequence[tuple[str, str]], tip: str = "HEAD") -> None:
    """For a lockfile that this checkout never had: raises `LockfileError` where one of these files of refs, each given
    with its path, has engines, or the history up to `tip` had the lockfile.
    """
    if find_git(root) is None:
        return
    for place, count in _engines_in(root, [f"{ref}:{path}" for ref, path in refs]):
        ref, _, path = place.partition(":")
        shown = ref.removeprefix("refs/remotes/")
        if path == f"./{name}":
            command = git_command(root, f"checkout {shlex.quote(shown)} -- PATHS", [name])
        else:
            command = into_file(
                git_command(root, f"show {shlex.quote(place)}"), os.path.realpath(root / name)
            )
        raise LockfileError(
            f"{name} is missing, but `{shown}` has it with {count:,} engine{'s' if count != 1 else ''}",
            hint=_run(command),
        )
    commit = _last_with(root, name, tip)
    if commit is not None:
        raise LockfileError(
            f"{name} is missing; a commit removed it",
            hint=_run(git_command(root, f"checkout {commit[:12]} -- PATHS", [name]))
            + '; to start over on purpose, commit one that contains `{"version": 1, "engines": {}}`',
        )


def _run(command: str) -> str:
    return f"run `{command}`"


def _engines_in(root: Path, places: Sequence[str]) -> list[tuple[str, int]]:
    """Those of the places (`REF:PATH`) that have a lockfile with engines, and how many."""
    asked = "".join(f"{place}\n" for place in places).encode()
    offline = ["-c", "protocol.allow=never", "cat-file", "--batch"]
    contents = contents_of(call_git(root, offline, stdin=asked)) if places else []
    found = []
    for place, content in zip(places, contents, strict=False):
        count = 0 if content is None else _count(content, place)
        if count:
            found.append((place, count))
    return found


def _count(content: bytes, place: str) -> int:
    try:
        return len(model.parse(content, place).engines)
    except LockfileError:  # one that is broken there is no reason to make everything again
        return 1


def _last_with(root: Path, name: str, tip: str) -> str | None:
    """The last commit up to `tip` that has the lockfile with engines, where the history knows one."""
    log = ["log", "--max-count=1", "--format=%H %P", "--end-of-options", tip, "--", f":(literal){name}"]
    try:
        said = call_git(root, log, timeout=_LOG_SECONDS).decode("ascii", "replace").split()
    except GitFailed:  # no commit yet, or too many of them
        return None
    found = _engines_in(root, [f"{commit}:./{name}" for commit in said])
    return found[0][0].partition(":")[0] if found else None
