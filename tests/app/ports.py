"""Ports in memory: a platform that remembers every call and job, files that are bytes, and a log of who did what when.

The two files keep the real formats, so what a test reads back is what a disk would hold. Everything that happens goes
into one `Log`, so that a test can say what came before what.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.app.applying import ApplySettings, build_driver
from reconciler.app.driver import Driver, Ports
from reconciler.app.planning import PlanResult, Request, make_plan
from reconciler.core.engine.fingerprint import blob_id, fingerprint
from reconciler.core.engine.spec import Desired, Spec
from reconciler.core.errors import Diagnostic, InvalidInput
from reconciler.core.ledger import journal as journal_format
from reconciler.core.ledger.facts import resolutions
from reconciler.core.ledger.journal import Record
from reconciler.core.ledger.sealed import Unverified
from reconciler.core.ledger.webhook_facts import Delivery
from reconciler.core.lockfile import model as lockfile_format
from reconciler.core.lockfile.entry import Entry
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.platform.job import COMPLETED, FAILED, IN_PROGRESS, Accepted, Answer, News, Progress
from reconciler.core.platform.webhook import Event
from reconciler.core.run.outcome import Outcome
from tests.app.no_overlays import NoOverlays
from tests.core.build import at


class Log(list[str]):
    """What happened, in its order, from any thread. `on_line` is called after each line."""

    on_line: Callable[[str], object] = staticmethod(lambda line: None)

    def append(self, line: str) -> None:
        super().append(line)
        self.on_line(line)

    def index_of(self, start: str) -> int:
        return next(i for i, line in enumerate(self) if line.startswith(start))

    def count_of(self, start: str) -> int:
        return sum(line.startswith(start) for line in self)


@dataclass
class MemoryEngines(NoOverlays):
    """Engine files as specs; a file's bytes are the spec's text, so equal specs have equal ids."""

    specs: dict[str, Spec] = field(default_factory=dict)
    wrong: dict[str, list[Diagnostic]] = field(default_factory=dict)
    problems: list[Diagnostic] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    hashed: list[str] = field(default_factory=list)

    def discover(self) -> tuple[Mapping[str, str], Sequence[Diagnostic]]:
        keys = sorted(self.specs.keys() | self.wrong.keys())
        if not keys:
            raise InvalidInput("no engine file")
        return {key: f"engines/{key}.yaml" for key in keys}, self.problems

    def blob_ids(self, path: str, length: int) -> str | None:
        self.hashed.append(path)
        spec = self.specs.get(path.removeprefix("engines/").removesuffix(".yaml"))
        return None if spec is None else blob_id(repr(spec).encode(), length)

    def load(self, key: str, path: str, id_length: int) -> Desired | list[Diagnostic]:
        self.loaded.append(key)
        if key in self.wrong:
            return self.wrong[key]
        spec = self.specs[key]
        return Desired(key, path, spec, fingerprint(spec), {path: blob_id(repr(spec).encode(), id_length)})

    def parse_old(self, data: bytes, path: str) -> Spec | None:
        return None


@dataclass
class MemoryLockfile:
    log: Log
    content: bytes = b""
    path: str = "engines.lock.json"
    refuses: Exception | None = None
    refuses_to_be_checked: Exception | None = None

    def read(self) -> tuple[Lockfile, bytes]:
        if not self.content:
            return lockfile_format.EMPTY, b""
        return lockfile_format.parse(self.content, self.path), self.content

    def write(self, lockfile: Lockfile) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.content = lockfile_format.render(lockfile)
        self.log.append("lockfile written")

    def check_writable(self) -> None:
        if self.refuses_to_be_checked is not None:
            raise self.refuses_to_be_checked

    def entry(self, key: str) -> Entry:
        entry = self.read()[0].entry(key)
        assert entry is not None
        return entry


@dataclass
class MemoryJournal:
    """`refuse` is asked before every append, with the types of its records; what it returns is raised.

    While `gate` is closed an append waits in it, as on a slow disk.
    """

    log: Log
    content: bytes = b""
    refuse: Callable[[Sequence[str]], Exception | None] = lambda kinds: None
    gate: threading.Event = field(default_factory=threading.Event)
    batches: list[int] = field(default_factory=list)
    refuses_to_compact: Exception | None = None
    shares: bool = False  # whether runs share through a remote
    of_the_ledger: Unverified | None = None  # what was fetched and does not verify

    def __post_init__(self) -> None:
        self.gate.set()

    def read(self) -> tuple[tuple[Record, ...], bytes]:
        records, whole = journal_format.parse(self.content, "journal")
        return records, self.content[:whole]

    def unverified(self) -> Unverified | None:
        return self.of_the_ledger

    def append(self, records: Sequence[Record]) -> None:
        assert self.gate.wait(10)
        error = self.refuse([record.type for record in records])
        if error is not None:
            raise error
        self.content += journal_format.render(records)
        self.batches.append(len(records))
        for record in records:
            self.log.append(f"durable {record.type} {record.operation}")

    def compact(self, *, published: bool) -> None:
        if self.refuses_to_compact is not None:
            raise self.refuses_to_compact
        kept = resolutions(self.read()[0]) if self.shares and not published else ()
        self.content = journal_format.render(kept)
        self.log.append("journal compacted")

    def types(self) -> list[str]:
        return [record.type for record in self.read()[0]]


@dataclass
class MemoryPlatform:
    """Makes an engine for every call, unless `answers` has something else to say about its engine's name.

    An exception there is raised, as only a broken client would. With a name in `slow`, the engine is made at once and
    the answer comes when its event is set; `after_slow` may follow it.
    """

    log: Log
    answers: dict[str, Answer | Exception] = field(default_factory=dict)
    slow: dict[str, asyncio.Event] = field(default_factory=dict)
    at_once: Collection[str] = ()  # engines whose job has ended when the answer comes
    engines: dict[str, str] = field(default_factory=dict)  # engine id → name
    operations: list[str] = field(default_factory=list)
    callbacks: list[str | None] = field(default_factory=list)
    at_work: int = 0
    most_at_work: int = 0
    summary: Mapping[str, int] | Exception | None = None

    async def create(self, operation_id: str, spec: Spec, callback_url: str | None) -> Answer:
        assert operation_id not in self.operations, "sent twice"
        self.operations.append(operation_id)
        self.callbacks.append(callback_url)
        self.log.append(f"POST {operation_id}")
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            return await self._answer(operation_id, spec)
        finally:
            self.at_work -= 1

    async def _answer(self, operation_id: str, spec: Spec) -> Answer:
        given = self.answers.get(spec.name)
        if isinstance(given, Exception):
            raise given
        if spec.name in self.slow:
            await self.slow[spec.name].wait()
        await asyncio.sleep(0)
        if given is not None:
            return given
        number = len(self.engines) + 1
        self.engines[f"eng_{number}"] = spec.name
        return Accepted(
            f"pjb_{number}", f"eng_{number}", COMPLETED if spec.name in self.at_once else IN_PROGRESS
        )

    async def read_summary(self, job_id: str) -> Mapping[str, int] | None:
        self.log.append(f"summary {job_id}")
        if isinstance(self.summary, Exception):
            raise self.summary
        return self.summary


@dataclass
class MemoryCompletions:
    """Every job completes at once, but those in `running` (until their event), `failing`, and `broken` (raised)."""

    log: Log
    running: dict[str, asyncio.Event] = field(default_factory=dict)
    failing: dict[str, str] = field(default_factory=dict)
    broken: dict[str, Exception] = field(default_factory=dict)
    silent: Collection[str] = ()  # nothing more is heard of these
    extra: Sequence[News | Progress] = ()  # heard before the news of every job

    async def watch(self, job_id: str) -> AsyncIterator[News | Progress]:
        self.log.append(f"watch {job_id}")
        await asyncio.sleep(0)
        if job_id in self.broken:
            raise self.broken[job_id]
        for heard in self.extra:
            yield heard
        yield Progress(job_id, "crawl", "acme.com")
        if job_id in self.running:
            await self.running[job_id].wait()
        if job_id in self.silent:
            return
        status = FAILED if job_id in self.failing else COMPLETED
        yield News(job_id, status, self.failing.get(job_id))


@dataclass
class MemoryDeliveries:
    """An inbox. `come` puts a webhook in, from the loop's thread; `breaks` is raised to whoever follows."""

    log: Log
    events: list[Event] = field(default_factory=list)
    claimed: list[str] = field(default_factory=list)
    breaks: Exception | None = None
    came: asyncio.Event = field(default_factory=asyncio.Event)

    def come(self, *events: Event) -> None:
        self.events += events
        self.came.set()

    def waiting(self) -> list[Delivery]:
        found = [Delivery(str(number), event) for number, event in enumerate(self.events)]
        return [one for one in found if one.id not in self.claimed]

    async def follow(self) -> AsyncIterator[Event]:
        if self.breaks is not None:
            raise self.breaks
        seen = 0
        while True:
            while seen < len(self.events):
                seen += 1
                yield self.events[seen - 1]
            self.came.clear()
            await self.came.wait()

    def hurry(self, seconds: float) -> None:
        self.log.append(f"inbox hurried {seconds:g}")

    def claim(self, deliveries: Sequence[Delivery]) -> None:
        self.claimed += [one.id for one in deliveries]
        self.log.append(f"claimed {' '.join(one.id for one in deliveries)}")


