"""Where the receiver's signing keys come from, and noticing that the file with them has changed.

A secret can so be set (after the first run) or replaced without a restart: both secrets stand in the file while the
platform changes from one to the other. A file that vanished or became unreadable leaves the keys as they were: a slip
of an editor must not turn good deliveries away.
"""

from __future__ import annotations

import os
from pathlib import Path

from reconciler.core.errors import InvalidInput, StorageError
from reconciler.core.platform.webhook import parse_secrets

_MAX_BYTES = 65536


class Secrets:
    """`text` is what the environment said. A `file` that is not there yet counts as empty. Raises `InvalidInput` for
    what is no secret, `StorageError` for a file that cannot be read."""

    def __init__(self, text: str = "", name: str = "the webhook secret", file: Path | None = None) -> None:
        self._given = parse_secrets(text, name)
        self._file = file
        self._seen: _Look | None = None
        self.keys = self._given
        self.refresh()

    def refresh(self) -> bool:
        """Looks at the file; whether the keys are others now. Raises as the beginning does, once for each change of the
        file, and of what stands in the way of reading it."""
        if self._file is None:
            return False
        seen = _look(self._file)
        if seen == self._seen:
            return False
        self._seen = seen
        if seen is None:
            return False
        keys = self._given + parse_secrets(_read(self._file), str(self._file))
        changed = keys != self.keys
        self.keys = keys
        return changed


# What tells one content from the next. With the time of the last chmod, since that can make a file readable.
_Look = tuple[int, int, int, int] | str


def _look(file: Path) -> _Look | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        return str(error)  # reading it says why
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _read(file: Path) -> str:
    try:
        with open(file, "rb", opener=_open_at_once) as stream:
            content = stream.read(_MAX_BYTES + 1) or b""
    except OSError as error:
        raise StorageError(f"cannot read {file}: {error.strerror or error}") from error
    if len(content) > _MAX_BYTES:
        raise InvalidInput(
            f"{file} is too large for a file of signing secrets", hint="write whsec_… secrets, one per line"
        )
    # Not strictly: an error of decoding would carry the whole content with it.
    return content.decode("utf-8", "replace")


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe without a writer must not hold us
