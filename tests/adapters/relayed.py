"""A relay between a real inbox and a local GitHub, within a test's own event loop."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.adapters.github.client import Timeouts, github_endpoint
from reconciler.adapters.github.token import PlainToken, Token
from reconciler.adapters.inbox.port import Row
from reconciler.adapters.inbox.sqlite.store import SqliteStore
from reconciler.adapters.inbox.writer import InboxWriter
from reconciler.adapters.receiver.log import ServeLog
from reconciler.adapters.relay.pace import Pace
from reconciler.adapters.relay.sender import Target, relaying
from reconciler.adapters.relay.surroundings import RelayCounts, Surroundings
from tests.adapters.deliveries import row
from tests.github_fake import TOKEN, FakeGitHub

FAST = Pace(quick=(0.02, 0.1), slow=(0.02, 0.1), look=0.01)
QUICK = Timeouts(connect=5.0, silence=2.0, total=4.0)  # also where a first import takes a second
LIMIT = 60.0


@dataclass
class Relayed:
    """What a test looks at."""

    fake: FakeGitHub
    writer: InboxWriter
    counts: RelayCounts
    log: list[str]

    async def store(self, *rows: Row) -> None:
        for one in rows:
            await self.writer.store(one)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT):
            while not holds():
                await asyncio.sleep(0.005)

    def lines(self, words: str) -> list[str]:
        return [line for line in self.log if words in line]


@asynccontextmanager
async def relay_of(
    path: Path, fake: FakeGitHub, *, token: Token | None = None, keep: float = 1e12, pace: Pace = FAST
) -> AsyncIterator[Relayed]:
    """Nothing secret is in its log at the end."""
    writer = InboxWriter(SqliteStore(path))
    log: list[str] = []
    scene = Relayed(fake, writer, RelayCounts(), log)
    target = Target(
        "acme", "engines", github_endpoint(fake.url), token or PlainToken(TOKEN), pace=pace, timeouts=QUICK
    )
    around = Surroundings(
        SqliteStore(path),
        writer,
        keep,
        scene.counts,
        ServeLog(log.append, time.time),
        time.time,
        random.random,
    )
    try:
        async with relaying(target, around):
            yield scene
    finally:
        await writer.close()
    for secret in fake.tokens:
        assert secret not in "\n".join(log)
    assert "BEGIN" not in "\n".join(log)


def run(work: Coroutine[Any, Any, None]) -> None:
    async def main() -> None:
        async with asyncio.timeout(2 * LIMIT):
            await work

    asyncio.run(main())


def sent(fake: FakeGitHub) -> list[str]:
    """The webhook-ids in the dispatches, in their order."""
    return [one["client_payload"]["webhookId"] for one in fake.dispatches]


def names(*numbers: int) -> list[str]:
    return [row(number).webhook_id for number in numbers]
