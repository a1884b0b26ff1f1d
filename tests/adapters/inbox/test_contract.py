"""What every inbox does, wherever it is kept (`inbox/port.py`)."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from reconciler.adapters.inbox.feed import InboxFeed
from reconciler.adapters.inbox.port import PAGE_BYTES, Inbox, Received, Released, Store, Table
from reconciler.adapters.inbox.quarantine import KEPT_FOR, MAX_DELIVERIES
from reconciler.adapters.inbox.stores import InboxPlace, store_at
from reconciler.adapters.inbox.writer import InboxWriter
from reconciler.core.errors import InvalidInput, StorageError
from reconciler.core.platform.webhook import SigningKeys
from tests.adapters.deliveries import KEY, KEYS, OTHER, THEN, ids, row, unverified
from tests.adapters.receiving import wait_until

HOSTILE = {
    "NUL bytes": b'{"type": "provisioning.completed\\u0000", "jobId": "a\x00b"}',
    "no UTF-8": b"\xff\xfe\x00\x80" * 50,
    "halves of characters": b'{"type": "\\ud800", "name": "\\udfff"}',
    "numbers of any size": b'{"n": 1' + b"0" * 5000 + b', "e": 1e999999}',
    "every byte": bytes(range(256)) * 4,
    "a megabyte": bytes(range(251)) * 4178,
    "quotes": b"'\"\\$1 %s %% {} ; DROP TABLE events; --",
    "nothing": b"",
}


@pytest.fixture
def store(place: InboxPlace) -> Iterator[Store]:
    with contextlib.closing(store_at(place)) as store:
        yield store


@pytest.fixture
def table(store: Store) -> Iterator[Table]:
    with contextlib.closing(store.table()) as table:
        yield table


@pytest.fixture
def inbox(store: Store, table: Table) -> Iterator[Inbox]:
    with store.inbox() as inbox:
        yield inbox


def everything(inbox: Inbox) -> list[Received]:
    found: list[Received] = []
    while page := inbox.events_since(found[-1].number if found else 0, 500):
        found += page
    return found


# ── storing ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_event_is_new_once(table: Table, inbox: Inbox) -> None:
    assert table.insert([row(1), row(2), row(1), row(1, webhook_id="msg_again")]) == [
        True,
        True,
        False,
        False,
    ]
    assert table.insert([row(1, job="pjb_other", operation=None)]) == [False]  # the same webhook-id
    assert table.insert([row(3, webhook_id="msg_1")]) == [False]
    assert table.insert([row(1, webhook_id="msg_f", kind="provisioning.failed"), row(2)]) == [True, False]
    assert ids(everything(inbox)) == ["msg_1", "msg_2", "msg_f"]


def test_without_a_job_or_a_type_only_the_id_tells(table: Table, inbox: Inbox) -> None:
    rows = [
        row(1, job=None),
        row(2, job=None),
        row(3, job="pjb_x", kind=None),
        row(4, job="pjb_x", kind=None),
        row(5, job=None, kind=None, operation=None),
    ]
    assert table.insert(rows) == [True] * 5
    assert table.insert(rows) == [False] * 5
    assert [one.operation_id for one in everything(inbox)] == ["op-1", "op-2", "op-3", "op-4", None]


def test_bytes_come_back_as_they_came(table: Table, inbox: Inbox) -> None:
    rows = [
        row(number, kind="ü→😀 'type'")._replace(body=body) for number, body in enumerate(HOSTILE.values())
    ]
    assert table.insert(rows) == [True] * len(rows)
    found = everything(inbox)
    assert [one.body for one in found] == list(HOSTILE.values())
    for given, came in zip(rows, found, strict=True):
        kept = (came.webhook_id, came.operation_id, came.received_at, came.timestamp, came.signature)
        assert kept == (
            given.webhook_id,
            given.operation_id,
            given.received_at,
            given.timestamp,
            given.signature,
        )


def test_many_at_once_keep_their_order(table: Table, inbox: Inbox) -> None:
    table.insert([row(7), row(11)])
    new = table.insert([row(number) for number in range(1000)])
    assert [number for number, fresh in enumerate(new) if not fresh] == [7, 11]
    numbers = [one.number for one in everything(inbox)]
    assert numbers == sorted(numbers)
    assert ids(everything(inbox))[2:] == [f"msg_{n}" for n in range(1000) if n not in (7, 11)]


def test_what_no_database_takes_is_one_error(table: Table, inbox: Inbox) -> None:
    with pytest.raises((StorageError, UnicodeError)):
        table.insert([row(1)._replace(operation_id="\ud800")])
    assert table.insert([row(2)]) == [True]
    assert ids(everything(inbox)) == ["msg_2"]


def test_a_reader_misses_nothing_while_several_write(store: Store, inbox: Inbox) -> None:
    """Numbers become visible in their order, whoever commits first."""
    writers, each = 4, 60
    running = threading.Barrier(writers + 1)

    def write(mine: int) -> None:
        with contextlib.closing(store.table()) as table:
            running.wait(60)
            for number in range(each):
                assert all(table.insert([row(mine * 10_000 + number * 3 + more) for more in range(3)]))

    found: list[Received] = []
    with ThreadPoolExecutor(writers) as threads:
        done = [threads.submit(write, mine) for mine in range(writers)]
        running.wait(60)
        while not all(one.done() for one in done):
            found += inbox.events_since(found[-1].number if found else 0, 50)
        for one in done:
            one.result()
    while page := inbox.events_since(found[-1].number if found else 0, 50):
        found += page
    assert len(found) == writers * each * 3
    assert found == everything(inbox)


# ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_page_is_bounded_in_events_and_in_bytes(table: Table, inbox: Inbox) -> None:
    table.insert([row(number, size=PAGE_BYTES // 3) for number in range(7)])
    table.insert([row(7, size=2 * PAGE_BYTES), row(8)])
    pages = []
    cursor = 0
    while page := inbox.events_since(cursor, 100):
        cursor = page[-1].number
        pages.append(len(page))
    assert pages == [2, 2, 2, 1, 1, 1]
    assert len(inbox.events_since(0, 1)) == 1
    assert inbox.events_since(2**63 + 5, 10) == []


def test_the_newest_number_is_known_and_never_given_again(table: Table, inbox: Inbox) -> None:
    assert inbox.last() == 0
    table.insert([row(1), row(2)])
    before = inbox.last()
    assert before == everything(inbox)[-1].number
    inbox.claim([one.number for one in everything(inbox)], "run", THEN)
    assert table.forget_claimed(THEN + 1) == 2
    assert inbox.last() == before
    assert table.insert([row(1)]) == [True]
    assert inbox.events_since(before)[0].number > before


def test_an_inbox_is_told_from_every_other(store: Store, inbox: Inbox) -> None:
    with store.inbox() as again:
        assert again.identity == inbox.identity
    assert inbox.identity.isalnum()


def test_how_full_it_is(table: Table, inbox: Inbox) -> None:
    assert inbox.sizes()[:4] == (0, 0, None, 0)
    table.insert([row(1), row(2), row(3)])
    table.keep(unverified(9), MAX_DELIVERIES)
    inbox.claim([everything(inbox)[0].number], "run", THEN)
    sizes = inbox.sizes()
    assert sizes[:4] == (3, 2, THEN + 2, 1)
    assert sizes.disk > 0


def test_a_commit_is_noticed_within_a_moment(store: Store, table: Table) -> None:
    with store.inbox() as inbox:
        seen = inbox.revision()
        wait_until(lambda: _steady(inbox), "nothing more is noticed")
        for number in range(3):
            seen = inbox.revision()
            table.insert([row(number)])
            wait_until(lambda seen=seen: inbox.revision() != seen, "it is noticed", 5)  # type: ignore[misc] # a loop's


def _steady(inbox: Inbox) -> bool:
    before = inbox.revision()
    return not threading.Event().wait(0.2) and inbox.revision() == before


# ── claiming ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_event_is_claimed_once(store: Store, table: Table, inbox: Inbox) -> None:
    table.insert([row(number) for number in range(200)])
    numbers = [one.number for one in everything(inbox)]

    def claim(by: int) -> list[int]:
        with store.inbox() as mine:
            return [
                one
                for start in range(0, 200, 20)
                for one in mine.claim(numbers[start : start + 30], f"run {by}", THEN)
            ]

    with ThreadPoolExecutor(4) as threads:
        claimed = [one for found in threads.map(claim, range(4)) for one in found]
    left = inbox.claim([*numbers, *numbers, 10**9, -1], "the last", THEN)
    assert sorted([*claimed, *left]) == numbers
    assert inbox.unclaimed() == []
    assert {one.claimed_by for one in everything(inbox)} <= {"run 0", "run 1", "run 2", "run 3", "the last"}
    assert inbox.claim(numbers, "too late", THEN) == []


def test_only_claimed_events_are_forgotten(table: Table, inbox: Inbox) -> None:
    table.insert([row(number) for number in range(4)])
    numbers = [one.number for one in everything(inbox)]
    inbox.claim(numbers[:2], "run", THEN)
    inbox.claim(numbers[2:3], "run", THEN + 100)
    assert table.forget_claimed(THEN) == 0
    assert table.forget_claimed(THEN + 1) == 2
    assert table.forget_claimed(1e300) == 1
    assert [one.number for one in everything(inbox)] == numbers[3:]


# ── the quarantine ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_key_that_fits_releases_in_the_order_of_arrival(table: Table, inbox: Inbox) -> None:
    for place, number in enumerate([5, 3, 9]):
        assert table.keep(unverified(number, at=THEN + place), MAX_DELIVERIES)
        assert table.keep(unverified(number + 100, OTHER, at=THEN + place), MAX_DELIVERIES)
    assert table.keep(unverified(5), MAX_DELIVERIES)  # is there already
    assert everything(inbox) == []
    assert table.release(SigningKeys([b"x" * 32]), THEN, 300.0) == Released(0, 0, 6)
    table.insert([row(3)])
    assert table.release(KEYS, THEN, 300.0) == Released(2, 1, 3)
    assert ids(everything(inbox)) == ["msg_3", "msg_5", "msg_9"]
    assert table.release(SigningKeys([KEY, OTHER]), THEN + KEPT_FOR + 1.5, 300.0) == Released(1, 0, 0)


def test_no_more_than_so_many_are_kept(table: Table, inbox: Inbox) -> None:
    assert [table.keep(unverified(number, at=THEN + number), 3) for number in range(5)] == [True] * 3 + [
        False
    ] * 2
    assert table.keep(unverified(9, at=THEN + KEPT_FOR + 1.5), 3)  # two are a week old
    assert inbox.sizes().quarantined == 2


# ── the relay's place ──────────────────────────────────────────────────────────────────────────────────────────────


def test_how_far_a_relay_is(table: Table, inbox: Inbox) -> None:
    table.insert([row(number) for number in range(6)])
    numbers = [one.number for one in everything(inbox)]
    inbox.claim([numbers[0], numbers[1], numbers[3]], "run", THEN)
    assert inbox.relayed("api/acme/Engines") == 0
    table.begin_relay("api/acme/Engines")
    assert inbox.relayed("api/acme/engines") == numbers[2] - 1
    assert inbox.backlog(numbers[2] - 1) == (4, THEN + 2)
    table.mark_relayed("api/acme/engines", numbers[4])
    table.mark_relayed("api/acme/engines", numbers[3])
    table.begin_relay("api/acme/engines")
    assert inbox.relayed("api/acme/engines") == numbers[4]
    assert table.forget_relayed("api/acme/engines", THEN + 2) == 2
    assert [one.number for one in everything(inbox)] == numbers[2:]
    assert inbox.backlog(numbers[5]) == (0, None)


def test_a_relay_to_an_inbox_of_nothing_but_claimed_events(table: Table, inbox: Inbox) -> None:
    table.begin_relay("empty")
    table.insert([row(1)])
    inbox.claim([everything(inbox)[0].number], "run", THEN)
    table.begin_relay("late")
    assert inbox.relayed("empty") < everything(inbox)[0].number
    assert inbox.relayed("late") == inbox.last()


def test_it_can_be_probed(table: Table, inbox: Inbox) -> None:
    table.probe(THEN)
    table.probe(THEN + 1)
    assert everything(inbox) == []


# ── what stands on it ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_writer_stores_what_gathers_in_one_commit(store: Store, inbox: Inbox) -> None:
    async def work() -> None:
        writing = InboxWriter(store)
        try:
            stored = [writing.store(row(number)) for number in range(700)]
            assert all(await asyncio.gather(*stored))
            assert not await writing.store(row(3))
            with pytest.raises(StorageError):
                await writing.call(lambda table: table.keep(unverified(1)._replace(operation_id="\ud800"), 9))
            assert await writing.store(row(700))
        finally:
            await writing.close()

    asyncio.run(work())
    assert ids(everything(inbox)) == [f"msg_{number}" for number in range(701)]


def test_a_run_reads_follows_and_claims(place: InboxPlace, table: Table) -> None:
    table.insert([row(number) for number in range(3)])
    feed = InboxFeed(store_at(place), "run", lambda: THEN)

    async def scene() -> list[str | None]:
        following = feed.follow()
        async with asyncio.timeout(60):
            found = [(await anext(following)).job_id]
            await asyncio.to_thread(table.insert, [row(8)])
            found += [(await anext(following)).job_id]
        await following.aclose()  # type: ignore[attr-defined] # a generator
        return found

    with contextlib.closing(feed):
        waiting = feed.waiting()
        feed.claim(waiting[:2])
        assert [one.event.job_id for one in feed.waiting()] == ["pjb_2"]
        assert asyncio.run(scene()) == ["pjb_2", "pjb_8"]


def test_a_run_makes_no_inbox(place: InboxPlace) -> None:
    for _ in range(2):
        store = store_at(place)
        with contextlib.closing(store), pytest.raises(InvalidInput) as caught:
            InboxFeed(store, "run", lambda: THEN)
        assert "reconcile webhook serve --inbox" in (caught.value.hint or "")


def test_several_begin_one_inbox_at_once(place: InboxPlace) -> None:
    def begin(number: int) -> str:
        store = store_at(place)
        with contextlib.closing(store), store.inbox() as inbox, contextlib.closing(store.table()) as table:
            assert table.insert([row(number)]) == [True]
            return inbox.identity

    with ThreadPoolExecutor(6) as threads:
        assert len(set(threads.map(begin, range(6)))) == 1
    with contextlib.closing(store_at(place)) as store, store.inbox() as inbox:
        assert len(everything(inbox)) == 6
