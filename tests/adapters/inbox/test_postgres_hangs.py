"""A server that stops in the middle, while the system under it goes on: nothing is refused, and nothing answered."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from reconciler.adapters.inbox.feed import InboxFeed
from reconciler.adapters.inbox.postgres import connection
from reconciler.adapters.inbox.postgres.bell import refuse_transaction_pool
from reconciler.adapters.inbox.postgres.patience import Connection, Patience
from reconciler.adapters.inbox.postgres.store import PostgresStore
from reconciler.adapters.inbox.writer import InboxWriter
from reconciler.core.errors import StorageError
from reconciler.core.settings.postgres_url import parse_postgres
from tests.adapters.deliveries import THEN, row
from tests.adapters.inbox.test_postgres import opened, sql
from tests.adapters.receiving import wait_until


@contextlib.contextmanager
def stopped(database: str, purpose: str) -> Iterator[None]:
    """The server's process for one of our connections does not go on, and the system answers for it."""
    named = f"datname = current_database() AND application_name = 'reconcile {purpose}'"
    pids = [pid for (pid,) in sql(database, f"SELECT pid FROM pg_stat_activity WHERE {named}")]  # noqa: S608 # ours
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_a_server_that_stops_is_left(database: str) -> None:
    with opened(database) as store, contextlib.closing(store.table()) as table:
        table.insert([row(2)])
        with stopped(database, "writer"):
            assert table._session.run("write", lambda one: one.execute("SELECT 1").fetchone(), 0.5) == (1,)
        assert table.insert([row(2)]) == [False]


def test_a_receiver_ends_although_the_server_does_not_answer(database: str) -> None:
    async def scene(store: PostgresStore) -> float:
        writer = InboxWriter(store)
        await writer.store(row(3))
        with stopped(database, "writer"):
            late = writer.store(row(4))
            await asyncio.sleep(0)
            began = time.monotonic()
            store.hurry(0.5)
            await writer.close()
            took = time.monotonic() - began
            with pytest.raises(StorageError):
                await late
        return took

    with opened(database) as store:
        assert asyncio.run(scene(store)) < 5


def test_a_run_ends_although_the_server_does_not_answer(database: str) -> None:
    with opened(database) as store:
        store.inbox().close()
    feed = InboxFeed(PostgresStore(parse_postgres(database)), "a run", lambda: THEN)
    with contextlib.closing(feed):
        assert feed.waiting() == []
        with stopped(database, "run"):
            timer = threading.Timer(0.3, feed.hurry, (0.3,))
            timer.start()
            began = time.monotonic()
            with pytest.raises(StorageError):
                feed.waiting()
            assert time.monotonic() - began < 5


def test_a_leader_that_was_stopped_does_not_lead_for_ever(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds its lock as long as its connection, and the system keeps that alive."""
    monkeypatch.setattr(connection, "IDLE", 1)
    with opened(database) as store, store.inbox() as leader, store.inbox() as other:
        term = leader.leads("place")
        assert term > 0
        assert other.leads("place") == 0
        wait_until(lambda: other.leads("place") > 0, "another one leads")
        assert leader.leads("place") == 0
    with opened(database) as store, store.inbox() as leader, store.inbox() as other:
        leader.leads("place")
        for _ in range(15):  # one that goes on is not replaced
            time.sleep(0.1)
            assert leader.leads("place") == 1
            assert other.leads("place") == 0


def test_looking_for_a_pooler_ends_although_the_server_does_not_answer(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience, pids = Patience(), list[int]()
    really_open = connection.Session.open

    def open_and_stop(session: connection.Session) -> Connection:
        found = really_open(session)
        pids.append(found.info.backend_pid)
        os.kill(pids[-1], signal.SIGSTOP)
        patience.hurry(0.5)
        return found

    monkeypatch.setattr(connection.Session, "open", open_and_stop)
    try:
        with pytest.raises(StorageError, match="cannot open the inbox"):
            refuse_transaction_pool(parse_postgres(database), patience)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        patience.close()
