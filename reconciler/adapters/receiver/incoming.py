"""One request as its bytes come in, without sockets: h11's grammar, and what this receiver refuses besides.

A request has one reading only, or none: whatever two parsers could take for different requests (two lengths, a length
and chunks, line feeds alone, folded lines, other forms of a target, CONNECT) ends the connection. An `Upgrade` is never
followed; such a request is read to its end like any other. Each request has a parser of its own, which is given its
head as a whole and keeps no byte beyond its end.
"""

from __future__ import annotations

import re

import h11

from reconciler.adapters.receiver.limits import MAX_CHUNKS, MAX_HEAD, MAX_HEADERS, MAX_LINE
from reconciler.adapters.receiver.replies import Headers, Reply
from reconciler.core.patterns import lazy_pattern

_END = b"\r\n\r\n"
_MOUTHFUL = 64 * 1024
_LINE = lazy_pattern(rb"(?!CONNECT )[!#$%&'*+.^_`|~0-9A-Za-z-]+ /[!-~]* HTTP/1\.([01])\r\n")
_AMBIGUOUS = lazy_pattern(rb"(?<!\r)\n|\r(?!\n)|\n[ \t]|[\0-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BARE = lazy_pattern(rb"(?<!\r)\n")
_LENGTHS = lazy_pattern(rb"\ncontent-length:", re.IGNORECASE)
_ONE_LENGTH = lazy_pattern(rb"\ncontent-length:[ \t]*[0-9]{1,18}[ \t]*\r", re.IGNORECASE)
_CHUNKED = lazy_pattern(rb"\ntransfer-encoding:", re.IGNORECASE)


def fault_in(head: bytes) -> int:
    """The status that refuses a head, which ends with its empty line; 0 for one that has a single reading."""
    if len(head) > MAX_HEAD or head.count(b"\r\n") - 2 > MAX_HEADERS:
        return 431
    line = _LINE.match(head)
    if line is None or _AMBIGUOUS.search(head):
        return 400
    lengths, chunked = len(_LENGTHS.findall(head)), _CHUNKED.search(head) is not None
    if lengths > 1 or lengths != len(_ONE_LENGTH.findall(head)):
        return 400
    return 400 if chunked and (lengths or line[1] == b"0") else 0


class Incoming:
    """`take` moves it on. `headers` are there once the head is; `fault` is the status that refuses it. Of the body, no
    more than `keep` bytes are kept; with more of them it is `large`. `size` is the bytes that have come."""

    def __init__(self) -> None:
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_LINE)
        self._looked = 0
        self._left = -1  # bytes of the body still to come; -1 for one in chunks
        self._chunks = 0
        self._last = b""
        self.method = ""
        self.target = b""
        self.headers: Headers | None = None
        self.body = bytearray()
        self.keep = 0
        self.large = False
        self.whole = False
        self.fault = 0
        self.size = 0
        self._head = 0

    @property
    def length(self) -> int:
        """Bytes of the body, as announced."""
        return self.size - self._head + max(0, self._left)

    @property
    def held(self) -> int:
        """Bytes of memory: headers take three times their size, a chunk's line and trailers twice the limit."""
        return len(self.body) + 3 * self._head + (2 * MAX_LINE if self._left < 0 else 0)

    @property
    def asks_first(self) -> bool:
        """It is not sent before it is asked for (`Expect: 100-continue`)."""
        return self._http.they_are_waiting_for_100_continue

    @property
    def ends(self) -> bool:
        """Once it is answered, its connection ends."""
        return self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE

    def take(self, ahead: bytearray) -> bool:
        """Eats from the front of `ahead`; False when more of it is needed."""
        if self.headers is None:
            return self._take_head(ahead)
        step = min(len(ahead), _MOUTHFUL if self._left >= 0 else MAX_LINE)
        step = min(step, self._left) if self._left >= 0 else step
        given = bytes(ahead[:step])
        del ahead[:step]
        self._parse(given)
        if self._left >= 0:
            self._left -= step
        elif self.whole:
            rest = self._http.trailing_data[0]
            self.size -= len(rest)
            ahead[:0] = rest
            if not (self._last + given[: step - len(rest)]).endswith(_END):
                self.fault = 400  # a line feed alone has ended it
        self._last = (self._last + given)[-3:]
        return True

    def _take_head(self, ahead: bytearray) -> bool:
        end = ahead.find(_END, max(0, self._looked - 3))
        if end < 0:
            if len(ahead) > MAX_HEAD:
                self.fault = 431
            elif not 0x20 < ahead[0] < 0x7F or _BARE.search(ahead, max(1, self._looked - 1)):
                self.fault = 400
            self._looked = len(ahead)
            return self.fault > 0
        head = bytes(ahead[: end + 4])
        del ahead[: end + 4]
        self._head = len(head)
        self.fault = fault_in(head)
        if not self.fault:
            self._parse(head)
        return True

    def _parse(self, given: bytes) -> None:
        self.size += len(given)
        self._http.receive_data(given)
        try:
            while (event := self._http.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                self._heed(event)
                if self.whole or self.fault:
                    return
        except h11.RemoteProtocolError as error:
            self.fault = 431 if error.error_status_hint == 431 else 400

    def _heed(self, event: object) -> None:
        if isinstance(event, h11.Request):
            self.method = event.method.decode("ascii")
            self.target = event.target
            self.headers = list(event.headers)
            found = dict(self.headers)
            self._left = -1 if b"transfer-encoding" in found else int(found.get(b"content-length", b"0"))
        elif isinstance(event, h11.Data):
            self._chunks += event.chunk_start
            if self._chunks > MAX_CHUNKS:
                self.fault = 400
            if len(self.body) + len(event.data) > self.keep:
                self.large = True
                self.drop()
            else:
                self.body += event.data
        elif isinstance(event, h11.EndOfMessage):
            self.whole = True
            if len(self.headers or ()) + len(event.headers) > MAX_HEADERS:
                self.fault = 431

    def drop(self) -> None:
        """Its body is of no interest any more."""
        self.keep = -1
        self.body = bytearray()

    def go_on(self) -> bytes:
        """What asks for the body."""
        return (
            self._http.send(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")) or b""
        )

    def answer(self, reply: Reply, common: Headers) -> bytes:
        """The bytes of an answer, with these headers besides its own."""
        response = h11.Response(
            status_code=reply.status, headers=[*common, *reply.headers], reason=reply.reason
        )
        content = reply.content if self.method != "HEAD" else b""
        parts = [
            self._http.send(event) or b"" for event in (response, h11.Data(data=content), h11.EndOfMessage())
        ]
        return b"".join(parts)
