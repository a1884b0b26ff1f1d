"""Look engines up on the platform: several at a time, no longer than it is worth, and for a bounded time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from reconciler.core.plan.drift import says_enough

if TYPE_CHECKING:
    from reconciler.app.ports import ExistingEngines
    from reconciler.core.platform.engine import EngineAnswer

AT_ONCE = 8
SECONDS = 300.0  # a thousand engines take some ten


async def look_up(
    engines: ExistingEngines, engine_ids: Iterable[str], *, seconds: float = SECONDS
) -> Mapping[str, EngineAnswer]:
    """The platform's answers by engine. Those that are missing were not asked for: nothing is gained by asking on (the
    key is refused, the quota is exhausted, the endpoint is missing, nothing answers), or the time was up.
    """
    answers: dict[str, EngineAnswer] = {}
    left = iter(dict.fromkeys(engine_ids))
    enough = False

    async def work() -> None:
        nonlocal enough
        while not enough and (engine_id := next(left, None)) is not None:
            answers[engine_id] = await engines.read(engine_id)
            enough = enough or says_enough(answers, engine_id)

    with suppress(TimeoutError):  # what is missing then is reported as such
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(work())
    return answers
