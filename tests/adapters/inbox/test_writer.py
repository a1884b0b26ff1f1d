"""Storing from an event loop: what is new, what a commit costs, and a disk that refuses."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest

from reconciler.adapters.inbox.sqlite.file import connect
from reconciler.adapters.inbox.sqlite.reading import SqliteInbox as Inbox
from reconciler.adapters.inbox.sqlite.rows import insert
from reconciler.adapters.inbox.sqlite.store import SqliteStore, SqliteTable
from reconciler.adapters.inbox.writer import MAX_CALLS, MAX_WAITING, InboxWriter
from reconciler.core.errors import StorageError
from tests.adapters.deliveries import commits, fill, ids, process, row, said_by, stored

Value = TypeVar("Value")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "inbox.db"


@contextlib.asynccontextmanager
async def writer(path: Path) -> AsyncIterator[InboxWriter]:
    async with asyncio.timeout(60):
        writing = InboxWriter(SqliteStore(path))
        try:
            yield writing
        finally:
            await writing.close()


def on_disk(writing: InboxWriter, work: Callable[[sqlite3.Connection], Value]) -> asyncio.Future[Value]:
    """Done by the writing thread, in a transaction."""
    return writing.call(lambda table: cast(SqliteTable, table).run(work))


def run(path: Path, work: Callable[[InboxWriter], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        async with writer(path) as writing:
            await work(writing)

    asyncio.run(main())


def test_a_delivery_is_new_once(path: Path) -> None:
    async def work(writing: InboxWriter) -> None:
        assert await writing.store(row(1))
        assert not await writing.store(row(1))
        assert not await writing.store(row(1, job="pjb_other", operation=None))  # the same webhook-id
        assert not await writing.store(row(1, webhook_id="msg_again"))  # the same job and type
        assert await writing.store(row(1, webhook_id="msg_f", kind="provisioning.failed"))
        assert await writing.store(row(2))

    run(path, work)
    assert ids(stored(path)) == ["msg_1", "msg_f", "msg_2"]


def test_without_a_job_or_a_type_only_the_id_tells(path: Path) -> None:
    async def work(writing: InboxWriter) -> None:
        for number in range(2):
            assert await writing.store(row(number, job=None))
            assert await writing.store(row(number + 2, job="pjb_1", kind=None))
            assert not await writing.store(row(number, job=None))

    run(path, work)
    assert len(stored(path)) == 4


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 255, 256, 257, 300, 1025])
def test_of_a_batch_each_is_judged_by_itself(path: Path, count: int) -> None:
    fill(path, [row(0), row(10**6)])
    assert fill(path, map(row, range(1, count + 1))) == [True] * count
    assert fill(path, map(row, range(1, count + 1))) == [False] * count
    chance = random.Random(count)
    rows, new, seen = [], [], set(range(count + 1))
    for _ in range(count):
        number = chance.randrange(count * 3)
        by_job = chance.random() < 0.5
        rows.append(row(number, webhook_id=f"msg_{chance.random()}" if by_job else None))
        new.append(number not in seen)
        seen.add(number)
    assert fill(path, rows) == new
    numbers = [one.number for one in stored(path)]
    assert sorted(set(numbers)) == numbers
    assert len(numbers) == len(seen) + 1


def test_many_deliveries_share_few_commits(path: Path) -> None:
    async def work(writing: InboxWriter) -> None:
        before = commits(path)
        done = await asyncio.gather(*(writing.store(row(number)) for number in range(1000)))
        assert all(done)
        assert 1 <= commits(path) - before <= 60
        before = commits(path)
        for number in range(1000, 1010):
            await writing.store(row(number))
        assert commits(path) - before == 10  # whoever waits for one gets one

    run(path, work)
    assert len(stored(path)) == 1010


def test_what_is_acknowledged_can_be_read(path: Path) -> None:
    async def work(writing: InboxWriter) -> None:
        with Inbox(path) as inbox:

            async def store(number: int) -> None:
                assert await writing.store(row(number))
                found = inbox.events_since(0, 1000)
                assert f"msg_{number}" in ids(found)

            await asyncio.gather(*map(store, range(60)))
            assert writing.waiting == 0

    run(path, work)


def test_events_are_numbered_as_they_came(path: Path) -> None:
    async def work(writing: InboxWriter) -> None:
        waiting = [writing.store(row(number)) for number in range(500)]
        await asyncio.gather(*waiting)

    run(path, work)
    assert ids(stored(path)) == [f"msg_{number}" for number in range(500)]


def test_closing_stores_what_was_given(path: Path) -> None:
    async def main() -> None:
        writing = InboxWriter(SqliteStore(path))
        waiting = [writing.store(row(number)) for number in range(300)]
        assert writing.waiting == 300
        await writing.close()
        assert all(await asyncio.gather(*waiting))

    asyncio.run(main())
    assert len(stored(path)) == 300


def test_it_waits_for_another_process(path: Path) -> None:
    code = """
        connection = connect(path)
        connection.execute("BEGIN IMMEDIATE")
        print("held", flush=True)
        sys.stdin.readline()
        insert(connection, [row(1)])
        connection.execute("COMMIT")
    """

    async def work(writing: InboxWriter) -> None:
        running = process(code, path)
        assert running.stdout is not None
        assert running.stdout.readline() == "held\n"
        first, second = writing.store(row(1)), writing.store(row(2))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.1):
                await asyncio.shield(second)
        assert not first.done()
        assert writing.waiting == 2
        await asyncio.to_thread(said_by, running, "go\n")
        assert not await first  # the other one was first
        assert await second

    run(path, work)


def test_more_than_can_wait_are_refused(path: Path) -> None:
    async def work(writing: InboxWriter) -> None:
        holding = connect(path)
        holding.execute("BEGIN IMMEDIATE")
        waiting = [writing.store(row(number)) for number in range(MAX_WAITING)]
        with pytest.raises(StorageError, match="keep up"):
            await writing.store(row(10**6))
        holding.execute("ROLLBACK")
        holding.close()
        assert all(await asyncio.gather(*waiting))
        assert await writing.store(row(10**6))

    run(path, work)


def test_more_calls_than_can_wait_are_refused(path: Path) -> None:
    """Strangers can cause some, and each may hold a whole body."""

    async def work(writing: InboxWriter) -> None:
        before = await on_disk(writing, lambda connection: connection.total_changes)
        holding = connect(path)
        holding.execute("BEGIN IMMEDIATE")
        waiting = [on_disk(writing, lambda connection: connection.total_changes) for _ in range(MAX_CALLS)]
        with pytest.raises(StorageError, match="keep up"):
            await on_disk(writing, lambda _: 0)
        stored_meanwhile = writing.store(row(1))
        holding.execute("ROLLBACK")
        holding.close()
        assert set(await asyncio.gather(*waiting)) <= {before, before + 1}
        assert await stored_meanwhile
        assert await on_disk(writing, lambda _: 7) == 7

    run(path, work)


def test_a_caller_that_went_away_harms_nobody(path: Path) -> None:
    async def work(writing: InboxWriter) -> None:
        waiting = [writing.store(row(number)) for number in range(20)]
        called = on_disk(writing, lambda connection: connection.total_changes)
        called.cancel()
        for future in waiting[::2]:
            future.cancel()
        assert all(await asyncio.gather(*waiting[1::2]))
        assert await writing.store(row(20))

    run(path, work)
    assert len(stored(path)) == 21


def test_a_full_disk_refuses_and_keeps_what_it_has(path: Path) -> None:
    async def limit(writing: InboxWriter, pages: int) -> None:
        await on_disk(
            writing, lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}").fetchone()
        )

    acknowledged: list[int] = []
    refused: list[int] = []
    said: set[tuple[str, str | None]] = set()

    async def work(writing: InboxWriter) -> None:
        await limit(writing, 60)
        for number in range(40):
            try:
                assert await writing.store(row(number, size=10_000))
                acknowledged.append(number)
            except StorageError as error:
                refused.append(number)
                said.add((error.message.rpartition(": ")[2], error.hint))
        together = [writing.store(row(number, size=10_000)) for number in range(100, 110)]
        answers = await asyncio.gather(*together, return_exceptions=True)
        assert all(isinstance(one, StorageError) for one in answers)
        await limit(writing, 10_000)
        for number in refused:
            assert await writing.store(row(number, size=10_000))

    run(path, work)
    assert acknowledged
    assert refused
    assert said == {("database or disk is full", "free some space")}
    assert set(ids(stored(path))) == {f"msg_{number}" for number in range(40)}


UNTIL_FULL = """
    import asyncio
    from reconciler.adapters.inbox.sqlite.store import SqliteStore
    from reconciler.adapters.inbox.writer import InboxWriter
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

    async def main():
        writer = InboxWriter(SqliteStore(path))
        for number in range(100):
            try:
                await writer.store(row(number, size=10_000))
                print(number)
            except ReconcileError as error:
                print(type(error).__name__, error.message)
                break
        await writer.close()

    asyncio.run(main())
