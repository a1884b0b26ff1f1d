"""From a file to PostgreSQL: everything arrives as it was, once, and the file stays as it is."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from reconciler.adapters.inbox.moving import Moved, move
from reconciler.adapters.inbox.port import Received
from reconciler.adapters.inbox.postgres.store import PostgresStore
from reconciler.adapters.inbox.sqlite.file import connect
from reconciler.adapters.inbox.sqlite.reading import SqliteInbox
from reconciler.adapters.inbox.sqlite.store import SqliteStore, SqliteTable
from reconciler.core.errors import InvalidInput, StorageError
from reconciler.core.settings.postgres_url import parse_postgres
from tests.adapters.deliveries import KEYS, OTHER, THEN, fill, ids, process, row, stored, unverified
from tests.adapters.receiving import wait_until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "in box?#%.db"


@pytest.fixture
def target(database: str) -> Iterator[PostgresStore]:
    with contextlib.closing(PostgresStore(parse_postgres(database))) as store:
        yield store


def silent(done: int, total: int) -> None:
    assert done <= total


def arrived(target: PostgresStore) -> list[Received]:
    found: list[Received] = []
    with target.existing() as inbox:
        while page := inbox.events_since(found[-1].number if found else 0, 1000):
            found += page
    return found


def contents(path: Path) -> dict[str, str]:
    return {
        one.name: hashlib.sha256(one.read_bytes()).hexdigest()
        for one in path.parent.iterdir()
        if not one.name.endswith("-shm")  # memory that processes share; nothing of it lasts
    }


def without_number(found: list[Received]) -> list[tuple[object, ...]]:
    return [tuple(one)[1:] for one in found]


def filled(path: Path) -> None:
    """Some claimed, some unverified, one place relayed to."""
    fill(path, [row(number, size=number * 7) for number in range(1200)])
    fill(path, [row(2000, job=None), row(2001, kind=None), row(2002)._replace(body=bytes(range(256)))])
    with SqliteInbox(path) as inbox:
        inbox.claim(range(1, 1000, 3), "a run", THEN + 5)
    with contextlib.closing(SqliteTable(path)) as table:
        table.keep(unverified(1), 10)
        table.keep(unverified(2, OTHER), 10)
        table.begin_relay("api/acme/engines")
        table.mark_relayed("api/acme/engines", 700)


def test_everything_arrives_and_the_file_stays(path: Path, target: PostgresStore) -> None:
    filled(path)
    before = contents(path)
    assert move(path, target, silent) == Moved(1203, 1203, 0, 2, 1, 0)
    assert contents(path) == before
    assert without_number(arrived(target)) == without_number(stored(path))
    with target.existing() as inbox:
        place = inbox.relayed("api/acme/engines")
        assert inbox.events_since(place, 1)[0].webhook_id == "msg_700"
    with contextlib.closing(target.table()) as table:
        assert table.release(KEYS, THEN, 300.0).kept == 1


def test_moving_again_changes_nothing(path: Path, target: PostgresStore) -> None:
    filled(path)
    move(path, target, silent)
    found = arrived(target)
    assert move(path, target, silent) == Moved(1203, 0, 1203, 0, 0, 0)
    assert arrived(target) == found


def test_what_is_still_in_the_log_is_moved_and_stays_there(path: Path, target: PostgresStore) -> None:
    """A receiver that was killed leaves a log beside the file."""
    killed = process(
        "fill(path, map(row, range(50)))\nconnect(path).execute('PRAGMA wal_autocheckpoint = 0')\n"
        "c = connect(path)\ninsert(c, [row(50)])\nprint('there', flush=True)\nsys.stdin.read()",
        path,
    )
    with killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "there\n"
        killed.send_signal(signal.SIGKILL)
    assert path.with_name(f"{path.name}-wal").stat().st_size > 0
    before = contents(path)
    assert move(path, target, silent).moved == 51
    assert contents(path) == before


def test_a_file_that_is_in_use_is_refused(path: Path, target: PostgresStore) -> None:
    fill(path, [row(1)])
    running = process("c = connect(path)\nprint('open', flush=True)\nsys.stdin.read()", path)
    with running:
        assert running.stdout is not None
        assert running.stdin is not None
        assert running.stdout.readline() == "open\n"
        with pytest.raises(InvalidInput, match="is in use"):
            move(path, target, silent)
        running.stdin.close()
    assert move(path, target, silent).moved == 1


def test_nobody_writes_while_it_is_moved(path: Path, target: PostgresStore) -> None:
    fill(path, [row(1)])
    said: list[str] = []

    def meanwhile(done: int, total: int) -> None:
        running = process(
            "try:\n    sqlite3.connect(path, timeout=0).execute('SELECT * FROM events').fetchall()\n"
            "except sqlite3.OperationalError as error:\n    print(error)",
            path,
        )
        said.append(running.communicate(timeout=60)[0])

    move(path, target, meanwhile)
    assert said == ["database is locked\n"]


def test_what_was_delivered_once_more_meanwhile_is_not_there_twice(path: Path, target: PostgresStore) -> None:
    fill(path, [row(1), row(2), row(3)])
    with contextlib.closing(target.table()) as table, target.inbox() as inbox:
        table.insert([row(2), row(3, webhook_id="msg_3_again"), row(9)])
        inbox.claim([inbox.last()], "a run", THEN)
    assert move(path, target, silent)[1:3] == (1, 2)
    assert ids(arrived(target)) == ["msg_2", "msg_3_again", "msg_9", "msg_1"]


def test_what_came_in_before_is_not_skipped_by_a_relay(path: Path, target: PostgresStore) -> None:
    fill(path, [row(1), row(2), row(3)])
    with contextlib.closing(SqliteTable(path)) as table:
        table.begin_relay("place")
        table.mark_relayed("place", 2)
    with contextlib.closing(target.table()) as there:
        there.insert([row(1), row(8), row(9)])
    move(path, target, silent)
    with target.existing() as inbox:
        assert ids(inbox.events_since(inbox.relayed("place"))) == ["msg_8", "msg_9", "msg_2", "msg_3"]


def test_receivers_that_began_to_relay_before_pass_nothing_on_again(
    path: Path, target: PostgresStore
) -> None:
    fill(path, [row(number) for number in range(1, 6)])
    with contextlib.closing(SqliteTable(path)) as table:
        table.begin_relay("place")
        table.mark_relayed("place", 4)
    with contextlib.closing(target.table()) as there, target.inbox() as inbox:
        there.begin_relay("place")
        there.insert([row(8)])
        there.mark_relayed("place", inbox.last())
        assert inbox.leads("place") > 0
        with pytest.raises(InvalidInput, match=r"relays from .* to place already"):
            move(path, target, silent)
    led: list[int] = []

    def meanwhile(done: int, total: int) -> None:
        with target.inbox() as other:
            led.append(other.leads("place"))

    move(path, target, meanwhile)
    assert led == [0]
    with target.existing() as inbox:
        assert ids(inbox.events_since(inbox.relayed("place"))) == ["msg_5"]


def test_a_receiver_that_relays_since_the_connection_was_lost_stops_the_move(
    path: Path, target: PostgresStore, database: str
) -> None:
    fill(path, [row(1)])
    with contextlib.closing(SqliteTable(path)) as table:
        table.begin_relay("place")
        table.mark_relayed("place", 1)
    with target.inbox() as other, psycopg.connect(database, autocommit=True) as person:

        def meanwhile(done: int, total: int) -> None:
            person.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name ~ 'migration'"
                " AND datname = current_database()"
            )
            assert other.leads("place") > 0

        with pytest.raises(InvalidInput, match=r"relays from .* to place already"):
            move(path, target, meanwhile)


def test_an_event_that_differs_over_there_is_reported(path: Path, target: PostgresStore) -> None:
    fill(path, [row(1), row(2)])
    with contextlib.closing(target.table()) as table:
        table.insert([row(2)._replace(body=b"{}")])
    with pytest.raises(StorageError, match=r"1 events of .* differ in .*, such as msg_2"):
        move(path, target, silent)


def test_rows_that_no_receiver_wrote_stay_behind(path: Path, target: PostgresStore) -> None:
    fill(path, [row(1), row(2)])
    with contextlib.closing(connect(path)) as connection:
        connection.execute("UPDATE events SET body = 'text' WHERE number = 1")
    assert move(path, target, silent) == Moved(2, 1, 0, 0, 0, 1)


def test_what_is_no_inbox_is_refused(tmp_path: Path, target: PostgresStore) -> None:
    with pytest.raises(InvalidInput, match="no inbox at"):
        move(tmp_path / "missing.db", target, silent)
    (tmp_path / "text.db").write_text("no database at all, but long enough to be one" * 100)
    with pytest.raises(InvalidInput, match="is not an inbox"):
        move(tmp_path / "text.db", target, silent)
    with contextlib.closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE other (a)")
    with pytest.raises(InvalidInput, match="not an inbox"):
        move(tmp_path / "other.db", target, silent)
    (tmp_path / "empty.db").touch()
    with pytest.raises(InvalidInput, match="not an inbox"):
        move(tmp_path / "empty.db", target, silent)


KILLED = """
    from reconciler.adapters.inbox.moving import move
    from reconciler.adapters.inbox.postgres.store import PostgresStore
    from reconciler.core.settings.postgres_url import parse_postgres

    def stop(done, total):
        print(done, flush=True)
        if done >= 500:
            sys.stdin.read()

    move(path, PostgresStore(parse_postgres(sys.argv[2])), stop)
"""


def test_a_move_that_was_killed_goes_on(path: Path, target: PostgresStore, database: str) -> None:
    filled(path)
    running = process(KILLED, path, database)
    with running:
        assert running.stdout is not None
        assert running.stdout.readline() == "500\n"
        os.kill(running.pid, signal.SIGKILL)
    there = len(arrived(target))
    assert 0 < there < 1203
    moved = move(path, target, silent)
    assert moved[:3] == (1203, 1203 - there, there)
    assert without_number(arrived(target)) == without_number(stored(path))
    wait_until(lambda: sessions(database) <= 1, "the killed one's connection is gone")


def sessions(database: str) -> int:
    with psycopg.connect(database) as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND backend_type = 'client backend'"
        ).fetchone()
    return int(found[0]) if found else 0


def test_the_file_is_usable_afterwards(path: Path, target: PostgresStore) -> None:
    fill(path, [row(1)])
    move(path, target, silent)
    with contextlib.closing(SqliteStore(path).table()) as table:
        assert table.insert([row(2)]) == [True]
