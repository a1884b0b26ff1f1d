"""A database that others share and configure."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import pytest

from reconciler.core.platform.webhook import SigningKeys
from tests import postgres_server
from tests.adapters.deliveries import OTHER, row, unverified
from tests.adapters.inbox.test_postgres import cut, opened, sql
from tests.adapters.receiving import wait_until

# A better match than PostgreSQL's own for a name in quotes, wherever roles search the schema.
_SHADOWS = (
    "pg_sequence_last_value(text) RETURNS bigint",
    "pg_total_relation_size(text) RETURNS bigint",
)


@pytest.fixture
def shared(database: str) -> Iterator[str]:
    """A database in which somebody else has put functions into the schema that everybody searches."""
    for shadow in _SHADOWS:
        sql(
            database,
            f"CREATE FUNCTION public.{shadow} LANGUAGE plpgsql AS $$ BEGIN RAISE 'somebody else''s'; END $$",
        )
    yield database
    for shadow in _SHADOWS:
        sql(database, f"DROP FUNCTION public.{shadow.partition(' ')[0]}")


def test_functions_of_others_are_not_called(shared: str) -> None:
    with opened(shared) as store, contextlib.closing(store.table()) as table, store.inbox() as inbox:
        table.insert([row(1)])
        table.begin_relay("api.github.com/acme/engines")
        assert inbox.last() == 1
        assert inbox.sizes().events == 1


@pytest.fixture
def serializable(database: str) -> Iterator[str]:
    name = database.rpartition("/")[2]
    sql(database, f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'")
    yield database
    sql(database, f"ALTER DATABASE {name} RESET default_transaction_isolation")


def test_receivers_share_a_database_that_is_serializable_by_default(serializable: str) -> None:
    failures: list[BaseException] = []

    def receive() -> None:
        try:
            with opened(serializable) as store, contextlib.closing(store.table()) as table:
                for number in range(20):
                    table.insert([row(number)])
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=receive) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_receiver_whose_clock_is_ahead_deletes_nothing_of_the_others(database: str) -> None:
    with opened(database) as store, contextlib.closing(store.table()) as table:
        now = time.time()
        assert table.keep(unverified(1, at=now), 10)
        assert table.release(SigningKeys([OTHER]), now + 30 * 86400, 300.0).kept == 1
        assert table.keep(unverified(2, at=now - 8 * 86400), 10)
        assert table.release(SigningKeys([OTHER]), now, 300.0).kept == 1  # the other one is a week old


@pytest.fixture(scope="module")
def server() -> Iterator[postgres_server.Server]:
    try:
        with postgres_server.server() as made:
            yield made
    except postgres_server.Missing as error:
        pytest.skip(str(error))


def test_what_waits_for_a_standby_is_not_there_yet(server: postgres_server.Server) -> None:
    address = server.url()
    answers: list[list[bool]] = []
    with opened(address) as store, contextlib.closing(store.table()) as table:
        sql(address, "ALTER SYSTEM SET synchronous_standby_names = 'away'", "SELECT pg_reload_conf()")
        wait_until(lambda: sql(address, "SHOW synchronous_standby_names") == [("away",)], "it is read")
        thread = threading.Thread(target=lambda: answers.append(table.insert([row(1)])))
        thread.start()
        waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        wait_until(lambda: sql(address, waits), "it waits for the standby")
        assert cut(address, "reconcile writer") == 1  # the row is committed, and on this machine alone
        wait_until(lambda: sql(address, waits), "it waits again")
        assert answers == []
        sql(address, "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
        thread.join()
    assert answers == [[False]]
