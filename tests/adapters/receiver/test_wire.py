"""Peers that are no decent senders: slow, silent, huge, in a crowd, or deaf. Good deliveries get through meanwhile."""

from __future__ import annotations

import contextlib
import random
import resource
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.adapters.receiver.limits import MAX_HEAD, MAX_HEADERS, Limits
from tests.adapters.receiving import (
    Client,
    Receiving,
    body_of,
    chunked,
    delivery,
    receiving,
    request,
    signed,
    wait_until,
)

LIMIT = 1.0  # seconds that a request may take here


@pytest.fixture
def limits() -> Limits:
    """The usual ones. A test that needs others is parametrized with them."""
    return Limits()


@pytest.fixture
def receiver(tmp_path: Path, limits: Limits) -> Iterator[Receiving]:
    with receiving(
        tmp_path,
        request_timeout=LIMIT,
        max_connections=200,
        level="error",
        limits=limits,
    ) as running:
        yield running
        assert running.outcome("bug") == 0
    assert running.lines == []


@pytest.fixture
def crowd() -> Iterator[list[Client]]:
    """Connections, closed at the end."""
    clients: list[Client] = []
    yield clients
    for client in clients:
        client.close()


def test_many_requests_at_once_on_one_connection_are_answered_in_order(receiver: Receiving) -> None:
    numbers = range(40)
    with receiver.client() as client:
        good = b"".join(delivery(number) + request("POST", f"/op-{number}") for number in numbers)
        client.send(good + request("GET", "/nowhere"))
        statuses = [client.read().status for _ in range(2 * len(numbers) + 1)]
    assert statuses == [204, 400] * len(numbers) + [404]
    assert len(receiver.events()) == len(numbers)


def test_a_request_in_single_bytes(receiver: Receiving) -> None:
    with receiver.client() as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in delivery(1):
            client.send(bytes([byte]))
        assert client.read().status == 204


def test_connections_are_kept_from_one_delivery_to_the_next(receiver: Receiving) -> None:
    with receiver.client() as client:
        for number in range(20):
            assert client.ask(delivery(number)).status == 204
    assert len(receiver.events()) == 20


def test_http_1_0_and_close(receiver: Receiving) -> None:
    for data in (
        delivery(1).replace(b"HTTP/1.1", b"HTTP/1.0", 1),
        delivery(2).replace(b"host:", b"connection: close\r\nhost:", 1),
    ):
        with receiver.client() as client:
            assert client.ask(data).status == 204
            assert client.closed()


_ALIKE: dict[str, tuple[int, Callable[[], bytes]]] = {
    "good": (204, lambda: delivery(1)),
    "no operation": (204, lambda: delivery(1, path="/")),
    "reserved": (405, lambda: delivery(1, path="/metrics")),
    "query": (204, lambda: delivery(1, path="/op?x=1")),
    "escaped": (204, lambda: delivery(1, path="/o%70-1")),
    "no path of ours": (404, lambda: delivery(1, path="/op-1/")),
    "another method": (404, lambda: delivery(1).replace(b"POST", b"PUT", 1)),
    "another id": (401, lambda: delivery(1).replace(b"msg_1", b"msg_2")),
    "stale": (401, lambda: request("POST", "/op", signed("msg_1", b"{}", moment=1), b"{}")),
    "no object": (400, lambda: request("POST", "/op", signed("msg_1", b"[]"), b"[]")),
    "no body": (400, lambda: request("POST", "/op", signed("msg_1", b""))),
    "unsigned": (400, lambda: request("POST", "/op", {}, b"{}")),
    "close": (204, lambda: delivery(1).replace(b"host:", b"connection: close\r\nhost:", 1)),
    "unsigned, close": (400, lambda: request("POST", "/op", {"connection": "close"}, b"{}")),
    "chunks": (204, lambda: _in_chunks(body_of(1))),
}


@pytest.mark.parametrize("name", _ALIKE)
def test_at_once_or_in_pieces_the_answer_is_the_same(receiver: Receiving, name: str) -> None:
    """A delivery that comes at once takes a shorter way."""
    status, make = _ALIKE[name]
    data = make()

    def answer(*pieces: bytes) -> tuple[int, dict[str, str], bytes]:
        with receiver.client() as client:
            client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in pieces:
                client.send(piece)
                assert receiver.get("/healthz").status == 200  # time for it to be read by itself
            found = client.read()
            if found.headers.get("connection") == "close":
                assert client.closed()
            else:
                assert client.ask(delivery(2)).status == 204
        headers = {field: "" if field == "date" else value for field, value in found.headers.items()}
        return found.status, headers, found.body

    at_once = answer(data)
    assert at_once == answer(data[:40], data[40:-1], data[-1:])
    assert at_once[0] == status


