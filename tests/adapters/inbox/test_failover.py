"""A primary that dies, and the standby that is promoted: what was acknowledged is there, and it goes on."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator

import psycopg
import pytest

from reconciler.adapters.inbox.feed import InboxFeed
from reconciler.adapters.inbox.postgres.store import PostgresStore
from reconciler.adapters.inbox.writer import InboxWriter
from reconciler.core.errors import StorageError
from reconciler.core.settings.postgres_url import parse_postgres
from tests import postgres_server
from tests.adapters.deliveries import THEN, ids, row
from tests.adapters.receiving import wait_until


@pytest.fixture
def pair() -> Iterator[tuple[postgres_server.Server, postgres_server.Server]]:
    """Every commit waits for the standby."""
    with contextlib.ExitStack() as closing:
        try:
            primary = closing.enter_context(postgres_server.server())
        except postgres_server.Missing as error:
            pytest.skip(str(error))
        standby = postgres_server.Server("embedded", postgres_server.new_folder(), primary)
        closing.callback(standby.close)
        standby.start()
        with psycopg.connect(primary.url(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            connection.execute("SELECT pg_reload_conf()")
            wait_until(
                lambda: connection.execute(
                    "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"
                ).fetchone(),
                "the standby follows",
            )
        yield primary, standby


def test_the_standby_takes_over(pair: tuple[postgres_server.Server, postgres_server.Server]) -> None:
    primary, standby = pair
    both = f"postgresql://postgres@127.0.0.1:{standby.port},127.0.0.1:{primary.port}/postgres"
    only_standby = PostgresStore(parse_postgres(standby.url()))

    async def scene() -> list[str]:
        store = PostgresStore(parse_postgres(both))
        store.inbox().close()
        writing = InboxWriter(store)
        feed = InboxFeed(PostgresStore(parse_postgres(both)), "run", lambda: THEN)
        following = feed.follow()
        try:
            assert all(await asyncio.gather(*(writing.store(row(number)) for number in range(20))))
            found = {(await anext(following)).job_id for _ in range(20)}
            with pytest.raises(StorageError, match="read-only, such as a standby"):
                await asyncio.to_thread(only_standby.table)
            primary.end(signal.SIGKILL)
            with pytest.raises(StorageError):
                await writing.store(row(20))
            with psycopg.connect(standby.url(), autocommit=True) as connection:
                connection.execute("SELECT pg_promote()")
            async with asyncio.timeout(60):
                while not await stored(writing, 20):
                    await asyncio.sleep(0.05)
                assert not await writing.store(row(7))  # was acknowledged before, and is here
                while "pjb_20" not in found:
                    found.add((await anext(following)).job_id)
            return sorted(str(job) for job in found)
        finally:
            await following.aclose()  # type: ignore[attr-defined] # a generator
            await asyncio.to_thread(feed.close)
            await writing.close()
            store.close()

    assert asyncio.run(scene()) == sorted(f"pjb_{number}" for number in range(21))
    with contextlib.closing(only_standby), only_standby.existing() as inbox:
        assert ids(inbox.events_since(0, 100)) == [f"msg_{number}" for number in range(21)]


async def stored(writing: InboxWriter, number: int) -> bool:
    with contextlib.suppress(StorageError):
        return await writing.store(row(number))
    return False
