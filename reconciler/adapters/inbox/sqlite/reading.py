"""Reading and claiming in the file, which several processes share.

The receiver writes (`store.py`), runs read and claim. Write-ahead logging lets both go on at once, and
`synchronous=FULL` makes a commit mean that the disk has it. Rows are numbered in the order of their commits.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import ExitStack, closing, suppress
from pathlib import Path

from reconciler.adapters.inbox.port import MAX_NUMBER, PAGE_BYTES, Backlog, Received, Sizes, relay_name
from reconciler.adapters.inbox.sqlite.file import connect, mapped, transaction
from reconciler.core.errors import InvalidInput

# SQLite keeps whatever it is given; a row of other types was not written by a receiver.
SOUND = " AND ".join(
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


class SqliteInbox:
    """See the port `Inbox`. Raises `StorageError` when the disk refuses, `InvalidInput` for a file that is no
    inbox or a newer one's.
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
                raise InvalidInput(
                    f"{path} is not an inbox",
                    hint="choose another file; a receiver creates a new one",
                )
            self.identity: str = row[0]
            opened.pop_all()

    def close(self) -> None:
        with self._turn, self._watching_turn:
            self._connection.close()
            self._watching.close()

    def __enter__(self) -> SqliteInbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def events_since(self, cursor: int = 0, limit: int = 100) -> list[Received]:
        """See the port."""
        return self._read("number > ?", cursor, limit)

    def unclaimed(self, cursor: int = 0, limit: int = 100) -> list[Received]:
        """See the port."""
        return self._read("number > ? AND claimed_at IS NULL", cursor, limit)

    def claim(self, numbers: Iterable[int], by: str, now: float) -> list[int]:
        """See the port."""
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
        """See the port."""
        with self._turn, mapped("read", self.path):
            row = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
        return int(row[0]) if row else 0

    def revision(self) -> int:
        """See the port. It has a connection of its own."""
        with self._watching_turn, mapped("read", self.path):
            (version,) = self._watching.execute("PRAGMA data_version").fetchone()
        return int(version)

    def sizes(self) -> Sizes:
        """See the port."""
        with self._turn, mapped("read", self.path):
            (events,) = self._connection.execute("SELECT count(*) FROM events").fetchone()
            unclaimed, oldest = self._connection.execute(
                "SELECT count(*), min(received_at) FROM events WHERE claimed_at IS NULL"
            ).fetchone()
            (quarantined,) = self._connection.execute("SELECT count(*) FROM quarantine").fetchone()
            return Sizes(events, unclaimed, oldest, quarantined, _disk(self.path))

    def relayed(self, place: str) -> int:
        """See the port."""
        with self._turn, mapped("read", self.path):
            query = "SELECT value FROM about WHERE name = ?"
            row = self._connection.execute(query, (relay_name(place),)).fetchone()
        return int(row[0]) if row else 0

    def backlog(self, cursor: int) -> Backlog:
        """See the port."""
        with self._turn, mapped("read", self.path):
            (waiting,) = self._connection.execute(
                "SELECT count(*) FROM events WHERE number > ?", (cursor,)
            ).fetchone()
            oldest = self._connection.execute(
                "SELECT received_at FROM events WHERE number > ? ORDER BY number LIMIT 1", (cursor,)
            ).fetchone()
        return Backlog(waiting, oldest[0] if oldest else None)

    def leads(self, place: str) -> int:
        """See the port. Receivers that share a file stand on one machine: one of them is given `--relay`."""
        return 1

    def _read(self, condition: str, cursor: int, limit: int) -> list[Received]:
        query = f"SELECT {_SHOWN} FROM events WHERE {condition} AND {SOUND} ORDER BY number LIMIT ?"  # noqa: S608 # both from here
        found: list[Received] = []
        size = 0
        with self._turn, mapped("read", self.path):
            for row in self._connection.execute(query, (min(cursor, MAX_NUMBER), limit)):
                received = Received(*row)
                size += len(received.body)
                if found and size > PAGE_BYTES:
                    break
                found.append(received)
        return found


def _disk(path: Path) -> int:
    total = 0
    for file in (path, path.with_name(path.name + "-wal")):
        with suppress(FileNotFoundError):
            total += file.stat().st_size
    return total
