"""How connections are kept honest: whole requests in time, heads that are short, and room for the next caller.

uvicorn times a connection only between two requests. A stranger who opens thousands and says nothing, or one byte a
second, would keep them for ever. Here every connection has to bring a whole request within a limit, and when there are
too many, the one that has kept us waiting longest makes room: so good deliveries, which take milliseconds, get through.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from reconciler.adapters.receiver.limits import Limits
from reconciler.adapters.receiver.metrics import Metrics

MAX_HEAD = 16 * 1024  # bytes of a request's line and headers
MAX_HEADERS = 100
_MAX_REQUEST = (
    2 << 20
)  # bytes; a body above the cap is read up to here, so that its sender can read our refusal

if TYPE_CHECKING:
    from uvicorn.protocols.http.h11_impl import H11Protocol

    _Base = H11Protocol
else:
    _Base = object


class Watch:
    """The connections that owe us a request, and those that wait for our answer or do not take it; both longest first.
    `limit` is in seconds, `most` a number of connections."""

    def __init__(self, limit: float, most: int, metrics: Metrics, limits: Limits) -> None:
        self._limits = limits
        self.limit = limit
        self.most = most
        self._metrics = metrics
        self._owing: dict[Watched, float] = {}
        self._waiting: dict[Watched, float] = {}
        self._closing: set[Watched] = set()
        self._looked = 0.0

    def begin(self, connection: Watched) -> None:
        """Its time starts now."""
        self.end(connection)
        self._owing[connection] = connection.loop.time()

    def answering(self, connection: Watched) -> None:
        """It has brought its request."""
        self.end(connection)
        self._waiting[connection] = connection.loop.time()

    def end(self, connection: Watched) -> None:
        """It is gone."""
        self._owing.pop(connection, None)
        self._waiting.pop(connection, None)

    def make_room(self, open_ones: int) -> None:
        """One more has come; if that is one too many, another one goes."""
        if open_ones > self.most:
            self._metrics.evicted += 1
            # The newcomer owes as well.
            self._drop(next(iter(self._waiting if len(self._owing) == 1 and self._waiting else self._owing)))

    def sweep(self, now: float, connections: set[Any]) -> None:
        """To be called about once a second with the loop's time: closes those whose time is over."""
        for since, limit in ((self._owing, self.limit), (self._waiting, self._limits.answer)):
            while (oldest := next(iter(since), None)) is not None and now - since[oldest] > limit:
                self._metrics.timed_out += since is self._waiting or not oldest.idle
                self._drop(oldest)
        if now - self._looked > self._limits.linger:
            self._looked = now
            closing = {one for one in connections if one.transport.is_closing()}
            for one in closing & self._closing:
                one.transport.abort()
            self._closing = closing

    def _drop(self, connection: Watched) -> None:
        self.end(connection)
        if connection.idle and connection.transport.get_write_buffer_size() == 0:
            connection.transport.close()
        else:
            connection.transport.abort()


class Watched(_Base):
    """What both of uvicorn's protocols have in common here."""

    watch: Watch
    idle = True  # nothing of the next request has come
    size = 0  # bytes of the request that is coming

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as its base
        super().connection_made(transport)
        self.watch.begin(self)
        self.watch.make_room(len(self.connections))

    def connection_lost(self, exc: Exception | None) -> None:
        self.watch.end(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        begins = self.idle
        if begins:
            self.idle = False
            self.size = 0
        self.size += len(data)
        if self.size > _MAX_REQUEST + MAX_HEAD:
            self.transport.abort()
            return
        super().data_received(data)
        self.looked_through()
        if begins and not self.idle:  # it has not come whole
            self.watch.begin(self)

    def looked_through(self) -> None:
        """The bytes have been parsed."""

    def came_whole(self) -> None:
        """All of a request is here."""
        self.idle = True
        if self.cycle is None or self.cycle.response_complete:
            self.watch.begin(self)
        else:
            self.watch.answering(self)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.idle:
            self.watch.begin(self)
