"""Hears that something was stored, by LISTEN: a thread with a connection of its own, which counts.

A notification is only a reason to look. Whenever the connection comes back, and every few seconds besides, there is
one more reason, so what was missed is read then.
"""

from __future__ import annotations

import secrets
import threading
import time

import psycopg

from reconciler.adapters.inbox.postgres.connection import Session
from reconciler.adapters.inbox.postgres.patience import Connection, Patience
from reconciler.adapters.inbox.postgres.schema import CHANNEL
from reconciler.core.errors import InvalidInput
from reconciler.core.settings.postgres_url import PostgresPlace

_LOOK = 0.5  # seconds; how long it may take to end
_HEARTBEAT = 10.0  # seconds of silence after which the connection is tried
_AGAIN = 1.0  # seconds until the next try
_ECHO = 3.0  # seconds for a notification of our own


class Bell:
    """Rings from its first `count` on. Safe for several threads."""

    def __init__(self, place: PostgresPlace, patience: Patience) -> None:
        self._place = place
        self._patience = patience
        self._turn = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._count = 0

    def count(self) -> int:
        """Another number than before when there may be something new."""
        with self._turn:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="inbox bell", daemon=True)
                self._thread.start()
            return self._count

    def close(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _ring(self) -> None:
        with self._turn:
            self._count += 1

    def _run(self) -> None:
        session = Session(self._place, "feed", self._patience)
        while not self._stop.is_set():
            try:
                connection = session.open()
                with self._patience.limit(connection):
                    connection.execute(f"LISTEN {CHANNEL}".encode())
                self._ring()  # for what came before it listened
                self._hear(connection)
            except (
                Exception
            ):  # who reads meets the same, and says it; a bell that is silent would stop them for good
                session.close()
                self._ring()
                self._stop.wait(_AGAIN)
        session.close()

    def _hear(self, connection: Connection) -> None:
        heard = time.monotonic()
        while not self._stop.is_set():
            for _ in connection.notifies(timeout=_LOOK, stop_after=1):
                heard = time.monotonic()
                self._ring()
            if time.monotonic() - heard > _HEARTBEAT:
                with self._patience.limit(connection):
                    connection.execute("SELECT 1")
                heard = time.monotonic()
                self._ring()


def refuse_transaction_pool(place: PostgresPlace, patience: Patience) -> None:
    """Raises `InvalidInput` where a connection goes through a pooler that lends servers for single transactions: there,
    LISTEN and the leader's lock would silently be without effect."""
    word = f"echo {secrets.token_hex(8)}"
    listening, speaking = (Session(place, "check", patience) for _ in range(2))
    try:
        connection = listening.open()
        with patience.limit(connection):
            connection.execute(f"LISTEN {CHANNEL}".encode())
        other = speaking.open()
        with patience.limit(other):
            other.execute("SELECT pg_notify(%s, %s)", (CHANNEL, word))
        end = time.monotonic() + _ECHO
        while (left := end - time.monotonic()) > 0:
            if any(one.payload == word for one in connection.notifies(timeout=left, stop_after=1)):
                return
    except psycopg.Error as error:
        raise listening.refusal("open", error) from error
    finally:
        listening.close()
        speaking.close()
    raise InvalidInput(
        f"the inbox {place.name} is reached through a connection pooler that does not pass on notifications",
        hint="connect to PostgreSQL directly, or let the pooler use pool_mode = session",
    )
