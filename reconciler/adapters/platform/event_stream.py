"""News of running jobs from the platform's WebSocket (docs/platform.md), one connection a job.

The server says nothing when a job ends; it closes the socket, and tells the job's status when one connects
again. So every close, for whatever reason, leads to a new connection, and only a snapshot with a terminal
status ends a watch. Neither silence, nor a step's name, nor a close code concludes anything. They only have
a say in how soon the next connection comes: event_pace.py.

A thousand jobs may be watched at once. Hence no compression (it costs 300 KB a connection), small
buffers, and bounds on the handshakes under way and on the sockets held open.
"""

from __future__ import annotations

import asyncio
import json
import logging
from asyncio import sslproto
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidProxyStatus, InvalidStatus, WebSocketException
from websockets.frames import CloseCode

from reconciler.adapters.platform.endpoint import (
    check_key,
    parse_endpoint,
    proxy_for,
    tls_context,
    user_agent,
)
from reconciler.adapters.platform.event_pace import Pace
from reconciler.adapters.platform.unreachable import why_unreachable
from reconciler.adapters.system import trail
from reconciler.adapters.system.open_files import room_for_sockets
from reconciler.core.commands import key_variable
from reconciler.core.errors import PlatformError
from reconciler.core.platform.job import News, Progress, message_of, news_in, shorten
from reconciler.core.platform.scrub import scrub, scrub_body

MAX_MESSAGE = 64 * 1024  # bytes; a longer message ends the connection, which is then made anew
HANDSHAKES = 64
OPEN_TIMEOUT = 15.0
PING_EVERY = 20.0  # seconds; below the idle timeouts of proxies (60 s is usual)
PONG_WITHIN = 40.0
TLS_BUFFER = 16 * 1024  # bytes, as many as a TLS record has at most
DOUBT = 5.0  # seconds of silence after which a look at once is taken for one that came too soon

# websockets writes request headers, and so the key, to its debug log. This logger belongs to no tree and lets
# nothing through, so no logging setting can bring them out.
_silent = logging.Logger("silent", level=logging.CRITICAL + 1)


