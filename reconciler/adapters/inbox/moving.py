"""From a file to PostgreSQL: every event, claim, unverified delivery and relay's place, checked afterwards.

The file is never written. While it is moved, a lock keeps receivers and runs out of it, and one that has it open
already is found by that. Moving again changes nothing: an event that is there stays, whichever run of this put it
there, or whoever delivered it once more meanwhile. So an interrupted move is begun again, and goes on.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from reconciler.adapters.inbox.port import PAGE_BYTES
from reconciler.adapters.inbox.postgres.arrivals import Arrivals, Event
from reconciler.adapters.inbox.postgres.store import PostgresStore
from reconciler.adapters.inbox.sqlite.file import SCHEMA_VERSION, mapped, version_of
from reconciler.adapters.inbox.sqlite.quarantine import ALL
from reconciler.adapters.inbox.sqlite.reading import SOUND
from reconciler.core.errors import InvalidInput, StorageError

# ruff: noqa: S608 # queries are made of names that are written in the code
_PAGE = 500
# What every connection to a file with a write-ahead log holds while it is open: https://sqlite.org/lockingv3.html
_SHARED_BYTES = (510, 0x40000002)
_CHUNK = 1 << 20
_EVENTS = (
    "SELECT number, webhook_id, type, job_id, operation_id, received_at, timestamp, signature, body, claimed_at,"
    f" claimed_by FROM events WHERE {SOUND} ORDER BY number"
)


class Moved(NamedTuple):
    """Counts of events: in the file, put into the database now, there already; and what else was moved. `unsound` are
    rows of the file that no receiver wrote, and which were left there."""

    events: int
    moved: int
    present: int
    quarantined: int
    relays: int
    unsound: int


def move(path: Path, target: PostgresStore, progress: Callable[[int, int], None]) -> Moved:
    """`progress` is given how many events of how many are done. Raises `InvalidInput` where there is nothing to move,
    or somebody has the file open, and `StorageError` where a side refuses, or what arrived is not what was sent."""
    with _source(path) as source, closing(target.arrivals()) as arrivals:
        _lead(source, arrivals, target.name)
        (total,) = source.execute("SELECT count(*) FROM events").fetchone()
        moved = sound = 0
        for page in _pages(source):
            moved += arrivals.put(page)
            sound += len(page)
            progress(sound, total)
            _lead(source, arrivals, target.name)  # a lost connection loses that, too
        quarantined = arrivals.put_aside(source.execute(ALL).fetchall())
        _lead(source, arrivals, target.name)
        relays = _relays(source, arrivals)
        for page in _pages(source):
            different = arrivals.differing(page)
            if different:
                raise StorageError(
                    f"{len(different)} events of {path} differ in {target.name}, such as {different[0]}",
                    hint="move again; if that does not help, keep the file and report this",
                )
        return Moved(total, moved, sound - moved, quarantined, relays, total - sound)


def _pages(source: sqlite3.Connection) -> Iterator[list[Event]]:
    page, size = list[Event](), 0
    for row in source.execute(_EVENTS):
        page.append(Event(*row))
        size += len(page[-1].body)
        if size > PAGE_BYTES or len(page) == _PAGE:
            yield page
            page, size = [], 0
    if page:
        yield page


_RELAYS = "SELECT name, value FROM about WHERE name LIKE 'relayed to %' AND typeof(value) = 'integer'"


def _lead(source: sqlite3.Connection, arrivals: Arrivals, where: str) -> None:
    """Until it is known how far relays are, none may go on over there: it would pass on everything once more."""
    for name, _ in source.execute(_RELAYS).fetchall():
        if not arrivals.lead(name):
            raise InvalidInput(
                f"a receiver relays from {where} to {name.removeprefix('relayed to ')} already",
                hint="restart the receivers on the database without --relay until the inbox is moved",
            )


def _relays(source: sqlite3.Connection, arrivals: Arrivals) -> int:
    """A relay's place is the last event that went out, whatever its number is over there; or less, where something came
    in over there before it, which did not go out from there."""
    done = 0
    for name, number in source.execute(_RELAYS).fetchall():
        last = source.execute(
            "SELECT webhook_id FROM events WHERE number <= ? ORDER BY number DESC LIMIT 1", (number,)
        ).fetchone()
        place = arrivals.number_of(last[0]) if last is not None else 0
        for other, webhook_id in arrivals.unclaimed_between(arrivals.place_of(name), place):
            known = source.execute("SELECT number FROM events WHERE webhook_id = ?", (webhook_id,)).fetchone()
            if known is None or known[0] > number:
                place = other - 1
                break
        done += arrivals.mark(name, place)
    return done


@contextmanager
def _source(path: Path) -> Iterator[sqlite3.Connection]:
    """The file, which nobody else can use meanwhile. What is still in its log is read from a copy: reading the file
    itself would write the log back into it."""
    if not path.is_file():
        raise InvalidInput(f"no inbox at {path}", hint="name the file of --inbox")
    with mapped("read", path):
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        _keep_others_out(descriptor, path)
        with tempfile.TemporaryDirectory(prefix="reconcile-inbox-") as folder, mapped("read", path):
            copy = Path(folder) / "inbox.db"
            log = path.with_name(f"{path.name}-wal")
            if log.is_file() and log.stat().st_size:
                _copy(descriptor, copy)
                with log.open("rb") as stream:
                    _copy(stream.fileno(), copy.with_name(f"{copy.name}-wal"))
                connection = sqlite3.connect(copy)
            else:  # this way nothing is written beside it, either
                name = str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
                connection = sqlite3.connect(f"file:{name}?immutable=1", uri=True)
            with closing(connection):
                _refuse_other(connection, path)
                yield connection
    finally:
        os.close(descriptor)


def _keep_others_out(descriptor: int, path: Path) -> None:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, *_SHARED_BYTES)
    except OSError as error:
        raise InvalidInput(
            f"the inbox {path} is in use", hint="stop the receivers and runs that have it open, and try again"
        ) from error


def _copy(descriptor: int, target: Path) -> None:
    """Not by name: closing another descriptor of the file would give the lock back."""
    at = 0
    with target.open("wb") as stream:
        while chunk := os.pread(descriptor, _CHUNK, at):
            at += len(chunk)
            stream.write(chunk)


def _refuse_other(connection: sqlite3.Connection, path: Path) -> None:
    version = version_of(connection, path)
    if version != SCHEMA_VERSION:
        raise InvalidInput(f"{path} is not an inbox", hint="name the file of --inbox")
