"""The watched connection on httptools, which parses several times faster than h11, and caps nothing by itself.

A delivery that has come whole with one read, as nearly all do, goes from the parser to the intake and its answer to the
socket, without a coroutine or a scope in between: that is half the cost of one. Any other request, and one that comes
while another is being answered, takes uvicorn's way through the ASGI application.
"""

from __future__ import annotations

import asyncio
import re
from functools import partial
from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from reconciler.adapters.receiver.intake import Intake, Sender
from reconciler.adapters.receiver.replies import REPLIES
from reconciler.adapters.receiver.watch import MAX_HEAD, MAX_HEADERS, Watched
from reconciler.core.platform.webhook import signed_in

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_PLAIN_PATH = re.compile(rb"/[A-Za-z0-9/_-]*")  # which is the same as text, and has no query

Headers = list[tuple[bytes, bytes]]


class HeadTooLarge(Exception):
    """Raised through the parser, which ends there."""


class Answers:
    """The bytes of the answers to deliveries. They are made once for the headers that all answers have, which are a new
    list whenever the date changes."""

    def __init__(self) -> None:
        self._common: Headers = []
        self._made: dict[tuple[str, bool], bytes] = {}

    def to(self, outcome: str, keep_alive: bool, common: Headers) -> bytes:
        if common is not self._common:
            self._common = common
            self._made = {}
        made = self._made.get((outcome, keep_alive))
        if made is None:
            made = self._made[outcome, keep_alive] = _written(outcome, keep_alive, common)
        return made


def _written(outcome: str, keep_alive: bool, common: Headers) -> bytes:
    start, body = REPLIES[outcome]
    headers = [*common, *start["headers"], *([] if keep_alive else [(b"connection", b"close")])]
    lines = b"".join(b"%b: %b\r\n" % pair for pair in headers)
    return b"%b%b\r\n%b" % (STATUS_LINE[start["status"]], lines, body["body"])


class _Delivery:
    """Stands where uvicorn keeps a request's cycle, and has what uvicorn looks at there."""

    __slots__ = ("disconnected", "keep_alive", "message_event", "response_complete")

    def __init__(self, keep_alive: bool, message_event: asyncio.Event) -> None:
        self.keep_alive = keep_alive
        self.message_event = message_event  # nobody waits for it
        self.disconnected = False
        self.response_complete = False


class Fast(Watched, HttpToolsProtocol):  # type: ignore[misc] # the two protocols differ in what is not used here
    intake: Intake
    answers: Answers
    _nobody_waits = asyncio.Event()
    _in_head = False
    _too_large = False
    _under_way: RequestResponseCycle | None = None
    _operation: str | None = None  # of the delivery that is coming in
    _parts: list[bytes]

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._operation is not None:  # the rest of it will take its time
            self._give_up_haste()

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if len(self.headers) > MAX_HEADERS or (self.size > MAX_HEAD and self._head() > MAX_HEAD):
            self._too_large = True
            raise HeadTooLarge
        self._in_head = False
        self._parts = []
        if self._may_be_hasty() and _PLAIN_PATH.fullmatch(self.url):
            self._operation = self.intake.operation_at(self.url.decode("ascii"))
        if self._operation is None:
            self._begin_cycle()

    def on_body(self, body: bytes) -> None:
        if self._operation is None:
            super().on_body(body)
        else:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        if self._operation is None:
            super().on_message_complete()
            self.came_whole()
            return
        operation, self._operation = self._operation, None
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        delivery = _Delivery(self.parser.should_keep_alive(), self._nobody_waits)
        self.cycle = delivery  # type: ignore[assignment] # see there
        self.came_whole()
        sender = Sender(self.client, self.headers)
        self.intake.take(signed_in(self.headers), body, operation, sender, partial(self._answer, delivery))

    def on_response_complete(self) -> None:
        if self.pipeline:
            super().on_response_complete()
            return
        # Without uvicorn's timer for idle connections: the watch closes those, at a lower cost.
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        if self.idle:
            self.watch.begin(self)

    def connection_lost(self, exc: Exception | None) -> None:
        # uvicorn tells the request that came last. With several in the pipeline another one is being answered, and
        # would write to what is closed.
        if self._under_way is not None and not self._under_way.response_complete:
            self._under_way.disconnected = True
            self._under_way.message_event.set()
        super().connection_lost(exc)

    def looked_through(self) -> None:
        if self._in_head and not self.idle and self.size > MAX_HEAD and not self.transport.is_closing():
            self._too_large = True
            self.send_400_response("")

    def send_400_response(self, msg: str) -> None:
        self._operation = None
        if not self._too_large:
            super().send_400_response(msg)
            return
        self.transport.write(_TOO_LARGE)
        self.transport.close()

    def _head(self) -> int:
        """Its bytes, without what separates them."""
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _may_be_hasty(self) -> bool:
        """Whether what uvicorn takes care of is not needed for this request."""
        return (
            self.parser.get_method() == b"POST"
            and (self.cycle is None or self.cycle.response_complete)
            and not self.expect_100_continue
            and not self.flow.write_paused
            and self.parser.get_http_version() == "1.1"
            and not self.parser.should_upgrade()
        )

    def _give_up_haste(self) -> None:
        """The request goes on as any other, with what has come of it."""
        self._operation = None
        self._begin_cycle()
        for part in self._parts:
            super().on_body(part)

    def _begin_cycle(self) -> None:
        """What uvicorn does at the beginning of a request and at the end of its head."""
        url, headers, expected = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expected
        self.headers.extend(headers)
        super().on_headers_complete()

    def _answer(self, delivery: _Delivery, outcome: str) -> None:
        delivery.response_complete = True
        if delivery.disconnected or self.transport.is_closing():
            self.server_state.total_requests += 1
            return
        common = self.server_state.default_headers
        self.transport.write(self.answers.to(outcome, delivery.keep_alive, common))
        if not delivery.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._under_way = cycle
        super()._start_asgi_task(cycle, app)
