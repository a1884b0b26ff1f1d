"""The lockfile and the journal on disk: never half a file, never a write that is not durable.

The lockfile is replaced: a temporary file beside it, fsync, rename, fsync of the folder. The journal is
appended to, with an fsync for every batch; a torn tail, left by a process that died in a write, is cut off
before the next append.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters.steps import step
from reconciler.core import lockfile as lockfile_format
from reconciler.core.errors import LockfileError, StorageError
from reconciler.core.lockfile import Lockfile

if TYPE_CHECKING:
    from reconciler.core.journal import Record

# A pipe in the journal's place must not make us wait for somebody to read from it.
_APPENDING = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC


class LockfileFile:
    """The lockfile. `path` is relative to `root`, as people know it."""

    def __init__(self, root: Path, path: str) -> None:
        self.path = path
        self._file = root / path

    def read(self) -> tuple[Lockfile, bytes]:
        """See the port."""
        content = read_regular(self._file, self.path)
        if content is None:
            return lockfile_format.EMPTY, b""
        if not content or content.isspace():
            raise LockfileError(
                f"{self.path} is empty",
                hint=f"bring back the last good one (`git checkout HEAD -- {self.path}`), or delete it to start anew",
            )
        return lockfile_format.parse(content, self.path), content

    def write(self, lockfile: Lockfile) -> None:
        """See the port."""
        replace_file(self._file, lockfile_format.render(lockfile), self.path)
        step("lockfile replaced")
        _remove_leftovers(Path(os.path.realpath(self._file)))

    def check_writable(self) -> None:
        """See the port."""
        file = Path(os.path.realpath(self._file))
        probe = _temporary_beside(file)
        with _mapped("write", self.path):
            if file.is_dir():
                raise StorageError(f"{self.path} is a folder", hint="move it out of the way")
            _write_new(probe, b"", None)
            probe.unlink()


class JournalFile:
    """The journal of one project on this machine. What was `fetched` of the remote's journal is read along with it."""

    def __init__(self, file: Path, fetched: Path | None = None) -> None:
        self._file = file
        self._fetched = fetched

    def read(self) -> tuple[tuple[Record, ...], bytes]:
        """See the port."""
        records, content = _read_journal(self._file)
        if self._fetched is None:
            return records, content
        more, fetched = _read_journal(self._fetched)
        if not more:
            return records, content
        from reconciler.core import journal as journal_format

        return journal_format.union(more, records), content + fetched

    def exists(self) -> bool:
        """Whether this machine has one; an emptied journal is none."""
        return self._file.exists()

    def append(self, records: Sequence[Record]) -> None:
        """See the port."""
        from reconciler.core import journal as journal_format

        with _mapped("write the journal", str(self._file)):
            created = not self._file.exists()
            if created:
                self._file.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._file, _APPENDING, 0o600)
            try:
                _require_regular(descriptor, str(self._file))
                _append_durably(descriptor, journal_format.render(records))
            finally:
                os.close(descriptor)
            if created:
                _sync_folder(self._file.parent)
        step("journal appended")

    def compact(self) -> None:
        """See the port."""
        with _mapped("compact the journal", str(self._file)), suppress(FileNotFoundError):
            self._file.unlink()
            _sync_folder(self._file.parent)
        step("journal emptied")


def _read_journal(file: Path) -> tuple[tuple[Record, ...], bytes]:
    content = read_regular(file, str(file))
    if not content:
        return (), b""
    from reconciler.core import journal as journal_format  # most runs find none

    records, whole = journal_format.parse(content, str(file))
    return records, content[:whole]


def _append_durably(descriptor: int, lines: bytes) -> None:
    whole = _whole_length(descriptor)
    if whole != os.fstat(descriptor).st_size:
        os.ftruncate(descriptor, whole)
    try:
        written = 0
        while written < len(lines):
            written += os.write(descriptor, lines[written:])
        os.fsync(descriptor)
    except OSError:
        with suppress(OSError):  # a torn tail is cut off by the next append, too
            os.ftruncate(descriptor, whole)
        raise


def _whole_length(descriptor: int) -> int:
    """Where the last whole line ends. Looks at the tail only, as far back as needed."""
    end = os.fstat(descriptor).st_size
    while end > 0:
        start = max(0, end - 65536)
        newline = os.pread(descriptor, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def read_regular(file: Path, name: str) -> bytes | None:
    """A regular file's content, or None when it is not there. Never blocks on a pipe or device."""
    with _mapped("read", name):
        try:
            descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            _require_regular(descriptor, name)
            with open(descriptor, "rb", buffering=0, closefd=False) as stream:
                return stream.readall()
        finally:
            os.close(descriptor)


def _require_regular(descriptor: int, name: str) -> None:
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
    temporary = _temporary_beside(file)
    with _mapped("write", name):
        try:
            _write_new(temporary, content, _mode_of(file))
            step("replacement written beside the file")
            os.replace(temporary, file)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(file.parent)


def _temporary_beside(file: Path) -> Path:
    return file.with_name(f".{file.name}.{os.urandom(6).hex()}.tmp")


def _remove_leftovers(file: Path) -> None:
    """What a process that was killed left beside the file. Only for a holder of the lease: nobody else writes then."""
    with suppress(OSError):  # they are in nobody's way
        for found in file.parent.iterdir():
            if found.name.startswith(f".{file.name}.") and found.suffix == ".tmp":
                found.unlink()


def _write_new(file: Path, content: bytes, mode: int | None) -> None:
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


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _mapped(doing: str, name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot {doing} {name}: {error.strerror or error}", hint=_HINTS.get(error.errno or 0)
        ) from error


_HINTS = {
    28: "the disk is full: free some space, then run again; what was recorded so far is kept",
    30: "the file system is read-only",
    13: "check the permissions of the file and its folder",
    1: "check the permissions of the file and its folder",
    122: "the disk quota is used up: free some space, then run again",
}
