"""The quarantine in the file: see `inbox/quarantine.py` for what it is for."""

from __future__ import annotations

import sqlite3

from reconciler.adapters.inbox.port import Released, Unverified
from reconciler.adapters.inbox.quarantine import (
    KEPT_FOR,
    MAX_BYTES,
    MAX_DELIVERIES,
    digest_of,
    judge,
    kept_of,
)
from reconciler.adapters.inbox.sqlite.rows import insert
from reconciler.core.platform.webhook import SigningKeys

_SOUND = (
    "typeof(webhook_id) = 'text' AND typeof(operation_id) IN ('text', 'null') AND typeof(received_at) = 'real'"
    " AND typeof(timestamp) = 'text' AND typeof(signature) = 'text' AND typeof(body) = 'blob'"
)
COLUMNS = "digest, webhook_id, operation_id, received_at, timestamp, signature, body"
ALL = f"SELECT {COLUMNS} FROM quarantine WHERE {_SOUND} ORDER BY received_at, rowid"  # noqa: S608 # both from here


def keep(connection: sqlite3.Connection, delivery: Unverified, most: int = MAX_DELIVERIES) -> bool:
    """Whether there was room for it (or it is there already)."""
    if connection.execute("SELECT 1 FROM quarantine WHERE digest = ?", (digest_of(delivery),)).fetchone():
        return True
    if not _has_room(connection, delivery, most):
        connection.execute("DELETE FROM quarantine WHERE received_at < ?", (delivery.received_at - KEPT_FOR,))
        if not _has_room(connection, delivery, most):
            return False
    connection.execute("INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?, ?)", kept_of(delivery))
    return True


def _has_room(connection: sqlite3.Connection, delivery: Unverified, most: int) -> bool:
    count, size = connection.execute(
        "SELECT count(*), coalesce(sum(length(body)), 0) FROM quarantine"
    ).fetchone()
    return bool(count < most and size + len(delivery.body) <= MAX_BYTES)


def release(connection: sqlite3.Connection, keys: SigningKeys, now: float, tolerance: float) -> Released:
    """Verifies all that are kept; those that a key fits become events, in the order in which they came."""
    connection.execute("DELETE FROM quarantine WHERE received_at < ?", (now - KEPT_FOR,))
    verified, done, kept = judge(connection.execute(ALL), keys, tolerance)
    stored = sum(insert(connection, verified)) if verified else 0
    connection.executemany("DELETE FROM quarantine WHERE digest = ?", [(digest,) for digest in done])
    return Released(stored, len(done) - stored, kept)
