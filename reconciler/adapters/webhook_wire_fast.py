"""The watched connection on httptools, which parses several times faster than h11, and caps nothing by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from reconciler.adapters.webhook_wire import MAX_HEAD, MAX_HEADERS, Watched

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class HeadTooLarge(Exception):
    """Raised through the parser, which ends there."""


class Fast(Watched, HttpToolsProtocol):  # type: ignore[misc] # the two protocols differ in what is not used here
    _in_head = False
    _too_large = False
    _under_way: RequestResponseCycle | None = None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._under_way = cycle
        super()._start_asgi_task(cycle, app)

    def connection_lost(self, exc: Exception | None) -> None:
        # uvicorn tells the request that came last. With several in the pipeline another one is being answered, and
        # would write to what is closed.
        if self._under_way is not None and not self._under_way.response_complete:
            self._under_way.disconnected = True
            self._under_way.message_event.set()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        size = len(self.url)
        for name, value in self.headers:
            size += len(name) + len(value)
        if size > MAX_HEAD or len(self.headers) > MAX_HEADERS:
            self._too_large = True
            raise HeadTooLarge
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.came_whole()

    def looked_through(self) -> None:
        if self._in_head and not self.idle and self.size > MAX_HEAD and not self.transport.is_closing():
            self._too_large = True
            self.send_400_response("")

    def send_400_response(self, msg: str) -> None:
        if not self._too_large:
            super().send_400_response(msg)
            return
        self.transport.write(_TOO_LARGE)
        self.transport.close()
