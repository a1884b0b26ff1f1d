"""The log that a bug of ours leaves behind, so that it can be reported the first time it happens.

It holds what a maintainer asks for first: versions, the command line, the traceback without values of variables, and
the last requests; and none of the secrets this process was given (see `scrubbing`).
"""

from __future__ import annotations

import os
import platform
import shlex
import tempfile
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from reconciler.adapters.system import trail
from reconciler.cli.scrubbing import without_secrets, without_values
from reconciler.cli.version import version_text
from reconciler.core.errors import ReconcileError

KEPT = 5  # logs in one folder
LONGEST = 200_000  # characters of one
_PREFIX = "reconcile-crash-"


def crash_text(error: BaseException, arguments: Sequence[str], environ: Mapping[str, str]) -> str:
    """What a report needs to know, without secrets."""
    lines = [
        f"reconcile {version_text(ask_git=False)}",
        f"Python    {platform.python_version()} ({platform.python_implementation()})",
        f"platform  {platform.platform()}",
        f"time      {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        f"command   {shlex.join(['reconcile', *without_values(arguments)])}",
        "",
        *traceback.format_exception(error),
        "",
        "last requests and commands:",
        *([f"{_clock(at)}  {line}" for at, line in trail.last()] or ["none"]),
    ]
    text = without_secrets("\n".join(line.rstrip("\n") for line in lines) + "\n", environ)
    if len(text) <= LONGEST:
        return text
    first, last = text[: LONGEST // 2], text[-LONGEST // 2 :]
    return f"{first}\n[{len(text) - LONGEST:,} characters are left out here]\n{last}"


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write_crash_log(text: str, arguments: Sequence[str]) -> Path:
    """Write it for this user's eyes only, and return where. Raises `OSError` when it can be written nowhere."""
    failure: OSError | ReconcileError | None = None
    for folder in _folders(arguments):
        try:
            return _write(folder, text)
        except OSError as error:  # no run was here yet, or git's folder cannot be written
            failure = error
    raise failure or FileNotFoundError("no folder outside of the work tree")


def _folders(arguments: Sequence[str]) -> Iterator[Path]:
    """Where runs of this repo keep their journal, then the folder for temporary files; never one that is committed."""
    from reconciler.adapters.project.places import find_git  # for a crash only

    top = None
    with suppress(OSError, ReconcileError):  # git's folder cannot be read
        found = find_git(Path(_directory(arguments)))
        if found is not None:
            top = found[0]
            yield found[1] / "reconcile"
    temporary = Path(tempfile.gettempdir()).resolve()  # without any other it is the current folder
    if top is None or not temporary.is_relative_to(top):
        yield temporary


def _directory(arguments: Sequence[str]) -> str:
    """The value of -C."""
    given = "."
    for word, then in zip(arguments, [*arguments[1:], ""], strict=True):
        if word == "-C":
            given = then
        elif word.startswith("-C"):
            given = word[2:]
    return given


def _write(folder: Path, text: str) -> Path:
    _remove_old(folder)
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    descriptor, name = tempfile.mkstemp(".log", f"{_PREFIX}{stamp}-", folder)  # always a new file, mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(text)
    except OSError:
        os.unlink(name)
        raise
    return Path(name)


def _remove_old(folder: Path) -> None:
    """All but the newest, of this user's, so that a bug in a loop fills no disk."""
    logs = sorted(path for path in folder.glob(f"{_PREFIX}*.log") if path.lstat().st_uid == os.getuid())
    for path in logs[: max(0, len(logs) - KEPT + 1)]:
        with suppress(OSError):
            path.unlink()
