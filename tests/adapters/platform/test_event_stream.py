"""The event stream against real WebSocket servers: the sandbox, one that plays scripts, and raw sockets."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import tracemalloc

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request as Upgrade
from websockets.http11 import Response

from reconciler.adapters.platform.event_stream import HANDSHAKES, MAX_MESSAGE, heard_in
from reconciler.adapters.system import trail
from reconciler.core.platform.job import News, Progress
from tests.adapters.calls import Pauses, closed_port, run, until
from tests.adapters.far_ends import (
    KEY,
    Certificate,
    far_end,
    hangs_up_after,
    raw,
    says_nothing,
)
from tests.adapters.sockets import (
    JOB,
    CountsPings,
    Scripted,
    headers,
    heard,
    progress,
    snapshot,
    stream,
    watch,
)


class TestOneJob:
    def test_a_job_that_has_ended_already(self) -> None:
        assert watch(Scripted([snapshot("completed")])) == [News(JOB, "completed")]

    def test_the_end_of_a_running_job_is_seen_by_connecting_again(self) -> None:
        server = Scripted(
            [snapshot("in_progress"), progress("crawl", "acme.com"), progress("glossary")],
            [snapshot("failed", "no page was readable")],
        )
        pauses = Pauses()
        assert watch(server, pauses) == [
            News(JOB, "in_progress"),
            Progress(JOB, "crawl", "acme.com"),
            Progress(JOB, "glossary"),
            News(JOB, "failed", "no page was readable"),
        ]
        assert list(pauses) == pytest.approx([0.05])

    def test_the_key_is_blotted_out_of_all_that_is_told(self) -> None:
        """However it is spelled: JSON has many ways to write one character."""
        escaped = progress("crawl", "HERE").replace("HERE", "".join(f"\\u{ord(one):04x}" for one in KEY))
        assert KEY not in escaped
        server = Scripted(
            [progress(f"with {KEY}", KEY), escaped],
            [snapshot("failed", f"the crawler got 401 for {KEY}")],
        )
        assert watch(server) == [
            Progress(JOB, "with •••", "•••"),
            Progress(JOB, "crawl", "•••"),
            News(JOB, "failed", "the crawler got 401 for •••"),
        ]

    def test_what_the_handshake_carries(self) -> None:
        server = Scripted([snapshot("completed", job_id="a/../b c")])

        async def work() -> None:
            async with server.served(), asyncio.timeout(10):
                assert [n async for n in stream(server.url + "/v1/").watch("a/../b c")]

        run(work())
        assert server.upgrades[0].path == "/v1/jobs/provisioning/a%2F..%2Fb%20c/ws"
        assert server.upgrades[0].headers["X-API-Key"] == KEY
        assert server.upgrades[0].headers["User-Agent"].startswith("reconcile/")
        assert "Sec-WebSocket-Extensions" not in server.upgrades[0].headers

    def test_a_terminal_snapshot_ends_the_watch_although_the_server_stays(self) -> None:
        async def stays(connection: ServerConnection) -> None:
            await connection.send(snapshot("completed"))
            await connection.wait_closed()

        assert watch(Scripted(stays)) == [News(JOB, "completed")]

    def test_garbage_is_no_news(self) -> None:
        garbage: list[str | bytes] = [
            "",
            "{",
            "null",
            "[]",
            '"completed"',
            "[" * 50_000,
            b"\x00\xff\xfe",
            b"",
        ]
        garbage += ['{"type":"provisioning.completed","jobId":"pjb_1"}', '{"type":"provisioning.snapshot"}']
        garbage += [snapshot("completed", job_id="pjb_2"), '{"type":"provisioning.snapshot","status":7}']
        garbage += ['{"status":"completed","jobId":"pjb_1"}', '{"type":["x"],"status":"completed"}']
        garbage += [progress("completed"), '{"type":"provisioning.progress","step":{}}']
        assert watch(Scripted([*garbage, snapshot("queued"), snapshot("completed")])) == [
            Progress(JOB, "completed"),
            News(JOB, "queued"),
            News(JOB, "completed"),
        ]

    def test_text_that_is_no_utf8_is_no_news(self) -> None:
        async def bad(connection: ServerConnection) -> None:
            await connection.send(b'{"type":"\xff"}', text=True)
            await connection.send(snapshot("completed"))

        assert watch(Scripted(bad)) == [News(JOB, "completed")]

    def test_a_message_too_long_ends_the_connection_and_nothing_else(self) -> None:
        server = Scripted(["x" * (MAX_MESSAGE + 1), snapshot("failed")], [snapshot("completed")])
        assert watch(server) == [News(JOB, "completed")]


class TestConnectingAgain:
    @pytest.mark.parametrize("status", [400, 429, 500, 502, 503])
    def test_passing_refusals(self, status: int) -> None:
        refusal = Response(status, "Something", headers(), b'{"message":"not now"}')
        server = Scripted([snapshot("completed")], refusals=[refusal])
        assert watch(server) == [News(JOB, "completed")]

    def test_a_server_that_comes_up_later(self) -> None:
        port = closed_port()
        server = Scripted([snapshot("completed")])

        async def work() -> list[News | Progress]:
            async with contextlib.AsyncExitStack() as stack:

                class StartIt(Pauses):
                    async def __call__(self, seconds: float) -> None:
                        await super().__call__(seconds)
                        if len(self) == 3:
                            await stack.enter_async_context(server.served(port))

                return await heard(f"http://127.0.0.1:{port}", StartIt())

        assert run(work()) == [News(JOB, "completed")]

    @pytest.mark.parametrize(
        "reply", [b"", b"HTTP/1.1 101 Sw", b"\x00\xff\r\n\r\n", raw(200, b"<html>"), raw(101)]
    )
    def test_handshakes_that_fail(self, reply: bytes) -> None:
        """A far end that answers nonsense three times; the watch goes on all the while."""

        async def work() -> int:
            async with far_end(hangs_up_after(reply)) as end:
                watching = asyncio.create_task(heard(end.url))
                async with asyncio.timeout(10):
                    while end.connections < 3:
                        await asyncio.sleep(0.005)
                assert not watching.done()
                watching.cancel()
                await asyncio.wait([watching])
                return len(end.requests)

        assert run(work()) >= 2

    def test_a_handshake_that_hangs(self) -> None:
        async def work() -> None:
            async with far_end(says_nothing) as end:
                watching = asyncio.create_task(heard(end.url, open_timeout=0.05))
                async with asyncio.timeout(10):
                    while end.connections < 2:
                        await asyncio.sleep(0.005)
                watching.cancel()
                await asyncio.wait([watching])

        run(work())

    def test_a_dead_peer_is_noticed(self) -> None:
        """It neither answers pings nor closes: only the keepalive can tell."""

        noticed = asyncio.Event()

        async def dead(connection: ServerConnection) -> None:
            connection.transport.pause_reading()
            await asyncio.wait_for(noticed.wait(), 20)

        async def next_one(connection: ServerConnection) -> None:
            noticed.set()
            await connection.send(snapshot("completed"))

        server = Scripted(dead, next_one)

        async def work() -> list[News | Progress]:
            async with server.served():
                return await heard(server.url, ping_every=0.05, pong_within=0.1)

        assert run(work()) == [News(JOB, "completed")]

    def test_silence_concludes_nothing(self) -> None:
        async def silent(connection: ServerConnection) -> None:
            assert isinstance(connection, CountsPings)
            await connection.send(snapshot("in_progress"))
            await until(lambda: connection.pings >= 8)  # far longer than ping and pong
            await connection.send(snapshot("completed"))

        server = Scripted(silent)

        async def work() -> list[News | Progress]:
            async with server.served():
                return await heard(server.url, ping_every=0.05, pong_within=10)

        assert run(work()) == [News(JOB, "in_progress"), News(JOB, "completed")]
        assert len(server.upgrades) == 1

    def test_an_outage_is_told_once_for_all_jobs(self) -> None:
        told: list[tuple[str, str]] = []
        trail.listen(lambda level, line: told.append((level, line)))

        async def work() -> None:
            events = stream(f"http://127.0.0.1:{closed_port()}")

            async def one(job_id: str) -> None:
                async for _ in events.watch(job_id):
                    pass

            async with asyncio.timeout(0.2):
                await asyncio.gather(*(one(f"pjb_{n}") for n in range(5)))

        with pytest.raises(TimeoutError):
            run(work())
        warnings = [line for level, line in told if level == "warning"]
        assert len(warnings) == 1
        assert "refuses connections" in warnings[0]


class TestManyAndInterrupted:
    def test_the_key_is_in_no_log_and_no_repr(self, caplog: pytest.LogCaptureFixture) -> None:
        server = Scripted([snapshot("in_progress")], [snapshot("completed")])
        with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "websockets.client"):
            watch(server)
        # The far end runs in this process and does log its headers; what counts is the client's side.
        ours = [record.getMessage() for record in caplog.records if record.name != "websockets.server"]
        assert KEY not in "".join(ours)
        noted = [line for _, line in trail.last()][-5:]
        assert KEY not in "".join(noted)
        assert re.match(rf"GET ws://127\.0\.0\.1:\d+/\S*{JOB}/ws: 101 in [\d,]+ ms, ", noted[-2])
        assert re.fullmatch(rf"job {JOB}: status completed, \d+ bytes", noted[-1])
        assert repr(stream("https://api.lingo.dev/v1")) == "EventStream(wss://api.lingo.dev/v1)"

    def test_cancelling_hangs_up_at_once(self) -> None:
        gone = asyncio.Event()

        async def stays(connection: ServerConnection) -> None:
            await connection.send(snapshot("in_progress"))
            await connection.wait_closed()
            gone.set()

        async def work() -> None:
            async with Scripted(stays).served() as server:
                first = asyncio.Event()

                async def watching() -> None:
                    async for _ in stream(server.url).watch(JOB):
                        first.set()

                task = asyncio.create_task(watching())
                await asyncio.wait_for(first.wait(), 10)
                task.cancel()
                async with asyncio.timeout(1):
                    await asyncio.wait([task])
                    await gone.wait()
                assert task.cancelled()

        run(work())

    def test_who_stops_listening_leaves_no_connection_behind(self) -> None:
        gone = asyncio.Event()

        async def stays(connection: ServerConnection) -> None:
            await connection.send(snapshot("in_progress"))
            await connection.wait_closed()
            gone.set()

        async def work() -> None:
            async with Scripted(stays).served() as server:
                async with contextlib.aclosing(stream(server.url).watch(JOB)) as news:
                    assert await anext(news) == News(JOB, "in_progress")
                await asyncio.wait_for(gone.wait(), 1)

        run(work())

    def test_a_waiting_tls_connection_costs_little_memory(
        self, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Both ends are in this process: asyncio's 256 KiB each would make it far over half a megabyte."""
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))
        connections = 20

        async def stays(connection: ServerConnection) -> None:
            await connection.send(snapshot("in_progress"))
            await connection.wait_closed()

        async def work() -> int:
            async with Scripted(stays).served(tls=certificate.context) as server:
                events = stream(server.url.replace("http:", "https:"))
                watches = [events.watch(JOB) for _ in range(connections + 1)]
                assert await anext(watches[0]) == News(JOB, "in_progress")
                before = tracemalloc.get_traced_memory()[0]
                for watch in watches[1:]:
                    assert await anext(watch) == News(JOB, "in_progress")
                cost = tracemalloc.get_traced_memory()[0] - before
                for watch in watches:
                    await watch.aclose()
                return cost // connections

        tracemalloc.start()
        try:
            assert run(work()) < 450_000
        finally:
            tracemalloc.stop()

    def test_three_hundred_jobs_at_once_in_few_handshakes(self) -> None:
        now = most = 0

        async def slow(connection: ServerConnection, request: Upgrade) -> None:
            nonlocal now, most
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.01)
            now -= 1

        async def told(connection: ServerConnection) -> None:
            assert connection.request is not None
            await connection.send(snapshot("completed", job_id=connection.request.path.split("/")[3]))

        async def work() -> list[News]:
            async with serve(told, "127.0.0.1", 0, process_request=slow, close_timeout=0.2) as server:
                port = next(iter(server.sockets)).getsockname()[1]
                events = stream(f"http://127.0.0.1:{port}")

                async def one(job_id: str) -> News:
                    heard = [news async for news in events.watch(job_id)]
                    assert isinstance(heard[-1], News)
                    return heard[-1]

                async with asyncio.timeout(30):
                    return await asyncio.gather(*(one(f"pjb_{n}") for n in range(300)))

        assert run(work()) == [News(f"pjb_{n}", "completed") for n in range(300)]
        assert 1 < most <= HANDSHAKES


def test_a_message_without_a_job_is_about_the_sockets_own() -> None:
    assert heard_in(b'{"type":"provisioning.snapshot","status":"completed"}', JOB) == News(JOB, "completed")
