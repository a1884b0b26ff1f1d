"""The lockfile on disk: replaced in one step, and only ever read whole."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from reconciler.adapters.storage.durable_files import (
    mapped,
    read_regular,
    replace_file,
    temporary_beside,
    write_new,
)
from reconciler.adapters.storage.kill_points import step
from reconciler.core.commands import last_good_lockfile
from reconciler.core.errors import LockfileError, StorageError
from reconciler.core.lockfile import model as lockfile_format
from reconciler.core.lockfile.model import Lockfile


class LockfileFile:
    """The lockfile. `path` is relative to `root`, as people know it. `missing` is called where there is no such file,
    and raises `LockfileError` where there should be. The digest of what a run wrote last is put into the file `note`.
    """

    def __init__(
        self,
        root: Path,
        path: str,
        missing: Callable[[], None] = lambda: None,
        note: Path | None = None,
    ) -> None:
        self.path = path
        self._note = note
        self._file = root / path
        self._missing = missing

    def read(self) -> tuple[Lockfile, bytes]:
        """See the port."""
        content = read_regular(self._file, self.path)
        if content is None:
            self._missing()
            return lockfile_format.EMPTY, b""
        if not content or content.isspace():
            raise LockfileError(
                f"{self.path} is empty",
                hint=f"run `{last_good_lockfile()}` to restore the last good one",
            )
        return lockfile_format.parse(content, self.path), content

    def write(self, lockfile: Lockfile) -> None:
        """See the port."""
        content = lockfile_format.render(lockfile)
        replace_file(self._file, content, self.path)
        step("lockfile replaced")
        if self._note is not None:
            digest = lockfile_format.digest_of(content)
            lockfile_format.written(lockfile, len(content), digest)
            with suppress(OSError):  # without it git is asked who wrote the file
                self._note.write_text(digest)
        _remove_leftovers(Path(os.path.realpath(self._file)))

    def check_writable(self) -> None:
        """See the port."""
        file = Path(os.path.realpath(self._file))
        probe = temporary_beside(file)
        with mapped("write", self.path):
            if file.is_dir():
                raise StorageError(f"{self.path} is a folder", hint="move it out of the way")
            write_new(probe, b"", None)
            probe.unlink()


def _remove_leftovers(file: Path) -> None:
    """What a process that was killed left beside the file. Only for a holder of the lease: nobody else writes then."""
    with suppress(OSError):  # they are in nobody's way
        for found in file.parent.iterdir():
            if found.name.startswith(f".{file.name}.") and found.suffix == ".tmp":
                found.unlink()
