"""The state file: what comes back, and what is refused."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.core.errors import StorageError
from reconciler.sandbox.jobs import Engine, Job, Source
from reconciler.sandbox.store import SqliteStore

ENGINE = Engine("eng_1", "Ünïcode \ud800", None, ("en",), ("de", "fr"), 1.0, 2.0)
JOB = Job(
    id="pjb_1",
    engine_id="eng_1",
    engine_name="Acme",
    engine_description="",
    sources=(Source("link", "https://acme.example"),),
    started_at=1.0,
    seconds=2.0,
    outcome="completed",
    summary={"brandVoices": ("bv_1",)},
    callback_url="https://ci.example/hook",
    webhook="due",
)


def test_what_was_saved_comes_back_in_order(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "state.db")
    store.save(ENGINE, JOB)
    store.save(replace(ENGINE, id="eng_0"))
    store.save(replace(ENGINE, name="Renamed"), replace(JOB, webhook="delivered"))
    store.save_secret("whsec_1")
    store.close()
    again = SqliteStore(tmp_path / "state.db")
    saved = again.load()
    again.close()
    assert saved.engines == [replace(ENGINE, name="Renamed"), replace(ENGINE, id="eng_0")]
    assert (saved.jobs, saved.webhook_secret) == ([replace(JOB, webhook="delivered")], "whsec_1")


def test_a_deleted_engine_stays_deleted(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "state.db")
    store.save(ENGINE, JOB)
    store.drop_engine("eng_1")
    assert (store.load().engines, store.load().jobs) == ([], [JOB])
    store.close()


def test_a_file_belongs_to_one_sandbox(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "state.db")
    with pytest.raises(StorageError, match="in use by another sandbox"):
        SqliteStore(tmp_path / "state.db")
    store.close()
    SqliteStore(tmp_path / "state.db").close()


def test_a_file_that_is_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but long enough to be taken for one\n" * 40)
    before = path.read_bytes()
    with pytest.raises(StorageError, match="not a file the sandbox wrote"):
        SqliteStore(path)
    assert path.read_bytes() == before


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE accounts (name TEXT)")
    other.commit()
    other.close()
    before = path.read_bytes()
    with pytest.raises(StorageError, match="not a file the sandbox wrote"):
        SqliteStore(path)
    assert path.read_bytes() == before


def test_a_newer_format_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    SqliteStore(path).close()
    newer = sqlite3.connect(path)
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(StorageError, match="newer version"):
        SqliteStore(path)


def test_a_place_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot use"):
        SqliteStore(tmp_path / "nowhere" / "state.db")


def test_a_damaged_record_is_told(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    SqliteStore(path).close()
    damaged = sqlite3.connect(path)
    damaged.execute("INSERT INTO records VALUES ('job', 'pjb_1', '{\"id\": 5}')")
    damaged.commit()
    damaged.close()
    store = SqliteStore(path)
    with pytest.raises(StorageError, match="not a file the sandbox wrote"):
        store.load()
    store.close()
