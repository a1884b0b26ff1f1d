"""Lists the organization's engines over MCP (docs/platform.md), under the rules that every connection obeys.

For looking only. One try, in a bounded time: whoever asks goes on without an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from reconciler import __version__
from reconciler.adapters.platform.endpoint import Endpoint, parse_endpoint
from reconciler.adapters.platform.exchange import Connections, Lost, Reply, Timeouts, Unreached
from reconciler.core.commands import key_variable
from reconciler.core.errors import PlatformError
from reconciler.core.platform.job import message_of
from reconciler.core.platform.listing import Listing
from reconciler.core.platform.mcp import (
    CALL,
    HANDSHAKE,
    answer_in,
    call,
    confirmation,
    handshake,
    listing_in,
    session_of,
    version_of,
)

Attach = Callable[[Callable[[], object]], None]

MOST = 16 * 1024 * 1024  # bytes of a list; an engine has a few hundred
_HEADERS = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
_SETTING = "RECONCILE_MCP_URL"
_REFUSED_KEY = (401, 403)
_TRY_LATER = 429
_FAREWELL = 1.0  # seconds for the server to let go of a session


def list_engines(mcp_url: str, api_key: str, seconds: float, attach: Attach | None = None) -> Listing:
    """The engines that the platform lists. That one is missing there says nothing. `attach` is given what ends the
    look early.

    Raises `InvalidInput` for an address or key that must not be used, `PlatformError` when no list comes in time.
    """
    try:
        return asyncio.run(_listed(mcp_url, api_key, seconds, attach))
    except asyncio.CancelledError as error:
        raise PlatformError("the lookup was interrupted") from error


async def _listed(mcp_url: str, api_key: str, seconds: float, attach: Attach | None) -> Listing:
    task = asyncio.current_task()
    if attach is not None and task is not None:
        attach(task.cancel)
    endpoint = parse_endpoint(mcp_url)
    limits = Timeouts(connect=seconds, write=seconds, read=seconds, total=seconds)
    connections = Connections(endpoint, api_key, 1, limits, most=MOST)
    try:
        async with asyncio.timeout(seconds):
            return await _Conversation(connections, endpoint).listed()
    except TimeoutError as error:
        raise PlatformError(
            f"{endpoint.authority} did not list its engines within {seconds:g} seconds", retryable=True
        ) from error
    finally:
        await connections.close()


class _Conversation:
    """From the handshake to the list."""

    def __init__(self, connections: Connections, endpoint: Endpoint) -> None:
        self._connections = connections
        self._url = endpoint.http()
        self._place = endpoint.authority

    async def listed(self) -> Listing:
        greeting = await self._post(handshake(__version__), {}, HANDSHAKE)
        answer = answer_in(greeting.body, HANDSHAKE)
        session = session_of(greeting.session)
        headers = {"MCP-Protocol-Version": version_of(answer)}
        headers |= {"Mcp-Session-Id": session} if session is not None else {}
        try:
            if answer is not None and "result" in answer:
                await self._post(confirmation(), headers)
            # Who knows of no handshake may answer all the same.
            reply = await self._post(call(), headers, CALL)
        finally:
            if session is not None:
                await self._end(headers)
        return self._read(reply)

    def _read(self, reply: Reply) -> Listing:
        answer = answer_in(reply.body, CALL)
        if answer is not None:
            return listing_in(answer)
        if len(reply.body) >= MOST:
            raise PlatformError(f"the list of engines of {self._place} is longer than {MOST:,} bytes")
        raise PlatformError(f"what {self._place} answered is no answer of MCP", hint=f"check {_SETTING}")

    async def _post(self, content: bytes, headers: Mapping[str, str], number: int | None = None) -> Reply:
        """Raises `PlatformError` where nothing usable is answered."""
        outcome = await self._connections.exchange(
            "POST",
            self._url,
            {**_HEADERS, **headers},
            content,
            is_enough=None if number is None else lambda body: answer_in(body, number) is not None,
        )
        if isinstance(outcome, Unreached):
            cause = outcome.cause
            hint = cause.hint.replace("LINGO_API_URL", _SETTING)
            raise PlatformError(cause.message, hint=hint, retryable=not cause.lasting)
        if isinstance(outcome, Lost):
            raise PlatformError(f"{self._place} did not list its engines: {outcome.reason}", retryable=True)
        if 200 <= outcome.status < 300 or number is None or answer_in(outcome.body, number) is not None:
            return outcome
        raise PlatformError(
            f"{self._place} lists no engines ({outcome.status}): {message_of(outcome.status, outcome.body)}",
            hint=_hint(outcome.status),
            status=outcome.status,
            retryable=outcome.status >= 500,
        )

    async def _end(self, headers: Mapping[str, str]) -> None:
        """Sessions cost the server; that it does not hear of the end does no harm."""
        try:
            async with asyncio.timeout(_FAREWELL):
                await self._connections.exchange("DELETE", self._url, headers)
        except TimeoutError:
            return


def _hint(status: int) -> str:
    if status in _REFUSED_KEY:
        return f"check {key_variable()}"
    return "try again later" if status == _TRY_LATER or status >= 500 else f"check {_SETTING}"
