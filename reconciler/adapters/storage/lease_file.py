"""The lease on one machine: a file lock that the system takes back when its holder dies.

The holder also writes down who it is, for the message that the other run shows. That note can be old, the lock cannot.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from reconciler.adapters.storage.durable_files import read_regular
from reconciler.core.errors import LeaseHeld, StorageError
from reconciler.core.strict_json import JsonRefused, read_json
from reconciler.core.values import LINE, TIME, is_count


class FileLease:
    """The right to apply for the project whose private folder this is; waited for up to `wait` seconds."""

    def __init__(self, folder: Path, wait: float = 0.0) -> None:
        self._folder = folder
        self._wait = wait

    @contextmanager
    def hold(self) -> Iterator[None]:
        """See the port. Raises `StorageError` when the folder cannot be written."""
        lock = self._acquire()
        try:
            self._write_holder()
            yield
        finally:
            lock.release()

    def _acquire(self) -> FileLock:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self._folder / "lease.lock", timeout=self._wait)
            lock.acquire()
        except Timeout as error:
            raise LeaseHeld(
                f"another run is applying here: {self._holder()}",
                hint="wait until it ends, then run again",
            ) from error
        except (OSError, NotImplementedError) as error:  # the latter: a file system without such locks
            reason = getattr(error, "strerror", None) or error
            raise StorageError(f"cannot take the lease in {self._folder}: {reason}") from error
        return lock

    def _write_holder(self) -> None:
        since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        note = {"pid": os.getpid(), "host": socket.gethostname(), "since": since}
        try:
            (self._folder / "lease.json").write_text(json.dumps(note) + "\n")
        except OSError as error:
            raise StorageError(f"cannot write in {self._folder}: {error.strerror or error}") from error

    def _holder(self) -> str:
        try:
            note = read_json(read_regular(self._folder / "lease.json", "lease.json") or b"")
        except (StorageError, JsonRefused):
            note = None
        values = [note.get(name) for name in ("pid", "host", "since")] if isinstance(note, dict) else []
        if not values or not (is_count(values[0]) and LINE.accepts(values[1]) and TIME.accepts(values[2])):
            return "details unreadable"
        return "process {} on {}, since {}".format(*values)
