"""How long a server may take: what takes longer loses its connection, and then fails as any lost one does.

The server's own limits do not hold while it is stopped, waits for a standby or is cut off behind a pooler, and libpq
waits for ever. So a thread looks at what is under way, and shuts down the socket of what is overdue.
"""

from __future__ import annotations

import math
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg

Connection = psycopg.Connection[tuple[Any, ...]]

LONGEST = 30.0  # seconds for one piece of work; the server's own limits end it before
_LOOK = 0.25  # seconds


class Patience:
    """For all sessions of a store, from any thread."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._running: dict[int, tuple[Connection, float]] = {}
        self._until = math.inf
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    @contextmanager
    def limit(self, connection: Connection, seconds: float = LONGEST) -> Iterator[None]:
        """For what is done with this connection in the block."""
        with self._turn:
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="inbox patience", daemon=True)
                self._thread.start()
            self._running[id(connection)] = connection, time.monotonic() + seconds
        try:
            yield
        finally:
            with self._turn:
                self._running.pop(id(connection), None)

    def hurry(self, seconds: float) -> None:
        """From now on everything ends within that time, whatever its own limit is."""
        self._until = min(self._until, time.monotonic() + seconds)

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._until

    def close(self) -> None:
        self._stop.set()

    def _watch(self) -> None:
        while not self._stop.wait(_LOOK):
            now = time.monotonic()
            with self._turn:  # so that the descriptor is still that of this connection
                for connection, end in self._running.values():
                    if now >= min(end, self._until):
                        _cut(connection)


def _cut(connection: Connection) -> None:
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as one:
        one.shutdown(socket.SHUT_RDWR)
