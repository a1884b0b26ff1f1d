"""A server with pages alone, for a program that runs long: the receiver's connections and limits, and no inbox."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from reconciler.adapters.receiver.connection import Site
from reconciler.adapters.receiver.intake import Done, Sender
from reconciler.adapters.receiver.limits import Limits
from reconciler.adapters.receiver.listen import listen, most_connections, url_of
from reconciler.adapters.receiver.log import ServeLog
from reconciler.adapters.receiver.metrics import Metrics
from reconciler.adapters.receiver.reception import Reception
from reconciler.adapters.receiver.replies import Reply, Request
from reconciler.adapters.receiver.watch import Watch
from reconciler.core.platform.webhook import Signed

_CONNECTIONS = 256
_REQUEST = 10.0  # seconds in which a connection has to bring a whole request
_LIMITS = Limits(answer=10.0, memory=8 << 20)
_SWEEP = 1.0  # seconds


class _NoDeliveries:
    """Every request is for a page."""

    def __init__(self, log: ServeLog) -> None:
        self._log = log

    def within(self, path: str) -> str:
        return path

    def operation_at(self, path: str) -> str | None:
        return None

    def take(self, signed: Signed | None, body: bytes, operation: str, sender: Sender, done: Done) -> None:
        done("malformed")

    def refuse(self, outcome: str, sender: Sender) -> None:
        self._log.note("warning", outcome)

    def bug(self, error: Exception) -> str:
        self._log.note("error", "bug", kind=type(error).__name__)
        return "bug"


@asynccontextmanager
async def serving(
    host: str,
    port: int,
    pages: Callable[[Request], Awaitable[Reply]],
    log: ServeLog,
    *,
    page_body: int,
) -> AsyncIterator[str]:
    """Its URL, for the length of a block. Connections end with it. Raises `UsageError` for an address that cannot be
    used."""
    with contextlib.closing(listen(host, port)) as listener:
        loop = asyncio.get_running_loop()
        watch = Watch(_REQUEST, most_connections(_CONNECTIONS), Metrics(), _LIMITS, loop.time)
        reception = Reception(listener, Site(_NoDeliveries(log), pages, watch, page_body), None)
        tasks = [loop.create_task(reception.run()), loop.create_task(_sweeping(watch))]
        try:
            yield url_of(listener, tls=False)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for peer in watch.peers():
                peer.drop()
            await asyncio.sleep(0)


async def _sweeping(watch: Watch) -> None:
    while True:
        watch.sweep()
        await asyncio.sleep(_SWEEP)
