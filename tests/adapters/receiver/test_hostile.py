"""Peers that want more than their share: memory, other requests' bytes, connections before they have shaken hands."""

from __future__ import annotations

import contextlib
import sqlite3
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.adapters.receiver.limits import Limits
from tests.adapters.far_ends import make_certificate
from tests.adapters.receiver.streams import STRANGE
from tests.adapters.receiving import Client, Receiving, delivery, receiving, request, signed, wait_until


@pytest.fixture
def limits() -> Limits:
    """The usual ones. A test that needs others is parametrized with them."""
    return Limits()


@pytest.fixture
def receiver(tmp_path: Path, limits: Limits) -> Iterator[Receiving]:
    with receiving(tmp_path, level="error", limits=limits) as running:
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


# ── memory ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("limits", [Limits(memory=2 << 20)])
def test_the_memory_of_all_has_a_bound(receiver: Receiving, crowd: list[Client]) -> None:
    """Large bodies that never end cut each other off, the longest one first; a good delivery gets through."""
    started = (
        request("POST", "/op", {**signed("msg_x", b""), "content-length": str(250_000)}) + b"x" * 200_000
    )
    for number in range(40):
        client = receiver.client()
        crowd.append(client)
        with contextlib.suppress(ConnectionError):
            client.send(started)
        if number % 10 == 9:
            assert receiver.ask(delivery(number, padding="x" * 100_000)).status == 204
    cut = receiver.count('reconcile_webhook_connections_closed_total{reason="memory"}')
    assert cut >= 25
    assert receiver.outcome("incomplete") >= cut
    assert len(receiver.events()) == 4


@pytest.mark.parametrize("limits", [Limits(memory=1 << 20)])
def test_bodies_that_wait_for_the_disk_count(receiver: Receiving, crowd: list[Client]) -> None:
    other = sqlite3.connect(receiver.inbox, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        for number in range(4):
            client = receiver.client()
            crowd.append(client)
            client.send(delivery(number, padding="x" * 200_000))
        wait_until(lambda: receiver.outcome("unstored") == 2, "half of the memory is the most for these")
    finally:
        other.execute("COMMIT")
        other.close()
    assert sorted(client.read().status for client in crowd) == [204, 204, 503, 503]
    assert receiver.ask(delivery(9, padding="x" * 200_000)).status == 204  # it is given back


# ── smuggling ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name", ["length and chunks", "one line feed alone", "CONNECT", "HTTP/2", "a folded line"]
)
def test_what_has_two_readings_ends_the_connection(receiver: Receiving, name: str) -> None:
    with receiver.client() as client:
        client.send(STRANGE[name] + delivery(1))
        with contextlib.suppress(ConnectionError):  # its answer can be lost: more has come than was read
            assert client.read().status in (400, 431)
        assert client.closed()
    assert receiver.events() == []


@pytest.mark.parametrize("upgrade", ["websocket", "h2c"])
def test_no_byte_behind_an_upgrade_is_a_request(receiver: Receiving, upgrade: str) -> None:
    inner, headers = delivery(1), {"connection": "upgrade", "upgrade": upgrade}
    with receiver.client() as client:
        client.send(request("POST", "/events/claim", headers, inner) + request("GET", "/healthz", headers))
        assert [client.read().status for _ in range(2)] == [401, 200]
    assert receiver.events() == []


def test_trailers_without_end_are_refused(receiver: Receiving) -> None:
    head = request("POST", "/op", {**signed("msg_1", b""), "transfer-encoding": "chunked"})
    for trailers in (b"a:\r\n" * 200 + b"\r\n", b"a:\r\n" * 500_000):
        with receiver.client() as client, contextlib.suppress(ConnectionError):
            client.send(head + b"0\r\n" + trailers)
            assert client.read().status == 431
            assert client.closed()
    assert receiver.ask(delivery(1)).status == 204


# ── TLS ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_those_who_do_not_shake_hands_make_room(tmp_path: Path, crowd: list[Client]) -> None:
    certificate = make_certificate(tmp_path)
    context = ssl.create_default_context(cafile=str(certificate.file))
    with receiving(
        tmp_path,
        tls_cert=certificate.file,
        tls_key=certificate.key,
        request_timeout=20.0,
        max_connections=50,
    ) as receiver:
        for number in range(300):
            client = Client(receiver.url)
            crowd.append(client)
            client.send([b"", b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"][number % 3])
            if number % 100 == 99:
                with Client(receiver.url, context) as good:
                    assert good.ask(delivery(number)).status == 204
        wait_until(lambda: sum(map(_ended, crowd)) >= 250, "they are closed")
        with Client(receiver.url, context) as good:
            metrics = good.ask(request("GET", "/metrics")).body.decode()
        assert float(metrics.partition('{reason="too_many"} ')[2].split()[0]) >= 250
        assert len(receiver.events()) == 3


def _ended(client: Client) -> bool:
    client.socket.setblocking(False)
    try:
        return client.socket.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
