"""The platform client against real sockets: the sandbox for what is documented, far ends of our own for the rest."""

from __future__ import annotations

import asyncio
import json

import pytest

from reconciler.adapters.platform.exchange import MAX_BODY, Timeouts
from reconciler.core.engine.spec import Source, Spec
from reconciler.core.errors import PlatformError
from reconciler.core.platform.job import Accepted, Answer, Refused, Uncertain
from tests.adapters.calls import ACCEPTED, SPEC, Pauses, client, closed_port, create, run, until
from tests.adapters.far_ends import (
    KEY,
    Request,
    answers,
    far_end,
    hangs_up_after,
    raw,
    says_nothing,
)


def answer_to(*replies: bytes) -> tuple[Answer, list[Request], Pauses]:
    """What one create call comes to when the far end answers so; with the requests it saw."""

    async def work() -> tuple[Answer, list[Request], Pauses]:
        pauses = Pauses()
        async with far_end(answers(*replies)) as end:
            return await create(end.url, pauses), end.requests, pauses

    return run(work())


class TestWhatIsSent:
    def send(self, spec: Spec, callback_url: str | None) -> Request:
        async def work() -> Request:
            async with far_end(answers(ACCEPTED)) as end, client(end.url + "/api/") as platform:
                assert await platform.create("op-77", spec, callback_url) == Accepted("pjb_1", "eng_1")
                return end.requests[0]

        return run(work())

    def test_the_documented_fields_and_no_other(self) -> None:
        spec = Spec(
            "Acmé",
            "für alle",
            ("de", "fr"),
            (Source("link", "https://acme.com/x"), Source("content", "Sie-Form\n", "engines/glossary.md")),
        )
        request = self.send(spec, "https://hooks.acme.com/op-77")
        assert (request.method, request.path) == ("POST", "/api/jobs/provisioning")
        assert json.loads(request.body) == {
            "engine": {"name": "Acmé", "description": "für alle"},
            "locales": ["de", "fr"],
            "sources": [
                {"type": "link", "payload": "https://acme.com/x"},
                {"type": "content", "payload": "Sie-Form\n"},
            ],
            "callbackUrl": "https://hooks.acme.com/op-77",
        }

    def test_what_is_empty_is_left_out(self) -> None:
        assert json.loads(self.send(Spec("Acme", ""), None).body) == {"engine": {"name": "Acme"}}

    def test_headers(self) -> None:
        headers = self.send(SPEC, None).headers
        assert headers["x-api-key"] == KEY
        assert headers["idempotency-key"] == "op-77"
        assert headers["content-type"] == "application/json"
        assert headers["user-agent"].startswith("reconcile/")

    def test_half_a_surrogate_pair_does_not_stop_the_call(self) -> None:
        body = self.send(Spec("Acme \ud83d"), None).body
        assert json.loads(body) == {"engine": {"name": "Acme \ud83d"}}


