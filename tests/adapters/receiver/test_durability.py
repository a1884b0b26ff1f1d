"""A receiver that is killed again and again while a sender delivers: what it acknowledged is in the inbox, once.

A killed process loses nothing that it has written, so this tests the order of storing and answering, and that a log
left behind is taken up. That a commit waits for the disk itself is in test_inbox.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import signal
import socket
import sys
import time
from collections import Counter
from pathlib import Path

from reconciler.sandbox.signing import new_secret, signature
from tests.adapters.deliveries import ids, row, stored

DELIVERIES = 2000
SENDERS = 24
KILLS = 9
LIMIT = 120  # seconds; it takes a tenth of that

Process = asyncio.subprocess.Process


def free_port() -> int:
    """One that no outgoing connection is given, so that it is still ours after each kill."""
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for port in random.sample(range(10_000, min(first, 32_000)), 50):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")


class Receiver:
    """The command as a process, always on the same port and inbox."""

    def __init__(self, inbox: Path, secret: str) -> None:
        self.port = free_port()
        self._words = ["webhook", "serve", "--listen", f"127.0.0.1:{self.port}", "--inbox", str(inbox)]
        self._variables = {**os.environ, "LINGO_WEBHOOK_SECRET": secret}
        self._process: Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "reconciler", *self._words, "--log-level", "error"), env=self._variables
        )

    async def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        assert await self._process.wait() == -signal.SIGKILL

    async def stop(self) -> int:
        """Only once it listens: before, it would not know what to do with the signal."""
        assert self._process is not None
        while self._process.returncode is None:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                break
            await asyncio.sleep(0.02)
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        return await self._process.wait()


class Sender:
    """Delivers each until it is acknowledged, over a few connections at once. `acknowledged` in the order of that."""

    def __init__(self, port: int, secret: str) -> None:
        self.acknowledged: list[str] = []
        self.again = 0  # how often one was sent again
        self._port = port
        self._waiting = [(f"msg_{number}", self._request(number, secret)) for number in range(DELIVERIES)]

    def _request(self, number: int, secret: str) -> bytes:
        body, moment = row(number).body, int(time.time())
        head = (
            f"POST /op-{number} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nwebhook-id: msg_{number}\r\nwebhook-timestamp: {moment}\r\n"
            f"webhook-signature: {signature(secret, f'msg_{number}', moment, body)}\r\n\r\n"
        )
        return head.encode() + body

    async def send_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(SENDERS):
                group.create_task(self._send())

    async def _send(self) -> None:
        while self._waiting:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            with contextlib.suppress(OSError, EOFError):
                await self._deliver(reader, writer)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _deliver(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while self._waiting:
            name, request = self._waiting.pop()
            try:
                writer.write(request)
                answer = await reader.readuntil(b"\r\n\r\n")
                if not answer.startswith(b"HTTP/1.1 2"):
                    raise ConnectionError(answer)
            except (OSError, EOFError):
                self._waiting.append((name, request))
                self.again += 1
                raise
            self.acknowledged.append(name)


def left_behind(inbox: Path, folder: Path) -> list[str]:
    """What is on disk just after a kill, read from a copy: taking up the log is the next receiver's business."""
    folder.mkdir()
    for file in (inbox, inbox.with_name(inbox.name + "-wal")):
        if file.exists():
            shutil.copy(file, folder)
    return ids(stored(folder / inbox.name))


async def kill_again_and_again(receiver: Receiver, sender: Sender, inbox: Path, folder: Path) -> None:
    chance = random.Random(17)
    for number in range(KILLS):
        goal = (number + chance.random()) * DELIVERIES / KILLS
        while len(sender.acknowledged) < goal:
            await asyncio.sleep(0.001)
        await asyncio.sleep(chance.random() * 0.01)
        await receiver.kill()
        acknowledged = set(sender.acknowledged)
        assert acknowledged <= set(left_behind(inbox, folder / str(number)))
        await receiver.start()


def test_every_acknowledged_event_is_in_the_inbox_and_none_twice(tmp_path: Path) -> None:
    inbox, secret = tmp_path / "inbox.db", new_secret()

    async def main() -> Sender:
        receiver = Receiver(inbox, secret)
        sender = Sender(receiver.port, secret)
        await receiver.start()
        try:
            async with asyncio.timeout(LIMIT), asyncio.TaskGroup() as group:
                group.create_task(sender.send_all())
                group.create_task(kill_again_and_again(receiver, sender, inbox, tmp_path))
        finally:
            code = await receiver.stop()
        assert code == 0
        return sender

    sender = asyncio.run(main())
    assert sorted(sender.acknowledged) == sorted(f"msg_{number}" for number in range(DELIVERIES))
    assert sender.again >= KILLS  # it was killed while it had something to do
    found = stored(inbox)
    assert Counter(ids(found)) == Counter(sender.acknowledged)
    assert all(one.body == row(int(one.webhook_id[4:])).body for one in found)
    assert all(one.operation_id == f"op-{one.webhook_id[4:]}" for one in found)
    assert [one.number for one in found] == sorted({one.number for one in found})
