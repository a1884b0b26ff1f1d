"""The running of an apply: connects the far ends it talks to."""

from __future__ import annotations

import asyncio
import random
import uuid
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from reconciler.adapters.outputs.files import LockfileAndOutputs
from reconciler.adapters.project.places import private_folder
from reconciler.adapters.system.clock import UtcClock
from reconciler.app.applying import ApplySettings, build_driver
from reconciler.app.driver import Driver, Ports
from reconciler.app.ledger_writer import LedgerWriter
from reconciler.app.planning import PlanResult
from reconciler.app.ports import Completions, ExistingEngines, Journal
from reconciler.cli.runs.completion_sources import CompletionSources
from reconciler.cli.runs.interrupts import Interrupts
from reconciler.cli.runs.progress import progress_of
from reconciler.cli.runs.run_options import RunOptions
from reconciler.cli.runs.source_records import SourceRecorder
from reconciler.cli.stderr import chosen_level
from reconciler.core.frozen import replace
from reconciler.core.run.outcome import Outcome
from reconciler.core.settings.model import Settings
from reconciler.project.opened import WRITTEN


def drive(
    planned: PlanResult,
    root: Path,
    settings: Settings,
    options: RunOptions,
    *,
    journal: Journal,
    sources: CompletionSources,
    key: str | None,
    ledger_writer: LedgerWriter | None,
    interrupts: Interrupts,
    recorder: SourceRecorder | None = None,
) -> Outcome:
    """Carry out one plan. `key` is None where no platform is needed, `ledger_writer` where nothing is shared.

    Raises what stops it before anything was done.
    """
    note = private_folder(root, settings.environment) / WRITTEN
    lockfile = LockfileAndOutputs(root, settings.lockfile, settings.output_rules, note=note)
    observer, interrupts.at_once = progress_of(options.color, chosen_level())
    if recorder is not None:
        observer = recorder.beside(observer)
    ports = Ports(None, None, journal, lockfile, observer, UtcClock(), ledger_writer)
    how = ApplySettings(
        concurrency=settings.concurrency,
        timeout=settings.timeout,
        detach=options.detach,
        no_wait=options.no_wait,
        callback_url=sources.callback_url,
        new_id=lambda: str(uuid.uuid4()),
    )

    async def connected() -> Outcome:
        async with AsyncExitStack() as stack:
            stack.callback(observer.ended)
            reaching = ports if key is None else await _reaching(stack, ports, settings, sources, key)
            if key is not None and any(action.updates for action in planned.plan.actions):
                reaching = replace(reaching, engines=await _engines(stack, settings, key))
            driver = build_driver(planned, reaching, how)
            interrupts.attach(partial(_interrupt, driver, recorder))
            return await driver.drive(planned.recorded.on_disk)

    outcome = asyncio.run(connected())
    published = ledger_writer.seen.outputs_failed if ledger_writer is not None else ()
    return replace(outcome, outputs_failed=(*lockfile.problems, *published))


def _interrupt(driver: Driver, recorder: SourceRecorder | None) -> None:
    if recorder is not None:
        recorder.hurry()
    driver.interrupt()


async def _reaching(
    stack: AsyncExitStack, ports: Ports, settings: Settings, sources: CompletionSources, key: str
) -> Ports:
    """The same, with the platform, and with what reports that jobs ended."""
    from reconciler.adapters.platform.client import PlatformClient  # only to create or wait

    client = PlatformClient(settings.api_url, key, random=random.random, concurrency=settings.concurrency)
    platform = await stack.enter_async_context(client)
    completions = _event_stream(settings.api_url, key) if sources.websocket else None
    return replace(ports, platform=platform, completions=completions, deliveries=sources.deliveries)


async def _engines(stack: AsyncExitStack, settings: Settings, key: str) -> ExistingEngines:
    from reconciler.adapters.platform.engines import EngineClient  # only to change engines in place

    client = EngineClient(settings.api_url, key, random=random.random, concurrency=settings.concurrency)
    return await stack.enter_async_context(client)


def _event_stream(api_url: str, key: str) -> Completions:
    from reconciler.adapters.platform.event_stream import EventStream  # websockets, only to wait

    return EventStream(api_url, key, random=random.random)