class TestAnswers:
    @pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 422])
    def test_refusals_keep_the_platforms_words(self, status: int) -> None:
        answer, requests, _ = answer_to(raw(status, b'{"message":"no, because","_tag":"X"}'))
        assert answer == Refused("no, because", status)
        assert len(requests) == 1

    @pytest.mark.parametrize("status", [408, 500, 501, 502, 504, 520])
    def test_uncertain_is_never_repeated(self, status: int) -> None:
        answer, requests, _ = answer_to(raw(status, b"<html>oops</html>"))
        assert isinstance(answer, Uncertain)
        assert str(status) in answer.reason
        assert len(requests) == 1

    @pytest.mark.parametrize(
        "body", [b"", b"<html>", b'{"jobId":"pjb_1"', b"[]", b'{"jobId":1,"engineId":"e"}', b"\xff"]
    )
    def test_a_success_that_cannot_be_read_is_uncertain(self, body: bytes) -> None:
        answer, requests, _ = answer_to(raw(202, body))
        assert isinstance(answer, Uncertain)
        assert len(requests) == 1

    def test_a_huge_body_is_cut_and_judged(self) -> None:
        refused, _, _ = answer_to(raw(400, b'{"message":"' + b"x" * 50 * MAX_BODY + b'"}'))
        assert refused == Refused("the request is not valid", 400)
        huge = b'{"jobId":"pjb_1","engineId":"eng_1","junk":"' + b"x" * MAX_BODY + b'"}'
        accepted, _, _ = answer_to(raw(202, huge))
        assert isinstance(accepted, Uncertain)

    def test_a_short_throttle_is_waited_out_twice(self) -> None:
        throttled = raw(429, b'{"message":"quota"}', "Retry-After: 7")
        answer, requests, pauses = answer_to(throttled)
        assert answer == Refused("quota", 429)
        assert (len(requests), pauses) == (3, [7.0, 7.0])
        assert len({request.headers["idempotency-key"] for request in requests}) == 1

    def test_a_throttle_that_passes(self) -> None:
        answer, _, pauses = answer_to(raw(429, b"", "Retry-After: 1"), ACCEPTED)
        assert answer == Accepted("pjb_1", "eng_1")
        assert pauses == [1.0]

    def test_a_date_to_retry_after_is_measured_on_the_platforms_own_clock(self) -> None:
        dates = ("Date: Mon, 05 Jan 2026 10:00:00 GMT", "Retry-After: Mon, 05 Jan 2026 10:00:20 GMT")
        answer, _, pauses = answer_to(raw(429, b"", *dates), ACCEPTED)
        assert isinstance(answer, Accepted)
        assert pauses == [20.0]

    @pytest.mark.parametrize("header", ["Retry-After: 3600", "Retry-After: soon", "X-Nothing: 1"])
    def test_a_long_throttle_ends_at_once(self, header: str) -> None:
        answer, requests, pauses = answer_to(raw(429, b"", header))
        assert answer == Refused("the daily quota is exhausted", 429)
        assert (len(requests), pauses) == (1, [])

    def test_its_own_unavailability_is_waited_out(self) -> None:
        own = raw(503, b'{"message": "busy"}', "Retry-After: 2")
        answer, requests, pauses = answer_to(own, own, ACCEPTED)
        assert isinstance(answer, Accepted)
        assert len(requests) == 3
        assert pauses == [2.0, 2.0]

    def test_unavailable_for_good_is_refused(self) -> None:
        answer, requests, _ = answer_to(raw(503, b'{"message": "busy"}', "Retry-After: 2"))
        assert answer == Refused("busy", 503)
        assert len(requests) == 3

    @pytest.mark.parametrize("header", ["Retry-After: 2", "X-Nothing: 1"])
    def test_a_gateways_503_is_never_repeated(self, header: str) -> None:
        answer, requests, _ = answer_to(raw(503, b"<html>", header))
        assert isinstance(answer, Uncertain)
        assert len(requests) == 1

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_no_redirect_is_followed(self, status: int) -> None:
        async def work() -> tuple[Answer, int, int]:
            async with (
                far_end(answers(ACCEPTED)) as other,
                far_end(answers(raw(status, b"", f"Location: {other.url}/jobs/provisioning"))) as end,
            ):
                return await create(end.url), len(end.requests), other.connections

        answer, asked, followed = run(work())
        assert isinstance(answer, Refused)
        assert answer.status == status
        assert answer.halts
        assert (asked, followed) == (1, 0)

    def test_a_redirect_to_nonsense_is_refused_too(self) -> None:
        answer, _, _ = answer_to(raw(302, b"", "Location: http://[::bad"))
        assert isinstance(answer, Refused)

    def test_the_key_is_blotted_out_of_what_the_platform_says(self) -> None:
        refused, _, _ = answer_to(raw(401, json.dumps({"message": f"bad key {KEY}!"}).encode()))
        assert refused == Refused("bad key •••!", 401)

    def test_an_id_that_holds_the_key_is_none(self) -> None:
        document = {"jobId": f"pjb_{KEY}", "engineId": "eng_1"}
        answer, _, _ = answer_to(raw(202, json.dumps(document).encode()))
        assert isinstance(answer, Uncertain)
        assert "its jobId is not an ID" in answer.reason
        assert KEY not in answer.reason
        uncertain, _, _ = answer_to(raw(500, json.dumps({"message": KEY}).encode()))
        assert isinstance(uncertain, Uncertain)
        assert KEY not in uncertain.reason


