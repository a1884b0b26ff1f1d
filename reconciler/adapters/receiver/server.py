"""Running a receiver: its socket, its limits, its signals, and the order in which it ends.

`serve` is a coroutine, for a receiver within another program (`webhook_thread.py`); `serve_forever` is a process of its
own. Both end the same way: no new connections, what is being delivered is stored and answered, waiting readers are
answered, and the inbox is closed last.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

import uvicorn

from reconciler.adapters.inbox.database import Inbox
from reconciler.adapters.inbox.writer import InboxWriter
from reconciler.adapters.receiver.app import Receiver
from reconciler.adapters.receiver.intake import Intake, Rules
from reconciler.adapters.receiver.limits import Limits
from reconciler.adapters.receiver.listen import (
    BACKLOG,
    Certificate,
    allow_many_sockets,
    listen,
    most_connections,
    url_of,
)
from reconciler.adapters.receiver.log import ServeLog
from reconciler.adapters.receiver.metrics import Metrics
from reconciler.adapters.receiver.pages import Pages
from reconciler.adapters.receiver.signing_secrets import Secrets
from reconciler.adapters.receiver.upkeep import Upkeep
from reconciler.adapters.receiver.watch import Watch
from reconciler.adapters.receiver.wire import wire
from reconciler.adapters.relay.surroundings import RelayCounts, Surroundings

if TYPE_CHECKING:
    from reconciler.adapters.relay.sender import Target

_DRAIN = 10  # seconds for what is under way at the end


@dataclass(frozen=True)
class Settings:
    """`request_timeout` is the seconds in which a connection has to bring a whole request. `keep` is how many seconds
    claimed events stay, to tell late repetitions."""

    inbox: Path
    host: str = "127.0.0.1"
    port: int = 8788
    rules: Rules = field(default_factory=Rules)
    token: str | None = field(default=None, repr=False)
    request_timeout: float = 10.0
    max_connections: int = 16384
    keep: float = 30 * 86400.0
    tls_cert: Path | None = None
    tls_key: Path | None = None
    parser: str = "auto"
    relay: Target | None = None
    limits: Limits = field(default_factory=Limits)


def serve_forever(
    settings: Settings, secrets: Secrets, log: ServeLog, on_ready: Callable[[str], None]
) -> None:
    """In the foreground, from the main thread, until SIGINT or SIGTERM; then it returns. Raises as `serve` does."""
    allow_many_sockets()

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await serve(settings, secrets, log, stop, on_ready)

    with asyncio.Runner(loop_factory=loop_factory(settings)) as runner:
        runner.run(run())


async def serve(
    settings: Settings,
    secrets: Secrets,
    log: ServeLog,
    stop: asyncio.Event,
    on_ready: Callable[[str], None] = lambda url: None,
    clock: Callable[[], float] = time.time,
) -> None:
    """Until `stop` is set. `on_ready` is given the URL once connections are accepted. Raises `UsageError` for an
    address or a certificate that cannot be used, and as `Inbox` does."""
    certificate = _certificate(settings)
    asyncio.get_running_loop().set_exception_handler(lambda _, context: _report_of(context, log))
    with contextlib.ExitStack() as resources:
        listener = resources.enter_context(contextlib.closing(listen(settings.host, settings.port)))
        inbox = resources.enter_context(Inbox(settings.inbox))
        writer = InboxWriter(settings.inbox)
        try:
            metrics = Metrics()
            quarantine = settings.rules.quarantine
            pages = Pages(
                inbox,
                writer,
                secrets,
                metrics,
                clock,
                token=settings.token,
                quarantine=quarantine,
                limits=settings.limits,
            )
            intake = Intake(writer, secrets, settings.rules, metrics, log, clock)
            upkeep = Upkeep(
                secrets,
                certificate,
                writer,
                log,
                clock,
                keep=settings.keep,
                tolerance=settings.rules.tolerance,
            )
            await upkeep.release(secrets.keys)
            most = most_connections(settings.max_connections)
            watch = Watch(settings.request_timeout, most, metrics, settings.limits)
            server = _Server(_config(intake, settings, pages, watch), certificate, watch, pages, upkeep, stop)
            pages.connections = lambda: len(server.server_state.connections)
            server.on_started = lambda: on_ready(url_of(listener, certificate is not None))
            async with _relaying(settings, writer, metrics, log, clock):
                await server.serve([listener])
        finally:
            await writer.close()


def _relaying(
    settings: Settings, writer: InboxWriter, metrics: Metrics, log: ServeLog, clock: Callable[[], float]
) -> contextlib.AbstractAsyncContextManager[None]:
    if settings.relay is None:
        return contextlib.nullcontext()
    from reconciler.adapters.relay.sender import relaying  # httpx, only here

    metrics.relay = RelayCounts()
    around = Surroundings(settings.inbox, writer, settings.keep, metrics.relay, log, clock, random.random)
    return relaying(settings.relay, around)


class _Server(uvicorn.Server):
    """uvicorn's, told to stop by an event, with our own listening and our own watch over connections."""

    def __init__(
        self,
        config: uvicorn.Config,
        certificate: Certificate | None,
        watch: Watch,
        pages: Pages,
        upkeep: Upkeep,
        stop: asyncio.Event,
    ) -> None:
        super().__init__(config)
        self.on_started: Callable[[], None] = lambda: None
        self._tls = certificate.context if certificate is not None else None
        self._watch = watch
        self._pages = pages
        self._upkeep = upkeep
        self._stop = stop

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn's raises the signal again at the end, before the inbox is closed."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()
        protocol = self.config.http_protocol_class
        await self.on_tick(0)  # sets the headers that every answer has
        self.servers = [
            await loop.create_server(
                lambda: protocol(config=self.config, server_state=self.server_state, app_state={}),  # type: ignore[call-arg] # uvicorn's protocols
                sock=listener,
                backlog=BACKLOG,
                ssl=self._tls,
                ssl_handshake_timeout=self._watch.limit if self._tls is not None else None,
            )
            for listener in sockets or []
        ]
        self.started = True
        self.on_started()

    async def main_loop(self) -> None:
        loop = asyncio.get_running_loop()
        upkeep = loop.create_task(self._upkeep.run())
        seconds = 0
        try:
            while not self._stop.is_set() and not upkeep.done():
                await self.on_tick(seconds * 10)  # uvicorn counts tenths
                seconds += 1
                self._watch.sweep(loop.time(), self.server_state.connections)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(1):
                        await self._stop.wait()
        finally:
            upkeep.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await upkeep

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._pages.stop()
        await super().shutdown(sockets)


def _certificate(settings: Settings) -> Certificate | None:
    return Certificate(settings.tls_cert, settings.tls_key) if settings.tls_cert is not None else None


def _config(intake: Intake, settings: Settings, pages: Pages, watch: Watch) -> uvicorn.Config:
    config = uvicorn.Config(
        Receiver(intake, pages),
        interface="asgi3",
        http=wire(watch, intake, settings.parser),
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=int(settings.request_timeout) + 1,
        timeout_graceful_shutdown=_DRAIN,
    )
    config.load()
    return config


def loop_factory(settings: Settings) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The fastest that there is; None for asyncio's own."""
    if settings.parser == "h11":
        return None
    try:
        import uvloop
    except ImportError:  # the extra `webhook` is not installed
        return None
    return cast(Callable[[], asyncio.AbstractEventLoop], uvloop.new_event_loop)


def _report_of(context: dict[str, object], log: ServeLog) -> None:
    """What asyncio has to say; mostly of connections that broke."""
    error = context.get("exception")
    level = "debug" if isinstance(error, ConnectionError | ssl.SSLError | TimeoutError) else "error"
    log.note(level, "event loop", what=str(context.get("message")), kind=type(error).__name__)