_MIXED: tuple[tuple[int, Callable[[int], bytes]], ...] = (
    (204, delivery),
    (204, lambda number: delivery(number, path="/")),
    (204, lambda number: delivery(number, padding="x" * 20_000)),
    (401, lambda number: request("POST", "/op", signed("msg_x", b"{}"), b"{ }")),
    (400, lambda number: request("POST", f"/op-{number}")),
    (404, lambda number: request("POST", "/a/b", {}, b"x" * 100)),
    (405, lambda number: request("DELETE", "/events")),
    (200, lambda number: request("GET", "/healthz")),
    (204, lambda number: _in_chunks(body_of(number), f"msg_{number}")),
)


@pytest.mark.parametrize("seed", range(12))
def test_any_requests_in_any_pieces_are_answered_in_order(receiver: Receiving, seed: int) -> None:
    chance = random.Random(seed)
    chosen = [chance.choice(_MIXED) for _ in range(60)]
    data = b"".join(make(number) for number, (_, make) in enumerate(chosen))
    with receiver.client() as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        at = 0
        while at < len(data):
            size = chance.choice((1, 50, 400, 5_000, 100_000))
            client.send(data[at : at + size])
            at += size
        assert [client.read().status for _ in chosen] == [status for status, _ in chosen]
    stored = {f"msg_{number}" for number, (status, _) in enumerate(chosen) if status == 204}
    assert {one.webhook_id for one in receiver.events()} == stored


def _in_chunks(body: bytes, webhook_id: str = "msg_1") -> bytes:
    headers = {**signed(webhook_id, body), "transfer-encoding": "chunked"}
    return request("POST", "/op", headers, chunked(body, 7))


def test_one_who_does_not_wait_for_the_answer(receiver: Receiving) -> None:
    other = sqlite3.connect(receiver.inbox, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")  # so that the answer takes its time
    try:
        with receiver.client() as client:
            client.send(delivery(1))
            wait_until(lambda: receiver.count("reconcile_webhook_waiting_deliveries") == 1, "it waits")
        wait_until(lambda: receiver.count("reconcile_webhook_connections") == 1, "it is gone")
    finally:
        other.execute("COMMIT")
        other.close()
    wait_until(lambda: receiver.outcome("stored") == 1, "it is stored all the same")


def test_a_sender_that_asks_first(receiver: Receiving) -> None:
    body = body_of(1)
    head = {**signed("msg_1", body), "expect": "100-continue", "content-length": str(len(body))}
    with receiver.client() as client:
        assert client.ask(request("POST", "/", head)).status == 100
        assert client.ask(body).status == 204
    for refused, status in (
        (head | {"content-length": str(300 << 10)}, 413),
        ({"expect": "100-continue", "content-length": "2"}, 400),
    ):
        with receiver.client() as client:  # is not told to go on
            assert client.ask(request("POST", "/", refused)).status == status


@pytest.mark.parametrize(
    "data",
    [
        b"\x00" * 100,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"r" * 200,  # TLS
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET\r\n\r\n",
        b"POST / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nhost: a\r\n folded: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nhost: a\r\nx: a\rb\x00\r\n\r\n",
    ],
    ids=len,
)
def test_what_is_no_request(receiver: Receiving, data: bytes) -> None:
    with receiver.client() as client:
        answer = client.ask(data)
        assert 400 <= answer.status < 500
    assert receiver.ask(delivery(1)).status == 204


def test_an_upgrade_is_not_made(receiver: Receiving) -> None:
    upgrade = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
    assert receiver.ask(request("GET", "/healthz", upgrade)).status == 200
    assert receiver.ask(request("GET", "/ws", upgrade)).status == 404


# ── too much ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "headers",
    [
        [(f"x-{number}", "y") for number in range(MAX_HEADERS * 80)],
        [("x", "y" * (MAX_HEAD * 3))],
        [("x" * (MAX_HEAD * 3), "y")],
    ],
    ids=["many", "long value", "long name"],
)
@pytest.mark.parametrize("step", [1 << 20, 1000], ids=["at once", "in pieces"])
def test_heads_that_are_too_large(receiver: Receiving, headers: list[tuple[str, str]], step: int) -> None:
    data = request("POST", "/", [*signed("msg_1", b"{}").items(), *headers])
    with receiver.client() as client:
        with contextlib.suppress(ConnectionError):  # may be closed before all was sent
            for at in range(0, len(data), step):
                client.send(data[at : at + step])
        with contextlib.suppress(ConnectionError):  # then its answer can be lost as well
            assert client.read().status in (400, 431)
            assert client.closed()
    assert receiver.ask(delivery(1)).status == 204


def test_a_path_that_is_too_long(receiver: Receiving) -> None:
    with receiver.client() as client:
        assert client.ask(request("POST", "/" + "a" * 3 * MAX_HEAD)).status in (400, 404, 431)


