"""What the receiver's tests send, byte by byte, and how they read what comes back."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from reconciler.adapters.inbox.port import Received
from reconciler.adapters.inbox.sqlite.reading import SqliteInbox as Inbox
from reconciler.adapters.receiver.intake import Rules
from reconciler.adapters.receiver.log import ServeLog
from reconciler.adapters.receiver.server import Settings
from reconciler.adapters.receiver.signing_secrets import Secrets
from reconciler.adapters.receiver.thread import running
from reconciler.sandbox.signing import new_secret, signature

SECRET = new_secret()
TOKEN = "token-for-these-tests-only"
LIMIT = 60.0  # seconds for anything on a very busy machine


def wait_until(holds: Callable[[], object], what: str, seconds: float = LIMIT) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"did not come about in time: {what}"
        time.sleep(0.01)


# ── sent ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def body_of(number: int, **more: Any) -> bytes:
    known = {"type": "provisioning.completed", "jobId": f"pjb_{number}", "engineId": f"eng_{number}"}
    return json.dumps(known | more).encode()


def signed(webhook_id: str, body: bytes, secret: str = SECRET, moment: float | None = None) -> dict[str, str]:
    at = int(time.time() if moment is None else moment)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(at),
        "webhook-signature": signature(secret, webhook_id, at, body),
    }


def request(
    method: str, path: str, headers: Mapping[str, str] | Sequence[tuple[str, str]] = (), body: bytes = b""
) -> bytes:
    pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
    names = {name.lower() for name, _ in pairs}
    if body and not names & {"content-length", "transfer-encoding"}:
        pairs.append(("content-length", str(len(body))))
    lines = [f"{method} {path} HTTP/1.1", "host: receiver", *(f"{name}: {value}" for name, value in pairs)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def delivery(number: int, path: str | None = None, **more: Any) -> bytes:
    """A good one, whole."""
    body = body_of(number, **more)
    return request("POST", f"/op-{number}" if path is None else path, signed(f"msg_{number}", body), body)


def chunked(body: bytes, size: int) -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


# ── read ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """One connection."""

    def __init__(self, url: str, tls: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(url)
        plain = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=LIMIT)
        self.socket = tls.wrap_socket(plain, server_hostname=parts.hostname) if tls is not None else plain
        self._stream: BinaryIO = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read(self) -> Answer:
        """The next answer. Raises `EOFError` when the connection ends instead."""
        line = self._stream.readline()
        if not line:
            raise EOFError
        headers: dict[str, str] = {}
        while (field_line := self._stream.readline().decode("latin-1").strip()) != "":
            name, _, value = field_line.partition(":")
            headers[name.lower()] = value.strip()
        status = int(line.split()[1])
        if "content-length" in headers or status in (100, 204):
            body = self._stream.read(int(headers.get("content-length", "0")))
        else:  # up to the end of the connection, or in chunks
            body = self._stream.read() if headers.get("transfer-encoding") != "chunked" else self._chunks()
        return Answer(status, headers, body)

    def _chunks(self) -> bytes:
        found = b""
        while size := int(self._stream.readline(), 16):
            found += self._stream.read(size)
            self._stream.readline()
        self._stream.readline()
        return found

    def ask(self, data: bytes) -> Answer:
        self.send(data)
        return self.read()

    def closed(self) -> bool:
        """Whether the other side ends the connection, with nothing more to say; waits for it."""
        try:
            return self._stream.read(1) == b""
        except ConnectionResetError:
            return True

    def close(self) -> None:
        self._stream.close()
        self.socket.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


# ── the receiver ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Receiving:
    """A receiver in this process, and what it has logged. `moment` is its clock, when it has one of its own."""

    url: str
    inbox: Path
    lines: list[str] = field(default_factory=list)

    def client(self) -> Client:
        return Client(self.url)

    def ask(self, data: bytes) -> Answer:
        """On a connection of its own."""
        with self.client() as client:
            return client.ask(data)

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask(request("GET", path, headers))

    def feed(self, query: str = "", token: str = TOKEN) -> Any:
        answer = self.get(f"/events{query}", authorization=f"Bearer {token}")
        assert answer.status == 200, answer
        return answer.json

    def events(self) -> list[Received]:
        with Inbox(self.inbox) as inbox:
            return inbox.events_since(0, 1000)

    def count(self, name: str) -> float:
        """A metric's value, by its name with labels."""
        for line in self.get("/metrics").body.decode().splitlines():
            if line.startswith(f"{name} "):
                return float(line.rpartition(" ")[2])
        raise AssertionError(f"no metric {name}")

    def outcome(self, name: str) -> float:
        return self.count(f'reconcile_webhook_deliveries_total{{outcome="{name}"}}')


@contextmanager
def receiving(
    folder: Path,
    *,
    secrets: Secrets | None = None,
    level: str = "info",
    as_json: bool = True,
    rules: Rules | None = None,
    clock: Callable[[], float] = time.time,
    **settings: Any,
) -> Iterator[Receiving]:
    inbox, lines = folder / "inbox.db", list[str]()
    log = ServeLog(lines.append, time.time, level=level, as_json=as_json)
    known = Settings(inbox, port=0, rules=rules or Rules(), token=TOKEN, **settings)
    with running(known, Secrets(SECRET) if secrets is None else secrets, log, clock) as url:
        yield Receiving(url, inbox, lines)
    said = "\n".join(lines)
    assert SECRET not in said
    assert SECRET.removeprefix("whsec_") not in said
    assert TOKEN not in said
