"""The running of an apply: the far ends it talks to, who watches it, and what signals do to it."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import signal
import sys
import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path

from reconciler.adapters.outputs.files import LockfileAndOutputs
from reconciler.adapters.system.clock import UtcClock
from reconciler.app.applying import ApplySettings, build_driver
from reconciler.app.driver import Driver, Ports
from reconciler.app.ledger_writer import LedgerWriter
from reconciler.app.planning import PlanResult
from reconciler.app.ports import Completions, Journal, Observer, Platform
from reconciler.cli.pull_requests import ci
from reconciler.cli.screen import screen_of
from reconciler.cli.wiring.completion_sources import CompletionSources
from reconciler.core.errors import ExitCode
from reconciler.core.run.outcome import Outcome
from reconciler.core.settings.model import Settings

_SHOW_CURSOR = b"\x1b[?25h"


@dataclass
class Drive:
    """One plan to carry out. `key` is None where no platform is needed, `ledger_writer` where nothing is shared."""

    root: Path
    settings: Settings
    journal: Journal
    planned: PlanResult
    key: str | None
    ledger_writer: LedgerWriter | None
    detach: bool
    no_wait: bool
    completion_sources: CompletionSources
    color: str | None
    log_level: str
    lockfile: LockfileAndOutputs = field(init=False)
    live: bool = False  # whether the terminal shows live progress, its cursor hidden

    def run(self) -> Outcome:
        """Carry it out. Raises what stops it before anything was done."""
        collect_rarely()
        self.lockfile = LockfileAndOutputs(self.root, self.settings.lockfile)
        return replace(asyncio.run(self._drive()), outputs_failed=tuple(self.lockfile.problems))

    async def _drive(self) -> Outcome:
        observer = self._observer()
        try:
            if self.key is None:
                return await self._with_signals(self._driver(None, None, observer))
            from reconciler.adapters.platform.client import PlatformClient  # only to create or wait

            client = PlatformClient(
                self.settings.api_url,
                self.key,
                random=random.random,
                concurrency=self.settings.concurrency,
            )
            async with client:
                return await self._with_signals(self._driver(client, self._stream(self.key), observer))
        finally:
            observer.ended()

    def _stream(self, key: str) -> Completions | None:
        if not self.completion_sources.websocket:
            return None
        from reconciler.adapters.platform.event_stream import EventStream  # websockets, only to wait

        return EventStream(self.settings.api_url, key, random=random.random)

    def _driver(
        self, platform: Platform | None, completions: Completions | None, observer: Observer
    ) -> Driver:
        settings = self.settings
        ports = Ports(
            platform,
            completions,
            self.journal,
            self.lockfile,
            observer,
            UtcClock(),
            self.ledger_writer,
            self.completion_sources.deliveries if platform is not None else None,
        )
        how = ApplySettings(
            concurrency=settings.concurrency,
            timeout=settings.timeout,
            detach=self.detach,
            no_wait=self.no_wait,
            callback_url=settings.callback_url,
            new_id=lambda: str(uuid.uuid4()),
        )
        return build_driver(self.planned, ports, how)

    async def _with_signals(self, driver: Driver) -> Outcome:
        """The first SIGINT or SIGTERM ends the run in good order, the second at once."""
        loop = asyncio.get_running_loop()
        asked = False

        def on_signal() -> None:
            nonlocal asked
            if asked:
                cursor = _SHOW_CURSOR if self.live else b""
                os.write(2, cursor + b"\ninterrupted again: ending now; the journal has what was recorded\n")
                os._exit(ExitCode.INTERRUPTED)
            asked = True
            driver.interrupt()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, on_signal)
        return await driver.drive(self.planned.recorded.on_disk)

    def _observer(self) -> Observer:
        from reconciler.render.phrases.sanitize import sanitize  # foreign text is made harmless

        screen = screen_of(sys.stderr, self.color)
        live = screen.interactive and os.environ.get("TERM") != "dumb" and not ci.in_ci()
        if live and self.log_level == "info":
            from reconciler.adapters.progress.live import LiveProgress  # rich, for a terminal

            self.live = True
            return LiveProgress(sys.stderr, color=screen.color, ascii_only=screen.ascii_only, show=sanitize)
        if self.log_level in ("error", "warning"):
            from reconciler.adapters.progress.silent import SilentProgress

            return SilentProgress()
        from reconciler.adapters.progress.plain import PlainProgress

        return PlainProgress(sys.stderr, UtcClock().now, verbose=self.log_level == "debug", show=sanitize)


def collect_rarely() -> None:
    """A thousand waits make many objects that live long; looking through them again and again costs a fifth."""
    gc.set_threshold(50_000, 20, 20)
