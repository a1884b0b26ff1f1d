"""Writing to PostgreSQL: all that waits in one statement, which is one transaction and one round trip.

Numbers must be given in the order in which they become visible, or a reader that has seen the higher one misses the
lower one. A sequence alone does not do that; so whoever stores events holds a lock until its commit is done. It is held
for one commit, however many deliveries that has, and meanwhile the others gather theirs.

What is there already may have been committed by a connection that was cut while it waited for a standby. Only a
transaction that wrote to PostgreSQL's log waits for one, so each writes a message there, also one that adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reconciler.adapters.inbox.port import (
    FORGOTTEN_AT_ONCE,
    Released,
    Row,
    Unverified,
    relay_name,
    which_are_new,
)
from reconciler.adapters.inbox.postgres.connection import LOCKS, Session, Value
from reconciler.adapters.inbox.postgres.patience import Connection
from reconciler.adapters.inbox.postgres.schema import CHANNEL, QUARANTINE, SCHEMA, STORING, UPKEEP
from reconciler.adapters.inbox.quarantine import KEPT_FOR, MAX_BYTES, judge, kept_of
from reconciler.core.platform.webhook import SigningKeys

# ruff: noqa: S608 # queries are made of names that are written in the code
_COLUMNS = "webhook_id, type, job_id, operation_id, received_at, timestamp, signature, body"
_TYPES = ("text", "text", "text", "text", "float8", "text", "text", "bytea")
_WROTE = "pg_logical_emit_message(true, 'reconcile_inbox', '')"
_INSERT = (
    f"WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock({LOCKS}, {STORING}), {_WROTE}), added AS ("
    f"INSERT INTO {SCHEMA}.events ({_COLUMNS}) SELECT {_COLUMNS} FROM turn,"
    f" unnest({', '.join(f'%b::{kind}[]' for kind in _TYPES)}) WITH ORDINALITY AS given ({_COLUMNS}, place)"
    " ORDER BY place ON CONFLICT DO NOTHING RETURNING webhook_id"
    f") SELECT webhook_id, pg_notify('{CHANNEL}', '') FROM added"
).encode()
_BEGIN_KEEPING = f"SELECT pg_advisory_xact_lock({LOCKS}, {QUARANTINE}), {_WROTE}".encode()
_KEPT = f"SELECT 1 FROM {SCHEMA}.quarantine WHERE digest = %s".encode()
_ROOM = f"SELECT count(*), coalesce(sum(octet_length(body)), 0) FROM {SCHEMA}.quarantine".encode()
# By the server's clock as well: what several receivers keep, none whose clock is ahead may delete.
_OLD = (
    f"DELETE FROM {SCHEMA}.quarantine"
    f" WHERE received_at < least(%s::float8, extract(epoch FROM now())::float8 - {KEPT_FOR})"
).encode()
KEEP = (
    f"INSERT INTO {SCHEMA}.quarantine (digest, webhook_id, operation_id, received_at, timestamp, signature, body)"
    " VALUES (%b, %b, %b, %b, %b, %b, %b) ON CONFLICT DO NOTHING"
).encode()
_QUARANTINED = (
    "SELECT digest, webhook_id, operation_id, received_at, timestamp, signature, body"
    f" FROM {SCHEMA}.quarantine ORDER BY received_at, arrived"
).encode()
_DONE = f"DELETE FROM {SCHEMA}.quarantine WHERE digest = ANY(%s)".encode()
_FORGET = (
    f"DELETE FROM {SCHEMA}.events WHERE number IN (SELECT number FROM {SCHEMA}.events WHERE {{}}"
    f" LIMIT {FORGOTTEN_AT_ONCE})"
)
_FORGET_CLAIMED = _FORGET.format("claimed_at < %s").encode()
_RELAYED = f"(SELECT value::bigint FROM {SCHEMA}.about WHERE name = %s)"
_FORGET_RELAYED = _FORGET.format(f"received_at < %s AND number <= {_RELAYED}").encode()
_BEGIN = (
    f"INSERT INTO {SCHEMA}.about SELECT %s, coalesce("
    f"(SELECT min(number) - 1 FROM {SCHEMA}.events WHERE claimed_at IS NULL),"
    f" pg_sequence_last_value('{SCHEMA}.events_number_seq'), 0) ON CONFLICT DO NOTHING"
).encode()
_MARK = (f"UPDATE {SCHEMA}.about SET value = greatest(value::bigint, %s::bigint) WHERE name = %s").encode()
_PROBE = (
    f"INSERT INTO {SCHEMA}.about VALUES ('probed', %s::float8::text)"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
).encode()


class PostgresTable:
    """See the port `Table`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def close(self) -> None:
        """See the port."""
        self._session.close()

    def insert(self, rows: Sequence[Row]) -> list[bool]:
        """See the port."""
        return self._session.run("write", lambda connection: insert(connection, rows))

    def keep(self, delivery: Unverified, most: int) -> bool:
        """See the port."""
        return self._run(lambda connection: _keep(connection, delivery, most))

    def release(self, keys: SigningKeys, now: float, tolerance: float) -> Released:
        """See the port."""
        return self._run(lambda connection: _release(connection, keys, now, tolerance))

    def forget_claimed(self, before: float) -> int:
        """See the port. Where another receiver is at it, that one does it."""
        return self._run(lambda connection: _forget(connection, _FORGET_CLAIMED, (before,)))

    def forget_relayed(self, place: str, before: float) -> int:
        """See the port, and `forget_claimed`."""
        values = (before, relay_name(place))
        return self._run(lambda connection: _forget(connection, _FORGET_RELAYED, values))

    def begin_relay(self, place: str) -> None:
        """See the port."""
        self._run(lambda connection: connection.execute(_BEGIN, (relay_name(place),)))

    def mark_relayed(self, place: str, number: int) -> None:
        """See the port."""
        self._run(lambda connection: connection.execute(_MARK, (number, relay_name(place))))

    def probe(self, now: float) -> None:
        """See the port."""
        self._run(lambda connection: connection.execute(_PROBE, (now,)))

    def _run(self, work: Callable[[Connection], Value]) -> Value:
        def within(connection: Connection) -> Value:
            with connection.transaction():
                return work(connection)

        return self._session.run("write", within)


