"""The inbox: verified webhooks on disk until a run takes them. One SQLite file, shared by several processes.

The receiver writes (`inbox_writer.py`), runs read and claim. Write-ahead logging lets both go on at once, and
`synchronous=FULL` makes a commit mean that the disk has it. Rows are numbered in the order of their commits, so a
number is a cursor: whoever has read up to it misses nothing by asking for what comes after.

A delivery is kept as it came (headers and raw body), so that a reader can verify it again, or pass it on.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import NamedTuple

from reconciler.adapters.inbox.sqlite_file import connect, mapped, transaction
from reconciler.core.errors import InvalidInput
from reconciler.core.platform.webhook import Event, Signed, read_event
from reconciler.core.values import ID

_ANSWER_BYTES = 1 << 20  # of bodies in one reading
# SQLite keeps whatever it is given; a row of other types was not written by a receiver.
_SOUND = " AND ".join(
    f"typeof({column}) IN ({types})"
    for types, columns in {
        "'text'": ("webhook_id", "timestamp", "signature"),
        "'text', 'null'": ("operation_id", "claimed_by"),
        "'real'": ("received_at",),
        "'real', 'null'": ("claimed_at",),
        "'blob'": ("body",),
    }.items()
    for column in columns
)
_SHOWN = "number, webhook_id, operation_id, received_at, timestamp, signature, body, claimed_at, claimed_by"


class Received(NamedTuple):
    """A verified delivery. `number` is the cursor after it; times are unix seconds."""

    number: int
    webhook_id: str
    operation_id: str | None
    received_at: float
    timestamp: str
    signature: str
    body: bytes
    claimed_at: float | None = None
    claimed_by: str | None = None

    @property
    def event(self) -> Event | None:
        """What it tells. None only for what somebody put into the file by hand."""
        if self.operation_id is not None and not ID.accepts(self.operation_id):
            return None
        return read_event(self.body, self.operation_id)

    @property
    def signed(self) -> Signed:
        """Its headers, to verify it again."""
        return Signed(self.webhook_id.encode(), self.timestamp.encode(), self.signature.encode())


class Sizes(NamedTuple):
    """How full an inbox is. `disk` is bytes, the write-ahead log included."""

    events: int
    unclaimed: int
    oldest_unclaimed_at: float | None
    quarantined: int
    disk: int


class Inbox:
    """Reading and claiming. Safe to use from any thread, and while other processes write.

    Raises `StorageError` when the disk refuses, `InvalidInput` for a file that is no inbox or a newer one's.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._turn, self._watching_turn = threading.Lock(), threading.Lock()
        with ExitStack() as opened:
            self._connection = opened.enter_context(closing(connect(path)))
            self._watching = opened.enter_context(closing(connect(path)))
            with mapped("read", path):
                query = "SELECT value FROM about WHERE name = 'identity'"
                row = self._connection.execute(query).fetchone()
            if row is None or not isinstance(row[0], str):
                raise InvalidInput(f"{path} is not an inbox", hint="choose another file; it will be created")
            self.identity: str = row[0]
            opened.pop_all()

    def close(self) -> None:
        with self._turn, self._watching_turn:
            self._connection.close()
            self._watching.close()

    def __enter__(self) -> Inbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def events_since(self, cursor: int = 0, limit: int = 100) -> list[Received]:
        """Those after `cursor`, oldest first, claimed ones too; fewer than `limit` when their bodies are large, and
        none only when there are none."""
        return self._read("number > ?", cursor, limit)

    def unclaimed(self, cursor: int = 0, limit: int = 100) -> list[Received]:
        """As `events_since`, without those that were claimed."""
        return self._read("number > ? AND claimed_at IS NULL", cursor, limit)

    def claim(self, numbers: Iterable[int], by: str, now: float) -> list[int]:
        """Marks these as taken and says which of them were still free: only those are the caller's. Durable."""
        mine = []
        with self._turn, mapped("write", self.path), transaction(self._connection):
            for number in numbers:
                done = self._connection.execute(
                    "UPDATE events SET claimed_at = ?, claimed_by = ? WHERE number = ? AND claimed_at IS NULL",
                    (now, by, number),
                )
                if done.rowcount:
                    mine.append(number)
        return mine

    def last(self) -> int:
        """The cursor after the newest event; 0 when there never was one."""
        with self._turn, mapped("read", self.path):
            row = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
        return int(row[0]) if row else 0

    def revision(self) -> int:
        """Differs from before when anybody has committed meanwhile. Made for polling from an event loop: it costs
        microseconds, and waits for no other reading or claiming, since it has a connection of its own."""
        with self._watching_turn, mapped("read", self.path):
            (version,) = self._watching.execute("PRAGMA data_version").fetchone()
        return int(version)

    def sizes(self) -> Sizes:
        """Counts everything, so its cost grows with the inbox."""
        with self._turn, mapped("read", self.path):
            (events,) = self._connection.execute("SELECT count(*) FROM events").fetchone()
            unclaimed, oldest = self._connection.execute(
                "SELECT count(*), min(received_at) FROM events WHERE claimed_at IS NULL"
            ).fetchone()
            (quarantined,) = self._connection.execute("SELECT count(*) FROM quarantine").fetchone()
            return Sizes(events, unclaimed, oldest, quarantined, _disk(self.path))

    def _read(self, condition: str, cursor: int, limit: int) -> list[Received]:
        query = f"SELECT {_SHOWN} FROM events WHERE {condition} AND {_SOUND} ORDER BY number LIMIT ?"  # noqa: S608 # both from here
        found: list[Received] = []
        size = 0
        with self._turn, mapped("read", self.path):
            for row in self._connection.execute(query, (cursor, limit)):
                received = Received(*row)
                size += len(received.body)
                if found and size > _ANSWER_BYTES:
                    break
                found.append(received)
        return found


def _disk(path: Path) -> int:
    total = 0
    for file in (path, path.with_name(path.name + "-wal")):
        with suppress(FileNotFoundError):
            total += file.stat().st_size
    return total
