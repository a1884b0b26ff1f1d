"""What comes after the end of a connection: a look at once, or ever longer pauses.

Against the sandbox, and against servers that play scripts.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request as Upgrade
from websockets.http11 import Response

from reconciler.adapters.platform.client import PlatformClient
from reconciler.adapters.platform.event_pace import AT_ONCE
from reconciler.adapters.platform.event_stream import HANDSHAKES, EventStream
from reconciler.core.engine.spec import Source, Spec
from reconciler.core.platform.job import Accepted, News, Progress
from reconciler.sandbox.server import SandboxServer
from tests.adapters.calls import Pauses, run, until
from tests.adapters.far_ends import KEY
from tests.adapters.sockets import (
    JOB,
    CountsPings,
    Script,
    Scripted,
    headers,
    heard,
    progress,
    snapshot,
    stream,
    watch,
)

SANDBOX_KEY = "sandbox-key"
SPEC = Spec("Acme", None, ("de",), (Source("content", "Formal tone."),))


class TimeUpError(Exception):
    """A test's own time is over."""


class TwoMinutes(Pauses):
    """Told by the pauses alone: connecting takes no time here."""

    async def __call__(self, seconds: float) -> None:
        await super().__call__(seconds)
        if sum(self) > 120:
            raise TimeUpError


class TestOnTheSandbox:
    def watch(self, sandbox: SandboxServer, pauses: Pauses) -> list[News | Progress]:
        async def work() -> list[News | Progress]:
            async with PlatformClient(sandbox.url, SANDBOX_KEY, random=lambda: 0.5) as platform:
                accepted = await platform.create("op-1", SPEC, None)
            assert isinstance(accepted, Accepted)
            events = EventStream(sandbox.url, SANDBOX_KEY, random=random.random, sleep=pauses)
            async with asyncio.timeout(30):
                return [news async for news in events.watch(accepted.job_id)]

        return run(work())

    def connects(self, sandbox: SandboxServer) -> int:
        return sum(request.path.endswith("/ws") for request in sandbox.requests())

    def test_the_end_of_a_job_is_seen_without_a_pause_to_speak_of(self, sandbox: SandboxServer) -> None:
        before, pauses = self.connects(sandbox), Pauses()
        assert self.watch(sandbox, pauses)[-1][1] == "completed"
        assert self.connects(sandbox) - before == 2
        assert len(pauses) == 1
        assert pauses[0] <= AT_ONCE

    @pytest.mark.parametrize("fault", ["close=1000", "close=1012", "drop"])
    def test_a_platform_that_closes_at_once_for_ever(self, sandbox: SandboxServer, fault: str) -> None:
        """Even a job's end is then learned by the snapshot alone."""
        sandbox.faults.add("job", "never")
        sandbox.faults.add("ws", fault, times=10_000)
        before = self.connects(sandbox)
        with pytest.raises(TimeUpError):
            self.watch(sandbox, TwoMinutes())
        assert 5 < self.connects(sandbox) - before < 40


