"""A WebSocket server that plays scripts, and watching a job on it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.frames import Frame, Opcode
from websockets.http11 import Request as Upgrade
from websockets.http11 import Response
from websockets.protocol import Event

from reconciler.adapters.platform.event_stream import EventStream
from reconciler.core.platform.job import News, Progress
from tests.adapters.calls import Pauses, run
from tests.adapters.far_ends import KEY

JOB = "pjb_1"
Script = Callable[[ServerConnection], Awaitable[None]]


def snapshot(status: str, error: str | None = None, job_id: str = JOB) -> str:
    return json.dumps(
        {"type": "provisioning.snapshot", "jobId": job_id, "status": status, "errorMessage": error}
    )


def progress(step: str, detail: str | None = None) -> str:
    return json.dumps({"type": "provisioning.progress", "jobId": JOB, "step": step, "detail": detail})


class CountsPings(ServerConnection):
    """A silent client's time goes by for its server in pings."""

    pings = 0

    def process_event(self, event: Event) -> None:
        if isinstance(event, Frame) and event.opcode is Opcode.PING:
            self.pings += 1
        super().process_event(event)


class Scripted:
    """A WebSocket server; each connection plays the next script (a list of messages, then close), the last
    for ever."""

    def __init__(self, *scripts: Script | list[str | bytes], refusals: list[Response] | None = None) -> None:
        self.scripts = list(scripts)
        self.refusals = refusals or []
        self.upgrades: list[Upgrade] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def play(self, connection: ServerConnection) -> None:
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        if callable(script):
            return await script(connection)
        for message in script:
            await connection.send(message)
        return None

    def judge(self, connection: ServerConnection, request: Upgrade) -> Response | None:
        self.upgrades.append(request)
        return self.refusals.pop(0) if self.refusals else None

    @contextlib.asynccontextmanager
    async def served(self, port: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[Scripted]:
        async with serve(
            self.play,
            "127.0.0.1",
            port,
            process_request=self.judge,
            ssl=tls,
            close_timeout=0.2,
            create_connection=CountsPings,
        ) as server:
            self.port = next(iter(server.sockets)).getsockname()[1]
            yield self


def stream(url: str, pauses: Pauses | None = None, **options: Any) -> EventStream:
    return EventStream(url, KEY, random=lambda: 0.5, sleep=Pauses() if pauses is None else pauses, **options)


async def heard(url: str, pauses: Pauses | None = None, **options: Any) -> list[News | Progress]:
    async with asyncio.timeout(20):
        return [news async for news in stream(url, pauses, **options).watch(JOB)]


def watch(server: Scripted, pauses: Pauses | None = None) -> list[News | Progress]:
    async def work() -> list[News | Progress]:
        async with server.served():
            return await heard(server.url, pauses)

    return run(work())


def headers(**pairs: str) -> Any:
    return Headers({"Connection": "close", **pairs})