@dataclass
class LogObserver:
    log: Log

    def begun(self, creates: int, waits: int, updates: int = 0) -> None:
        self.log.append(f"told begun {creates} {waits}" + (f" {updates}" if updates else ""))

    def submitting(self, key: str) -> None:
        self.log.append(f"told submitting {key}")

    def updating(self, key: str) -> None:
        self.log.append(f"told updating {key}")

    def accepted(self, key: str, engine_id: str, job_id: str) -> None:
        self.log.append(f"told accepted {key} {engine_id} {job_id}")

    def waiting(self, key: str, job_id: str) -> None:
        self.log.append(f"told waiting {key} {job_id}")

    def step(self, key: str, step: str, detail: str | None) -> None:
        self.log.append(f"told step {key} {step} {detail}")

    def completed(self, key: str, engine_id: str | None) -> None:
        self.log.append(f"told completed {key}")

    def failed(self, key: str, error: str) -> None:
        self.log.append(f"told failed {key}: {error}")

    def uncertain(self, key: str, reason: str) -> None:
        self.log.append(f"told uncertain {key}: {reason}")

    def notice(self, text: str) -> None:
        self.log.append(f"told: {text}")

    def ended(self) -> None:
        self.log.append("told ended")


class TickingClock:  # a millisecond later at every look
    def __init__(self) -> None:
        self._ticks = 0

    def now(self) -> str:
        self._ticks += 1
        return at(self._ticks // 1000, self._ticks % 1000)


class Scene:
    """A project in memory, with a platform; what `reconcile apply` would wire."""

    def __init__(self, specs: Mapping[str, Spec], lockfile: Lockfile = lockfile_format.EMPTY) -> None:
        self.log = Log()
        self.engines = MemoryEngines(dict(specs))
        content = b"" if lockfile == lockfile_format.EMPTY else lockfile_format.render(lockfile)
        self.lockfile = MemoryLockfile(self.log, content)
        self.journal = MemoryJournal(self.log)
        self.platform = MemoryPlatform(self.log)
        self.completions = MemoryCompletions(self.log)
        self.websocket = True
        self.deliveries: MemoryDeliveries | None = None
        self.clock = TickingClock()
        self._ids = 0

    @property
    def ports(self) -> Ports:
        waited = self.completions if self.websocket else None
        known = (self.platform, waited, self.journal, self.lockfile, LogObserver(self.log), self.clock)
        return Ports(*known, deliveries=self.deliveries)

    def plan(self, **request: object) -> PlanResult:
        return make_plan(self.engines, self.lockfile, self.journal, Request(**request))  # type: ignore[arg-type]

    def new_id(self) -> str:
        self._ids += 1
        return f"op_{self._ids}"

    def settings(
        self,
        *,
        concurrency: int = 8,
        timeout: float = 30.0,
        detach: bool = False,
        callback_url: str | None = None,
    ) -> ApplySettings:
        return ApplySettings(
            concurrency=concurrency,
            timeout=timeout,
            detach=detach,
            no_wait=False,
            callback_url=callback_url,
            new_id=self.new_id,
        )

    def driver(self, planned: PlanResult, settings: ApplySettings | None = None) -> Driver:
        return build_driver(planned, self.ports, settings or self.settings())

    def apply(
        self,
        *,
        while_running: Callable[[Driver], object] | None = None,
        settings: ApplySettings | None = None,
        retry_failed: bool = False,
    ) -> Outcome:
        """Plan and apply. `while_running` is called when the first create call or watch is under way."""
        planned = self.plan(retry_failed=retry_failed)

        async def drive() -> Outcome:
            driver = self.driver(planned, settings)
            driving = asyncio.create_task(driver.drive(planned.recorded.on_disk))
            if while_running is not None:
                await self.until("POST", "watch")
                while_running(driver)
            return await driving

        return asyncio.run(drive())

    async def until(self, *starts: str, count: int = 1) -> None:
        """Wait until the log has so many lines that start so."""
        async with asyncio.timeout(10):
            while sum(line.startswith(starts) for line in self.log) < count:
                await asyncio.sleep(0.001)