class TestOneJob:
    def test_a_server_that_is_away_for_a_moment_is_not_looked_at_twice_at_once(self) -> None:
        """It closed its sockets in good order to be started anew."""
        pauses = Pauses()
        away = [Response(503, "Something", headers(), b"") for _ in range(2)]
        running: list[str | bytes] = [snapshot("in_progress"), progress("crawl")]
        server = Scripted(running, [snapshot("completed")])

        async def work() -> list[News | Progress]:
            async with server.served():
                async for news in stream(server.url, pauses).watch(JOB):
                    if isinstance(news, Progress):
                        server.refusals += away
                return [news]

        assert run(work()) == [News(JOB, "completed")]
        assert pauses == pytest.approx([0.05, 0.6, 1.1])

    def test_every_close_code_is_the_same(self) -> None:
        def closing(code: int) -> Script:
            async def close(connection: ServerConnection) -> None:
                await connection.close(code, "completed")

            return close

        codes = [closing(code) for code in (1000, 1001, 1008, 1011, 4000, 4401, 4404)]
        server = Scripted(*codes, [snapshot("completed")])
        assert watch(server) == [News(JOB, "completed")]
        assert len(server.upgrades) == len(codes) + 1

    @pytest.mark.parametrize("close", [1000, 1001, 1011])
    def test_a_server_that_only_ever_hangs_up_is_asked_ever_more_rarely(self, close: int) -> None:
        """Snapshots alone don't hasten the next try, or a thousand jobs would ask every second."""
        pauses = Pauses()

        async def hang_up(connection: ServerConnection) -> None:
            await connection.send(snapshot("in_progress"))
            await connection.close(close)

        scripts: list[Script | list[str | bytes]] = [*[hang_up] * 9, [snapshot("completed")]]
        watch(Scripted(*scripts), pauses)
        first = [0.05] if close == 1000 else []  # the look at once, of which there is one
        assert pauses == pytest.approx([*first, 0.6, 1.1, 2.1, 4.1, *[7.6] * 5][:9])

    def test_progress_makes_the_next_try_quick_again(self) -> None:
        pauses = Pauses()
        quiet: list[str | bytes] = [snapshot("in_progress")]
        told: list[str | bytes] = [*quiet, progress("crawl")]
        watch(Scripted(quiet, quiet, quiet, told, quiet, [snapshot("completed")]), pauses)
        assert pauses == pytest.approx([0.05, 0.6, 1.1, 0.6, 1.1])

    @pytest.mark.parametrize(
        "script", [[], [snapshot("in_progress")], [snapshot("in_progress"), progress("x")]]
    )
    def test_a_server_that_hangs_up_for_ever_is_never_hammered(self, script: list[str | bytes]) -> None:
        server = Scripted(script)
        with pytest.raises(TimeUpError):
            watch(server, TwoMinutes())
        often = 120 / 0.6 if len(script) == 2 else 120 / 7.6  # progress tells of a job that goes on
        assert len(server.upgrades) < often + 10

    def test_a_look_at_once_that_came_too_soon_is_looked_after(self) -> None:
        """It says that the job still runs, and then nothing, ever: the end was not in the database yet."""
        pauses = Pauses()

        async def too_soon(connection: ServerConnection) -> None:
            await connection.send(snapshot("in_progress"))
            await connection.wait_closed()

        running: list[str | bytes] = [snapshot("in_progress"), progress("crawl")]
        server = Scripted(running, too_soon, [snapshot("completed")])

        async def work() -> list[News | Progress]:
            async with server.served():
                return await heard(server.url, pauses, doubt=0.05)

        assert run(work())[-1] == News(JOB, "completed")
        assert pauses == pytest.approx([0.05, 0.6])

    def test_a_look_at_once_that_hears_of_progress_stays(self) -> None:
        """The socket was closed at its time limit, say, and the job goes on."""

        async def goes_on(connection: ServerConnection) -> None:
            assert isinstance(connection, CountsPings)
            await connection.send(snapshot("in_progress"))
            await connection.send(progress("glossary"))
            await until(lambda: connection.pings >= 10)  # ten times the doubt
            await connection.send(snapshot("completed"))

        server = Scripted([snapshot("in_progress"), progress("crawl")], goes_on)

        async def work() -> list[News | Progress]:
            async with server.served():
                return await heard(server.url, ping_every=0.05, pong_within=10, doubt=0.05)

        assert run(work())[-1] == News(JOB, "completed")
        assert len(server.upgrades) == 2


def test_two_hundred_sockets_closed_in_one_moment() -> None:
    """Each job is looked at once more and at once, spread a little, and in no more handshakes than at any time."""
    jobs, now, most = 200, 0, 0
    ended = asyncio.Event()
    pauses, opened, waiting = Pauses(), Counter[str](), set[str]()

    async def slow(connection: ServerConnection, request: Upgrade) -> None:
        nonlocal now, most
        opened[request.path] += 1
        if ended.is_set():
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.01)
            now -= 1

    async def told(connection: ServerConnection) -> None:
        assert connection.request is not None
        job_id = connection.request.path.split("/")[3]
        await connection.send(snapshot("completed" if ended.is_set() else "in_progress", job_id=job_id))
        waiting.add(job_id)
        if len(waiting) == jobs:
            ended.set()
        await ended.wait()

    async def work() -> list[str]:
        async with serve(told, "127.0.0.1", 0, process_request=slow, close_timeout=0.2) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            events = EventStream(f"http://127.0.0.1:{port}", KEY, random=random.random, sleep=pauses)

            async def one(job_id: str) -> str:
                return [news.status async for news in events.watch(job_id) if isinstance(news, News)][-1]

            try:
                async with asyncio.timeout(60):
                    return await asyncio.gather(*(one(f"pjb_{n}") for n in range(jobs)))
            finally:
                ended.set()  # nobody waits for a test that failed

    assert run(work()) == ["completed"] * jobs
    assert set(opened.values()) == {2}
    assert 1 < most <= HANDSHAKES
    assert len(pauses) == jobs
    assert max(pauses) <= AT_ONCE
    assert len(set(pauses)) > jobs / 2
