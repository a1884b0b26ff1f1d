"""Files that are never half written: replaced in one step, or refused with the reason in words.

A replacement is a temporary file beside the old one, fsync, rename, fsync of the folder. Reading takes regular files
only and never blocks on a pipe.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.adapters.storage.kill_points import step
from reconciler.core.errors import StorageError


def read_regular(file: Path, name: str) -> bytes | None:
    """A regular file's content, or None when it is not there. Never blocks on a pipe or device."""
    with mapped("read", name):
        try:
            descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            require_regular(descriptor, name)
            with open(descriptor, "rb", buffering=0, closefd=False) as stream:
                return stream.readall()
        finally:
            os.close(descriptor)


def require_regular(descriptor: int, name: str) -> None:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise StorageError(f"{name} is not a regular file", hint="move it out of the way")


def replace_file(file: Path, content: bytes, name: str) -> None:
    """Put `content` in the place of `file` in one step, durably; on an error the file is as it was.

    Raises `StorageError`. A symbolic link stays one: what it points to is replaced. Only a regular file is: a device or
    a pipe would be gone.
    """
    file = Path(os.path.realpath(file))
    if os.path.exists(file) and not os.path.isfile(file):  # where nothing can be told, writing tells it
        raise StorageError(f"cannot write {name}: it is not a regular file")
    temporary = temporary_beside(file)
    with mapped("write", name):
        try:
            write_new(temporary, content, _mode_of(file))
            step("replacement written beside the file")
            os.replace(temporary, file)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(file.parent)


def temporary_beside(file: Path) -> Path:
    return file.with_name(f".{file.name}.{os.urandom(6).hex()}.tmp")


def write_new(file: Path, content: bytes, mode: int | None) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    with open(descriptor, "wb") as stream:
        if mode is not None:
            os.fchmod(descriptor, mode)
        stream.write(content)
        stream.flush()
        os.fsync(descriptor)


def _mode_of(file: Path) -> int | None:
    try:
        return stat.S_IMODE(file.stat().st_mode)
    except FileNotFoundError:
        return None


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def mapped(doing: str, name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot {doing} {name}: {error.strerror or error}", hint=_HINTS.get(error.errno or 0)
        ) from error


_HINTS = {
    28: "free some disk space, then run again; what was recorded so far is kept",
    30: "make the file system writable; it is mounted read-only",
    13: "check the permissions of the file and its folder",
    1: "check the permissions of the file and its folder",
    2: "create the folder first, or choose another place",
    20: "what stands in the place of a folder is a file; move it, or choose another place",
    27: "raise the limit on the size of files, or free some disk space, then run again",
    36: "choose a shorter name",
    40: "replace the link with what it is to lead to",
    122: "free some of the disk quota, then run again",
}
