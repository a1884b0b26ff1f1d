"""The parts of one sandbox, put together; what the endpoints and the server hold on to."""

from __future__ import annotations

import asyncio
import hmac
import secrets
import string
import time
from collections.abc import Callable, Iterable

from reconciler.sandbox.faults import FaultBook
from reconciler.sandbox.hub import Hub
from reconciler.sandbox.request_log import RequestLog
from reconciler.sandbox.settings import SandboxSettings
from reconciler.sandbox.store import Forgetful, SqliteStore
from reconciler.sandbox.webhooks import Courier
from reconciler.sandbox.world import World

_ALPHABET = string.ascii_letters + string.digits


class Sandbox:
    """Raises `StorageError` when there is a state file that cannot be used. Everything but the making happens
    in one event loop."""

    def __init__(self, settings: SandboxSettings, say: Callable[[str], None] | None = None) -> None:
        self.settings = settings
        self._store = SqliteStore(settings.state_file) if settings.state_file else Forgetful()
        try:
            self.world = World(settings, self._store, time.time, _new_id)
        except BaseException:
            self._store.close()
            raise
        self.faults = FaultBook()
        self.log = RequestLog(say)
        self.courier = Courier(self.world, self.faults, settings.webhook_retry)
        self.hub = Hub(self.world, self.courier.deliver)
        self.stopping = asyncio.Event()

    def start(self) -> None:
        self.hub.start()

    async def stop(self) -> None:
        self.stopping.set()
        self.hub.stop()
        await self.courier.stop()

    def end_jobs(self) -> None:
        """Whatever runs ends now."""
        for job in self.world.end_jobs():
            self.hub.end_early(job)

    def close(self) -> None:
        self._store.close()

    def admits(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        keys = [value for name, value in headers if name == b"x-api-key"]
        return (
            any(hmac.compare_digest(keys[-1], known.encode()) for known in self.settings.api_keys)
            if keys
            else False
        )

    async def pause(self, seconds: float) -> None:
        """Sleeps, but not past the end of the sandbox."""
        if seconds > 0:
            try:
                async with asyncio.timeout(seconds):
                    await self.stopping.wait()
            except TimeoutError:
                return


def _new_id(prefix: str) -> str:
    """The prefix and 16 letters and digits. From one random number: a choice for each costs as much as the rest
    of a create call."""
    number, digits = secrets.randbits(96), []
    for _ in range(16):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return prefix + "".join(digits)
