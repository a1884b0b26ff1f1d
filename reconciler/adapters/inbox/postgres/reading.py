"""Reading and claiming in PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from reconciler.adapters.inbox.port import MAX_NUMBER, PAGE_BYTES, Backlog, Received, Sizes, relay_name
from reconciler.adapters.inbox.postgres.bell import Bell
from reconciler.adapters.inbox.postgres.connection import Session
from reconciler.adapters.inbox.postgres.schema import LEADING, SCHEMA, leading
from reconciler.core.errors import InvalidInput

# ruff: noqa: S608 # queries are made of names that are written in the code
_SHOWN = "number, webhook_id, operation_id, received_at, timestamp, signature, body, claimed_at, claimed_by"
_PAGE = (
    f"SELECT {_SHOWN} FROM ("
    f" SELECT {_SHOWN}, sum(octet_length(body)) OVER (ORDER BY number) AS size,"
    " row_number() OVER (ORDER BY number) AS place"
    f" FROM (SELECT * FROM {SCHEMA}.events WHERE number > %s {{}} ORDER BY number LIMIT %s) AS page"
    f") AS sized WHERE size <= {PAGE_BYTES} OR place = 1 ORDER BY number"
)
_ALL, _UNCLAIMED = _PAGE.format("").encode(), _PAGE.format("AND claimed_at IS NULL").encode()
# Two who claim at once get what the other one has not; nobody waits.
_CLAIM = (
    f"UPDATE {SCHEMA}.events SET claimed_at = %s, claimed_by = %s WHERE number IN ("
    f"SELECT number FROM {SCHEMA}.events WHERE number = ANY(%s) AND claimed_at IS NULL"
    " ORDER BY number FOR UPDATE SKIP LOCKED) RETURNING number"
).encode()
_SIZES = (
    f"SELECT (SELECT count(*) FROM {SCHEMA}.events), count(*), min(received_at),"
    f" (SELECT count(*) FROM {SCHEMA}.quarantine),"
    f" pg_total_relation_size('{SCHEMA}.events') + pg_total_relation_size('{SCHEMA}.quarantine')"
    f" FROM {SCHEMA}.events WHERE claimed_at IS NULL"
).encode()
_BACKLOG = f"SELECT count(*), min(received_at) FROM {SCHEMA}.events WHERE number > %s".encode()
_ABOUT = f"SELECT value FROM {SCHEMA}.about WHERE name = %s".encode()
_LAST = f"SELECT coalesce(pg_sequence_last_value('{SCHEMA}.events_number_seq'), 0)".encode()


class PostgresInbox:
    """See the port `Inbox`. The bell is the store's."""

    def __init__(self, session: Session, bell: Bell, where: str) -> None:
        self._session = session
        self._bell = bell
        self._turn = threading.Lock()
        identity = self._about("identity")
        if identity is None:
            raise InvalidInput(f"{where} is not an inbox", hint="use another database")
        self.identity: str = identity

    def close(self) -> None:
        """See the port."""
        with self._turn:
            self._session.close()

    def __enter__(self) -> PostgresInbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def events_since(self, cursor: int = 0, limit: int = 100) -> list[Received]:
        """See the port."""
        return self._read(_ALL, cursor, limit)

    def unclaimed(self, cursor: int = 0, limit: int = 100) -> list[Received]:
        """See the port."""
        return self._read(_UNCLAIMED, cursor, limit)

    def claim(self, numbers: Iterable[int], by: str, now: float) -> list[int]:
        """See the port."""
        wanted = [number for number in numbers if 0 < number <= MAX_NUMBER]
        with self._turn:
            rows = self._session.run(
                "write", lambda connection: connection.execute(_CLAIM, (now, by, wanted)).fetchall()
            )
        mine = {number for (number,) in rows}
        return [number for number in dict.fromkeys(wanted) if number in mine]

    def last(self) -> int:
        """See the port."""
        with self._turn:
            row = self._session.run("read", lambda connection: connection.execute(_LAST).fetchone())
        return int(row[0]) if row else 0

    def revision(self) -> int:
        """See the port."""
        return self._bell.count()

    def sizes(self) -> Sizes:
        """See the port."""
        with self._turn:
            row = self._session.run("read", lambda connection: connection.execute(_SIZES).fetchone())
        assert row is not None
        return Sizes(*row)

    def relayed(self, place: str) -> int:
        """See the port."""
        return int(self._about(relay_name(place)) or 0)

    def backlog(self, cursor: int) -> Backlog:
        """See the port."""
        with self._turn:
            row = self._session.run(
                "read", lambda connection: connection.execute(_BACKLOG, (cursor,)).fetchone()
            )
        assert row is not None
        return Backlog(*row)

    def leads(self, place: str) -> int:
        """See the port. The lock is the connection's, so the server gives it back as soon as that is gone."""
        with self._turn:
            row = self._session.run(
                "read",
                lambda connection: connection.execute(
                    f"SELECT {LEADING}, current_setting('transaction_read_only')::bool".encode(),
                    leading(relay_name(place)),
                ).fetchone(),
            )
            return self._session.term if row is not None and row[0] and not row[1] else 0

    def _about(self, name: str) -> str | None:
        with self._turn:
            row = self._session.run("read", lambda connection: connection.execute(_ABOUT, (name,)).fetchone())
        return str(row[0]) if row else None

    def _read(self, query: bytes, cursor: int, limit: int) -> list[Received]:
        values = (min(cursor, MAX_NUMBER), limit)
        with self._turn:
            rows = self._session.run(
                "read", lambda connection: connection.execute(query, values, binary=True).fetchall()
            )
        return [Received(*row) for row in rows]
