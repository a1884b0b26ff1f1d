"""The platform client and the event stream against the sandbox: what is documented, and its faults."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from reconciler.adapters.platform.client import PlatformClient
from reconciler.adapters.platform.event_stream import EventStream
from reconciler.adapters.platform.exchange import Timeouts
from reconciler.core.engine.spec import Source, Spec
from reconciler.core.errors import PlatformError
from reconciler.core.platform.job import Accepted, MadeByJob, News, Progress, Refused, Uncertain
from reconciler.sandbox.server import SandboxServer

T = TypeVar("T")
KEY = "sandbox-key"
SPEC = Spec("Acme", "For acme.com", ("de",), (Source("content", "Formal tone."),))


async def no_pause(seconds: float) -> None:
    await asyncio.sleep(min(seconds, 0.02))


def client(sandbox: SandboxServer, key: str = KEY) -> PlatformClient:
    return PlatformClient(
        sandbox.url, key, random=lambda: 0.5, sleep=no_pause, timeouts=Timeouts(2, 2, 0.5, 2)
    )


def stream(sandbox: SandboxServer, key: str = KEY) -> EventStream:
    return EventStream(sandbox.url, key, random=lambda: 0.5, sleep=no_pause, ping_every=0.2, pong_within=0.2)


def run(work: Coroutine[Any, Any, T]) -> T:
    async def bounded() -> T:
        async with asyncio.timeout(20):
            return await work

    return asyncio.run(bounded())


def create(sandbox: SandboxServer, spec: Spec = SPEC) -> Any:
    async def work() -> Any:
        async with client(sandbox) as platform:
            return await platform.create("op-1", spec, None)

    return run(work())


def test_an_engine_from_the_call_to_its_summary(sandbox: SandboxServer) -> None:
    async def work() -> tuple[list[News | Progress], Any]:
        async with client(sandbox) as platform:
            accepted = await platform.create("op-1", SPEC, None)
            assert isinstance(accepted, Accepted)
            assert accepted.status == "in_progress"
            news = [item async for item in stream(sandbox).watch(accepted.job_id)]
            assert await platform.read_made(accepted.job_id) == MadeByJob(accepted.engine_id, SPEC.name)
            assert await platform.read_made("pjb_unknown") is None
            return news, await platform.read_summary(accepted.job_id)

    news, summary = run(work())
    assert isinstance(news[0], News)
    assert not news[0].terminal
    assert any(isinstance(item, Progress) for item in news)
    assert news[-1] == News(news[-1].job_id, "completed")
    assert set(summary) == {"brandVoices", "glossaryItems", "instructions"}


def test_without_sources_it_is_completed_at_once(sandbox: SandboxServer) -> None:
    answer = create(sandbox, Spec("Plain"))
    assert isinstance(answer, Accepted)
    assert answer.status == "completed"


def test_what_the_platform_finds_invalid(sandbox: SandboxServer) -> None:
    answer = create(sandbox, Spec("Acme", sources=(Source("content", "x"),) * 11))
    assert isinstance(answer, Refused)
    assert answer.about_spec


def test_the_key(sandbox: SandboxServer) -> None:
    async def work(key: str) -> None:
        async with client(sandbox, key) as platform:
            await platform.check_key()

    run(work(KEY))
    with pytest.raises(PlatformError) as caught:
        run(work("another-key"))
    assert caught.value.status == 401


@pytest.mark.parametrize(
    ("fault", "made"),
    [
        *[("lost-answer", 1), ("error-after", 1)],
        *[("drop", 0), ("status=500", 0), ("html", 0), ("huge", 0), ("no-message", 0)],
        *[("html-200", None), ("garbage", None), ("garbage-202", None), ("empty", None)],
        *[("hang", None), ("hang-before", None)],
    ],
)
def test_lost_answers_are_uncertain_and_never_repeated(
    sandbox: SandboxServer, fault: str, made: int | None
) -> None:
    sandbox.faults.add("create", fault, times=None)
    before, asked = sandbox.create_calls(), len(sandbox.requests())
    answer = create(sandbox)
    assert isinstance(answer, Uncertain)
    assert len(sandbox.requests()) == asked + 1
    if made is not None:
        assert sandbox.create_calls() == before + made


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404])
def test_refusals(sandbox: SandboxServer, status: int) -> None:
    sandbox.faults.add("create", f"status={status}")
    answer = create(sandbox)
    assert isinstance(answer, Refused)
    assert answer.status == status


def test_a_redirect(sandbox: SandboxServer) -> None:
    sandbox.faults.add("create", "redirect")
    before = sandbox.create_calls()
    assert isinstance(create(sandbox), Refused)
    assert sandbox.create_calls() == before


def test_a_passing_throttle(sandbox: SandboxServer) -> None:
    sandbox.faults.add("create", "status=429", times=2, retry_after=5)
    before = sandbox.create_calls()
    assert isinstance(create(sandbox), Accepted)
    assert sandbox.create_calls() == before + 1


@pytest.mark.parametrize(
    "fault", ["drop", "drop-mid", "close=1011", "close=4000", "garbage", "huge", "no-snapshot", "slow=0.2"]
)
def test_whatever_a_socket_does_only_a_snapshot_ends_the_wait(sandbox: SandboxServer, fault: str) -> None:
    sandbox.faults.add("ws", fault, times=2)

    async def work() -> list[News | Progress]:
        async with client(sandbox) as platform:
            accepted = await platform.create("op-1", SPEC, None)
            assert isinstance(accepted, Accepted)
            return [item async for item in stream(sandbox).watch(accepted.job_id)]

    news = run(work())
    assert isinstance(news[-1], News)
    assert news[-1].status == "completed"


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refused_socket(sandbox: SandboxServer, status: int) -> None:
    sandbox.faults.add("ws", f"refuse={status}")

    async def work() -> None:
        async with client(sandbox) as platform:
            accepted = await platform.create("op-1", SPEC, None)
            assert isinstance(accepted, Accepted)
            async for _ in stream(sandbox).watch(accepted.job_id):
                pass

    with pytest.raises(PlatformError) as caught:
        run(work())
    assert caught.value.status == status


def test_no_such_job(sandbox: SandboxServer) -> None:
    async def work() -> None:
        async for _ in stream(sandbox).watch("pjb_nobody"):
            pass

    with pytest.raises(PlatformError) as caught:
        run(work())
    assert caught.value.status == 404


def test_a_job_that_fails_says_why(sandbox: SandboxServer) -> None:
    sandbox.faults.add("create", "fail=acme.com cannot be read")

    async def work() -> News | Progress:
        async with client(sandbox) as platform:
            accepted = await platform.create("op-1", SPEC, None)
            assert isinstance(accepted, Accepted)
            return [item async for item in stream(sandbox).watch(accepted.job_id)][-1]

    news = run(work())
    assert isinstance(news, News)
    assert (news.status, news.error) == ("failed", "acme.com cannot be read")
