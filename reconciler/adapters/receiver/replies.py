"""The answers to deliveries, made once, and how an answer is sent."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, NamedTuple

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_JSON = b"application/json"


class Reply(NamedTuple):
    """The two messages of an ASGI answer."""

    start: MutableMapping[str, Any]
    body: MutableMapping[str, Any]


def reply(
    status: int, content: bytes = b"", kind: bytes = _JSON, headers: Iterable[tuple[bytes, bytes]] = ()
) -> Reply:
    """An answer with this content; nothing in it may be cached."""
    fields = [*headers, (b"cache-control", b"no-store")]
    if status != 204:
        fields += [(b"content-type", kind), (b"content-length", str(len(content)).encode())]
    start = {"type": "http.response.start", "status": status, "headers": fields}
    return Reply(start, {"type": "http.response.body", "body": content})


def says(status: int, message: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> Reply:
    """An answer with `{"message": …}`."""
    return reply(status, json.dumps({"message": message}).encode(), headers=headers)


async def answer(send: Send, given: Reply) -> None:
    await send(given.start)
    await send(given.body)


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
    "bad_signature": says(401, "no signature is right"),
    "too_large": says(413, "the body is larger than 256 KB"),
    "unstored": says(503, "it cannot be stored now", _LATER),
    "bug": says(500, "unexpected failure"),
}
