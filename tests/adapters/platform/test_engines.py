"""Calls about existing engines, over real sockets."""

from __future__ import annotations

import asyncio
import json

import pytest

from reconciler.adapters.platform.engines import EngineClient
from reconciler.core.platform.engine import (
    Deleted,
    DeletionAnswer,
    Denied,
    Details,
    EngineAnswer,
    Found,
    Gone,
    NotOffered,
    Throttled,
    Unreadable,
)
from tests.adapters.calls import QUICK, Pauses, closed_port, run
from tests.adapters.far_ends import KEY, Answering, Request, answers, far_end, raw, says_nothing

ENGINE = raw(200, b'{"name": "Acme"}')
QUOTA = b'{"message": "quota"}'


def client(url: str, pauses: Pauses | None = None) -> EngineClient:
    sleep = Pauses() if pauses is None else pauses
    return EngineClient(url, KEY, random=lambda: 0.5, sleep=sleep, timeouts=QUICK)


def read(answering: Answering) -> tuple[EngineAnswer, list[Request], Pauses]:
    async def work() -> tuple[EngineAnswer, list[Request], Pauses]:
        pauses = Pauses()
        async with far_end(answering) as end, client(end.url + "/api", pauses) as engines:
            return await engines.read("eng_1"), end.requests, pauses

    return run(work())


def test_one_get_with_the_key() -> None:
    answer, (request,), pauses = read(answers(ENGINE))
    assert isinstance(answer, Found)
    assert answer.told == Details("Acme")
    assert (request.method, request.path, request.headers["x-api-key"]) == ("GET", "/api/engines/eng_1", KEY)
    assert pauses == []


@pytest.mark.parametrize(
    ("status", "kind", "requests"),
    [
        (404, Gone, 1),
        (405, NotOffered, 1),
        (401, Denied, 1),
        (429, Throttled, 1),
        (302, Unreadable, 1),
        (502, Unreadable, 2),
    ],
)
def test_what_is_said_is_asked_once_and_a_breakdown_twice(status: int, kind: type, requests: int) -> None:
    answer, seen, _ = read(answers(raw(status, b"<html>")))
    assert isinstance(answer, kind)
    assert len(seen) == requests


def test_silence_is_asked_again_and_concludes_nothing() -> None:
    answer, seen, _ = read(says_nothing)
    assert answer == Unreadable("no answer arrived within 0.3 seconds")
    assert len(seen) == 2


def test_nothing_left_where_nobody_listens() -> None:
    async def work() -> EngineAnswer:
        async with client(f"http://127.0.0.1:{closed_port()}") as engines:
            return await engines.read("eng_1")

    answer = run(work())
    assert isinstance(answer, Unreadable)
    assert not answer.sent


def test_a_short_wait_is_waited_and_a_lasting_one_is_not() -> None:
    answer, seen, pauses = read(answers(raw(429, QUOTA, "Retry-After: 3"), ENGINE))
    assert isinstance(answer, Found)
    assert (len(seen), pauses) == (2, [3.0])
    answer, seen, pauses = read(answers(raw(429, QUOTA, "Retry-After: 3600"), ENGINE))
    assert answer == Throttled("quota")
    assert (len(seen), pauses) == (1, [])


def test_a_quota_that_lasts_is_asked_three_times() -> None:
    answer, seen, pauses = read(answers(raw(429, QUOTA, "Retry-After: 1")))
    assert answer == Throttled("quota")
    assert (len(seen), pauses) == (3, [1.0, 1.0])


def test_the_key_is_nowhere_in_what_is_told() -> None:
    answer, _, _ = read(answers(raw(200, json.dumps({"name": f"Acme {KEY}"}).encode())))
    assert isinstance(answer, Found)
    assert KEY not in repr(answer)


def test_all_calls_share_one_pause_and_at_most_eight_run_at_once() -> None:
    running = most = requests = 0

    async def answering(request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal running, most, requests
        requests += 1
        running += 1
        most = max(most, running)
        throttled = requests == 20
        await asyncio.sleep(0.001)
        running -= 1
        writer.write(raw(429, QUOTA, "Retry-After: 1") if throttled else ENGINE)

    async def work() -> tuple[list[EngineAnswer], Pauses]:
        pauses = Pauses()
        async with far_end(answering) as end, client(end.url, pauses) as engines:
            return await asyncio.gather(*(engines.read(f"eng_{number}") for number in range(100))), pauses

    found, pauses = run(work())
    assert all(isinstance(one, Found) for one in found)
    assert (requests, pauses, most) == (101, [1.0], 8)


def test_those_that_were_refused_together_pause_once() -> None:
    refused: set[str] = set()

    async def answering(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.path in refused:
            writer.write(ENGINE)
            return
        refused.add(request.path)
        writer.write(raw(429, QUOTA, "Retry-After: 2"))

    async def work() -> Pauses:
        pauses = Pauses()
        async with far_end(answering) as end, client(end.url, pauses) as engines:
            await asyncio.gather(*(engines.read(f"eng_{number}") for number in range(8)))
        return pauses

    assert run(work()) == [2.0]


# ── deleting ───────────────────────────────────────────────────────────────────────────────────────────────────────


def delete(answering: Answering) -> tuple[DeletionAnswer, list[Request], Pauses]:
    async def work() -> tuple[DeletionAnswer, list[Request], Pauses]:
        pauses = Pauses()
        async with far_end(answering) as end, client(end.url + "/api", pauses) as engines:
            return await engines.delete("eng_1"), end.requests, pauses

    return run(work())


@pytest.mark.parametrize(
    ("status", "kind", "requests"),
    [
        (204, Deleted, 1),
        (200, Deleted, 1),
        (202, Deleted, 1),
        (404, Gone, 1),
        (405, NotOffered, 1),
        (501, NotOffered, 1),
        (401, Denied, 1),
        (403, Denied, 1),
        (429, Throttled, 1),
        (402, Unreadable, 1),
        (409, Unreadable, 1),
        (302, Unreadable, 1),
        (500, Unreadable, 3),
        (503, Unreadable, 3),
    ],
)
def test_a_clear_answer_is_taken_and_a_breakdown_asked_again(status: int, kind: type, requests: int) -> None:
    answer, seen, _ = delete(answers(raw(status, b"")))
    assert isinstance(answer, kind)
    assert [(one.method, one.path) for one in seen] == [("DELETE", "/api/engines/eng_1")] * requests


def test_after_a_lost_answer_a_clear_one_settles_it_and_a_refusal_does_not() -> None:
    answer, seen, _ = delete(answers(raw(500, b""), raw(404, b"")))
    assert (answer, len(seen)) == (Gone(), 2)
    answer, seen, _ = delete(answers(raw(500, b""), raw(401, b"")))
    assert isinstance(answer, Unreadable)
    assert (answer.status, answer.sent, len(seen)) == (500, True, 2)


def test_silence_leaves_it_unknown_and_a_call_that_never_left_does_not() -> None:
    answer, seen, _ = delete(says_nothing)
    assert answer == Unreadable("no answer arrived within 0.3 seconds")
    assert len(seen) == 3

    async def work() -> DeletionAnswer:
        async with client(f"http://127.0.0.1:{closed_port()}") as engines:
            return await engines.delete("eng_1")

    unsent = run(work())
    assert isinstance(unsent, Unreadable)
    assert not unsent.sent
