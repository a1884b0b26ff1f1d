from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import psycopg
import pytest

from reconciler.adapters.inbox.stores import InboxPlace
from reconciler.core.settings.postgres_url import parse_postgres
from tests import postgres_server


@cache
def _database_of_this_worker(which: str) -> str:
    server = postgres_server.shared(which)
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE worker_{os.getpid()}".encode())
    return f"{server}/worker_{os.getpid()}"


def new_database(which: str = "embedded") -> str:
    """The address of a database without an inbox, on the session's server."""
    try:
        address = _database_of_this_worker(which)
    except postgres_server.Missing as error:
        pytest.skip(str(error))
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS reconcile_inbox CASCADE")
    return address


@pytest.fixture
def database() -> str:
    return new_database()


@pytest.fixture(params=["sqlite", "embedded", "debian"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> InboxPlace:
    """Of an inbox that is not there yet: of each kind, and on the older of two servers as well."""
    if request.param == "sqlite":
        return tmp_path / "inbox.db"
    return parse_postgres(new_database(request.param))
