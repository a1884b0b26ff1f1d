"""Deliveries that nobody could verify yet: kept apart, capped, and released only by a signature that fits.

The platform makes the signing secret with the first job that has a callback URL, so the webhooks of the very first
run come before anybody can know it. They wait here. Anybody can send such a delivery, so nothing in it is believed, and
what is kept is bounded; a timestamp is judged by when the delivery came. What no key fits stays until it is a week old,
for a secret may have been mistyped.
"""

from __future__ import annotations

import hashlib
import sqlite3
from typing import NamedTuple

from reconciler.adapters.inbox.writer import Row, insert
from reconciler.core.platform.webhook import Signed, SigningKeys, Verdict, subject_of, verify

MAX_DELIVERIES = 2000
MAX_BYTES = 32 << 20
KEPT_FOR = 7 * 86400.0


class Unverified(NamedTuple):
    """A delivery as it came."""

    signed: Signed
    operation_id: str | None
    received_at: float
    body: bytes

    def digest(self) -> bytes:
        """Tells it from every other, forged ones included: a stranger cannot take another's place."""
        operation = (self.operation_id or "").encode()
        lengths = ",".join(str(len(part)) for part in self.signed)
        return hashlib.sha256(b"\n".join((lengths.encode(), *self.signed, operation, self.body))).digest()


class Released(NamedTuple):
    """How many became events, were events already, and stay."""

    stored: int
    duplicates: int
    kept: int


def keep(connection: sqlite3.Connection, delivery: Unverified, most: int = MAX_DELIVERIES) -> bool:
    """Whether there was room for it (or it is there already)."""
    digest = delivery.digest()
    if connection.execute("SELECT 1 FROM quarantine WHERE digest = ?", (digest,)).fetchone():
        return True
    if not _has_room(connection, delivery, most):
        connection.execute("DELETE FROM quarantine WHERE received_at < ?", (delivery.received_at - KEPT_FOR,))
        if not _has_room(connection, delivery, most):
            return False
    connection.execute(
        "INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            digest,
            delivery.signed.webhook_id.decode("ascii"),
            delivery.operation_id,
            delivery.received_at,
            delivery.signed.timestamp.decode("ascii"),
            delivery.signed.signature.decode("ascii"),
            delivery.body,
        ),
    )
    return True


def _has_room(connection: sqlite3.Connection, delivery: Unverified, most: int) -> bool:
    count, size = connection.execute(
        "SELECT count(*), coalesce(sum(length(body)), 0) FROM quarantine"
    ).fetchone()
    return bool(count < most and size + len(delivery.body) <= MAX_BYTES)


def release(connection: sqlite3.Connection, keys: SigningKeys, now: float, tolerance: float) -> Released:
    """Verifies all that are kept; those that a key fits become events, in the order in which they came."""
    connection.execute("DELETE FROM quarantine WHERE received_at < ?", (now - KEPT_FOR,))
    verified: list[Row] = []
    done: list[tuple[bytes]] = []
    kept = 0
    query = (
        "SELECT digest, webhook_id, operation_id, received_at, timestamp, signature, body"
        " FROM quarantine WHERE typeof(webhook_id) = 'text' AND typeof(operation_id) IN ('text', 'null')"
        " AND typeof(received_at) = 'real' AND typeof(timestamp) = 'text' AND typeof(signature) = 'text'"
        " AND typeof(body) = 'blob' ORDER BY received_at, rowid"
    )
    for digest, webhook_id, operation_id, received_at, timestamp, signature, body in connection.execute(
        query
    ):
        signed = Signed(webhook_id.encode(), timestamp.encode(), signature.encode())
        if verify(signed, body, keys, received_at, tolerance) is not Verdict.VERIFIED:
            kept += 1
            continue
        done.append((digest,))
        subject = subject_of(body)
        if subject is not None and (subject.job_id is not None or operation_id is not None):
            row = Row(
                webhook_id,
                subject.type,
                subject.job_id,
                operation_id,
                received_at,
                timestamp,
                signature,
                body,
            )
            verified.append(row)
    fresh = insert(connection, verified) if verified else []
    connection.executemany("DELETE FROM quarantine WHERE digest = ?", done)
    return Released(sum(fresh), len(done) - sum(fresh), kept)


def forget_claimed(connection: sqlite3.Connection, before: float) -> int:
    """Deletes events that were claimed before then. What nobody claimed is never deleted."""
    done = connection.execute("DELETE FROM events WHERE claimed_at < ?", (before,))
    return done.rowcount
