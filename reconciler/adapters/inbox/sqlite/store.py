"""The inbox in a SQLite file, as `inbox/port.py` wants it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from reconciler.adapters.inbox.port import Released, Row, Unverified, relay_name
from reconciler.adapters.inbox.sqlite.file import connect, mapped, transaction
from reconciler.adapters.inbox.sqlite.quarantine import keep, release
from reconciler.adapters.inbox.sqlite.reading import SqliteInbox
from reconciler.adapters.inbox.sqlite.rows import forget_claimed, insert
from reconciler.core.commands import reconcile
from reconciler.core.errors import InvalidInput
from reconciler.core.platform.webhook import SigningKeys

_CHECKPOINT_PAGES = 2000  # of the write-ahead log; 8 MB
_PROBE = "INSERT INTO about VALUES ('probed', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
_FIRST = """
    INSERT INTO about SELECT ?, coalesce(
        (SELECT min(number) - 1 FROM events WHERE claimed_at IS NULL),
        (SELECT seq FROM sqlite_sequence WHERE name = 'events'),
        0
    ) WHERE true ON CONFLICT DO NOTHING
"""
_FORGET_RELAYED = (
    "DELETE FROM events WHERE received_at < ? AND number <= (SELECT value FROM about WHERE name = ?)"
)
_Value = TypeVar("_Value")


class SqliteStore:
    """See the port `Store`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)

    def inbox(self) -> SqliteInbox:
        """See the port."""
        return SqliteInbox(self.path)

    def existing(self) -> SqliteInbox:
        """See the port."""
        if not self.path.exists():
            raise InvalidInput(
                f"no inbox at {self.path}",
                hint=f"start the receiver first: {reconcile('webhook serve', ('--inbox', self.name))}",
            )
        return SqliteInbox(self.path)

    def table(self) -> SqliteTable:
        """See the port."""
        return SqliteTable(self.path)

    def warnings(self) -> list[str]:
        """See the port."""
        return []

    def hurry(self, seconds: float) -> None:
        """See the port: a disk either writes or refuses."""

    def close(self) -> None:
        """See the port."""


class SqliteTable:
    """See the port `Table`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.connection = connect(path)
        self.connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")

    def close(self) -> None:
        """See the port."""
        self.connection.close()

    def run(self, work: Callable[[sqlite3.Connection], _Value]) -> _Value:
        """What `work` returns, done in a transaction."""
        with mapped("write", self._path), transaction(self.connection):
            return work(self.connection)

    def insert(self, rows: Sequence[Row]) -> list[bool]:
        """See the port."""
        with mapped("write", self._path):
            return insert(self.connection, rows)

    def keep(self, delivery: Unverified, most: int) -> bool:
        """See the port."""
        return self.run(lambda connection: keep(connection, delivery, most))

    def release(self, keys: SigningKeys, now: float, tolerance: float) -> Released:
        """See the port."""
        return self.run(lambda connection: release(connection, keys, now, tolerance))

    def forget_claimed(self, before: float) -> int:
        """See the port."""
        return self.run(lambda connection: forget_claimed(connection, before))

    def forget_relayed(self, place: str, before: float) -> int:
        """See the port."""
        values = (before, relay_name(place))
        return self.run(lambda connection: connection.execute(_FORGET_RELAYED, values).rowcount)

    def begin_relay(self, place: str) -> None:
        """See the port."""
        self.run(lambda connection: connection.execute(_FIRST, (relay_name(place),)))

    def mark_relayed(self, place: str, number: int) -> None:
        """See the port."""
        update = "UPDATE about SET value = max(value, ?) WHERE name = ?"
        self.run(lambda connection: connection.execute(update, (number, relay_name(place))))

    def probe(self, now: float) -> None:
        """See the port."""
        self.run(lambda connection: connection.execute(_PROBE, (now,)))
