"""Deliveries that nobody could verify yet: kept apart, capped, and released only by a signature that fits.

The platform makes the signing secret with the first job that has a callback URL, so the webhooks of the very first
run come before anybody can know it. They wait here. Anybody can send such a delivery, so nothing in it is believed, and
what is kept is bounded; a timestamp is judged by when the delivery came. What no key fits stays until it is a week old,
for a secret may have been mistyped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from reconciler.adapters.inbox.port import Row, Unverified
from reconciler.core.platform.webhook import Signed, SigningKeys, Verdict, subject_of, verify

MAX_DELIVERIES = 2000
MAX_BYTES = 32 << 20
KEPT_FOR = 7 * 86400.0

Kept = tuple[bytes, str, str | None, float, str, str, bytes]  # the columns, the digest first


class Judged(NamedTuple):
    """`verified` are to become events, `done` are the digests of those that need not be kept, `kept` counts others."""

    verified: list[Row]
    done: list[bytes]
    kept: int


def digest_of(delivery: Unverified) -> bytes:
    """Tells it from every other, forged ones included: a stranger cannot take another's place."""
    operation = (delivery.operation_id or "").encode()
    lengths = ",".join(str(len(part)) for part in delivery.signed)
    parts = (lengths.encode(), *delivery.signed, operation, delivery.body)
    return hashlib.sha256(b"\n".join(parts)).digest()


def kept_of(delivery: Unverified) -> Kept:
    signed = (part.decode("ascii") for part in delivery.signed)
    webhook_id, timestamp, signature = signed
    return (
        digest_of(delivery),
        webhook_id,
        delivery.operation_id,
        delivery.received_at,
        timestamp,
        signature,
        delivery.body,
    )


def judge(deliveries: Iterable[Kept], keys: SigningKeys, tolerance: float) -> Judged:
    """What becomes of those that are kept, in their order."""
    verified: list[Row] = []
    done: list[bytes] = []
    kept = 0
    for digest, webhook_id, operation_id, received_at, timestamp, signature, body in deliveries:
        signed = Signed(webhook_id.encode(), timestamp.encode(), signature.encode())
        if verify(signed, body, keys, received_at, tolerance) is not Verdict.VERIFIED:
            kept += 1
            continue
        done.append(digest)
        subject = subject_of(body)
        if subject is not None and (subject.job_id is not None or operation_id is not None):
            about = (webhook_id, subject.type, subject.job_id, operation_id)
            verified.append(Row(*about, received_at, timestamp, signature, body))
    return Judged(verified, done, kept)
