"""Events of another inbox into PostgreSQL, and whether they are there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from reconciler.adapters.inbox.port import Row
from reconciler.adapters.inbox.postgres.connection import LOCKS, Session
from reconciler.adapters.inbox.postgres.patience import Connection
from reconciler.adapters.inbox.postgres.schema import LEADING, QUARANTINE, SCHEMA, leading
from reconciler.adapters.inbox.postgres.table import KEEP, insert
from reconciler.adapters.inbox.quarantine import Kept

# ruff: noqa: S608 # queries are made of names that are written in the code
_COLUMNS = (
    "webhook_id, type, job_id, operation_id, received_at, timestamp, signature, body, claimed_at, claimed_by"
)
_CLAIMED = (
    f"UPDATE {SCHEMA}.events AS e SET claimed_at = given.claimed_at, claimed_by = given.claimed_by"
    " FROM unnest(%b::text[], %b::float8[], %b::text[]) AS given (webhook_id, claimed_at, claimed_by)"
    " WHERE e.webhook_id = given.webhook_id AND e.claimed_at IS NULL"
).encode()
_FOUND = f"SELECT {_COLUMNS} FROM {SCHEMA}.events WHERE webhook_id = ANY(%b::text[])".encode()
_SUBJECTS = (
    f"SELECT job_id, type FROM {SCHEMA}.events"
    " JOIN unnest(%b::text[], %b::text[]) AS given (job_id, type) USING (job_id, type)"
).encode()
_NUMBER = f"SELECT number FROM {SCHEMA}.events WHERE webhook_id = %s".encode()
_UNCLAIMED = (
    f"SELECT number, webhook_id FROM {SCHEMA}.events WHERE number > %s AND number <= %s AND claimed_at IS NULL"
    " ORDER BY number LIMIT 2000"
).encode()
_MARK = (
    f"INSERT INTO {SCHEMA}.about AS a VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    " WHERE a.value::bigint < excluded.value::bigint"
).encode()
_PLACE = f"SELECT value FROM {SCHEMA}.about WHERE name = %s".encode()


class Event(NamedTuple):
    """A row of another inbox: its number there, and the columns."""

    number: int
    webhook_id: str
    type: str | None
    job_id: str | None
    operation_id: str | None
    received_at: float
    timestamp: str
    signature: str
    body: bytes
    claimed_at: float | None
    claimed_by: str | None

    @property
    def row(self) -> Row:
        return Row(*self[1:9])


class Arrivals:
    """Everything can be done again, and changes nothing then. Raises `StorageError`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def close(self) -> None:
        self._session.close()

    def put(self, events: Sequence[Event]) -> int:
        """How many of them are new here. A claim goes along, also to one that was here already."""

        def within(connection: Connection) -> int:
            with connection.transaction():
                new = insert(connection, [event.row for event in events])
                claimed = [event for event in events if event.claimed_at is not None]
                if claimed:
                    ids, at, by = zip(
                        *((e.webhook_id, e.claimed_at, e.claimed_by) for e in claimed), strict=True
                    )
                    connection.execute(_CLAIMED, (list(ids), list(at), list(by)))
                return sum(new)

        return self._session.run("write", within)

    def put_aside(self, deliveries: Sequence[Kept]) -> int:
        """Unverified ones; how many of them are new here."""

        def within(connection: Connection) -> int:
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", (LOCKS, QUARANTINE))
                return sum(connection.execute(KEEP, one).rowcount for one in deliveries)

        return self._session.run("write", within)

    def number_of(self, webhook_id: str) -> int:
        """Of the event; 0 where it is not here."""
        row = self._session.run(
            "read", lambda connection: connection.execute(_NUMBER, (webhook_id,)).fetchone()
        )
        return int(row[0]) if row else 0

    def unclaimed_between(self, after: int, last: int) -> Iterator[tuple[int, str]]:
        """Numbers and ids, oldest first, up to the last one."""
        while True:
            rows = self._unclaimed(after, last)
            if not rows:
                return
            yield from rows
            after = rows[-1][0]

    def _unclaimed(self, after: int, number: int) -> list[tuple[int, str]]:
        return self._session.run(
            "read", lambda connection: connection.execute(_UNCLAIMED, (after, number)).fetchall()
        )

    def lead(self, name: str) -> bool:
        """Keeps every relay of that name from passing anything on until this is closed; False where one does now."""
        query = f"SELECT {LEADING}".encode()
        row = self._session.run(
            "read", lambda connection: connection.execute(query, leading(name)).fetchone()
        )
        return row is not None and bool(row[0])

    def place_of(self, name: str) -> int:
        """The number of the last event that a relay passed on from here; 0 where there was none."""
        row = self._session.run("read", lambda connection: connection.execute(_PLACE, (name,)).fetchone())
        return int(row[0]) if row else 0

    def mark(self, name: str, number: int) -> bool:
        """A relay's place, which never goes back; whether it changed."""
        values = (name, str(number))
        return self._session.run("write", lambda connection: connection.execute(_MARK, values).rowcount) > 0

    def differing(self, events: Sequence[Event]) -> list[str]:
        """The ids of those that are not here as they were there. One whose job and type were delivered here under
        another id is as good; and a claim that was added since is no difference."""
        found = self._session.run(
            "read",
            lambda connection: connection.execute(
                _FOUND, ([event.webhook_id for event in events],), binary=True
            ).fetchall(),
        )
        here = {row[0]: row for row in found}
        missing = [event for event in events if event.webhook_id not in here]
        subjects = [
            (one.job_id, one.type) for one in missing if one.job_id is not None and one.type is not None
        ]
        known = set(self._known(subjects)) if subjects else set()
        wrong = [event.webhook_id for event in missing if (event.job_id, event.type) not in known]
        for event in events:
            row = here.get(event.webhook_id)
            if row is not None and (
                tuple(row[:8]) != tuple(event.row) or (row[8] is None and event.claimed_at is not None)
            ):
                wrong.append(event.webhook_id)
        return wrong

    def _known(self, subjects: Sequence[tuple[str | None, str | None]]) -> list[tuple[str, str]]:
        columns = [list(column) for column in zip(*subjects, strict=True)]
        return self._session.run("read", lambda connection: connection.execute(_SUBJECTS, columns).fetchall())
