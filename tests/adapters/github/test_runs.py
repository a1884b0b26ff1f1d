from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from reconciler.adapters.github.runs import run_has_ended
from tests.adapters.calls import closed_port
from tests.adapters.far_ends import (
    Answering,
    Certificate,
    answers,
    far_end,
    hangs_up_after,
    raw,
    says_nothing,
)

RUN = "https://github.com/acme/engines/actions/runs/4711"
TOKEN = "ghs_do_not_tell"


def asked(answering: Answering, run_url: str = RUN) -> tuple[bool, list[tuple[str, str, str | None]]]:
    """What came of it, and the requests: method, path, authorization."""

    async def ask() -> tuple[bool, list[tuple[str, str, str | None]]]:
        async with far_end(answering) as end:
            ended = await asyncio.to_thread(run_has_ended, run_url, end.url, TOKEN, timeout=0.5)
            return ended, [(one.method, one.path, one.headers.get("authorization")) for one in end.requests]

    return asyncio.run(ask())


def status(word: object, code: int = 200) -> Answering:
    return answers(raw(code, json.dumps({"id": 4711, "status": word}).encode()))


def test_a_completed_run_has_ended() -> None:
    ended, requests = asked(status("completed"))
    assert ended
    assert requests == [("GET", "/repos/acme/engines/actions/runs/4711", f"Bearer {TOKEN}")]


@pytest.mark.parametrize(
    "word", ["in_progress", "queued", "waiting", "requested", "", None, 1, ["completed"]]
)
def test_any_other_status_is_no_end(word: object) -> None:
    assert asked(status(word))[0] is False


@pytest.mark.parametrize("code", [301, 401, 403, 404, 429, 500, 503])
def test_any_other_code_is_no_end(code: int) -> None:
    assert asked(status("completed", code))[0] is False


@pytest.mark.parametrize(
    "answering",
    [
        answers(raw(200, b"<html>")),
        answers(raw(200, b"")),
        answers(raw(200, b"[]")),
        answers(raw(200, b'"completed"')),
        answers(raw(200, b"\xff\xfe")),
        answers(raw(200, b"[" * 100_000)),
        answers(raw(200, b'{"status": "completed", "more": "' + b"x" * (1 << 20) + b'"}')),
        hangs_up_after(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
        hangs_up_after(b"nonsense\r\n\r\n"),
        says_nothing,
    ],
)
def test_nonsense_is_no_end(answering: Answering) -> None:
    assert asked(answering)[0] is False


def test_redirects_are_not_followed_and_the_token_goes_nowhere_else() -> None:
    async def ask() -> None:
        async with far_end(status("completed")) as elsewhere:
            redirect = answers(raw(302, b"", f"Location: {elsewhere.url}/x"))
            async with far_end(redirect) as end:
                assert not await asyncio.to_thread(run_has_ended, RUN, end.url, TOKEN)
            assert elsewhere.requests == []

    asyncio.run(ask())


def test_the_host_in_the_lease_is_not_the_one_that_is_asked() -> None:
    """Anybody who can push may write a lease."""

    async def ask() -> None:
        async with far_end(status("completed")) as evil, far_end(status("in_progress")) as end:
            url = f"{evil.url}/acme/engines/actions/runs/4711"
            assert not await asyncio.to_thread(run_has_ended, url, end.url, TOKEN)
            assert evil.requests == []
            assert len(end.requests) == 1

    asyncio.run(ask())


@pytest.mark.parametrize(
    "run_url",
    [
        "",
        "https://github.com/acme/engines",
        "https://gitlab.com/acme/engines/-/jobs/1",
        "https://github.com/acme/engines/actions/runs/x",
        "https://github.com/acme/../../actions/runs/1",
        "https://github.com/acme/en%67ines?x/actions/runs/1",
        "https://[bad/acme/engines/actions/runs/1",
    ],
)
def test_what_is_no_run_is_not_asked_about(run_url: str) -> None:
    assert asked(status("completed"), run_url) == (False, [])


def test_the_token_is_sent_over_https_only_unless_to_this_machine(certificate: Certificate) -> None:
    assert not run_has_ended(RUN, "http://api.github.invalid", TOKEN)
    assert not run_has_ended(RUN, "ftp://127.0.0.1", TOKEN)

    async def untrusted() -> int:
        async with far_end(status("completed"), certificate.context) as end:
            assert not await asyncio.to_thread(run_has_ended, RUN, end.url, TOKEN)
            return len(end.requests)

    assert asyncio.run(untrusted()) == 0


def test_without_a_network_nothing_is_known(tmp_path: Path) -> None:
    assert not run_has_ended(RUN, f"http://127.0.0.1:{closed_port()}", TOKEN)
