"""A receiver within another program, for as long as a block lasts: in a thread and an event loop of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager, suppress

from reconciler.adapters.receiver.log import ServeLog
from reconciler.adapters.receiver.server import Settings, serve
from reconciler.adapters.receiver.signing_secrets import Secrets

_PATIENCE = 30.0  # seconds for what is under way at the end; the server gives up on it before


@contextmanager
def running(
    settings: Settings, secrets: Secrets, log: ServeLog, clock: Callable[[], float] = time.time
) -> Iterator[str]:
    """Its URL, once it accepts connections. At the end of the block it drains, and the inbox is closed: all that it
    acknowledged is there. `log` is written from its thread.

    Raises as `serve` does when it cannot begin. A receiver that fails later says so in the log; the block goes on.
    """
    receiver = _Threaded(settings, secrets, log, clock)
    receiver.start()
    try:
        yield receiver.url.result()
    finally:
        receiver.end()


class _Threaded:
    """`url` is there, or the reason why not, once the thread has come so far."""

    def __init__(
        self, settings: Settings, secrets: Secrets, log: ServeLog, clock: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._secrets = secrets
        self._log = log
        self._clock = clock
        self._begun: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self.url: Future[str] = Future()
        # A daemon, so that a program that must end at once can: what was acknowledged is on disk already.
        self._thread = threading.Thread(target=self._work, name="webhook receiver", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Returns when it has ended, or has been given up on. Right also while it is still beginning."""
        with suppress(CancelledError, RuntimeError):  # it never had a loop, or has closed it already
            loop, stop = self._begun.result()
            loop.call_soon_threadsafe(stop.set)
        self._thread.join(_PATIENCE)

    def _work(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # whoever waits for it is told
            self._begun.cancel()
            if self.url.done():
                self._log.say("error", "the receiver has ended", kind=type(error).__name__)
            else:
                self.url.set_exception(error)

    async def _serve(self) -> None:
        stop = asyncio.Event()
        self._begun.set_result((asyncio.get_running_loop(), stop))
        await serve(self._settings, self._secrets, self._log, stop, self.url.set_result, self._clock)
