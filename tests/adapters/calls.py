"""Create calls to a far end, with pauses that take no time and timeouts that are short."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from reconciler.adapters.platform.client import PlatformClient
from reconciler.adapters.platform.exchange import Timeouts
from reconciler.core.engine.spec import Source, Spec
from reconciler.core.platform.job import Answer
from tests.adapters.far_ends import KEY, raw

T = TypeVar("T")
ACCEPTED = raw(202, b'{"jobId":"pjb_1","engineId":"eng_1","status":"in_progress"}')
SPEC = Spec("Acme", None, ("de",), (Source("content", "the text of a source"),))
QUICK = Timeouts(connect=0.5, write=0.5, read=0.3, total=1.0)


class Pauses(list[float]):
    """Stands in for sleeping: notes how long it would have been."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


def client(
    url: str, pauses: Pauses | None = None, timeouts: Timeouts = QUICK, concurrency: int = 8
) -> PlatformClient:
    return PlatformClient(
        url,
        KEY,
        random=lambda: 0.5,
        sleep=Pauses() if pauses is None else pauses,
        timeouts=timeouts,
        concurrency=concurrency,
    )


async def create(url: str, pauses: Pauses | None = None, timeouts: Timeouts = QUICK) -> Answer:
    async with client(url, pauses, timeouts) as platform:
        return await platform.create("op-1", SPEC, None)


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
