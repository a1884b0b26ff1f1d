"""What is particular to an inbox in PostgreSQL: versions, rights, lost connections, standbys, leaders."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from reconciler.adapters.inbox.feed import InboxFeed
from reconciler.adapters.inbox.port import Inbox, Received
from reconciler.adapters.inbox.postgres import schema
from reconciler.adapters.inbox.postgres.connection import Session
from reconciler.adapters.inbox.postgres.patience import Patience
from reconciler.adapters.inbox.postgres.store import PostgresStore
from reconciler.adapters.inbox.writer import InboxWriter
from reconciler.core.errors import InvalidInput, ReconcileError, StorageError
from reconciler.core.settings.postgres_url import parse_postgres
from tests.adapters.deliveries import THEN, ids, row
from tests.adapters.receiving import wait_until


@pytest.fixture
def store(database: str) -> Iterator[PostgresStore]:
    with opened(database) as store:
        yield store


@contextlib.contextmanager
def opened(address: str) -> Iterator[PostgresStore]:
    with contextlib.closing(PostgresStore(parse_postgres(address))) as store:
        yield store


def sql(address: str, *statements: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(address, autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def cut(address: str, purpose: str = "reconcile%") -> int:
    """Ends our connections to this database, as a failover does; how many."""
    (row,) = sql(
        address,
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"  # noqa: S608 # written in these tests
        f" WHERE datname = current_database() AND application_name LIKE '{purpose}'",
    )
    return int(row[0])


def events(inbox: Inbox) -> list[Received]:
    return inbox.events_since(0, 1000)


# ── versions and rights ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_newer_inbox_is_refused_and_left_alone(database: str, store: PostgresStore) -> None:
    store.inbox().close()
    sql(database, "INSERT INTO reconcile_inbox.migrations VALUES (99)")
    for use in (store.inbox, store.existing, store.table, store.arrivals):
        with pytest.raises(InvalidInput, match=r"from a newer reconcile \(version 99; this one supports 1\)"):
            use()
    assert sql(database, "SELECT version FROM reconcile_inbox.migrations ORDER BY 1") == [(1,), (99,)]


def test_an_older_inbox_is_upgraded_once_by_receivers_and_not_by_runs(
    database: str, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.inbox().close()
    step = "CREATE TABLE reconcile_inbox.later (a int); INSERT INTO reconcile_inbox.later VALUES (1);"
    monkeypatch.setattr(schema, "VERSION", 2)
    monkeypatch.setattr(schema, "_STEPS", (*schema._STEPS, step))
    with pytest.raises(InvalidInput, match="from an older reconcile") as caught:
        store.existing()
    assert caught.value.hint == "upgrade and restart the receiver first"
    failures: list[BaseException] = []

    def begin() -> None:
        try:
            with opened(database) as mine:
                mine.inbox().close()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=begin) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sql(database, "SELECT a FROM reconcile_inbox.later") == [(1,)]
    store.existing().close()


def test_a_migration_that_fails_leaves_nothing_half_done(
    database: str, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(schema, "_STEPS", (schema._STEPS[0] + "; SELECT 1/0;",))
        with pytest.raises(StorageError, match="division by zero"):
            store.inbox()
    assert sql(database, "SELECT 1 FROM pg_namespace WHERE nspname = 'reconcile_inbox'") == []
    store.inbox().close()


def test_tables_of_others_are_not_touched(database: str, store: PostgresStore) -> None:
    sql(database, "CREATE SCHEMA reconcile_inbox", "CREATE TABLE reconcile_inbox.events (mine int)")
    with pytest.raises(InvalidInput, match="holds tables that are no inbox"):
        store.inbox()
    assert sql(database, "SELECT count(*) FROM reconcile_inbox.events") == [(0,)]


@pytest.fixture
def reader(database: str) -> Iterator[str]:
    """The address for a user who may only read."""
    name = "reader_" + database.rpartition("/")[2]
    sql(database, f"CREATE ROLE {name} LOGIN")
    yield database.replace("postgres@", f"{name}@")
    sql(database, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def test_a_user_who_may_only_read_reads(database: str, store: PostgresStore, reader: str) -> None:
    with opened(reader) as theirs, pytest.raises(InvalidInput, match="no inbox in the database"):
        theirs.existing()
    with opened(reader) as theirs, pytest.raises(InvalidInput, match="may not create the inbox") as caught:
        theirs.inbox()
    assert "CREATE SCHEMA reconcile_inbox AUTHORIZATION" in (caught.value.hint or "")
    with contextlib.closing(store.table()) as table:
        table.insert([row(1), row(2)])
    name = reader.partition("://")[2].partition("@")[0]
    with opened(reader) as theirs, pytest.raises(StorageError, match="permission denied") as refused:
        theirs.existing()
    assert "GRANT" in (refused.value.hint or "")
    sql(
        database,
        f"GRANT USAGE ON SCHEMA reconcile_inbox TO {name}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA reconcile_inbox TO {name}",
    )
    feed = InboxFeed(PostgresStore(parse_postgres(reader)), "run", lambda: THEN)
    with contextlib.closing(feed):
        waiting = feed.waiting()
        assert [one.event.job_id for one in waiting] == ["pjb_1", "pjb_2"]
        with pytest.raises(StorageError, match="cannot write the inbox"):
            feed.claim(waiting)
        sql(database, f"GRANT UPDATE (claimed_at, claimed_by) ON reconcile_inbox.events TO {name}")
        feed.claim(waiting[:1])
        assert [one.event.job_id for one in feed.waiting()] == ["pjb_2"]


def test_another_encoding_is_refused(database: str) -> None:
    other = database.rpartition("/")[2] + "_latin"
    sql(database, f"CREATE DATABASE {other} ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    try:
        address = f"{database.rpartition('/')[0]}/{other}"
        with opened(address) as store, pytest.raises(InvalidInput, match="has the encoding LATIN1"):
            store.inbox()
    finally:
        sql(database, f"DROP DATABASE {other} WITH (FORCE)")


# ── durable ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_commit_is_one_that_the_disk_has(database: str) -> None:
    with opened(f"{database}?options=-c%20synchronous_commit%3Doff") as store:
        session = Session(
            parse_postgres(f"{database}?options=-c%20synchronous_commit%3Doff"), "x", Patience(), writing=True
        )
        shown = session.run(
            "read", lambda connection: connection.execute("SHOW synchronous_commit").fetchone()
        )
        session.close()
        assert shown == ("on",)
        store.inbox().close()
        assert any("synchronous_commit = off" in one for one in store.warnings())
        assert any("fsync = off" in one for one in store.warnings())  # the session's server is a fast one


# ── lost connections ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_connection_that_was_cut_comes_back_without_anybody_noticing(
    database: str, store: PostgresStore
) -> None:
    with contextlib.closing(store.table()) as table, store.inbox() as inbox:
        for number in range(3):
            assert table.insert([row(number)]) == [True]
            assert cut(database) >= 2
            assert len(events(inbox)) == number + 1


def test_what_comes_while_nobody_listens_is_read_afterwards(database: str, store: PostgresStore) -> None:
    with contextlib.closing(store.table()) as table:
        table.insert([row(0)])
        feed = InboxFeed(PostgresStore(parse_postgres(database)), "run", lambda: THEN)

        async def scene() -> list[str | None]:
            following = feed.follow()
            found = [(await anext(following)).job_id]
            for number in (1, 2):
                waiting = asyncio.ensure_future(anext(following))
                await asyncio.sleep(0)
                await asyncio.to_thread(wait_until, lambda: cut(database, "reconcile feed"), "it listens")
                await asyncio.to_thread(table.insert, [row(number)])
                async with asyncio.timeout(20):
                    event = await waiting
                    while event.job_id in found:  # it begins anew, and repeats
                        event = await anext(following)
                found.append(event.job_id)
            await following.aclose()  # type: ignore[attr-defined] # a generator
            return found

        with contextlib.closing(feed):
            assert asyncio.run(scene()) == ["pjb_0", "pjb_1", "pjb_2"]


def test_a_server_that_hangs_holds_nobody_for_ever(database: str, store: PostgresStore) -> None:
    with contextlib.closing(store.table()) as table:
        table.insert([row(1)])
        with psycopg.connect(database) as holding:
            holding.execute("LOCK TABLE reconcile_inbox.events IN ACCESS EXCLUSIVE MODE")
            table._session.run("write", lambda connection: connection.execute("SET lock_timeout = 100"))
            with pytest.raises(StorageError, match="lock timeout"):
                table.insert([row(2)])
        assert table.insert([row(2)]) == [True]


def test_nobody_there_is_one_error_at_once(database: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with opened(f"postgresql://me:geh3im@127.0.0.1:{port}/x?connect_timeout=2") as store:
            with pytest.raises(StorageError) as caught:
                store.inbox()
            assert "geh3im" not in f"{caught.value.message} {caught.value.hint}"
    session = Session(parse_postgres("postgresql://127.0.0.1:9/x"), "x", Patience())
    failures: list[ReconcileError] = []
    for _ in range(50):
        with pytest.raises(StorageError) as again:
            session.open()
        failures.append(again.value)
    assert len(set(map(id, failures))) < 10  # most did not even try


def test_a_writer_goes_on_when_the_tables_were_dropped(database: str, store: PostgresStore) -> None:
    async def work() -> None:
        writing = InboxWriter(store)
        try:
            assert await writing.store(row(1))
            sql(database, "DROP SCHEMA reconcile_inbox CASCADE")
            with pytest.raises(StorageError) as caught:
                await writing.store(row(2))
            assert caught.value.hint == "restart a receiver, which creates what is missing"
            store.inbox().close()
            assert await writing.store(row(2))
        finally:
            await writing.close()

    asyncio.run(work())


# ── a standby ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_read_only_server_is_read_and_not_written(database: str, store: PostgresStore) -> None:
    with contextlib.closing(store.table()) as table:
        table.insert([row(1)])
        standby = f"{database}?options=-c%20default_transaction_read_only%3Don"
        with opened(standby) as there:
            with there.existing() as inbox:
                assert ids(events(inbox)) == ["msg_1"]
                assert inbox.leads("place") == 0
            for use in (there.inbox, there.table):
                with pytest.raises(StorageError, match="read-only, such as a standby"):
                    use()


def test_a_server_that_turns_into_a_standby_is_left(database: str, store: PostgresStore) -> None:
    with contextlib.closing(store.table()) as table:
        table.insert([row(1)])
        name = database.rpartition("/")[2]
        sql(database, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        try:
            table._session.run(
                "write", lambda connection: connection.execute("SET default_transaction_read_only = on")
            )
            with pytest.raises(StorageError, match="read-only, such as a standby"):
                table.insert([row(2)])
        finally:
            with psycopg.connect(database, autocommit=True) as connection:
                connection.execute("SET default_transaction_read_only = off")
                connection.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only".encode())
        wait_until(lambda: inserted(table, 2), "it is written again")


def inserted(table: Any, number: int) -> bool:
    with contextlib.suppress(StorageError):
        table.insert([row(number)])
        return True
    return False


# ── leaders ───────────────────────────────────────────────────────────────────────────────────────────


def test_one_of_several_leads_and_another_takes_over(database: str, store: PostgresStore) -> None:
    with opened(database) as others, store.inbox() as first, others.inbox() as second:
        term = first.leads("place")
        assert term > 0
        assert first.leads("place") == term
        assert second.leads("place") == 0
        assert second.leads("another place") > 0
        first.close()
        wait_until(lambda: second.leads("place"), "it takes over")
        with store.inbox() as third:
            assert third.leads("place") == 0


def test_a_leader_whose_connection_was_cut_begins_another_term(database: str, store: PostgresStore) -> None:
    with store.inbox() as inbox:
        term = inbox.leads("place")
        cut(database, "reconcile reader")
        wait_until(lambda: inbox.leads("place"), "it leads again")
        assert inbox.leads("place") > term


def test_connections_are_few_and_given_back(database: str, store: PostgresStore) -> None:
    with contextlib.closing(store.table()) as table, store.inbox() as inbox, store.inbox() as relays:
        inbox.revision()
        relays.revision()
        table.insert([row(1)])
        assert relays.leads("place") > 0
        wait_until(lambda: connections(database) == 4, "four are open")
    store.close()
    wait_until(lambda: connections(database) == 0, "none is open")


def connections(address: str) -> int:
    (row,) = sql(
        address,
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name LIKE 'reconcile%'",
    )
    return int(row[0])
