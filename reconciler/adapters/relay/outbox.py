"""What of an inbox a relay has passed on, remembered in the inbox itself: one number for each place it relays to.

Events are passed on in the order of their numbers, and the number is written after each, so a receiver that was killed
goes on with the one it was at: that one may go out twice, and none is left out.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple

from reconciler.adapters.inbox.database import Inbox
from reconciler.adapters.inbox.sqlite_file import mapped

_FIRST = """
    INSERT INTO about SELECT ?, coalesce(
        (SELECT min(number) - 1 FROM events WHERE claimed_at IS NULL),
        (SELECT seq FROM sqlite_sequence WHERE name = 'events'),
        0
    ) WHERE true ON CONFLICT DO NOTHING
"""


class Backlog(NamedTuple):
    """What is still to be passed on."""

    waiting: int
    oldest_at: float | None


class Outbox(Inbox):
    """An inbox as a relay sees it; raises as that does. `place` says where the relay goes to."""

    def __init__(self, path: Path, place: str) -> None:
        super().__init__(path)
        self._name = name_of(place)

    def __enter__(self) -> Outbox:
        return self

    def cursor(self) -> int:
        """The number of the event that was passed on last; 0 before `begin`."""
        with self._turn, mapped("read", self.path):
            row = self._connection.execute("SELECT value FROM about WHERE name = ?", (self._name,)).fetchone()
        return int(row[0]) if row else 0

    def backlog(self, cursor: int) -> Backlog:
        """Looks at each waiting event."""
        with self._turn, mapped("read", self.path):
            (waiting,) = self._connection.execute(
                "SELECT count(*) FROM events WHERE number > ?", (cursor,)
            ).fetchone()
            oldest = self._connection.execute(
                "SELECT received_at FROM events WHERE number > ? ORDER BY number LIMIT 1", (cursor,)
            ).fetchone()
        return Backlog(waiting, oldest[0] if oldest else None)


def name_of(place: str) -> str:
    return f"relayed to {place.lower()}"  # GitHub does not tell upper case from lower


def begin(connection: sqlite3.Connection, place: str) -> None:
    """A place to which nothing was relayed before gets what no run has taken so far, and all that comes."""
    connection.execute(_FIRST, (name_of(place),))


def passed_on(connection: sqlite3.Connection, place: str, number: int) -> None:
    connection.execute("UPDATE about SET value = max(value, ?) WHERE name = ?", (number, name_of(place)))


def forget_passed_on(connection: sqlite3.Connection, place: str, before: float) -> int:
    """Deletes events that were received before then and passed on: where a relay is the only reader nobody claims them,
    and the inbox would grow for ever."""
    done = connection.execute(
        "DELETE FROM events WHERE received_at < ? AND number <= (SELECT value FROM about WHERE name = ?)",
        (before, name_of(place)),
    )
    return done.rowcount
