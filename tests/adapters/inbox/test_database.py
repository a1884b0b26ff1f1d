"""Reading and claiming: cursors, several processes at once, and files that are no inbox."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.adapters.inbox.sqlite.file import connect
from reconciler.adapters.inbox.sqlite.reading import SqliteInbox as Inbox
from reconciler.core.errors import ExitCode, InvalidInput, ReconcileError, StorageError
from reconciler.core.platform.job import COMPLETED
from tests.adapters.deliveries import fill, ids, process, row, said_by, stored

NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "inbox.db"


def test_a_new_inbox_is_its_owner_s_only(path: Path) -> None:
    before = os.umask(0)
    try:
        with Inbox(path):
            fill(path, [row(1)])
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == {"inbox.db": 0o600, "inbox.db-wal": 0o600, "inbox.db-shm": 0o600}


def test_commits_wait_for_the_disk(path: Path) -> None:
    connection = connect(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    connection.close()


def test_an_inbox_keeps_its_identity_and_no_other_has_it(path: Path, tmp_path: Path) -> None:
    with Inbox(path) as one, Inbox(path) as same, Inbox(tmp_path / "other.db") as other:
        assert one.identity == same.identity
        assert len(one.identity) == 16
        assert one.identity != other.identity
    with Inbox(path) as again:
        assert again.identity == one.identity


def test_an_event_is_kept_as_it_came(path: Path) -> None:
    given = row(7)
    fill(path, [given])
    (one,) = stored(path)
    assert (one.webhook_id, one.operation_id, one.received_at) == ("msg_7", "op-7", given.received_at)
    assert (one.signed.webhook_id, one.signed.timestamp) == (b"msg_7", b"1700000000")
    assert (one.signed.signature.decode(), one.body) == (given.signature, given.body)
    assert one.event is not None
    assert (one.event.job_id, one.event.status, one.event.operation_id) == ("pjb_7", COMPLETED, "op-7")
    assert (one.claimed_at, one.claimed_by) == (None, None)


def test_a_cursor_misses_nothing_and_sees_nothing_twice(path: Path) -> None:
    fill(path, map(row, range(25)))
    seen: list[str] = []
    with Inbox(path) as inbox:
        cursor = 0
        while page := inbox.events_since(cursor, 10):
            assert len(page) <= 10
            cursor = page[-1].number
            seen += ids(page)
            if len(seen) == 20:
                fill(path, map(row, range(25, 31)))
        assert seen == [f"msg_{number}" for number in range(31)]
        assert inbox.events_since(cursor) == []
        assert inbox.last() == cursor
        assert len(inbox.events_since()) == 31


def test_large_bodies_make_short_pages_but_never_empty_ones(path: Path) -> None:
    fill(path, [row(number, size=260_000) for number in range(9)])
    fill(path, [row(9, size=3 << 20)])
    with Inbox(path) as inbox:
        pages, cursor = [], 0
        while page := inbox.events_since(cursor):
            pages.append(len(page))
            cursor = page[-1].number
    assert sum(pages) == 10
    assert max(pages) == 4
    assert pages[-1] == 1


def test_claimed_is_claimed(path: Path) -> None:
    fill(path, map(row, range(4)))
    with Inbox(path) as inbox, Inbox(path) as other:
        numbers = [one.number for one in inbox.unclaimed()]
        assert inbox.claim(numbers[:2], "run-1", 5.0) == numbers[:2]
        assert other.claim(numbers[1:3], "run-2", 6.0) == numbers[2:3]
        assert other.claim([*numbers[:3], 99, -1], "run-2", 7.0) == []
        assert [one.number for one in inbox.unclaimed()] == numbers[3:]
        assert inbox.unclaimed(numbers[3]) == []
        told = [(one.claimed_by, one.claimed_at) for one in inbox.events_since()]
        assert told == [("run-1", 5.0), ("run-1", 5.0), ("run-2", 6.0), (None, None)]
        assert inbox.claim([], "run-1", 8.0) == []


def test_sizes(path: Path) -> None:
    with Inbox(path) as inbox:
        empty = inbox.sizes()
        assert (empty.events, empty.unclaimed, empty.oldest_unclaimed_at, empty.quarantined) == (
            0,
            0,
            None,
            0,
        )
        assert inbox.last() == 0
        fill(path, [row(number, size=10_000) for number in range(3)])
        inbox.claim([1], "run", 1.0)
        sizes = inbox.sizes()
        assert (sizes.events, sizes.unclaimed, sizes.oldest_unclaimed_at) == (3, 2, row(1).received_at)
        assert sizes.disk >= empty.disk + 30_000


def test_a_revision_tells_that_somebody_else_wrote(path: Path) -> None:
    with Inbox(path) as inbox:
        seen = inbox.revision()
        assert inbox.revision() == seen
        fill(path, [row(1)])
        assert inbox.revision() != seen


def test_a_revision_waits_for_nobody(path: Path) -> None:
    """It is looked at from an event loop, while a thread may have to wait for its turn to claim."""
    fill(path, [row(1)])
    with Inbox(path) as inbox, closing(connect(path)) as writing:
        writing.execute("BEGIN IMMEDIATE")
        claiming = threading.Thread(target=inbox.claim, args=([1], "run", 1.0))
        claiming.start()
        seen = inbox.revision()
        start = time.monotonic()
        while time.monotonic() < start + 0.1:
            assert inbox.revision() == seen
        assert claiming.is_alive()
        writing.execute("ROLLBACK")
        claiming.join()
        assert inbox.revision() != seen
        assert inbox.unclaimed() == []


# ── several processes ──────────────────────────────────────────────────────────────────────────────────────────────

CLAIMING = """
    with Inbox(path) as inbox:
        print("ready", flush=True)
        sys.stdin.readline()
        while page := inbox.unclaimed(0, 7):
            for number in inbox.claim([one.number for one in page], sys.argv[2], 1.0):
                print(number)