def insert(connection: Connection, rows: Sequence[Row]) -> list[bool]:
    """Puts the rows in, durably unless a transaction is open around it, and says of each whether it is new."""
    if not rows:
        return []
    columns = [list(column) for column in zip(*rows, strict=True)]
    added = connection.execute(_INSERT, columns).fetchall()
    return which_are_new(rows, {webhook_id for webhook_id, _ in added})


def _keep(connection: Connection, delivery: Unverified, most: int) -> bool:
    columns = kept_of(delivery)
    connection.execute(_BEGIN_KEEPING)
    if connection.execute(_KEPT, columns[:1]).fetchone():
        return True
    if not _has_room(connection, delivery, most):
        connection.execute(_OLD, (delivery.received_at - KEPT_FOR,))
        if not _has_room(connection, delivery, most):
            return False
    connection.execute(KEEP, columns)
    return True


def _has_room(connection: Connection, delivery: Unverified, most: int) -> bool:
    row = connection.execute(_ROOM).fetchone()
    assert row is not None
    return bool(row[0] < most and row[1] + len(delivery.body) <= MAX_BYTES)


def _release(connection: Connection, keys: SigningKeys, now: float, tolerance: float) -> Released:
    connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", (LOCKS, QUARANTINE))
    connection.execute(_OLD, (now - KEPT_FOR,))
    waiting = connection.execute(_QUARANTINED, binary=True).fetchall()
    verified, done, kept = judge(waiting, keys, tolerance)
    stored = sum(insert(connection, verified))
    if done:
        connection.execute(_DONE, (done,))
    return Released(stored, len(done) - stored, kept)


def _forget(connection: Connection, query: bytes, values: tuple[float | str, ...]) -> int:
    row = connection.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", (LOCKS, UPKEEP)).fetchone()
    return connection.execute(query, values).rowcount if row is not None and row[0] else 0
