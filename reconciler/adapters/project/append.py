"""Adds to a file that another program reads and that others add to as well, such as `$GITHUB_OUTPUT`."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from reconciler.core.errors import StorageError

# A pipe in the file's place must not make us wait for a reader.
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC


def append_lines(file: Path, lines: bytes, name: str) -> None:
    """Adds whole lines in one write, after a line that somebody left without an end. Raises `StorageError`."""
    try:
        descriptor = os.open(file, _FLAGS, 0o644)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StorageError(
            f"cannot write {name}: {reason}", hint="check the path and its permissions"
        ) from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise StorageError(
                f"{name} is not a regular file", hint="choose a file, or let the CI system set it"
            )
        with open(descriptor, "ab", closefd=False) as stream:
            stream.write(_missing_end(descriptor) + lines)
    except OSError as error:
        raise StorageError(f"cannot write {name}: {error.strerror or error}") from error
    finally:
        os.close(descriptor)


def _missing_end(descriptor: int) -> bytes:
    size = os.fstat(descriptor).st_size
    return b"" if size == 0 or os.pread(descriptor, 1, size - 1) == b"\n" else b"\n"
