"""What a receiver does beside the deliveries, about once a second: new secrets, new certificates, old events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from reconciler.adapters.inbox.port import FORGOTTEN_AT_ONCE
from reconciler.adapters.inbox.writer import InboxWriter
from reconciler.adapters.receiver.listen import Certificate
from reconciler.adapters.receiver.log import ServeLog
from reconciler.adapters.receiver.signing_secrets import Secrets
from reconciler.core.errors import ReconcileError
from reconciler.core.platform.webhook import SigningKeys

_HOUR = 3600.0
_PAUSE = 1.0  # seconds


class Upkeep:
    """`keep` is how many seconds claimed events stay, `tolerance` as deliveries are judged with."""

    def __init__(
        self,
        secrets: Secrets,
        certificate: Certificate | None,
        writer: InboxWriter,
        log: ServeLog,
        clock: Callable[[], float],
        *,
        keep: float,
        tolerance: float,
    ) -> None:
        self._secrets = secrets
        self._certificate = certificate
        self._writer = writer
        self._log = log
        self._clock = clock
        self._keep = keep
        self._tolerance = tolerance
        self._cleaned = 0.0
        self._to_release = False  # stays so while the disk refuses

    async def run(self) -> None:
        """Until it is cancelled. A task of its own: a step waits for the disk, and the receiver must not."""
        while True:
            await self._tick()
            await asyncio.sleep(_PAUSE)

    async def _tick(self) -> None:
        """Never raises: what fails is told, and tried again."""
        for step in (self._look_for_secrets, self._look_for_certificate, self._clean):
            try:
                await step()
            except ReconcileError as error:
                self._log.say("error", "upkeep failed", why=error.message)

    async def _look_for_secrets(self) -> None:
        if self._secrets.refresh():
            self._log.say("warning", "signing secrets changed", count=len(self._secrets.keys))
            self._to_release = True
        if self._to_release:
            await self.release(self._secrets.keys)
            self._to_release = False

    async def _look_for_certificate(self) -> None:
        if self._certificate is not None and self._certificate.refresh():
            self._log.say("info", "certificate changed")

    async def _clean(self) -> None:
        now = self._clock()
        if abs(now - self._cleaned) > _HOUR:
            self._cleaned = now
            gone = await self._writer.call(lambda table: table.forget_claimed(now - self._keep))
            if gone >= FORGOTTEN_AT_ONCE:  # there may be more, for the next tick
                self._cleaned = 0.0

    async def release(self, keys: SigningKeys) -> None:
        """What waits in quarantine is verified with these."""
        if not keys:
            return
        now = self._clock()
        done = await self._writer.call(lambda table: table.release(keys, now, self._tolerance))
        if any(done):
            self._log.say("info", "quarantine verified", **done._asdict())
