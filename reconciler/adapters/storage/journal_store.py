"""The journal on disk: appended to with an fsync for every batch.

A torn tail, left by a process that died in a write, is cut off before the next append.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters.storage.durable_files import (
    mapped,
    read_regular,
    replace_file,
    require_regular,
    sync_folder,
)
from reconciler.adapters.storage.kill_points import step

if TYPE_CHECKING:
    from reconciler.core.ledger.journal import Record
    from reconciler.core.ledger.seal import Seal
    from reconciler.core.ledger.sealed import Unverified

# A pipe in the journal's place must not make us wait for somebody to read from it.
_APPENDING = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC


class JournalFile:
    """The journal of one project on this machine. What was `fetched` of the remote's journal is read along with it, as
    far as it verifies; `seal` is asked for what to compare with where it was fetched without a key.
    """

    def __init__(
        self,
        file: Path,
        fetched: Path | None = None,
        shares: Callable[[], bool] = lambda: False,
        seal: Callable[[], Seal | None] = lambda: None,
    ) -> None:
        self._file = file
        self._fetched = fetched
        self._shares = shares
        self._seal = seal

    def read(self) -> tuple[tuple[Record, ...], bytes]:
        """See the port."""
        records, content = _read_journal(self._file)
        more, _ = self.fetched()
        if not more:
            return records, content
        from reconciler.core.ledger import journal as journal_format

        return journal_format.union(more, records), content + journal_format.render(more)

    def unverified(self) -> Unverified | None:
        """See the port."""
        return self.fetched()[1] or None

    def fetched(self) -> tuple[tuple[Record, ...], Unverified | None]:
        """What it has of the ledger. What verified when it was fetched has no seal here any more."""
        content = read_regular(self._fetched, str(self._fetched)) if self._fetched is not None else b""
        if not content:
            return (), None
        from reconciler.core.ledger import sealed

        lines = sealed.parse(content, str(self._fetched))
        known = [one.record for one in lines if one.seal is None]
        others = [one for one in lines if one.seal is not None]
        if not others:
            return tuple(known), None
        verified, unverified = sealed.sorted_out(others, self._seal())
        return (*known, *verified), unverified

    def exists(self) -> bool:
        """Whether this machine has one; an emptied journal is none."""
        return self._file.exists()

    def append(self, records: Sequence[Record]) -> None:
        """See the port."""
        from reconciler.core.ledger import journal as journal_format

        with mapped("write the journal", str(self._file)):
            created = not self._file.exists()
            if created:
                self._file.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._file, _APPENDING, 0o600)
            try:
                require_regular(descriptor, str(self._file))
                _append_durably(descriptor, journal_format.render(records))
            finally:
                os.close(descriptor)
            if created:
                sync_folder(self._file.parent)
        step("journal appended")

    def compact(self, *, published: bool) -> None:
        """See the port."""
        kept = () if published else self._kept()
        if kept:
            from reconciler.core.ledger import journal as journal_format

            replace_file(self._file, journal_format.render(kept), str(self._file))
            return
        with mapped("compact the journal", str(self._file)), suppress(FileNotFoundError):
            self._file.unlink()
            sync_folder(self._file.parent)
        step("journal emptied")

    def _kept(self) -> tuple[Record, ...]:
        """What the ledger has to hear of, where there is one, and deletions that are not at their end."""
        records = _read_journal(self._file)[0]
        if not records:
            return ()
        from reconciler.core.ledger.facts import resolutions  # with a journal only
        from reconciler.core.ledger.journal import union
        from reconciler.core.ledger.pruning import begun_by

        resolved = resolutions(records)
        return union(resolved if resolved and self._shares() else (), begun_by(records))


def _read_journal(file: Path) -> tuple[tuple[Record, ...], bytes]:
    content = read_regular(file, str(file))
    if not content:
        return (), b""
    from reconciler.core.ledger import journal as journal_format  # most runs find none

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
