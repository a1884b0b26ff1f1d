"""Listing engines over MCP, against the sandbox and against far ends that do worse."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from reconciler.adapters.platform import mcp
from reconciler.adapters.platform.mcp import list_engines
from reconciler.core.errors import InvalidInput, PlatformError
from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.settings import SandboxSettings
from tests import plain_http
from tests.adapters.calls import closed_port
from tests.adapters.far_ends import Certificate, Request, answers, far_end, raw, says_nothing

KEY = "sandbox-key"
SECONDS = 20.0


@pytest.fixture(scope="module")
def platform() -> Iterator[SandboxServer]:
    with SandboxServer(SandboxSettings()) as server:
        for name in ("Acme", "Shop"):
            plain_http.post(
                f"{server.url}/jobs/provisioning",
                json={"engine": {"name": name}},
                headers={"X-API-Key": KEY},
                trust_env=False,
            ).raise_for_status()
        yield server


@pytest.fixture
def sandbox(platform: SandboxServer) -> Iterator[SandboxServer]:
    yield platform
    platform.faults.clear()


def names(sandbox: SandboxServer, path: str = "/mcp") -> list[str | None]:
    return [one.name for one in list_engines(sandbox.url + path, KEY, SECONDS).engines]


def test_engines_with_their_times_and_the_session_is_ended(sandbox: SandboxServer) -> None:
    before = len(sandbox.requests())
    listing = list_engines(f"{sandbox.url}/account", KEY, SECONDS)
    assert [one.name for one in listing.engines] == ["Acme", "Shop"]
    assert listing.complete
    assert all(abs((one.created_at or 0) - time.time()) < 600 for one in listing.engines)
    asked = sandbox.requests()[before:]
    assert [(one.method, one.status) for one in asked] == [
        ("POST", 200),
        ("POST", 202),
        ("POST", 200),
        ("DELETE", 204),
    ]
    assert {one.headers.get("mcp-protocol-version") for one in asked[1:]} == {"2025-06-18"}


@pytest.mark.parametrize("shape", range(8))
def test_the_same_engines_in_every_shape(sandbox: SandboxServer, shape: int) -> None:
    sandbox.faults.add("mcp", f"shape={shape}")
    assert names(sandbox) == ["Acme", "Shop"]


@pytest.mark.parametrize("fault", ["json", "open-stream", "slow=0.1", "huge=200", "no-times"])
def test_what_is_only_unusual_is_read(sandbox: SandboxServer, fault: str) -> None:
    sandbox.faults.add("mcp", fault)
    assert names(sandbox) == ["Acme", "Shop"]


def test_jobs_are_known_where_they_are_listed(sandbox: SandboxServer) -> None:
    sandbox.faults.add("mcp", "with-jobs")
    jobs = {job["engineId"]: job["jobId"] for job in sandbox.jobs()}
    listing = list_engines(f"{sandbox.url}/mcp", KEY, SECONDS)
    assert {one.engine_id: one.job_id for one in listing.engines} == jobs


def test_an_empty_and_a_huge_list(sandbox: SandboxServer) -> None:
    sandbox.faults.add("mcp", "empty-list")
    assert names(sandbox) == []
    sandbox.faults.add("mcp", "huge-list=25000")
    listing = list_engines(f"{sandbox.url}/mcp", KEY, SECONDS)
    assert (len(listing.engines), listing.complete) == (20_000, False)


@pytest.mark.parametrize(
    ("fault", "said", "hint"),
    [
        ("tool-error=No access", "the platform's tool failed: No access", None),
        ("rpc-error", "refused to list its engines: Something went wrong", None),
        ("rpc-error=32601", "offers no list of engines there", None),
        ("not-json", "no list of engines: You have some engines", None),
        ("status=401", "lists no engines (401)", "check LINGO_API_KEY"),
        ("status=404", "lists no engines (404)", "check RECONCILE_MCP_URL"),
        ("status=429", "lists no engines (429): Daily token quota", "try again later"),
        ("status=500", "lists no engines (500)", "try again later"),
        ("html", "lists no engines (502): bad gateway", "try again later"),
        ("html-200", "is no answer of MCP", "check RECONCILE_MCP_URL"),
        ("redirect", "redirects are not followed", "check RECONCILE_MCP_URL"),
        ("garbage", "is no answer of MCP", "check RECONCILE_MCP_URL"),
        ("empty", "is no answer of MCP", "check RECONCILE_MCP_URL"),
        ("huge", "lists no engines (500): huge", "try again later"),
        *((f"odd={shape}", "is no answer of MCP", "check RECONCILE_MCP_URL") for shape in range(7)),
        ("drop", "the connection ended before an answer arrived", None),
        ("lost-answer", "the connection ended before an answer arrived", None),
        ("no-message", "lists no engines (500)", "try again later"),
        ("error-after=503", "lists no engines (503)", "try again later"),
    ],
)
def test_everything_else_is_told(sandbox: SandboxServer, fault: str, said: str, hint: str | None) -> None:
    sandbox.faults.add("mcp", fault)
    with pytest.raises(PlatformError) as caught:
        list_engines(f"{sandbox.url}/mcp", KEY, SECONDS)
    assert said in caught.value.message
    assert caught.value.hint == hint


@pytest.mark.parametrize("fault", ["hang", "hang-before", "slow=30"])
def test_it_waits_no_longer_than_it_may(sandbox: SandboxServer, fault: str) -> None:
    sandbox.faults.add("mcp", fault)
    with pytest.raises(PlatformError, match=r"within 0\.3 seconds"):
        list_engines(f"{sandbox.url}/mcp", KEY, 0.3)


def test_addresses_and_keys(sandbox: SandboxServer) -> None:
    with pytest.raises(PlatformError, match=r"lists no engines \(404\)"):
        list_engines(f"{sandbox.url}/nothing", KEY, SECONDS)
    with pytest.raises(PlatformError, match=r"lists no engines \(401\)"):
        list_engines(f"{sandbox.url}/mcp", "another-key", SECONDS)
    with pytest.raises(PlatformError, match="refuses connections") as caught:
        list_engines(f"http://127.0.0.1:{closed_port()}/mcp", KEY, SECONDS)
    assert "RECONCILE_MCP_URL" in (caught.value.hint or "")
    with pytest.raises(InvalidInput, match="plain http"):
        list_engines("http://mcp.example/account", KEY, SECONDS)
    with pytest.raises(InvalidInput, match="the API key contains"):
        list_engines(f"{sandbox.url}/mcp", "a\nb", SECONDS)


def test_a_list_that_is_too_long_is_told(sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp, "MOST", 1000)
    sandbox.faults.add("mcp", "huge-list=100")
    with pytest.raises(PlatformError, match="longer than 1,000 bytes"):
        list_engines(f"{sandbox.url}/mcp", KEY, SECONDS)


def test_a_certificate_that_is_not_trusted(certificate: Certificate) -> None:
    async def work() -> None:
        async with far_end(says_nothing, certificate.context) as end:
            await asyncio.to_thread(list_engines, f"https://127.0.0.1:{end.port}/account", KEY, SECONDS)

    with pytest.raises(PlatformError, match="is not trusted"):
        asyncio.run(work())


def test_no_handshake_is_needed_and_no_key_comes_back() -> None:
    """A server of one answer, whatever is asked, that repeats the key."""
    text = f'[{{\\"id\\": \\"eng_1\\", \\"name\\": \\"{KEY}\\"}}, {{\\"id\\": \\"{KEY}\\"}}]'
    body = f'{{"jsonrpc": "2.0", "id": 2, "result": {{"content": [{{"type": "text", "text": "{text}"}}]}}}}'
    seen: list[Request] = []

    async def work() -> list[tuple[str, str | None]]:
        async with far_end(answers(raw(200, body.encode()))) as end:
            listing = await asyncio.to_thread(list_engines, end.url, KEY, SECONDS)
            seen.extend(end.requests)
            return [(one.engine_id, one.name) for one in listing.engines]

    assert asyncio.run(work()) == [("eng_1", "•••")]
    assert len(seen) == 2


def test_a_far_end_that_says_nothing() -> None:
    async def work() -> None:
        async with far_end(says_nothing) as end:
            await asyncio.to_thread(list_engines, end.url, KEY, 0.3)

    with pytest.raises(PlatformError, match="seconds"):
        asyncio.run(work())
