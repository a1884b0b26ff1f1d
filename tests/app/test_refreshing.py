"""Engines looked up over sockets: eight at once, and no longer than it is worth."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from reconciler.adapters.platform.engines import EngineClient
from reconciler.adapters.platform.exchange import Timeouts
from reconciler.app.refreshing import look_up
from reconciler.core.platform.engine import (
    Denied,
    EngineAnswer,
    Found,
    Gone,
    NotOffered,
    Throttled,
    Unreadable,
)
from tests.adapters.calls import QUICK, Pauses, run
from tests.adapters.far_ends import KEY, Answering, Request, answers, far_end, raw, says_nothing

ENGINE = raw(200, b'{"name": "Acme"}')


def looked_up(
    answering: Answering, number: int, seconds: float = 60.0, timeouts: Timeouts = QUICK
) -> tuple[Mapping[str, EngineAnswer], int, Pauses]:
    async def work() -> tuple[Mapping[str, EngineAnswer], int, Pauses]:
        pauses = Pauses()
        async with far_end(answering) as end:
            client = EngineClient(end.url, KEY, random=lambda: 0.5, sleep=pauses, timeouts=timeouts)
            async with client as engines:
                found = await look_up(engines, [f"eng_{one}" for one in range(number)], seconds=seconds)
            return found, len(end.requests), pauses

    return run(work())


def test_a_thousand_engines_with_one_429_in_the_middle() -> None:
    running = most = seen = 0

    async def answering(request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal running, most, seen
        seen, running = seen + 1, running + 1
        most = max(most, running)
        refused = seen == 500
        await asyncio.sleep(0)
        running -= 1
        writer.write(raw(429, b'{"message": "quota"}', "Retry-After: 7") if refused else ENGINE)

    found, requests, pauses = looked_up(answering, 1000, timeouts=Timeouts())
    assert len(found) == 1000
    assert all(isinstance(one, Found) for one in found.values())
    assert (requests, pauses) == (1001, [7.0])
    assert most <= 8


@pytest.mark.parametrize(
    ("reply", "kind", "most"),
    [
        (raw(401), Denied, 8),
        (raw(403), Denied, 16),
        (raw(405), NotOffered, 8),
        (raw(429, b"{}", "Retry-After: 86400"), Throttled, 8),
        (raw(200, b"<html>"), Unreadable, 16),
    ],
)
def test_what_says_enough_is_not_asked_a_thousand_times(reply: bytes, kind: type, most: int) -> None:
    found, requests, _ = looked_up(answers(reply), 1000)
    assert requests <= most
    assert {type(one) for one in found.values()} == {kind}


def test_all_of_them_may_be_gone() -> None:
    found, requests, _ = looked_up(answers(raw(404)), 100)
    assert requests == 100
    assert set(found.values()) == {Gone()}


def test_it_takes_no_longer_than_it_may() -> None:
    found, _, _ = looked_up(says_nothing, 1000, seconds=0.1)
    assert found == {}