class TestBrokenConnections:
    """After a byte may have left, whatever happens: uncertain, and exactly one request."""

    @pytest.mark.parametrize(
        "reply",
        [
            b"",
            b"HTTP/1.1 202 Acc",
            b"\x16\x03\x01\x00garbage\r\n\r\n",
            b"SSH-2.0-OpenSSH_9.6\r\n",
            raw(202, b"x" * 100)[:-60],
            b"HTTP/1.1 202 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"HTTP/1.1 202 OK\r\nX-Big: " + b"x" * 200_000,
        ],
        ids=[
            "nothing",
            "half a head",
            "garbage",
            "another protocol",
            "half a body",
            "bad chunk",
            "endless head",
        ],
    )
    def test_half_answers(self, reply: bytes) -> None:
        async def work() -> tuple[Answer, int]:
            async with far_end(hangs_up_after(reply)) as end:
                return await create(end.url), len(end.requests)

        answer, asked = run(work())
        assert isinstance(answer, Uncertain)
        assert asked == 1

    def test_a_refusal_whose_body_breaks_off_is_still_a_refusal(self) -> None:
        async def work() -> Answer:
            async with far_end(hangs_up_after(raw(400, b"x" * 100)[:-60])) as end:
                return await create(end.url)

        assert run(work()) == Refused("the request is not valid", 400)

    def test_silence_is_uncertain(self) -> None:
        async def work() -> tuple[Answer, int]:
            async with far_end(says_nothing) as end:
                return await create(end.url), len(end.requests)

        assert run(work()) == (Uncertain("no answer arrived within 0.3 seconds"), 1)

    def test_an_answer_that_drips_is_cut_by_the_total_time(self) -> None:
        async def drip(request: Request, writer: asyncio.StreamWriter) -> None:
            for _ in range(100):
                writer.write(b"H")
                await writer.drain()
                await asyncio.sleep(0.1)

        async def work() -> Answer:
            async with far_end(drip) as end:
                return await create(end.url)

        answer = run(work())
        assert answer == Uncertain("no answer arrived within 1 seconds")

    def test_a_kept_connection_that_dies_under_the_next_call(self) -> None:
        """The classic trap: clients like to send such a request again by themselves."""
        calls = 0

        async def once(request: Request, writer: asyncio.StreamWriter) -> bool:
            nonlocal calls
            calls += 1
            writer.write(ACCEPTED if calls == 1 else b"")
            return calls == 1

        async def work() -> tuple[Answer, Answer, int, int]:
            async with far_end(once) as end, client(end.url) as platform:
                first = await platform.create("op-1", SPEC, None)
                second = await platform.create("op-2", SPEC, None)
                return first, second, len(end.requests), end.connections

        first, second, asked, connections = run(work())
        assert isinstance(first, Accepted)
        assert isinstance(second, Uncertain)
        assert (asked, connections) == (2, 1)

    def test_a_kept_connection_closed_while_idle_is_replaced(self) -> None:
        async def work() -> tuple[Answer, int]:
            async with far_end(answers(ACCEPTED)) as end, client(end.url) as platform:
                await platform.create("op-1", SPEC, None)
                await end.close_connections()
                return await platform.create("op-2", SPEC, None), end.connections

        assert run(work()) == (Accepted("pjb_1", "eng_1"), 2)

    def test_cancelling_is_passed_on_and_hangs_up(self) -> None:
        async def work() -> None:
            async with far_end(says_nothing) as end, client(end.url, timeouts=Timeouts()) as platform:
                call = asyncio.create_task(platform.create("op-1", SPEC, None))
                await until(lambda: bool(end.requests))
                call.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await call
                await asyncio.wait_for(end.gone.wait(), 5)

        run(work())