"""


def test_each_event_is_claimed_by_one_process_only(path: Path) -> None:
    fill(path, map(row, range(400)))
    running = [process(CLAIMING, path, f"run-{number}") for number in range(2)]
    for one in running:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in running:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    claimed = [[int(word) for word in said_by(one).split()] for one in running]
    assert sorted(claimed[0] + claimed[1]) == list(range(1, 401))
    by = {one.number: one.claimed_by for one in stored(path)}
    assert by == {number: f"run-{which}" for which in range(2) for number in claimed[which]}


WRITING = """
    connection = connect(path)
    print("ready", flush=True)
    for number in range(400):
        insert(connection, [row(number)])
"""


def test_reading_goes_on_while_another_process_writes(path: Path) -> None:
    seen: list[int] = []
    looks = 0
    with Inbox(path) as inbox:
        running = process(WRITING, path)
        try:
            ended = False
            while not ended or inbox.events_since(seen[-1] if seen else 0):
                ended = running.poll() is not None
                page = inbox.events_since(seen[-1] if seen else 0, 50)
                seen += [one.number for one in page]
                if page and len(seen) % 3 == 0:
                    assert inbox.claim([seen[-1]], "reader", 1.0) == [seen[-1]]
                looks += 1
        finally:
            assert "ready" in said_by(running)
    assert seen == list(range(1, 401))
    assert looks > 8


MAKING = """
    import time
    print("ready", flush=True)
    start = float(sys.stdin.readline())
    for number in range(60):
        while time.monotonic() < start + number * 0.015:
            pass
        print(Inbox(path / str(number)).identity)
