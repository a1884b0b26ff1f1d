"""HTTP/2 over TLS: the connection goes to the checked address, and everything in it to the name."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import pytest

from reconciler.adapters.web.fetcher import look
from reconciler.adapters.web.limits import Limits
from reconciler.core.sources.look import Outcome, PageLook, Target
from tests.adapters.far_ends import Certificate, make_certificate
from tests.adapters.web.articles import page
from tests.adapters.web.site import HERE

NAME = "pages.test"


class Served:
    """What a server saw: names in TLS, protocols, and headers."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.port = 0
        self.connections = 0
        self.names: list[str | None] = []
        self.protocols: list[str | None] = []
        self.requests: list[dict[str, str]] = []
        self._context = context
        context.sni_callback = lambda _, name, __: self.names.append(name)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.protocols.append(writer.get_extra_info("ssl_object").selected_alpn_protocol())
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        writer.write(connection.data_to_send())
        while data := await reader.read(65536):
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    self._answer(connection, event)
            writer.write(connection.data_to_send())
            await writer.drain()
        writer.close()

    def _answer(self, connection: h2.connection.H2Connection, event: h2.events.RequestReceived) -> None:
        headers = {bytes(name).decode(): bytes(value).decode() for name, value in event.headers}
        self.requests.append(headers)
        body = page("x").encode()
        found = headers[":path"] != "/robots.txt"
        told = [(":status", "200" if found else "404"), ("content-type", "text/html"), ("etag", '"v1"')]
        connection.send_headers(event.stream_id, told)
        connection.send_data(event.stream_id, body if found else b"", end_stream=True)

    async def run(self, ready: threading.Event, stop: asyncio.Event) -> None:
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context) as server:
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await stop.wait()


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    """For the name alone, and not for the address that it leads to."""
    made = make_certificate(tmp_path, f"DNS:{NAME}")
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    return made


@contextmanager
def serving(certificate: Certificate) -> Iterator[Served]:
    context = certificate.context
    context.set_alpn_protocols(["h2", "http/1.1"])
    served, ready, loop = Served(context), threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    def serve() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(served.run(ready, stop))

    thread = threading.Thread(target=serve)
    thread.start()
    ready.wait(10)
    try:
        yield served
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


def look_at(*urls: str) -> list[PageLook]:
    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    async def all_of_them() -> list[PageLook]:
        limits = Limits(pause=0.0)
        async with aclosing(look(map(Target, urls), limits=limits, allowed=HERE, resolver=resolve)) as looks:
            return [one async for one in looks]

    return asyncio.run(all_of_them())


def test_one_connection_for_all_pages_of_a_host(certificate: Certificate) -> None:
    with serving(certificate) as served:
        found = look_at(*(f"https://{NAME}:{served.port}/{number}" for number in range(5)))
        authority = f"{NAME}:{served.port}"
    assert {one.outcome for one in found} == {Outcome.OK}
    assert {one.etag for one in found} == {'"v1"'}
    assert (served.connections, served.names, served.protocols) == (1, [NAME], ["h2"])
    assert {one[":authority"] for one in served.requests} == {authority}
    assert sorted(one[":path"] for one in served.requests) == ["/0", "/1", "/2", "/3", "/4", "/robots.txt"]


def test_a_certificate_for_another_name_is_said(certificate: Certificate) -> None:
    with serving(certificate) as served:
        (found,) = look_at(f"https://other.test:{served.port}/")
    assert found.outcome is Outcome.UNKNOWN
    assert "certificate" in found.reason
    assert served.requests == []
