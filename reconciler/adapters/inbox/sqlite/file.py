"""The inbox as a SQLite file: how it is made, recognised, opened and written, and what its errors become.

A commit in it is one that the disk has: write-ahead logging with `synchronous=FULL`. A file that is something else, or
a newer reconcile's, is refused before anything in it is changed.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reconciler.core.errors import InvalidInput, StorageError

SCHEMA_VERSION = 1
_APPLICATION = 0x4C724962  # "LrIb": marks the file as an inbox
_PATIENCE = 10.0  # seconds to wait for another process's write

# Each step brings a file from the version before to the next one.
_STEPS = (
    """
    CREATE TABLE about (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
    INSERT INTO about VALUES ('identity', lower(hex(randomblob(8))));
    CREATE TABLE events (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        webhook_id TEXT NOT NULL UNIQUE,
        type TEXT,
        job_id TEXT,
        operation_id TEXT,
        received_at REAL NOT NULL,
        timestamp TEXT NOT NULL,
        signature TEXT NOT NULL,
        body BLOB NOT NULL,
        claimed_at REAL,
        claimed_by TEXT
    );
    CREATE UNIQUE INDEX events_of_job ON events (job_id, type) WHERE job_id IS NOT NULL;
    CREATE INDEX events_unclaimed ON events (number, received_at) WHERE claimed_at IS NULL;
    CREATE TABLE quarantine (
        digest BLOB PRIMARY KEY,
        webhook_id TEXT NOT NULL,
        operation_id TEXT,
        received_at REAL NOT NULL,
        timestamp TEXT NOT NULL,
        signature TEXT NOT NULL,
        body BLOB NOT NULL
    );
    """,
)


def connect(path: Path) -> sqlite3.Connection:
    """A connection to the inbox in that file, which is made when it is not there. It commits by itself after each
    statement outside of `transaction`. Raises `StorageError` when the disk refuses, `InvalidInput` for a file that is
    no inbox or a newer one's."""
    with mapped("open", path):
        with suppress(FileExistsError):  # its owner only: bodies are nobody else's business
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(
            path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False, cached_statements=64
        )
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    with transaction(connection, "DEFERRED"):
        version = version_of(connection, path)
    _use_log(connection)
    connection.execute("PRAGMA synchronous = FULL")
    if version == SCHEMA_VERSION:
        return
    with transaction(connection):
        for step in _STEPS[version_of(connection, path) :]:  # another process may have been quicker
            for statement in filter(str.strip, step.split(";")):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _use_log(connection: sqlite3.Connection) -> None:
    """Write-ahead logging. Where several processes make an inbox at once, SQLite refuses instead of waiting."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.005)
        else:
            return


def version_of(connection: sqlite3.Connection, path: Path) -> int:
    """Within a transaction, so that no other process comes between the looks."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != _APPLICATION and (tables or application or version):
        raise InvalidInput(
            f"{path} is a database, but not an inbox",
            hint="choose another file; a receiver creates a new one",
        )
    if version > SCHEMA_VERSION:
        raise InvalidInput(
            f"the inbox {path} is from a newer reconcile (version {version}; this one supports {SCHEMA_VERSION})",
            hint="upgrade reconcile",
        )
    return int(version)


@contextmanager
def transaction(connection: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    """All or nothing; durable at the end. Waits for another process's."""
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has ended it already
            connection.execute("ROLLBACK")
        raise


@contextmanager
def mapped(doing: str, path: Path) -> Iterator[None]:
    """What SQLite and the system refuse, as ours."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        if isinstance(error, sqlite3.DatabaseError) and "not a database" in str(error):
            raise InvalidInput(
                f"{path} is not an inbox",
                hint="choose another file; a receiver creates a new one",
            ) from error
        reason = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        hint = "free some space" if "full" in reason else "check the file, its folder and their permissions"
        raise StorageError(f"cannot {doing} the inbox {path}: {reason}", hint=hint) from error