"""


def test_a_file_that_may_not_grow(path: Path) -> None:
    *acknowledged, last = said_by(process(UNTIL_FULL, path)).splitlines()
    assert len(acknowledged) > 5
    assert last.startswith("StorageError cannot write the inbox") or last.startswith(
        "StorageError cannot open"
    )
    assert ids(stored(path))[: len(acknowledged)] == [f"msg_{number}" for number in acknowledged]
    with contextlib.closing(connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert fill(path, [row(500)]) == [True]


def test_a_file_that_turned_into_something_else_ends_in_errors_not_in_silence(path: Path) -> None:
    async def work(writing: InboxWriter) -> None:
        assert await writing.store(row(1))
        await on_disk(writing, lambda connection: connection.total_changes)
        writing_only = [thread for thread in threading.enumerate() if thread.name == "inbox writer"]
        for file in path.parent.iterdir():
            file.write_bytes(b"no database at all\n" * 2000)
        for number in (2, 3):
            with pytest.raises(StorageError):
                await writing.store(row(number))
            with pytest.raises(StorageError):
                await on_disk(writing, lambda connection: insert(connection, [row(4)]))
        assert all(thread.is_alive() for thread in writing_only)

    run(path, work)


def test_calls_are_all_or_nothing(path: Path) -> None:
    def half(connection: sqlite3.Connection) -> int:
        insert(connection, [row(1)])
        raise ZeroDivisionError

    def whole(connection: sqlite3.Connection) -> int:
        return sum(insert(connection, [row(2), row(3), row(2)]))

    async def work(writing: InboxWriter) -> None:
        with pytest.raises(StorageError, match="ZeroDivisionError"):
            await on_disk(writing, half)
        assert await on_disk(writing, whole) == 2
        with pytest.raises(StorageError, match="no such table"):
            await on_disk(writing, lambda connection: connection.execute("SELECT * FROM missing"))

    run(path, work)
    assert ids(stored(path)) == ["msg_2", "msg_3"]


def test_what_no_database_takes_is_answered_too(path: Path) -> None:
    async def work(writing: InboxWriter) -> None:
        with pytest.raises(StorageError):
            await writing.store(row(1)._replace(operation_id="\ud800"))
        assert await writing.store(row(2))

    run(path, work)
