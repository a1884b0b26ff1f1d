"""Where the sandbox keeps engines and jobs: nowhere, or one SQLite file.

Records are written as they change and read once, at the start. The file belongs to one sandbox at a time; a
second one is told so. Write-ahead logging without an fsync per commit: what was answered survives a killed
process, and a create call costs well under a millisecond.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from reconciler.core.errors import StorageError
from reconciler.sandbox.jobs import Engine, Job, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

_FORMAT = 1
_APPLICATION = 0x6C736278  # tells our files from other programs' databases


class Saved(NamedTuple):
    engines: list[Engine]
    jobs: list[Job]
    webhook_secret: str | None


class Store(Protocol):
    def load(self) -> Saved: ...
    def save(self, *records: Engine | Job) -> None: ...
    def save_secret(self, secret: str) -> None: ...
    def drop_engine(self, engine_id: str) -> None: ...
    def close(self) -> None: ...


class Forgetful:
    """The store of a sandbox without a file."""

    def load(self) -> Saved:
        return Saved([], [], None)

    def save(self, *records: Engine | Job) -> None:
        """Nothing to write: the world itself holds them."""

    def save_secret(self, secret: str) -> None:
        """Likewise."""

    def drop_engine(self, engine_id: str) -> None:
        """Likewise."""

    def close(self) -> None:
        """Likewise."""


class SqliteStore:
    """Raises `StorageError` when the file cannot be opened, is something else, or is in use."""

    def __init__(self, path: Path) -> None:
        with _errors(path):
            # Opened by the thread that starts the sandbox, so that a bad file is its caller's error, and used
            # by the event loop's thread alone from then on.
            self._db = sqlite3.connect(path, timeout=0.2, isolation_level=None, check_same_thread=False)
            try:
                self._open(path)
            except BaseException:
                self._db.close()
                raise
        self._path = path

    def _open(self, path: Path) -> None:
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        (application,) = self._db.execute("PRAGMA application_id").fetchone()
        (tables,) = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if application != _APPLICATION and (tables or application):
            raise _unreadable(path)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("BEGIN EXCLUSIVE")  # with this locking mode it is held until the file is closed
        (found,) = self._db.execute("PRAGMA user_version").fetchone()
        if found > _FORMAT:
            raise StorageError(
                f"{path} was written by a newer version (format {found}, this one supports {_FORMAT})",
                hint="upgrade reconcile, or name another file",
            )
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS records (kind TEXT, id TEXT, body TEXT, PRIMARY KEY (kind, id))"
        )
        self._db.execute(f"PRAGMA application_id = {_APPLICATION}")
        self._db.execute(f"PRAGMA user_version = {_FORMAT}")
        self._db.execute("COMMIT")

    def load(self) -> Saved:
        with _errors(self._path):
            rows = self._db.execute("SELECT kind, body FROM records ORDER BY rowid").fetchall()
        bodies: dict[str, list[Any]] = {"engine": [], "job": [], "secret": []}
        try:
            for kind, body in rows:
                bodies[kind].append(json.loads(body))
            return Saved(
                [_engine(body) for body in bodies["engine"]],
                [_job(body) for body in bodies["job"]],
                next(iter(bodies["secret"]), None),
            )
        except (ValueError, TypeError, KeyError) as error:
            raise _unreadable(self._path) from error

    def save(self, *records: Engine | Job) -> None:
        self._write(
            ("engine" if isinstance(record, Engine) else "job", record.id, json.dumps(asdict(record)))
            for record in records
        )

    def save_secret(self, secret: str) -> None:
        self._write([("secret", "webhook", json.dumps(secret))])

    def drop_engine(self, engine_id: str) -> None:
        with _errors(self._path):
            self._db.execute("DELETE FROM records WHERE kind = 'engine' AND id = ?", (engine_id,))

    def close(self) -> None:
        self._db.close()

    def _write(self, rows: Iterable[tuple[str, str, str]]) -> None:
        upsert = (
            "INSERT INTO records VALUES (?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body"
        )
        with _errors(self._path):
            self._db.execute("BEGIN")
            try:
                self._db.executemany(upsert, rows)
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise StorageError(
                f"{path} is in use by another sandbox", hint="stop that one, or name another file"
            ) from error
        raise StorageError(f"cannot use {path}: {error}", hint="is it a writable place?") from error
    except sqlite3.DatabaseError as error:
        raise _unreadable(path) from error


def _unreadable(path: Path) -> StorageError:
    return StorageError(f"{path} is not a file the sandbox wrote", hint="name another file, or remove it")


def _engine(body: dict[str, Any]) -> Engine:
    for name in ("source_locales", "target_locales"):
        body[name] = tuple(body[name])
    return Engine(**body)


def _job(body: dict[str, Any]) -> Job:
    body["sources"] = tuple(Source(*source) for source in body["sources"])
    body["summary"] = {name: tuple(ids) for name, ids in body["summary"].items()}
    return Job(**body)
