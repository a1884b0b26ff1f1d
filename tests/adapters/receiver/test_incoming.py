"""One request as its bytes come: one reading or none, the same in any pieces."""

from __future__ import annotations

import random

import pytest

from reconciler.adapters.receiver.incoming import Incoming, fault_in
from reconciler.adapters.receiver.limits import MAX_CHUNKS, MAX_HEAD, MAX_HEADERS, MAX_LINE
from tests.adapters.receiver.streams import STRANGE, some_stream
from tests.adapters.receiving import chunked, request

Seen = tuple[str, bytes, tuple[tuple[bytes, bytes], ...], bytes, bool]


def read(stream: bytes, cuts: list[int]) -> tuple[list[Seen], int]:
    """The requests in it when it comes in these pieces, and the status that ends it (0: it may go on)."""
    ahead, seen, one, start = bytearray(), list[Seen](), Incoming(), 0
    for end in [*cuts, len(stream)]:
        ahead += stream[start:end]
        start = end
        while ahead and one.take(ahead):
            if one.fault:
                return seen, one.fault
            if one.keep == 0:
                one.keep = 1000
            if one.whole:
                seen.append((one.method, one.target, tuple(one.headers or ()), bytes(one.body), one.large))
                one = Incoming()
    return seen, 0


def cuts_of(chance: random.Random, length: int) -> list[int]:
    return sorted(chance.randrange(length + 1) for _ in range(chance.randrange(12)))


@pytest.mark.parametrize("part", range(4))
def test_any_stream_reads_the_same_in_any_pieces(part: int) -> None:
    for seed in range(part * 500, part * 500 + 500):
        chance = random.Random(seed)
        stream = some_stream(chance)
        whole, pieces = read(stream, []), read(stream, cuts_of(chance, len(stream)))
        assert (whole[0], whole[1] > 0) == (pieces[0], pieces[1] > 0), (seed, stream)


@pytest.mark.parametrize("name", STRANGE)
def test_what_has_two_readings_is_refused(name: str) -> None:
    inner = request("GET", "/inner")
    seen, fault = read(STRANGE[name] + inner, [])
    assert fault in (400, 431)
    assert [one[:2] for one in seen if one[1] == b"/inner"] == []


def test_an_upgrade_is_read_whole_and_not_made() -> None:
    inner = request("POST", "/inner", {}, b"x")
    for more in (
        {"upgrade": "websocket", "connection": "upgrade"},
        {"upgrade": "h2c", "http2-settings": "AAMA"},
    ):
        for framed in (
            request("POST", "/op", more, inner),
            request("POST", "/op", more | {"transfer-encoding": "chunked"}, chunked(inner, 5)),
        ):
            seen, fault = read(framed + request("GET", "/next"), [])
            assert (fault, [one[1] for one in seen], seen[0][3]) == (0, [b"/op", b"/next"], inner)


def test_heads_have_their_limits() -> None:
    def head(count: int, size: int) -> bytes:
        return request("GET", "/", [(f"x-{number}", "y" * size) for number in range(count - 1)])

    assert fault_in(head(MAX_HEADERS, 1)) == 0
    assert fault_in(head(MAX_HEADERS + 1, 1)) == 431
    assert fault_in(head(90, MAX_HEAD // 90)) == 431
    assert read(b"GET / HTTP/1.1\r\nx: " + b"y" * MAX_HEAD, [5])[1] == 431  # without an end


@pytest.mark.parametrize(
    ("trailers", "fault"),
    [
        (b"", 0),
        (b"digest: abc\r\n" * 3, 0),
        (b"a:\r\n" * (MAX_HEADERS + 1), 431),
        (b"a: " + b"b" * 2 * MAX_LINE + b"\r\n", 431),
        (b"a:\r\n" * 100_000, 431),
        (b"no colon\r\n", 400),
    ],
)
def test_trailers_count_and_are_bounded(trailers: bytes, fault: int) -> None:
    head = request("POST", "/", {"transfer-encoding": "chunked"})
    seen, found = read(head + b"3\r\nabc\r\n0\r\n" + trailers + b"\r\n" + request("GET", "/next"), [])
    assert found == fault
    assert [one[1] for one in seen] == ([b"/", b"/next"] if not fault else [])


def test_a_body_has_no_more_chunks_than_a_sender_needs() -> None:
    head = request("POST", "/", {"transfer-encoding": "chunked"})
    assert read(head + chunked(b"x" * MAX_CHUNKS, 1), [])[1] == 0
    assert read(head + chunked(b"x" * (MAX_CHUNKS + 1), 1), []) == ([], 400)


def test_what_is_held_is_bounded_whatever_comes() -> None:
    head = request("POST", "/", {"transfer-encoding": "chunked"})
    for body in (b"1\r\nx\r\n" * 5_000, b"1;" + b"e" * 3000 + b"\r\nx\r\n", chunked(b"x" * 300_000, 9000)):
        one, ahead = Incoming(), bytearray(head + body)
        while ahead and one.take(ahead) and not one.fault and not one.whole:
            if one.keep == 0:
                one.keep = 1000
            assert one.held <= 1000 + 3 * len(head) + 2 * MAX_LINE
