"""What is asked and answered: requests for the pages, and the answers to deliveries, made once."""

from __future__ import annotations

import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import NamedTuple

from reconciler.adapters.system.prometheus import CONTENT_TYPE, Family, NoPrometheus, metrics_text

Headers = list[tuple[bytes, bytes]]
_JSON = b"application/json"


class Request(NamedTuple):
    """One that is no delivery; the names of its headers are in lower case."""

    method: str
    path: str
    query: bytes
    headers: Headers
    body: bytes


class Reply(NamedTuple):
    status: int
    headers: Headers
    content: bytes

    @property
    def reason(self) -> bytes:
        return HTTPStatus(self.status).phrase.encode()


def reply(
    status: int, content: bytes = b"", kind: bytes = _JSON, headers: Iterable[tuple[bytes, bytes]] = ()
) -> Reply:
    """An answer with this content; nothing in it may be cached."""
    fields = [*headers, (b"cache-control", b"no-store")]
    if status != 204:
        fields += [(b"content-type", kind), (b"content-length", str(len(content)).encode())]
    return Reply(status, fields, content)


def says(status: int, message: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> Reply:
    """An answer with `{"message": …}`."""
    return reply(status, json.dumps({"message": message}).encode(), headers=headers)


def metrics_page(families: Iterable[Family]) -> Reply:
    """The answer to `GET /metrics`."""
    try:
        return reply(200, metrics_text(families), CONTENT_TYPE)
    except NoPrometheus as error:
        return says(501, f"{error.message}; {error.hint}")


def refusal(status: int) -> bytes:
    """The answer to what is no request, after which the connection ends."""
    phrase = HTTPStatus(status).phrase
    return f"HTTP/1.1 {status} {phrase}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode()


def value_of(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes:
    """A request's header, its values joined by commas; empty when it is not there."""
    return b",".join(value for known, value in headers if known == name)


_LATER = ((b"retry-after", b"5"),)

# For each outcome of a delivery.
REPLIES = {
    "stored": reply(204),
    "duplicate": reply(204),
    "ignored": reply(204),
    "quarantined": reply(202, b'{"message": "kept until it can be verified"}'),
    "malformed": says(400, "this is not a signed webhook"),
    "stale": says(401, "the timestamp is too far from this receiver's clock"),
    "bad_signature": says(401, "no signature matches"),
    "too_large": says(413, "the body is larger than 256 KB"),
    "unstored": says(503, "it cannot be stored right now", _LATER),
    "bug": says(500, "unexpected failure"),
}
