"""Events into the file. Rows go in by statements of many rows each: the sqlite3 module hands the interpreter over at
every statement, and a busy event loop gives it back late.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from reconciler.adapters.inbox.port import Row, which_are_new
from reconciler.adapters.inbox.sqlite.file import transaction

_ROWS = (256, 64, 16, 4, 1)  # of one statement
_COLUMNS = "webhook_id, type, job_id, operation_id, received_at, timestamp, signature, body"
_INSERT = {
    rows: f"INSERT INTO events ({_COLUMNS}) VALUES "  # noqa: S608 # column names are written above
    + ", ".join([f"({', '.join('?' * len(Row._fields))})"] * rows)
    + " ON CONFLICT DO NOTHING"
    for rows in _ROWS
}


def insert(connection: sqlite3.Connection, rows: Sequence[Row]) -> list[bool]:
    """Puts the rows in, durably unless a transaction is open around it, and says of each whether it is new."""
    if len(rows) in _INSERT or connection.in_transaction:
        return _insert(connection, rows)
    with transaction(connection):
        return _insert(connection, rows)


def _insert(connection: sqlite3.Connection, rows: Sequence[Row]) -> list[bool]:
    before = connection.total_changes
    (last,) = connection.execute("SELECT coalesce(max(number), 0) FROM events").fetchone()
    start = 0
    while start < len(rows):
        size = next(size for size in _ROWS if size <= len(rows) - start)
        values = [value for row in rows[start : start + size] for value in row]
        connection.execute(_INSERT[size], values)
        start += size
    added = connection.total_changes - before
    if added == len(rows):
        return [True] * added
    if added == 0:
        return [False] * len(rows)
    fresh = {
        name for (name,) in connection.execute("SELECT webhook_id FROM events WHERE number > ?", (last,))
    }
    return which_are_new(rows, fresh)


def forget_claimed(connection: sqlite3.Connection, before: float) -> int:
    """Deletes events that were claimed before then. What nobody claimed is never deleted."""
    done = connection.execute("DELETE FROM events WHERE claimed_at < ?", (before,))
    return done.rowcount