@pytest.mark.parametrize("way", ["length", "chunks", "unsigned", "expect"])
def test_a_hundred_megabytes(receiver: Receiving, way: str) -> None:
    """Refused in time, and the memory does not grow with it."""
    size, part = 100 << 20, b"x" * (1 << 16)
    headers = {} if way == "unsigned" else signed("msg_1", b"{}")
    headers |= {"transfer-encoding": "chunked"} if way == "chunks" else {"content-length": str(size)}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sent = 0
    with receiver.client() as client:
        client.send(request("POST", "/", headers))
        with contextlib.suppress(ConnectionError):
            while sent < size:
                client.send(b"%x\r\n%b\r\n" % (len(part), part) if way == "chunks" else part)
                sent += len(part)
        with contextlib.suppress(ConnectionError):
            assert client.read().status in (400, 413)
    assert sent < size / 4
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # KB
    assert receiver.ask(delivery(1)).status == 204


def test_a_body_a_little_too_large_is_refused_in_words(receiver: Receiving) -> None:
    """Its sender finds out why, however large the pieces are in which it comes."""
    body = b"x" * (1 << 20)
    for headers, content in (
        ({"content-length": str(len(body))}, body),
        ({"transfer-encoding": "chunked"}, chunked(body, 1 << 14)),
    ):
        with receiver.client() as client:
            answer = client.ask(request("POST", "/", {**signed("msg_1", body), **headers}, content))
            assert (answer.status, answer.json["message"]) == (413, "the body is larger than 256 KB")
            assert client.ask(delivery(1)).status == 204  # the connection is still good
    assert receiver.outcome("too_large") == 2


# ── slow ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_slow_and_the_silent_are_closed(receiver: Receiving, crowd: list[Client]) -> None:
    for number in range(60):
        client = receiver.client()
        crowd.append(client)
        head = request("POST", "/", {**signed("msg_1", b""), "content-length": "1000"})
        client.send([b"", head[:28], head][number % 3])
    end = time.monotonic() + 60
    open_ones = list(crowd)
    while open_ones:  # a byte now and then does not buy time
        assert time.monotonic() < end
        for client in list(open_ones):
            try:
                client.socket.setblocking(False)
                if client.socket.recv(65536) == b"":
                    open_ones.remove(client)
            except BlockingIOError:
                if crowd.index(client) % 3:
                    client.socket.send(b"x")
            except ConnectionError:
                open_ones.remove(client)
        time.sleep(0.1)
    assert receiver.ask(delivery(1000)).status == 204
    assert receiver.count('reconcile_webhook_connections_closed_total{reason="too_slow"}') == 40
    assert [one.webhook_id for one in receiver.events()] == ["msg_1000"]


def test_an_idle_crowd_makes_room(receiver: Receiving, crowd: list[Client]) -> None:
    """More than may be open, by far: the newest is served at once, every time."""
    for number in range(1000):
        crowd.append(receiver.client())
        if number % 100 == 99:
            assert receiver.ask(delivery(number)).status == 204
    assert receiver.count('reconcile_webhook_connections_closed_total{reason="too_many"}') > 0
    assert receiver.count("reconcile_webhook_connections") <= 201
    assert len(receiver.events()) == 10


def test_a_crowd_of_slow_ones_makes_room(receiver: Receiving, crowd: list[Client]) -> None:
    for number in range(400):
        client = receiver.client()
        crowd.append(client)
        with contextlib.suppress(ConnectionError):
            client.send(delivery(number)[:-1])
    with receiver.client() as client:
        for number in range(1000, 1010):
            assert client.ask(delivery(number)).status == 204
    assert len(receiver.events()) == 10


@pytest.mark.parametrize("limits", [Limits(answer=0.5)])
def test_one_who_never_reads_is_given_up(receiver: Receiving, crowd: list[Client]) -> None:
    client = receiver.client()
    crowd.append(client)
    client.socket.settimeout(0.5)
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with contextlib.suppress(TimeoutError, ConnectionError):  # until nothing more goes through
        while True:
            client.send(request("GET", "/metrics") * 100)
    # Only the connection that asks is left.
    wait_until(lambda: receiver.count("reconcile_webhook_connections") == 1, "it is gone")
    assert receiver.ask(delivery(1)).status == 204


def test_one_who_goes_away_in_the_middle(receiver: Receiving) -> None:
    for cut in (10, 100, -1):
        with receiver.client() as client:
            client.send(delivery(1)[:cut])
    with receiver.client() as client:
        client.send(delivery(1)[:-1])
        client.socket.shutdown(socket.SHUT_WR)
    wait_until(lambda: receiver.outcome("incomplete") >= 2, "both are counted")
    assert receiver.events() == []
    assert receiver.ask(delivery(1)).status == 204