"""


def test_many_processes_can_make_it_at_once(tmp_path: Path) -> None:
    running = [process(MAKING, tmp_path) for _ in range(3)]
    for one in running:
        assert one.stdout is not None
        one.stdout.readline()
    start = time.monotonic() + 0.02
    for one in running:
        assert one.stdin is not None
        one.stdin.write(f"{start}\n")
        one.stdin.flush()
    made = [said_by(one).split() for one in running]
    assert made[0] == made[1] == made[2]
    assert len(set(made[0])) == 60


def test_it_waits_until_the_log_can_be_used(path: Path) -> None:
    """SQLite does not wait there by itself. An older tool may have left the file without a log."""
    fill(path, [row(1)])
    writing = sqlite3.connect(path, check_same_thread=False)
    assert writing.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
    writing.execute("BEGIN IMMEDIATE")
    ending = threading.Timer(0.1, writing.rollback)
    ending.start()
    try:
        assert ids(stored(path)) == ["msg_1"]
        assert not ending.is_alive()
    finally:
        ending.join()
        writing.close()


# ── what is no inbox ───────────────────────────────────────────────────────────────────────────────────────────────


def text(path: Path) -> None:
    path.write_text("engines:\n  acme: {}\n" * 100)


def short_text(path: Path) -> None:
    path.write_text("{}\n")


def other_database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE users (name)")
    connection.close()


def other_application(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA application_id = 77")
    connection.close()


def newer(path: Path) -> None:
    fill(path, [row(1)])
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 2")
    connection.close()


@pytest.mark.parametrize("make", [text, short_text, other_database, other_application, newer])
def test_a_file_that_is_no_inbox_is_refused_and_left_alone(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    before = path.read_bytes()
    with pytest.raises(InvalidInput) as caught:
        Inbox(path)
    assert str(path) in caught.value.message
    assert caught.value.hint
    assert caught.value.exit_code is ExitCode.INVALID
    assert path.read_bytes() == before
    assert ("newer" in caught.value.message) == (make is newer)


def test_an_empty_file_becomes_an_inbox(path: Path) -> None:
    path.touch()
    fill(path, [row(1)])
    assert ids(stored(path)) == ["msg_1"]


def folder(path: Path) -> Path:
    path.mkdir()
    return path


@pytest.mark.parametrize(
    "make",
    [folder, lambda path: path / "missing" / "inbox.db", lambda path: Path("/dev/null/inbox.db")],
    ids=["a folder", "in no folder", "in a device"],
)
def test_a_path_that_cannot_be_one(path: Path, make: Callable[[Path], Path]) -> None:
    wrong = make(path)
    with pytest.raises(StorageError) as caught:
        Inbox(wrong)
    assert str(wrong) in caught.value.message
    assert "permission" in (caught.value.hint or "")


def test_a_damaged_inbox_is_an_error_of_ours(path: Path) -> None:
    fill(path, [row(number, size=5000) for number in range(50)])
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(ReconcileError), Inbox(path) as inbox:
        inbox.events_since()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that other users reach."""
    name = Path(tempfile.mkdtemp())
    name.chmod(0o755)
    yield name
    shutil.rmtree(name)


OPENING = """
    try:
        with Inbox(path) as inbox:
            print(inbox.claim([1], "run", 1.0))
    except ReconcileError as error:
        print(type(error).__name__, error.message, error.hint)
"""


@pytest.mark.parametrize(("mode", "reason"), [(0o444, "readonly"), (0o000, "unable to open")])
def test_without_permission(open_folder: Path, mode: int, reason: str) -> None:
    path = open_folder / "inbox.db"
    fill(path, [row(1)])
    path.chmod(mode)
    said = said_by(process(OPENING, path, user=NOBODY))
    assert said.startswith("StorageError cannot open the inbox")
    assert reason in said
    assert "permissions" in said
    path.chmod(0o600)
    assert ids(stored(path)) == ["msg_1"]


def test_a_folder_that_cannot_be_written(open_folder: Path) -> None:
    open_folder.chmod(0o555)
    said = said_by(process(OPENING, open_folder / "inbox.db", user=NOBODY))
    assert said.startswith("StorageError cannot open the inbox")
    assert "Permission denied" in said
    assert list(open_folder.iterdir()) == []