class TestReading:
    def read(self, *replies: bytes, times: int = 1) -> tuple[list[object], list[Request]]:
        async def work() -> tuple[list[object], list[Request]]:
            async with far_end(answers(*replies)) as end, client(end.url) as platform:
                return [await platform.read_summary("pjb/1 ?") for _ in range(times)], end.requests

        return run(work())

    def test_the_summary_of_a_finished_job(self) -> None:
        body = b'{"status":"completed","summary":{"brandVoices":4,"glossaryItemIds":["a","b"]}}'
        summaries, requests = self.read(raw(200, body))
        assert summaries == [{"brandVoices": 4, "glossaryItems": 2}]
        assert (requests[0].method, requests[0].path) == ("GET", "/jobs/provisioning/pjb%2F1%20%3F")
        assert requests[0].headers["x-api-key"] == KEY

    @pytest.mark.parametrize("status", [404, 405, 501])
    def test_a_platform_that_does_not_offer_it_is_asked_once(self, status: int) -> None:
        assert self.read(raw(status), times=3)[0] == [None, None, None]
        assert len(self.read(raw(status), times=3)[1]) == 1

    @pytest.mark.parametrize(
        "reply", [raw(500), raw(200, b"<html>"), raw(200, b"[]"), raw(302, b"", "Location: /x")]
    )
    def test_other_failures_are_forgotten(self, reply: bytes) -> None:
        summaries, requests = self.read(reply, raw(200, b'{"instructions":6}'), times=2)
        assert summaries == [None, {"instructions": 6}]
        assert len(requests) == 2

    def test_a_platform_out_of_reach_has_no_summary(self) -> None:
        async def work() -> object:
            async with client(f"http://127.0.0.1:{closed_port()}") as platform:
                return await platform.read_summary("pjb_1")

        assert run(work()) is None

    def check(self, *replies: bytes) -> None:
        async def work() -> None:
            async with far_end(answers(*replies)) as end, client(end.url) as platform:
                await platform.check_key()
                assert end.requests[0].path == "/users/me"

        run(work())

    def test_a_valid_key(self) -> None:
        self.check(raw(200, b"{}"))

    @pytest.mark.parametrize(("status", "retryable"), [(401, False), (403, False), (404, False), (500, True)])
    def test_a_key_that_is_not_accepted(self, status: int, retryable: bool) -> None:
        with pytest.raises(PlatformError) as caught:
            self.check(raw(status, json.dumps({"message": f"what is {KEY}?"}).encode()))
        assert (caught.value.status, caught.value.retryable) == (status, retryable)
        assert KEY not in str(caught.value)

    def test_nobody_to_ask(self) -> None:
        async def work() -> None:
            async with client(f"http://127.0.0.1:{closed_port()}") as platform:
                await platform.check_key()

        with pytest.raises(PlatformError, match="refuses connections") as caught:
            run(work())
        assert caught.value.status is None


def test_no_more_requests_at_once_than_allowed() -> None:
    now = most = 0

    async def slowly(request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        writer.write(ACCEPTED)

    async def work() -> tuple[int, int]:
        async with far_end(slowly) as end, client(end.url, concurrency=3) as platform:
            results = await asyncio.gather(*(platform.create(f"op-{n}", SPEC, None) for n in range(20)))
            assert all(isinstance(result, Accepted) for result in results)
            return most, end.connections

    assert run(work()) == (3, 3)
