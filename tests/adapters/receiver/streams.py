"""What strangers send: requests, pipelines, uploads in chunks, upgrades, and all of them damaged."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.adapters.receiving import chunked, request

_HEADERS = (
    ("connection", "close"), ("connection", "keep-alive"), ("connection", "upgrade"), ("upgrade", "websocket"),
    ("upgrade", "h2c"), ("http2-settings", "AAMA"), ("expect", "100-continue"), ("content-length", "3"),
    ("content-length", "+3"), ("content-length", "3, 3"), ("transfer-encoding", "chunked"),
    ("transfer-encoding", "gzip, chunked"), ("transfer-encoding", "identity"), ("te", "trailers"), ("x", ""),
    ("x", "\xfc"), ("webhook-id", "msg_1"), ("content-length ", "5"), ("host", "another"),
)  # fmt: skip
_TARGETS = ("/", "/op-1", "/op?x=1", "/o%70", "/events", "*", "http://a/op", "a:1", "//x", "/\xfc")
_METHODS = ("POST", "GET", "HEAD", "PUT", "OPTIONS", "CONNECT", "post", "PRI")
_SPLICES = (b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b"\0", b"0\r\n\r\n", b"\r\n\r\n", b"\n\n", b"GET /x HTTP/1.1\r\n",
            b"content-length: 2\r\n", b"transfer-encoding: chunked\r\n", b"ffffffffff\r\n", b";", b"\r\n ")  # fmt: skip

_HEAD = b"POST /op HTTP/1.1\r\nhost: a\r\n"
STRANGE = {
    "two lengths": _HEAD + b"content-length: 1\r\ncontent-length: 2\r\n\r\nab",
    "the same length twice": _HEAD + b"content-length: 2\r\ncontent-length: 2\r\n\r\nab",
    "a list of lengths": _HEAD + b"content-length: 2, 2\r\n\r\nab",
    "a signed length": _HEAD + b"content-length: +2\r\n\r\nab",
    "a length in hexadecimal": _HEAD + b"content-length: 0x2\r\n\r\nab",
    "a length without end": _HEAD + b"content-length: " + b"9" * 400 + b"\r\n\r\nab",
    "length and chunks": _HEAD + b"content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": _HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "chunks twice": _HEAD + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "another encoding": _HEAD + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "an odd encoding": _HEAD + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a blank before the colon": _HEAD + b"transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": b"POST /op HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "a folded line": _HEAD + b"x: a\r\n content-length: 2\r\n\r\n",
    "line feeds alone": b"POST /op HTTP/1.1\nhost: a\n\n",
    "one line feed alone": _HEAD + b"x: y\ncontent-length: 2\r\n\r\nab",
    "a carriage return alone": _HEAD + b"x: y\rcontent-length: 2\r\n\r\nab",
    "a zero byte": _HEAD + b"x: y\0\r\n\r\n",
    "a chunk that a line feed ends": _HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\na\n0\r\n\r\n",
    "chunks that a line feed ends": _HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\n",
    "trailers that a line feed ends": _HEAD + b"transfer-encoding: chunked\r\n\r\n0\r\na: b\n\r\n",
    "a chunk of odd size": _HEAD + b"transfer-encoding: chunked\r\n\r\n-1\r\na\r\n0\r\n\r\n",
    "an extension without end": _HEAD
    + b"transfer-encoding: chunked\r\n\r\n1;"
    + b"e" * 9000
    + b"\r\na\r\n0\r\n\r\n",
    "an absolute target": b"POST http://a/op HTTP/1.1\r\nhost: a\r\n\r\n",
    "no target": b"OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n",
    "CONNECT": b"CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n",
    "CONNECT with a path": b"CONNECT /a HTTP/1.1\r\nhost: a\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/1.2": b"GET / HTTP/1.2\r\nhost: a\r\n\r\n",
    "two hosts": _HEAD + b"host: b\r\n\r\n",
    "no host": b"POST /op HTTP/1.1\r\n\r\n",
    "an empty line first": b"\r\nPOST /op HTTP/1.1\r\nhost: a\r\n\r\n",
    "two blanks": b"POST  /op HTTP/1.1\r\nhost: a\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


def some_stream(chance: random.Random) -> bytes:
    """A few requests behind each other, mostly damaged somewhere; now and then noise."""
    if chance.random() < 0.05:
        return chance.randbytes(chance.randrange(1, 300))
    stream = b"".join(chance.choice(_KINDS)(chance) for _ in range(chance.randrange(1, 5)))
    for _ in range(chance.choice((0, 0, 1, 1, 2, 4))):
        stream = _damaged(stream, chance)
    return stream


def _damaged(stream: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(stream) + 1)
    to = at + chance.choice((0, 0, 1, 2, chance.randrange(40)))
    new = chance.choice((chance.choice(_SPLICES), chance.choice(_SPLICES), chance.randbytes(1), b""))
    return stream[:at] + new + stream[to:]


def _plain(chance: random.Random) -> bytes:
    return request("POST", "/op-1", {}, chance.randbytes(chance.randrange(40)))


def _odd(chance: random.Random) -> bytes:
    headers = chance.sample(_HEADERS, chance.randrange(4))
    body = chance.choice((b"", b"abc", b"0\r\n\r\n", b"3\r\nabc\r\n0\r\n\r\n"))
    whole = request(chance.choice(_METHODS), chance.choice(_TARGETS), headers, body)
    return whole.replace(b"HTTP/1.1", b"HTTP/1.0", 1) if chance.random() < 0.1 else whole


def _in_chunks(chance: random.Random) -> bytes:
    body = chunked(chance.randbytes(chance.randrange(1500)), chance.randrange(1, 400))
    extension = chance.choice((b"", b"", b";a=b", b';a="b"', b" ; a"))
    body = body.replace(b"\r\n", extension + b"\r\n", 1)
    trailers = chance.choice((b"", b"", b"a: b\r\n", b"a:\r\n" * chance.choice((2, 120, 4000))))
    upgrade = chance.choice(({}, {"upgrade": "websocket", "connection": "upgrade"}))
    return request("POST", "/op", upgrade | {"transfer-encoding": "chunked"}, body[:-2] + trailers + b"\r\n")


_KINDS: tuple[Callable[[random.Random], bytes], ...] = (_plain, _odd, _odd, _in_chunks)
