"""One question to git whose answer is worth nothing where it fails: a plan asks it, and most ask no other.

It is started by the system call, without `subprocess`, whose import takes as long as git does. Whether it may be used
here is seen from who owns the repository, as git itself sees it; only where that is somebody else, git is asked first
(`safe.directory`), which is another process.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters.git import environment
from reconciler.adapters.git.trust import Repository, repository_of
from reconciler.adapters.system import trail
from reconciler.core.errors import GitError

if TYPE_CHECKING:
    from io import FileIO

_AT_ONCE = 1 << 16  # bytes


def glance(root: Path, arguments: Sequence[str], seconds: float) -> bytes | None:
    """What git printed for the repository around `root`; None where it failed, or took longer than that."""
    repository = repository_of(root)
    if repository.top is None:
        return None
    if not (hasattr(os, "posix_spawn") and _is_ours(repository, repository.top)):
        return _asked_with_care(root, arguments, seconds)
    command = ["git", "-C", os.path.abspath(root), *repository.arguments(), *environment.OPTIONS, *arguments]
    began = time.monotonic()
    try:
        status, printed = _run(command, began + seconds)
    except NotImplementedError:  # no session of its own on this system
        return _asked_with_care(root, arguments, seconds)
    except OSError:
        return None
    trail.note(f"git {' '.join(arguments)}: {status} in {trail.since(began)}, {len(printed):,} out")
    return printed if status == 0 else None


def _is_ours(repository: Repository, top: Path) -> bool:
    """Whether the work tree, `.git` and the git directory are this user's own."""
    try:
        return all(os.lstat(path).st_uid == os.geteuid() for path in (top, top / ".git", repository.git_dir))
    except OSError:
        return False


def _asked_with_care(root: Path, arguments: Sequence[str], seconds: float) -> bytes | None:
    from reconciler.adapters.git.command import call_git

    try:
        return call_git(root, arguments, timeout=seconds)
    except GitError:
        return None


def _run(command: list[str], end: float) -> tuple[int, bytes]:
    """The exit code, and what it printed; ended by us where it goes on after `end`. Raises `OSError`."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as output:
        try:
            process = os.posix_spawnp(
                command[0],
                command,
                environment.local(),
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, writing, 1),
                    (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                ],
                setsid=True,  # Ctrl-C is for us, and there is no terminal to prompt on
            )
        finally:
            os.close(writing)
        try:
            printed = _read(output, end)
        except BaseException:
            _end(process)
            raise
    if printed is None:
        _end(process)
        return -signal.SIGKILL, b""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), printed


def _read(output: FileIO, end: float) -> bytes | None:
    """All of it; None where there is more to come at `end`."""
    printed = b""
    while select.select([output], [], [], max(0.0, end - time.monotonic()))[0]:
        part = output.read(_AT_ONCE)
        if not part:
            return printed
        printed += part
    return None


def _end(process: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
    os.waitpid(process, 0)
