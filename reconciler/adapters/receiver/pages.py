"""What a receiver shows besides taking deliveries: health, metrics, and the feed (`feed.py`).

Whoever can reach the receiver can ask for health and metrics, so neither costs more for being asked for often: the disk
and the counts are looked at once a second at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from reconciler.adapters.inbox.port import Inbox, Sizes
from reconciler.adapters.inbox.writer import InboxWriter
from reconciler.adapters.receiver.feed import Feed
from reconciler.adapters.receiver.limits import Limits
from reconciler.adapters.receiver.metrics import Metrics
from reconciler.adapters.receiver.replies import Reply, Request, metrics_page, reply, says
from reconciler.adapters.receiver.signing_secrets import Secrets
from reconciler.adapters.system.prometheus import Family
from reconciler.core.errors import StorageError

Value = TypeVar("Value")


class Pages:
    """`connections` tells how many are open. `stop` ends all waits."""

    def __init__(
        self,
        inbox: Inbox,
        writer: InboxWriter,
        secrets: Secrets,
        metrics: Metrics,
        clock: Callable[[], float],
        *,
        token: str | None,
        quarantine: bool,
        limits: Limits,
    ) -> None:
        self._inbox = inbox
        self._writer = writer
        self._secrets = secrets
        self._metrics = metrics
        self._clock = clock
        self._quarantine = quarantine
        self._feed = Feed(inbox, clock, token, limits.readers)
        self._fit = _Seldom(self._probe, limits.fresh)
        self._sizes = _Seldom(self._count, limits.fresh)
        self.connections: Callable[[], int] = lambda: 0

    def stop(self) -> None:
        """Waiting readers are answered, and `/readyz` says no from now on."""
        self._feed.stop()

    async def __call__(self, request: Request) -> Reply:
        path, method = request.path, request.method
        if path == "/events/claim":
            return await self._feed.claim(request) if method == "POST" else _not_allowed(b"POST")
        if path not in ("/", "/events", "/metrics", "/healthz", "/readyz"):
            return says(404, "not found")
        if path == "/":
            return _not_allowed(b"POST")
        if method not in ("GET", "HEAD"):
            return _not_allowed(b"GET")
        if path == "/healthz":
            return reply(200, b'{"status": "ok"}')
        if path == "/readyz":
            return await self._ready()
        if path == "/metrics":
            return metrics_page(await self._measured())
        return await self._feed.events(request)

    async def _ready(self) -> Reply:
        if self._feed.stopping:
            return says(503, "shutting down")
        if not self._secrets.keys and not self._quarantine:
            return says(503, "no signing secret is set")
        if not await self._fit.look():
            return says(503, "the inbox is not writable")
        return reply(200, b'{"status": "ready"}')

    async def _probe(self) -> bool:
        """Whether the inbox can be written: found out by doing so."""
        now = self._clock()
        try:
            await self._writer.call(lambda table: table.probe(now))
        except StorageError:
            return False
        return True

    async def _count(self) -> Sizes | None:
        try:
            return await asyncio.to_thread(self._inbox.sizes)
        except StorageError:
            return None

    async def _measured(self) -> list[Family]:
        sizes, keys = await self._sizes.look(), len(self._secrets.keys)
        return self._metrics.families(sizes, self._clock(), self.connections(), keys, self._writer.waiting)


class _Seldom(Generic[Value]):
    """What a look finds, for all who ask within `fresh` seconds; those who ask while it lasts wait for the same one."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, Value]], fresh: float) -> None:
        self._work = work
        self._fresh = fresh
        self._looked = 0.0
        self._found: asyncio.Task[Value] | None = None

    async def look(self) -> Value:
        now = asyncio.get_running_loop().time()
        if self._found is None or (self._found.done() and now - self._looked >= self._fresh):
            self._looked = now
            self._found = asyncio.create_task(self._work())
        return await asyncio.shield(self._found)


def _not_allowed(method: bytes) -> Reply:
    return says(405, f"only {method.decode()} is allowed here", [(b"allow", method)])
