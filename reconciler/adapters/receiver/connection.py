"""One connection: bytes in, one request after the other to the intake or to the pages, answers out.

The next request is looked at when the one before it has been answered and its answer taken; until then nothing more is
read. A delivery needs no coroutine: it goes from the parser to the intake, and the outcome comes back by a call.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import NamedTuple, Protocol, cast
from urllib.parse import unquote

from reconciler.adapters.receiver.incoming import Incoming
from reconciler.adapters.receiver.intake import Done, Sender
from reconciler.adapters.receiver.limits import MAX_PAGE_BODY, MAX_REQUEST
from reconciler.adapters.receiver.replies import REPLIES, Headers, Reply, Request, refusal, says
from reconciler.adapters.receiver.watch import Watch
from reconciler.core.platform.webhook import MAX_BODY, Signed, signed_in

_UNTAKEN = 8 * 1024  # bytes of answers that may lie in front of a reader before the next request is looked at
_UNREAD = 16 * 1024  # the same of what has come, while it is encrypted
_AT_ONCE = 16  # steps of the parser, before others have their turn


class Taking(Protocol):
    """What takes deliveries, or has none to take: see `Intake`."""

    def within(self, path: str) -> str: ...

    def operation_at(self, path: str) -> str | None: ...

    def take(
        self, signed: Signed | None, body: bytes, operation: str, sender: Sender, done: Done
    ) -> None: ...

    def refuse(self, outcome: str, sender: Sender) -> None: ...

    def bug(self, error: Exception) -> str: ...


class Site(NamedTuple):
    """What all connections share. `page_body` is how many bytes a request may bring that is no delivery."""

    intake: Taking
    pages: Callable[[Request], Awaitable[Reply]]
    watch: Watch
    page_body: int = MAX_PAGE_BODY


class Connection(asyncio.Protocol):
    _transport: asyncio.Transport
    _peer: tuple[str, int] | None = None

    def __init__(self, site: Site, arrived: Callable[[], None] = lambda: None) -> None:
        self._site = site
        self._arrived = arrived
        self._ahead = bytearray()  # what has come, and is not looked at yet
        self._working = False
        self._deaf = False  # it does not take our answers
        self._paused = False
        self._stopping = False
        self._page: asyncio.Task[None] | None = None
        self._renew()

    def _renew(self) -> None:
        self.idle = not self._ahead
        self._incoming = Incoming()
        self._busy = False  # a whole request waits for its answer
        self._answered = False
        self._operation: str | None = None
        self._signed: Signed | None = None

    # what asyncio says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_UNTAKEN)
        if (limit := getattr(transport, "set_read_buffer_limits", None)) is not None:
            limit(high=_UNREAD)  # TLS would take 256 KB from one whose requests wait
        name = transport.get_extra_info("peername")
        self._peer = (str(name[0]), int(name[1])) if isinstance(name, tuple) else None
        self._arrived()
        self._site.watch.begin(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._site.watch.end(self)
        self._ahead.clear()
        if self._page is not None:
            self._page.cancel()
        if self._operation is not None and not self._busy and not self._answered:
            self._site.intake.refuse("incomplete", self._sender())

    def data_received(self, data: bytes) -> None:
        self._ahead += data
        if self.idle:
            self.idle = False
            self._site.watch.begin(self)
        self._work()

    def pause_writing(self) -> None:
        self._deaf = True

    def resume_writing(self) -> None:
        self._deaf = False
        if not self._busy:
            self._site.watch.begin(self)
        self._work()

    # what the watch says

    def finish(self) -> None:
        self._stopping = True
        if self.idle:
            self._transport.close()

    def drop(self) -> None:
        self._transport.abort()

    # requests

    def _work(self) -> None:
        if self._working:
            return
        self._working = True
        steps = _AT_ONCE
        try:
            while steps and self._ahead and not (self._busy or self._deaf or self._transport.is_closing()):
                steps -= 1
                if not self._incoming.take(self._ahead):
                    break
                self._look()
        finally:
            self._working = False
        if not steps:
            asyncio.get_running_loop().call_soon(self._work)
        self._settle(self._busy or self._deaf or not steps)

    def _settle(self, later: bool) -> None:
        """No more is read than can be looked at, and what is kept is counted."""
        if self._transport.is_closing():
            self._ahead.clear()
        elif self._paused != (later and bool(self._ahead)):
            self._paused = not self._paused
            (self._transport.pause_reading if self._paused else self._transport.resume_reading)()
        held = len(self._ahead) + self._incoming.held + self._transport.get_write_buffer_size()
        self._site.watch.holds(self, held)

    def _look(self) -> None:
        """Some more of the request has come."""
        incoming = self._incoming
        if incoming.fault:
            self._refuse(incoming.fault)
            return
        if incoming.size > MAX_REQUEST:
            self._transport.abort()
            return
        if incoming.keep == 0:
            self._begin(incoming)
        if incoming.large and not self._answered:
            self._too_large()
        if incoming.whole and not self._transport.is_closing():
            self._end(incoming)

    def _begin(self, incoming: Incoming) -> None:
        headers = incoming.headers or []
        raw = incoming.target.partition(b"?")[0]
        self._path = unquote(raw.decode("ascii"))
        if incoming.method == "POST":
            self._operation = self._site.intake.operation_at(self._path)
        incoming.keep = self._site.page_body if self._operation is None else MAX_BODY
        if self._operation is not None:
            self._signed = signed_in(headers)
            if self._signed is None:
                self._early("malformed")
                return
        if incoming.length > incoming.keep:
            self._too_large()
        elif incoming.asks_first and not self._ahead:
            self._transport.write(incoming.go_on())

    def _end(self, incoming: Incoming) -> None:
        if self._answered:
            self._next()
            return
        self._busy = True
        self._site.watch.answering(self)
        body = bytes(incoming.body)
        incoming.drop()
        if self._operation is None:
            query = incoming.target.partition(b"?")[2]
            request = Request(
                incoming.method, self._site.intake.within(self._path), query, incoming.headers or [], body
            )
            self._page = asyncio.get_running_loop().create_task(self._show(request))
        elif not self._site.watch.lend(len(body)):
            self._early("unstored")
            self._next()
        else:
            self._site.intake.take(
                self._signed, body, self._operation, self._sender(), lambda said: self._told(said, len(body))
            )

    async def _show(self, request: Request) -> None:
        try:
            given = await self._site.pages(request)
        except Exception as error:  # the last resort: one request must not print what it held
            given = REPLIES[self._site.intake.bug(error)]
        self._page = None
        self._send(given)
        self._next()

    def _sender(self) -> Sender:
        return Sender(self._peer, self._incoming.headers or [])

    # answers

    def _told(self, outcome: str, lent: int) -> None:
        self._site.watch.give_back(lent)
        self._send(REPLIES[outcome])
        self._next()

    def _early(self, outcome: str) -> None:
        """A delivery is refused, perhaps before it has come whole: what is left of it is read, and dropped."""
        self._site.intake.refuse(outcome, self._sender())
        self._send(REPLIES[outcome])

    def _too_large(self) -> None:
        if self._operation is None:
            self._send(says(413, f"the body is larger than {self._site.page_body >> 10} KB"))
        else:
            self._early("too_large")

    def _send(self, given: Reply) -> None:
        if self._transport.is_closing():
            return
        incoming = self._incoming
        unasked = (
            incoming.asks_first and not incoming.whole
        )  # it may not bring its body now, so where would the next begin?
        close = [(b"connection", b"close")] if self._stopping or unasked else []
        self._answered = True
        incoming.drop()
        self._transport.write(incoming.answer(given, [*_dated(), *close]))
        if unasked:
            self._transport.close()

    def _next(self) -> None:
        """The request has come whole and is answered."""
        if self._transport.is_closing():
            return
        if self._incoming.ends:
            self._site.watch.begin(self)
            self._transport.close()
            return
        self._renew()
        if self._deaf:
            self._site.watch.answering(self)
        else:
            self._site.watch.begin(self)
        self._work()

    def _refuse(self, status: int) -> None:
        if not self._answered:
            self._transport.write(refusal(status))
        self._transport.close()


_date: tuple[int, Headers] = (0, [])


def _dated() -> Headers:
    """The header that every answer has, made once a second."""
    global _date
    now = int(time.time())
    if _date[0] != now:
        _date = now, [(b"date", formatdate(now, usegmt=True).encode())]
    return _date[1]
