"""What nobody could verify yet: kept apart, bounded, released by a key that fits, and never believed before."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.adapters.inbox.port import Released, Unverified
from reconciler.adapters.inbox.quarantine import KEPT_FOR, MAX_BYTES, MAX_DELIVERIES
from reconciler.adapters.inbox.sqlite.file import connect, transaction
from reconciler.adapters.inbox.sqlite.quarantine import keep, release
from reconciler.adapters.inbox.sqlite.reading import SqliteInbox as Inbox
from reconciler.adapters.inbox.sqlite.rows import forget_claimed, insert
from reconciler.core.platform.webhook import TOLERANCE, SigningKeys
from reconciler.sandbox.signing import signature
from tests.adapters.deliveries import KEY, KEYS, OTHER, THEN, fill, ids, row, secret_of, stored, unverified

DAY = 86400.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "inbox.db"


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(connect(path)) as connection:
        yield connection


def kept(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM quarantine").fetchone()[0])


def released(
    connection: sqlite3.Connection, keys: SigningKeys = KEYS, now: float = THEN, tolerance: float = TOLERANCE
) -> Released:
    with transaction(connection):
        return release(connection, keys, now, tolerance)


def test_a_key_that_fits_releases_in_the_order_of_arrival(path: Path, connection: sqlite3.Connection) -> None:
    arrivals = [5, 3, 9, 1, 7]
    for place, number in enumerate(arrivals):
        assert keep(connection, unverified(number, at=THEN + place))
        assert keep(connection, unverified(number + 100, OTHER, at=THEN + place))
    assert stored(path) == []
    assert released(connection, SigningKeys([b"x" * 32])) == Released(0, 0, 10)
    assert released(connection) == Released(5, 0, 5)
    found = stored(path)
    assert ids(found) == [f"msg_{number}" for number in arrivals]
    assert [one.operation_id for one in found] == [f"op-{number}" for number in arrivals]
    assert [one.received_at for one in found] == [THEN + place for place in range(5)]
    assert found[0].event is not None
    assert found[0].event.job_id == "pjb_5"
    assert released(connection) == Released(0, 0, 5)
    assert released(connection, SigningKeys([KEY, OTHER])) == Released(5, 0, 0)
    assert released(connection, SigningKeys([KEY, OTHER])) == Released(0, 0, 0)


def test_hundreds_are_released_at_once(path: Path, connection: sqlite3.Connection) -> None:
    with transaction(connection):
        for number in range(600):
            assert keep(connection, unverified(number, at=THEN + number / 10))
    assert released(connection) == Released(600, 0, 0)
    assert ids(stored(path)) == [f"msg_{number}" for number in range(600)]


def test_what_came_again_is_one_event(path: Path, connection: sqlite3.Connection) -> None:
    for at in (THEN, THEN, THEN + 60):  # the third is a retry with a signature of its own
        assert keep(connection, unverified(1, at=at))
    assert kept(connection) == 2
    fill(path, [row(2)])
    assert keep(connection, unverified(2))
    assert released(connection) == Released(1, 2, 0)
    assert ids(stored(path)) == ["msg_2", "msg_1"]


def test_a_stranger_cannot_take_the_place_of_a_delivery(path: Path, connection: sqlite3.Connection) -> None:
    genuine = unverified(1)
    forgeries = [
        genuine._replace(signed=genuine.signed._replace(signature=b"v1,forged")),
        genuine._replace(body=b'{"type": "provisioning.completed", "jobId": "pjb_evil"}'),
        genuine._replace(signed=genuine.signed._replace(timestamp=b"1700000001")),
        genuine._replace(signed=genuine.signed._replace(webhook_id=b"msg_2")),
    ]
    for delivery in [*forgeries, genuine]:
        assert keep(connection, delivery)
    assert released(connection) == Released(1, 0, 4)
    assert stored(path)[0].body == genuine.body


def test_a_timestamp_is_judged_by_when_it_came(path: Path, connection: sqlite3.Connection) -> None:
    for number, off in enumerate((-TOLERANCE, TOLERANCE, -TOLERANCE - 1, TOLERANCE + 1)):
        assert keep(connection, unverified(number)._replace(received_at=THEN + off))
    assert released(connection, now=THEN + 6 * DAY) == Released(2, 0, 2)
    assert set(ids(stored(path))) == {"msg_0", "msg_1"}


def test_after_a_week_they_are_gone(path: Path, connection: sqlite3.Connection) -> None:
    assert keep(connection, unverified(1))
    assert keep(connection, unverified(2, at=THEN + 2))
    assert released(connection, now=THEN + KEPT_FOR + 1) == Released(1, 0, 0)
    assert ids(stored(path)) == ["msg_2"]


def test_what_is_about_nothing_is_no_event(path: Path, connection: sqlite3.Connection) -> None:
    """Signed as it may be, there is no job and no operation that it could be about."""
    nothing = unverified(1)
    signed = sign(nothing._replace(body=b'{"type": "other"}', operation_id=None))
    assert keep(connection, signed)
    assert keep(connection, sign(nothing._replace(body=b"no json")))
    assert keep(connection, sign(nothing._replace(body=b"{}")))
    assert released(connection) == Released(1, 2, 0)
    assert [(one.operation_id, one.body) for one in stored(path)] == [("op-1", b"{}")]
    assert kept(connection) == 0


def sign(delivery: Unverified) -> Unverified:
    made = signature(secret_of(KEY), "msg_1", int(THEN), delivery.body)
    return delivery._replace(signed=delivery.signed._replace(signature=made.encode()))


def test_no_more_than_so_many_are_kept(path: Path, connection: sqlite3.Connection) -> None:
    with transaction(connection):
        for number in range(MAX_DELIVERIES):
            assert keep(connection, unverified(number, at=THEN + number))
        late = THEN + MAX_DELIVERIES
        assert not keep(connection, unverified(10**6, at=late))
        assert keep(connection, unverified(7, at=THEN + 7))  # is there already
        assert kept(connection) == MAX_DELIVERIES
        # A week after the first ten came, ten more have room.
        late = THEN + 9.5 + KEPT_FOR
        for number in range(10):
            assert keep(connection, unverified(10**6 + number, at=late))
        assert not keep(connection, unverified(10**7, at=late))
    assert kept(connection) == MAX_DELIVERIES
    with Inbox(path) as inbox:
        assert inbox.sizes().quarantined == MAX_DELIVERIES


def test_no_more_bytes_than_so_many_are_kept(connection: sqlite3.Connection) -> None:
    small = unverified(0, at=THEN)
    assert keep(connection, small)
    size = 1 << 20
    with transaction(connection):
        number = 1
        while keep(connection, unverified(number, at=THEN + 10, size=size)):
            number += 1
        assert MAX_BYTES - 2 * size < (number - 1) * size <= MAX_BYTES
        assert keep(connection, unverified(10**6, at=THEN + 11))
        # The small one is a week old: that makes room for a small one, not for a large one.
        late = THEN + KEPT_FOR + 1
        assert not keep(connection, unverified(10**7, at=late, size=size))
    (total,) = connection.execute("SELECT sum(length(body)) FROM quarantine").fetchone()
    assert total <= MAX_BYTES


def test_only_claimed_events_are_forgotten(path: Path, connection: sqlite3.Connection) -> None:
    fill(path, map(row, range(6)))
    with Inbox(path) as inbox:
        inbox.claim([1, 2], "run", THEN)
        inbox.claim([3], "run", THEN + 100)
        assert forget_claimed(connection, THEN) == 0
        assert forget_claimed(connection, THEN + 1) == 2
        assert [one.number for one in inbox.events_since()] == [3, 4, 5, 6]
        assert forget_claimed(connection, float("inf")) == 1
        assert [one.number for one in inbox.unclaimed()] == [4, 5, 6]
        assert forget_claimed(connection, float("inf")) == 0


def test_a_number_is_never_given_again(path: Path, connection: sqlite3.Connection) -> None:
    """It is a cursor, so that would hide the new event from whoever has read up to it."""
    fill(path, map(row, range(3)))
    with Inbox(path) as inbox:
        inbox.claim([1, 2, 3], "run", THEN)
        assert forget_claimed(connection, THEN + 1) == 3
        assert inbox.last() == 3
        assert insert(connection, [row(1), row(1)]) == [True, False]
        assert [one.number for one in inbox.events_since(3)] == [4]
