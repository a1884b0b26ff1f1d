"""One HTTP request and what became of it: an answer, nothing at all, or nobody knows.

Whether a byte of a request can have left is not guessed from the kind of error but told by the transport
itself, through httpcore's trace: an error before the request's first byte means that nothing happened, any
error after it that nobody knows.

httpx's transports are used directly, one for each request under way. A client on top would follow cookies and
parse redirects, neither of which is wanted, and its pool is scanned for every request: 32 at once on one pool
are half as fast as one at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from reconciler.adapters.platform.endpoint import Endpoint, check_key, proxy_for, tls_context, user_agent
from reconciler.adapters.platform.unreachable import Cause, why_unreachable
from reconciler.adapters.system import trail
from reconciler.adapters.system.httpx_library import httpx
from reconciler.core.platform.job import shorten
from reconciler.core.platform.scrub import scrub, scrub_body

MAX_BODY = 256 * 1024  # bytes read of an answer; the documented ones have a few hundred
_EVENT_ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r")
KEEP_ALIVE = 2.0  # seconds; servers usually allow 5, so no request of ours meets a closing connection


class Timeouts(NamedTuple):
    """Seconds. `read` is the longest silence, `total` the longest time until an answer begins, and again
    until it ends.
    """

    connect: float = 10.0
    write: float = 30.0
    read: float = 60.0
    total: float = 120.0


class Reply(NamedTuple):
    status: int
    body: bytes  # cut at the cap (`most`), or where the connection broke; without our key
    retry_after: str | None  # seconds
    session: str | None = None  # of MCP


class Unreached(NamedTuple):
    """The request never left: nothing happened."""

    cause: Cause


class Lost(NamedTuple):
    """The request may have left, and no answer came."""

    reason: str


class _Departure:
    """Follows a request through the transport, to know whether a byte of it can have left."""

    def __init__(self) -> None:
        self.followed = False
        self.left = False

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        self.followed = True
        if event.endswith("send_request_headers.started") and info["request"].method != b"CONNECT":
            self.left = True

    def definitely_not_sent(self, error: Exception) -> bool:
        # Without the trace (a transport of another make) only the errors of connecting itself are sure.
        never_connected = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError)
        return not self.left and (self.followed or never_connected)


class Connections:
    """The platform's connections, at most `concurrency` requests at once; `close` ends the idle ones. Of an answer
    `most` bytes are read.

    Raises `InvalidInput` for a key that must not be used, `PlatformError` for a proxy or certificates that
    cannot be.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        api_key: str,
        concurrency: int,
        timeouts: Timeouts,
        *,
        most: int = MAX_BODY,
    ) -> None:
        self._endpoint = endpoint
        self._most = most
        self._api_key = check_key(api_key)
        self._proxy = proxy_for(endpoint)
        self._tls = tls_context() if endpoint.secure else None
        self._timeouts = timeouts
        self._places = asyncio.Semaphore(concurrency)
        # The one used last is taken first: its connection is warm.
        self._idle: list[httpx.AsyncHTTPTransport] = []

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().aclose()

    async def exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        *,
        is_enough: Callable[[bytes], bool] | None = None,
    ) -> Reply | Unreached | Lost:
        """Sends one request, once. A cancelled call leaves the outcome of its request unknown.

        Of a stream that may never end, `is_enough` is asked after each event.
        """
        departure = _Departure()
        request = httpx.Request(
            method,
            url,
            headers={
                "X-API-Key": self._api_key,
                "User-Agent": user_agent(),
                "Accept": "application/json",
                "Accept-Encoding": "identity",  # so that the cap on what is read is one on memory too
                **(headers or {}),
            },
            content=content,
            extensions={"trace": departure, "timeout": self._timeouts_of_httpcore()},
        )
        async with self._transport() as transport:
            with trail.exchange(method, url, len(content or b"")) as answer:
                try:
                    async with asyncio.timeout(self._timeouts.total):
                        response = await transport.handle_async_request(request)
                except Exception as error:
                    if departure.definitely_not_sent(error):
                        return Unreached(self._cause(error))
                    return Lost(_reason(error, self._timeouts))
                reply = await self._received(response, is_enough)
                answer.status, answer.received = reply.status, len(reply.body)
                return reply

    def _timeouts_of_httpcore(self) -> dict[str, float | None]:
        limits = self._timeouts
        return {"connect": limits.connect, "write": limits.write, "read": limits.read, "pool": limits.connect}

    async def _received(self, response: httpx.Response, is_enough: Callable[[bytes], bool] | None) -> Reply:
        """The answer as far as it came: the status is known, so a broken body is judged like a cut one."""
        body = bytearray()
        # A TimeoutError is an OSError, and so is what TLS raises.
        with suppress(httpx.HTTPError, OSError):
            async with aclosing(response), asyncio.timeout(self._timeouts.total):
                async for chunk in response.aiter_raw():
                    body += chunk[: self._most - len(body)]
                    if len(body) >= self._most:
                        break
                    if is_enough is not None and body.endswith(_EVENT_ENDS) and is_enough(bytes(body)):
                        break
        return Reply(
            response.status_code,
            scrub_body(bytes(body), self._api_key),
            _retry_after(response.headers),
            response.headers.get("Mcp-Session-Id"),
        )

    def _cause(self, error: Exception) -> Cause:
        if isinstance(error, httpx.ProxyError):
            return Cause(
                f"the proxy refused the connection: {scrub(shorten(str(error)), [self._api_key])}",
                "check HTTPS_PROXY and NO_PROXY",
                lasting=str(error).startswith(("401", "403", "407")),
            )
        return why_unreachable(error, self._endpoint, self._proxy is not None)

    @asynccontextmanager
    async def _transport(self) -> AsyncIterator[httpx.AsyncHTTPTransport]:
        async with self._places:
            transport = self._idle.pop() if self._idle else self._new_transport()
            try:
                yield transport
            finally:
                self._idle.append(transport)

    def _new_transport(self) -> httpx.AsyncHTTPTransport:
        return httpx.AsyncHTTPTransport(
            verify=self._tls or False,  # False is for plain http, which has nothing to verify
            trust_env=False,  # proxy and certificates are ours to choose: the event stream uses the same
            proxy=self._httpx_proxy(),
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEEP_ALIVE),
        )

    def _httpx_proxy(self) -> httpx.Proxy | None:
        if self._proxy is None:
            return None
        # httpcore refuses a TLS context for a proxy that is spoken to in plain http.
        return httpx.Proxy(self._proxy, ssl_context=self._tls if self._proxy.startswith("https:") else None)


def _reason(error: Exception, timeouts: Timeouts) -> str:
    match error:
        case httpx.ReadTimeout():
            return f"no answer arrived within {timeouts.read:g} seconds"
        case httpx.WriteTimeout():
            return f"the request could not be sent in full within {timeouts.write:g} seconds"
        case TimeoutError():
            return f"no answer arrived within {timeouts.total:g} seconds"
        case httpx.RemoteProtocolError():
            return "the connection ended before an answer arrived, or the answer was not HTTP"
        case httpx.NetworkError():
            return "the connection broke before an answer arrived"
        case _:
            return f"the call failed in transit ({type(error).__name__})"


def _retry_after(headers: httpx.Headers) -> str | None:
    """`Retry-After` in seconds; a date in it is measured against the answer's own `Date`, not against our
    clock.
    """
    value: str | None = headers.get("Retry-After")
    now: str | None = headers.get("Date")
    if value is None or now is None or not value.rstrip().endswith("GMT"):
        return value
    try:
        return str(max(0.0, (parsedate_to_datetime(value) - parsedate_to_datetime(now)).total_seconds()))
    except (ValueError, TypeError):
        return value
