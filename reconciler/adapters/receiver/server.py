"""Running a receiver: its socket, its limits, its signals, and the order in which it ends.

`serve` is a coroutine, for a receiver within another program (`thread.py`); `serve_forever` is a process of its
own. Both end the same way: no new connections, what is being delivered is stored and answered, waiting readers are
answered, and the inbox is closed last.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters.inbox.port import Store
from reconciler.adapters.inbox.stores import InboxPlace, store_at
from reconciler.adapters.inbox.writer import InboxWriter
from reconciler.adapters.receiver.connection import Site
from reconciler.adapters.receiver.intake import Intake, Rules
from reconciler.adapters.receiver.limits import Limits
from reconciler.adapters.receiver.listen import (
    Certificate,
    allow_many_sockets,
    listen,
    most_connections,
    url_of,
)
from reconciler.adapters.receiver.log import ServeLog
from reconciler.adapters.receiver.metrics import Metrics
from reconciler.adapters.receiver.pages import Pages
from reconciler.adapters.receiver.reception import DRAIN, Reception, beside
from reconciler.adapters.receiver.signing_secrets import Secrets
from reconciler.adapters.receiver.upkeep import Upkeep
from reconciler.adapters.receiver.watch import Watch
from reconciler.adapters.relay.surroundings import RelayCounts, Surroundings
from reconciler.core.frozen import dataclass, field

if TYPE_CHECKING:
    from reconciler.adapters.relay.sender import Target

_CONNECTIONS = 8192
_TLS_CONNECTIONS = 1000  # each of them takes about 300 KB: asyncio has a buffer of 256 KB for each


@dataclass(frozen=True)
class Settings:
    """`request_timeout` is the seconds in which a connection has to bring a whole request. `keep` is how many seconds
    claimed events stay, to tell late repetitions."""

    inbox: InboxPlace
    host: str = "127.0.0.1"
    port: int = 8788
    rules: Rules = field(default_factory=Rules)
    token: str | None = field(default=None, repr=False)
    request_timeout: float = 10.0
    max_connections: int | None = None
    keep: float = 30 * 86400.0
    tls_cert: Path | None = None
    tls_key: Path | None = None
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

    asyncio.run(run())


async def serve(
    settings: Settings,
    secrets: Secrets,
    log: ServeLog,
    stop: asyncio.Event,
    on_ready: Callable[[str], None] = lambda url: None,
    clock: Callable[[], float] = time.time,
) -> None:
    """Until `stop` is set. `on_ready` is given the URL once connections are accepted. Raises `UsageError` for an
    address or a certificate that cannot be used, and as `Store.inbox` does."""
    certificate = _certificate(settings)
    asyncio.get_running_loop().set_exception_handler(lambda _, context: _report_of(context, log))
    with contextlib.ExitStack() as resources:
        listener = resources.enter_context(contextlib.closing(listen(settings.host, settings.port)))
        store = resources.enter_context(contextlib.closing(store_at(settings.inbox)))
        inbox = resources.enter_context(store.inbox())
        for warning in store.warnings():
            log.say("warning", "inbox", what=warning)
        writer = InboxWriter(store)
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
            watch = _watch(settings, metrics)
            pages.connections = lambda: len(watch)
            tls = certificate.context if certificate is not None else None
            reception = Reception(listener, Site(intake, pages, watch), tls)
            async with _relaying(settings, store, writer, metrics, log, clock):
                on_ready(url_of(listener, tls is not None))
                await beside(watch.sweep, stop, reception.run(), upkeep.run())
                store.hurry(DRAIN - 1.0)  # so that there is time to say no
                pages.stop()
                await reception.drain()
        finally:
            store.hurry(DRAIN)  # a server that hangs must not hold it back from ending
            await writer.close()


def _relaying(
    settings: Settings,
    store: Store,
    writer: InboxWriter,
    metrics: Metrics,
    log: ServeLog,
    clock: Callable[[], float],
) -> contextlib.AbstractAsyncContextManager[None]:
    if settings.relay is None:
        return contextlib.nullcontext()
    from reconciler.adapters.relay.sender import relaying  # httpx, only here

    metrics.relay = RelayCounts()
    around = Surroundings(store, writer, settings.keep, metrics.relay, log, clock, random.random)
    return relaying(settings.relay, around)


def _watch(settings: Settings, metrics: Metrics) -> Watch:
    wanted = settings.max_connections or (_TLS_CONNECTIONS if settings.tls_cert else _CONNECTIONS)
    clock = asyncio.get_running_loop().time
    return Watch(settings.request_timeout, most_connections(wanted), metrics, settings.limits, clock)


def _certificate(settings: Settings) -> Certificate | None:
    return Certificate(settings.tls_cert, settings.tls_key) if settings.tls_cert is not None else None


def _report_of(context: dict[str, object], log: ServeLog) -> None:
    """What asyncio has to say; mostly of connections that broke."""
    error = context.get("exception")
    level = "debug" if isinstance(error, ConnectionError | ssl.SSLError | TimeoutError) else "error"
    log.note(level, "event loop", what=str(context.get("message")), kind=type(error).__name__)