class _Connect(connect):
    """websockets follows redirects, and takes our header along to the new host. This one follows none."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class EventStream:
    """Implements the port `Completions`.

    `random` gives jitter, numbers in [0, 1). Raises `InvalidInput` for an address or key that must not be
    used, `PlatformError` for a proxy or certificates that cannot be.
    """

    def __init__(
        self,
        api_url: str,
        api_key: str,
        *,
        random: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        open_timeout: float = OPEN_TIMEOUT,
        ping_every: float = PING_EVERY,
        pong_within: float = PONG_WITHIN,
        doubt: float = DOUBT,
    ) -> None:
        self._endpoint = parse_endpoint(api_url)
        self._api_key = check_key(api_key)
        self._random = random
        self._sleep = sleep
        self._doubt = doubt
        self._handshakes = asyncio.Semaphore(HANDSHAKES)
        self._sockets = asyncio.Semaphore(room_for_sockets())
        self._troubled = False  # whether an outage has been told already
        self._options = self._connect_options(open_timeout, ping_every, pong_within)

    def __repr__(self) -> str:
        return f"EventStream({self._endpoint.websocket()})"

    async def watch(self, job_id: str) -> AsyncGenerator[News | Progress, None]:
        """What is heard of a job, until a terminal `News`. Reconnects by itself, for ever: the caller has the
        deadline.

        Raises `PlatformError` for what no waiting heals: the key was refused (401, 403), no such job (404), a
        redirect, a certificate that is not trusted.
        """
        pace = Pace(self._random)
        # One for all connections of a watch: most of making it is to take the address apart.
        opening = _Connect(self._endpoint.websocket("jobs", "provisioning", job_id, "ws"), **self._options)
        while True:
            async with self._sockets, aclosing(self._connected(opening, job_id, pace)) as heard:
                async for news in heard:
                    yield news
                    if isinstance(news, News) and news.terminal:
                        return
            await self._sleep(pace.pause)

    async def _connected(
        self, opening: _Connect, job_id: str, pace: Pace
    ) -> AsyncGenerator[News | Progress, None]:
        """One connection's news. Ends when it closes or never opens, and has told `pace` how it went."""
        connection = await self._open(opening)
        if connection is None:
            pace.ended()
            return
        loop = asyncio.get_running_loop()
        opened = loop.time()
        doubt = loop.call_later(self._doubt, connection.transport.abort) if pace.at_once else None
        try:
            while True:
                received = await connection.recv(decode=False)
                message = heard_in(scrub_body(received, self._api_key), job_id)
                trail.note(f"job {job_id}: {_kind_of(message)}, {len(received):,} bytes")
                if message is None:
                    continue
                if isinstance(message, News) and message.terminal:
                    # Before it is told: whoever hears it may never come back for more.
                    connection.transport.abort()
                elif doubt is not None and isinstance(message, Progress):
                    doubt.cancel()
                pace.heard(message)
                yield message
        except ConnectionClosed as closed:
            trail.note(f"job {job_id}: connection closed: {shorten(scrub(str(closed), [self._api_key]))}")
            pace.ended(loop.time() - opened, in_order=_in_order(closed))
        finally:
            if doubt is not None:
                doubt.cancel()
            connection.transport.abort()

    async def _open(self, opening: _Connect) -> ClientConnection | None:
        """A connection past its handshake, or None when the next try may fare better."""
        try:
            connection = await self._shaken_hands(opening)
        except InvalidProxyStatus as error:
            self._report(f"the proxy answered {error.response.status_code}")
            if error.response.status_code in (401, 403, 407):
                raise PlatformError(
                    f"the proxy refused the connection: {error.response.status_code}",
                    hint="check HTTPS_PROXY and NO_PROXY",
                ) from error
        except InvalidStatus as error:
            self._judge_refusal(error)
        except (WebSocketException, OSError, EOFError) as error:  # a TimeoutError is an OSError
            cause = why_unreachable(error, self._endpoint, self._options["proxy"] is not None)
            if cause.lasting:
                raise PlatformError(cause.message, hint=cause.hint) from error
            self._report(cause.message)
        else:
            self._troubled = False
            return connection
        return None

    async def _shaken_hands(self, opening: _Connect) -> ClientConnection:
        async with self._handshakes:
            with trail.exchange("GET", opening.uri) as answer:
                try:
                    connection = await opening
                except (InvalidStatus, InvalidProxyStatus) as error:
                    answer.status = error.response.status_code
                    raise
                answer.status = 101
                return connection

    def _judge_refusal(self, error: InvalidStatus) -> None:
        """Raises for an answer to the handshake that the next try would get as well."""
        status, body = error.response.status_code, bytes(error.response.body or b"")
        message = message_of(status, scrub_body(body, self._api_key))
        if status in _REFUSALS or 300 <= status < 400:
            raise PlatformError(
                f"the platform refused the event stream ({status}): {message}",
                hint=_REFUSALS.get(status, "check LINGO_API_URL; redirects are not followed").format(
                    key_variable()
                ),
                status=status,
            ) from error
        self._report(f"the platform answered {status}: {message}")

    def _report(self, trouble: str) -> None:
        """Once per outage, however many jobs are watched."""
        level = "debug" if self._troubled else "warning"
        self._troubled = True
        trail.note(f"no connection to the event stream, retrying: {trouble}", level)

    def _connect_options(self, open_timeout: float, ping_every: float, pong_within: float) -> dict[str, Any]:
        # asyncio keeps a read buffer of 256 KiB for each TLS connection, without an option for it. A thousand that wait
        # took 335 MB so, and take 101 MB with this. It holds for every TLS connection of the process.
        sslproto.SSLProtocol.max_size = TLS_BUFFER
        proxy = proxy_for(self._endpoint)
        options: dict[str, Any] = {
            "additional_headers": {"X-API-Key": self._api_key},
            "user_agent_header": user_agent(),
            "compression": None,
            "proxy": proxy,
            "open_timeout": open_timeout,
            "ping_interval": ping_every,
            "ping_timeout": pong_within,
            "close_timeout": 1.0,
            "max_size": MAX_MESSAGE,
            "max_queue": 4,
            "logger": _silent,
        }
        if self._endpoint.secure:
            options["ssl"] = tls_context()
        if proxy is not None and proxy.startswith("https:"):
            options["proxy_ssl"] = tls_context()
        return options


_REFUSALS = {
    401: "check {}",
    403: "check {}: it has no access to this job",
    404: "check {} and LINGO_API_URL: the platform does not know this job",
}


def _kind_of(message: News | Progress | None) -> str:
    if message is None:
        return "a message that is not understood"
    return f"status {message.status}" if isinstance(message, News) else f"step {message.step}"


def _in_order(closed: ConnectionClosed) -> bool:
    """Whether the far end closed the connection without a reason: 1000, or no code at all. Any other code, "going away"
    (1001) among them, tells of some trouble there, and so does a connection that was cut.
    """
    return closed.rcvd is not None and closed.rcvd.code in (
        CloseCode.NORMAL_CLOSURE,
        CloseCode.NO_STATUS_RCVD,
    )


def heard_in(message: bytes, job_id: str) -> News | Progress | None:
    """What a message on a job's socket says of that job; None for anything that is not understood."""
    try:
        document = json.loads(message)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    if document.get("type") == "provisioning.snapshot":
        return news_in(document, job_id)
    if document.get("jobId", job_id) == job_id and document.get("type") == "provisioning.progress":
        step, detail = document.get("step"), document.get("detail")
        if isinstance(step, str) and step:
            return Progress(job_id, shorten(step), shorten(detail) if isinstance(detail, str) else None)
    return None
