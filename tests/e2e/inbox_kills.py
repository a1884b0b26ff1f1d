"""Two receivers with one database, senders that try again like the platform, a reader, a relay, and a hand that kills
each part in turn: a receiver, the receiver that relays, a backend of the server, the whole server.

What must hold: whatever was acknowledged is in the inbox; nothing is in it twice; a reader that follows its cursor sees
each event once, in order; the relay passes each on, and never one before an older one has gone out.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import psycopg

from reconciler.adapters.inbox.stores import store_at
from reconciler.core.errors import StorageError
from reconciler.core.settings.postgres_url import parse_postgres
from tests.adapters.receiving import body_of, signed
from tests.e2e.far_ends import Project, wait_until
from tests.e2e.receiver import Receiver
from tests.github_fake import REPOSITORY, TOKEN, FakeGitHub
from tests.postgres_server import Server

_SENDERS = 6
_DATABASE = "kills"


class Kills(NamedTuple):
    """`every` is the seconds between two; `least` how many there are, however soon all is delivered."""

    every: float
    least: int


class Told(NamedTuple):
    delivered: int
    seconds: float
    refused: int
    killed: Counter[str]
    relayed: int
    relayed_again: int


class _Scene:
    def __init__(self, project: Project, server: Server, secret: str, relay: str) -> None:
        self.server = server
        self.address = server.url(_DATABASE)
        self.secret = secret
        self.receivers = [Receiver(project, self.address, secret) for _ in range(2)]
        self._relay = relay
        self.refused = 0
        self.killed: Counter[str] = Counter()
        self.done, self.stopped = threading.Event(), threading.Event()
        self._chance = random.Random(5)

    def start(self, which: Receiver) -> None:
        env = {"RECONCILE_RELAY_TOKEN": TOKEN, "GITHUB_API_URL": self._relay}
        which.start("--relay", f"github:{REPOSITORY}", **env)

    # ── senders ────────────────────────────────────────────────────────────────────────────────────────────────────

    def send(self, numbers: range) -> list[int]:
        """Those that were acknowledged, in the end all."""
        chance, acknowledged = random.Random(numbers.start), []
        connections: dict[int, http.client.HTTPConnection] = {}
        for number in numbers:
            while not self.stopped.is_set() and not self._delivered(
                number, chance.choice(self.receivers).port, connections
            ):
                self.refused += 1
                time.sleep(0.02)
            acknowledged.append(number)
            if self.stopped.is_set():
                break
        for connection in connections.values():
            connection.close()
        return acknowledged

    def _delivered(self, number: int, port: int, connections: dict[int, http.client.HTTPConnection]) -> bool:
        body = body_of(number)
        headers = signed(f"msg_{number}", body, self.secret)
        connection = connections.setdefault(port, http.client.HTTPConnection("127.0.0.1", port, timeout=60))
        try:
            connection.request("POST", f"/op-{number}", body, headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            connections.pop(port).close()
            return False
        assert answer.status in (204, 503), answer.status
        return answer.status == 204

    def wait_for(self, sending: Sequence[Future[list[int]]]) -> None:
        try:
            for one in sending:
                one.result()
        finally:
            self.done.set()

    # ── the hand ───────────────────────────────────────────────────────────────────────────────────────────────────

    def kill_on(self, kills: Kills) -> None:
        while not self.done.wait(kills.every) or self.killed.total() < kills.least:
            what = ("receiver", "leader", "backend", "server")[self.killed.total() % 4]
            getattr(self, f"_kill_{what}")()
            self.killed[what] += 1

    def _kill_receiver(self) -> None:
        self._restart(self._chance.choice(self.receivers))

    def _kill_leader(self) -> None:
        wait_until(lambda: self._leader() is not None, "one of them leads")
        self._restart(self._leader() or self.receivers[0])

    def _restart(self, which: Receiver) -> None:
        which.kill()
        self.start(which)

    def _leader(self) -> Receiver | None:
        for one in self.receivers:
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", one.port, timeout=10)
                connection.request("GET", "/metrics")
                text = connection.getresponse().read()
                connection.close()
                if b"reconcile_relay_leading 1" in text:
                    return one
        return None

    def _kill_backend(self) -> None:
        """The server takes that for a crash, and begins anew with all of them."""
        children = Path(f"/proc/{self.server.pid}/task/{self.server.pid}/children").read_text().split()
        backends = [one for one in children if b"kills" in Path(f"/proc/{one}/cmdline").read_bytes()]
        os.kill(int(self._chance.choice(backends or children)), signal.SIGKILL)
        wait_until(self.server.ready, "the server has recovered")

    def _kill_server(self) -> None:
        self.server.end(self._chance.choice([signal.SIGQUIT, signal.SIGKILL]))
        self.server.start()

    # ── the reader ─────────────────────────────────────────────────────────────────────────────────────────────────

    def read(self, many: int) -> list[tuple[int, str]]:
        """Numbers and ids, as a reader meets them that keeps its cursor."""
        found: list[tuple[int, str]] = []
        end = time.monotonic() + 600
        with contextlib.closing(store_at(parse_postgres(self.address))) as store:
            while len(found) < many and time.monotonic() < end and not self.stopped.is_set():
                with contextlib.suppress(StorageError), store.existing() as inbox:
                    while len(found) < many:
                        seen = inbox.revision()
                        page = inbox.events_since(found[-1][0] if found else 0, 200)
                        found += [(one.number, one.webhook_id) for one in page]
                        if self.stopped.is_set():
                            return found
                        while not page and inbox.revision() == seen and time.monotonic() < end:
                            time.sleep(0.02)
                time.sleep(0.05)
        return found


@contextlib.contextmanager
def _scene(project: Project, server: Server, secret: str, relay: str) -> Iterator[_Scene]:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {_DATABASE} WITH (FORCE)".encode())
        connection.execute(f"CREATE DATABASE {_DATABASE}".encode())
    scene = _Scene(project, server, secret, relay)
    try:
        for one in scene.receivers:
            scene.start(one)
        yield scene
    finally:
        scene.done.set()
        for one in scene.receivers:
            one.kill()


def play(project: Project, server: Server, secret: str, *, deliveries: int, kills: Kills) -> Told:
    """Raises `AssertionError` where anything is lost, twice, or out of order."""
    with FakeGitHub() as github, _scene(project, server, secret, github.url) as scene:
        began = time.monotonic()
        share = -(-deliveries // _SENDERS)
        with ThreadPoolExecutor(_SENDERS + 2) as threads:
            reading = threads.submit(scene.read, deliveries)
            parts = [range(at, min(at + share, deliveries)) for at in range(0, deliveries, share)]
            sending = [threads.submit(scene.send, part) for part in parts]
            # The server is started from this thread, whose end would be its own.
            waiting = threads.submit(scene.wait_for, sending)
            try:
                scene.kill_on(kills)
            except BaseException:
                scene.stopped.set()
                raise
            waiting.result(600)
            seconds = time.monotonic() - began
            acknowledged = [f"msg_{number}" for one in sending for number in one.result()]
            seen = reading.result()
        wait_until(lambda: len(_firsts(github)) >= deliveries, "the relay is done", 60 + deliveries / 20)
        assert len(acknowledged) == deliveries
        assert sorted(webhook_id for _, webhook_id in seen) == sorted(acknowledged)  # each once
        assert [number for number, _ in seen] == sorted({number for number, _ in seen})
        with psycopg.connect(scene.address) as connection:
            stored = connection.execute(
                "SELECT webhook_id FROM reconcile_inbox.events ORDER BY number"
            ).fetchall()
        assert [one[0] for one in stored] == [webhook_id for _, webhook_id in seen]
        assert _firsts(github) == [webhook_id for _, webhook_id in seen]  # in order, and none is left out
        again = len(github.dispatches) - deliveries
        return Told(deliveries, round(seconds, 1), scene.refused, scene.killed, deliveries, again)


def _firsts(github: FakeGitHub) -> list[str]:
    return list(dict.fromkeys(one["client_payload"]["webhookId"] for one in list(github.dispatches)))
