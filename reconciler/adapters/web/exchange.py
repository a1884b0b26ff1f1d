"""One request and its answer: bounded in time and size, without cookies, credentials or redirects.

Nothing is sent but what stands in `_HEADERS` and the two conditions. httpcore is used without httpx, whose client would
unpack bodies to any size, and would bring cookies and credentials from `.netrc`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import NamedTuple, Self

import httpcore

from reconciler.adapters.platform.endpoint import Endpoint, new_tls_context
from reconciler.adapters.platform.unreachable import why_unreachable
from reconciler.adapters.system import trail
from reconciler.adapters.web.compression import ACCEPTED, Body, Unreadable
from reconciler.adapters.web.guarded_network import GuardedNetwork, Resolver, checked_addresses
from reconciler.adapters.web.limits import Limits
from reconciler.adapters.web.proxies import proxy_of
from reconciler.adapters.web.web_address import WebAddress
from reconciler.core.sources.addresses import Allowed
from reconciler.core.sources.look import MAX_HEADER

_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,text/plain;q=0.9,text/markdown;q=0.9,*/*;q=0.5",
    "Accept-Encoding": ACCEPTED,
}
_LONGEST_LOCATION = 8192
_MAY_BE_LONGER = frozenset({"location"})


class NoAnswer(Exception):
    """No answer that could be read; its text is the end of a sentence, `status` what was seen of one.
    `late` for one that did not come in time, `broken` where another try may fare better, `unreachable` where no
    connection was made.
    """

    def __init__(
        self,
        reason: str,
        status: int | None = None,
        *,
        late: bool = False,
        broken: bool = False,
        unreachable: bool = False,
    ) -> None:
        super().__init__(reason)
        self.status, self.late, self.broken, self.unreachable = status, late, broken, unreachable


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]  # names in lower case; values printable and bounded
    body: bytes


class Exchanges:
    """A pool of connections. An async context manager, closed at its end."""

    def __init__(self, limits: Limits, allowed: Allowed, resolver: Resolver, agent: str) -> None:
        self._limits, self._allowed, self._resolver = limits, allowed, resolver
        self._headers = {**_HEADERS, "User-Agent": agent}
        self._pools: dict[str | None, httpcore.AsyncConnectionPool] = {}
        self._context = new_tls_context()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pool in self._pools.values():
            await pool.aclose()

    async def get(
        self, address: WebAddress, conditions: Mapping[str, str] | None = None, longest: int | None = None
    ) -> Answer:
        """With `longest`, a body is cut there instead of refused. Raises `NoAnswer` and `NotPublic`."""
        try:
            with trail.exchange("GET", address.url, 0) as exchanged:
                async with asyncio.timeout(self._limits.page):
                    answer = await self._ask(address, conditions or {}, longest)
                exchanged.status, exchanged.received = answer.status, len(answer.body)
                return answer
        except TimeoutError as error:
            raise NoAnswer(f"did not finish within {self._limits.page:g} s", late=True) from error
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            place = Endpoint(address.secure, address.host, address.port, "")
            cause = why_unreachable(error, place, proxy_of(address) is not None)
            raise NoAnswer(f"cannot be reached: {cause.message}", unreachable=True) from error
        except httpcore.TimeoutException as error:
            raise NoAnswer(f"sent nothing for {self._limits.silence:g} s", late=True) from error
        except httpcore.ProxyError as error:
            raise NoAnswer("is behind a proxy that refuses the connection") from error
        except (
            httpcore.ProtocolError,
            httpcore.NetworkError,
            httpcore.UnsupportedProtocol,
            OSError,
        ) as error:
            raise NoAnswer("broke the connection, or does not speak HTTP", broken=True) from error

    async def _ask(self, address: WebAddress, conditions: Mapping[str, str], longest: int | None) -> Answer:
        proxy = proxy_of(address)
        if proxy is not None:
            await self._check_ahead(address)
        limits = self._limits
        waits = {
            "connect": limits.connect,
            "read": limits.silence,
            "write": limits.silence,
            "pool": limits.page,
        }
        host = f"[{address.host}]" if ":" in address.host else address.host
        authority = host if address.port == (443 if address.secure else 80) else f"{host}:{address.port}"
        request = httpcore.Request(
            "GET",
            httpcore.URL(
                scheme="https" if address.secure else "http",
                host=host.encode("ascii"),
                port=address.port,
                target=address.path,
            ),
            headers=[("Host", authority), *self._headers.items(), *conditions.items()],
            extensions={"timeout": waits},
        )
        response = await self._pool(proxy).handle_async_request(request)
        try:
            headers = _headers_of(response)
            return Answer(response.status, headers, await self._body(response, headers, longest))
        finally:
            await response.aclose()

    async def _body(
        self, response: httpcore.Response, headers: Mapping[str, str], longest: int | None
    ) -> bytes:
        if not 200 <= response.status < 300 or response.status == 204:
            return b""  # what an error page says is nothing to learn from
        cut = longest is not None
        try:
            body = Body(
                headers.get("content-encoding", ""), self._limits.wire, longest or self._limits.body, cut
            )
            body.announced(headers.get("content-length", ""))
            async for piece in response.aiter_stream():
                body.add(piece)
                if body.full:
                    break
            return body.whole()
        except Unreadable as error:
            raise NoAnswer(str(error), response.status) from error

    def _pool(self, proxy: str | None) -> httpcore.AsyncConnectionPool:
        if proxy not in self._pools:
            network = GuardedNetwork(self._allowed, self._resolver)
            most = self._limits.concurrency
            self._pools[proxy] = (
                httpcore.AsyncConnectionPool(
                    ssl_context=self._context,
                    max_connections=most,
                    max_keepalive_connections=most,
                    keepalive_expiry=10.0,
                    http2=True,
                    network_backend=network,
                )
                if proxy is None
                else httpcore.AsyncHTTPProxy(
                    proxy, ssl_context=self._context, max_connections=most, keepalive_expiry=10.0, http2=True
                )
            )
        return self._pools[proxy]

    async def _check_ahead(self, address: WebAddress) -> None:
        """What can be known of an address that a proxy will look up: the name may not be known here."""
        try:
            async with asyncio.timeout(self._limits.connect):
                await checked_addresses(address.host, address.port, self._allowed, self._resolver)
        except (OSError, ValueError):
            return


def _headers_of(response: httpcore.Response) -> dict[str, str]:
    """The first of each name: a second one is a mistake, or an attempt to be read differently by two readers."""
    headers: dict[str, str] = {}
    for raw, value in response.headers:
        name = raw.decode("latin-1").lower()
        if name not in headers:
            longest = _LONGEST_LOCATION if name in _MAY_BE_LONGER else MAX_HEADER
            text = _text_of(value[:longest])
            headers[name] = text if text.isprintable() else "".join(c for c in text if c.isprintable())
    return headers


def _text_of(value: bytes) -> str:
    try:
        return value.decode("utf-8").strip()
    except UnicodeDecodeError:
        return value.decode("latin-1").strip()
