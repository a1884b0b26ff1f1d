"""GitHub's REST API, one request at a time: what was answered, in the words a person needs, and how long to keep away.

Nothing is raised for what GitHub says or does not say: a caller that runs for months takes every answer as one more
fact. The token goes to the configured address only: HTTPS unless that is this machine, and no redirect is followed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self

import httpx

from reconciler.adapters.github.limits import pause_of
from reconciler.adapters.platform.endpoint import (
    Endpoint,
    parse_endpoint,
    proxy_for,
    tls_context,
    user_agent,
    without_key,
)
from reconciler.adapters.platform.unreachable import why_unreachable
from reconciler.core.errors import InvalidInput
from reconciler.core.platform.job import shorten

PUBLIC = "https://api.github.com"
_VERSION = "2022-11-28"  # of the API
_LONGEST = 1 << 20  # bytes read of an answer


class Timeouts(NamedTuple):
    """Seconds; `silence` while reading or writing, `total` for the whole exchange."""

    connect: float = 10.0
    silence: float = 30.0
    total: float = 60.0


TIMEOUTS = Timeouts()


class Answer(NamedTuple):
    """`status` is None when no answer came. `message` is what GitHub says, or why nothing came: one line, without the
    token. `pause` is the seconds for which GitHub asks to be left alone."""

    status: int | None
    message: str
    document: Mapping[str, Any]
    pause: float | None = None


class GitHub:
    """A connection to the API. An async context manager, closed at its end.

    Raises `PlatformError` for a proxy or certificates that cannot be used.
    """

    def __init__(self, endpoint: Endpoint, timeouts: Timeouts = TIMEOUTS) -> None:
        self._endpoint = endpoint
        self._total = timeouts.total
        self._proxied = proxy_for(endpoint) is not None
        self._client = httpx.AsyncClient(
            headers={"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": _VERSION}
            | {"User-Agent": user_agent(), "Accept-Encoding": "identity"},
            verify=tls_context() if endpoint.secure else False,
            proxy=proxy_for(endpoint),
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(timeouts.silence, connect=timeouts.connect),
            limits=httpx.Limits(max_connections=2, keepalive_expiry=20.0),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def ask(self, method: str, *segments: str, token: str, content: bytes | None = None) -> Answer:
        """One request, once. `content` is JSON."""
        headers = {"Authorization": f"Bearer {token}"}
        if content is not None:
            headers["Content-Type"] = "application/json"
        url = self._endpoint.http(*segments)
        try:
            async with (
                asyncio.timeout(self._total),
                self._client.stream(method, url, headers=headers, content=content) as response,
            ):
                body = await _body_of(response)
        except (httpx.HTTPError, OSError) as error:  # a TimeoutError is an OSError, and so is what TLS raises
            return Answer(None, without_key(self._why(error), token), {})
        document = _document_of(body)
        message = without_key(_message_of(response, document), token)
        return Answer(response.status_code, message, document, _pause_of(response, message))

    def _why(self, error: Exception) -> str:
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return why_unreachable(error, self._endpoint, self._proxied).message
        if isinstance(error, httpx.TimeoutException | TimeoutError):
            return f"{self._endpoint.authority} did not answer in time"
        return f"the connection to {self._endpoint.authority} broke: {shorten(str(error)) or type(error).__name__}"


def github_endpoint(address: str) -> Endpoint:
    """Where the API is. Raises `InvalidInput` for an address that a token must not be sent to."""
    try:
        return parse_endpoint(address)
    except InvalidInput as error:
        raise InvalidInput(
            "GITHUB_API_URL must be https:// and a host (http:// only for this machine), without user, query or blanks",
            hint=f"such as {PUBLIC}, or https://HOST/api/v3 for GitHub Enterprise Server",
        ) from error


async def _body_of(response: httpx.Response) -> bytes:
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part[: _LONGEST - len(body)]
        if len(body) >= _LONGEST:
            break
    return bytes(body)


def _document_of(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _message_of(response: httpx.Response, document: Mapping[str, Any]) -> str:
    said = document.get("message")
    said = shorten(said) if isinstance(said, str) else ""
    return said or shorten(response.reason_phrase) or "no reason given"


def _pause_of(response: httpx.Response, message: str) -> float | None:
    """As for a limit also where GitHub is not there for a while, and says until when."""
    told = response.status_code == 503 and "retry-after" in response.headers
    return pause_of(429 if told else response.status_code, response.headers, message.encode())
