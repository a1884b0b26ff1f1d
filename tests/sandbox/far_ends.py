"""What the sandbox's tests talk with: a client, raw bytes on a socket, a webhook receiver; and waiting."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
from websockets.sync.client import ClientConnection, connect

KEY = {"X-API-Key": "sandbox-key"}
LINK = {"type": "link", "payload": "https://acme.example/brand"}
TEXT = {"type": "content", "payload": "Acme is never translated."}


NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody, and so costs nothing to make


def wait_until(holds: Callable[[], bool], seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.005)


@contextmanager
def http_client(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, headers=KEY, trust_env=False, timeout=10, verify=NO_TLS) as client:
        yield client


def wanted(name: str = "Acme", *sources: dict[str, str], **more: object) -> dict[str, object]:
    """The body of a create call."""
    engine = {"name": name} | ({"description": more.pop("description")} if "description" in more else {})
    return {"engine": engine} | ({"sources": list(sources)} if sources else {}) | more


def submit(client: httpx.Client, name: str = "Acme", *sources: dict[str, str], **more: object) -> str:
    """The new job's id."""
    answer = client.post("/jobs/provisioning", json=wanted(name, *sources, **more))
    assert answer.status_code == 202, answer.text
    return str(answer.json()["jobId"])


@contextmanager
def job_socket(url: str, job_id: str, additional_headers: dict[str, str] = KEY) -> Iterator[ClientConnection]:
    target = f"{url.replace('http', 'ws', 1)}/jobs/provisioning/{job_id}/ws"
    with connect(
        target, additional_headers=additional_headers, proxy=None, open_timeout=5, max_size=2**23
    ) as websocket:
        yield websocket


def post_raw(url: str, body: bytes, timeout: float = 5) -> bytes:
    """Every byte that comes back for a create call until the other side is gone; `TimeoutError` while it is not."""
    parts = urlsplit(url)
    head = (
        f"POST /jobs/provisioning HTTP/1.1\r\nHost: {parts.netloc}\r\nX-API-Key: sandbox-key\r\n"
        f"Content-Length: {len(body)}\r\nContent-Type: application/json\r\n\r\n"
    )
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=timeout) as connection:
        connection.sendall(head.encode() + body)
        received = b""
        try:
            while part := connection.recv(65536):
                received += part
        except ConnectionResetError:
            return received
        return received


class Received(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """An HTTP server that keeps what is posted to it; it answers with the next of `statuses`, 200 after those."""

    def __init__(self) -> None:
        self.got: list[Received] = []
        self.statuses: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.got.append(Received(self.path, headers, body))
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def __enter__(self) -> Receiver:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
