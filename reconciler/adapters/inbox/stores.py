"""The store that a place names: a file, or a PostgreSQL server."""

from __future__ import annotations

from pathlib import Path

from reconciler.adapters.inbox.port import Store
from reconciler.core.errors import InvalidInput
from reconciler.core.settings.postgres_url import PostgresPlace

EXTRA = "run `pip install 'psycopg[binary]'` in the environment that reconcile runs in"
InboxPlace = Path | PostgresPlace


def store_at(place: InboxPlace) -> Store:
    """Nothing is opened yet. Raises `InvalidInput` where psycopg is missing."""
    if isinstance(place, PostgresPlace):
        try:
            from reconciler.adapters.inbox.postgres.store import PostgresStore  # psycopg, only here
        except ImportError as error:  # not installed, or without libpq
            raise InvalidInput(
                "an inbox in PostgreSQL needs psycopg, which is not installed here", hint=EXTRA
            ) from error
        return PostgresStore(place)
    from reconciler.adapters.inbox.sqlite.store import SqliteStore

    return SqliteStore(place)
