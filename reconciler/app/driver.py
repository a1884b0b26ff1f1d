"""Carry out a run: its commands become calls on the ports, and what comes of them becomes facts. Decides nothing.

Appends to the journal go through one writer, in their order, and those that wait together share one fsync.
Everything else runs side by side. Time enters here: the deadline, the grace after an interrupt, and the stamp
on every fact.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

from reconciler.app.finishing import Ending
from reconciler.app.ledger_writer import BeginNotPublished, LedgerWriter
from reconciler.app.ports import (
    Clock,
    Completions,
    Deliveries,
    ExistingEngines,
    Journal,
    LockfileStore,
    Observer,
    Platform,
)
from reconciler.core.errors import PlatformError, StorageError
from reconciler.core.frozen import dataclass
from reconciler.core.ledger.journal import Record, is_begin
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.platform.job import COMPLETED, FAILED, Accepted, News, Progress, Refused, Uncertain
from reconciler.core.platform.update import NotUpdated, Reach, Unconfirmed, UpdateAnswer, Updated
from reconciler.core.run.machine import Run
from reconciler.core.run.outcome import Outcome
from reconciler.core.run.protocol import (
    Abandon,
    Answered,
    Append,
    Command,
    Create,
    DeadlinePassed,
    Delivered,
    Fact,
    Finish,
    GraceOver,
    Heard,
    Interrupted,
    LeaseLost,
    ReadSummary,
    Recorded,
    SummaryRead,
    Unrecorded,
    UpdateAnswered,
    UpdateEngine,
    Watch,
    WatchEnded,
)

GRACE = 3.5  # seconds an interrupted run gives to create calls under way; the whole end takes less than 5
SHARED_GRACE = 2.5  # the same, where their answers are to be pushed as well
LEASE_LOST = "the lease was lost before the call was sent"
NOT_ENDED = "it was still running when this run checked"
END = 4.4  # seconds after an interrupt at which the last push is given up


@dataclass(frozen=True, slots=True)
class Ports:
    """The outside world of one apply. A run that waits has `completions` or `deliveries`, or both: the first that tells
    wins.
    """

    platform: Platform | None  # None for a run that neither creates nor waits
    completions: Completions | None
    journal: Journal
    lockfile: LockfileStore
    observer: Observer
    clock: Clock
    ledger_writer: LedgerWriter | None = None  # where runs share their records through a remote
    deliveries: Deliveries | None = None
    engines: ExistingEngines | None = None  # for a run that changes engines in place


class Driver:
    """Drives one run to its outcome. `timeout` is in seconds; None waits for ever.

    `callback_url`, when set, goes out with every create call, with the operation id at its end.
    """

    def __init__(
        self, run: Run, ports: Ports, *, timeout: float | None = None, callback_url: str | None = None
    ) -> None:
        self._run = run
        self._ports = ports
        self._timeout = timeout
        self._callback_url = callback_url
        self._facts: asyncio.Queue[Fact] = asyncio.Queue()
        self._unwritten: list[Record] = []
        self._owed: list[Record] = []  # facts that the journal refused; they go along with the next ones
        self._writer_wanted = asyncio.Event()
        self._activities: set[asyncio.Task[None]] = set()
        self._calls: dict[str, asyncio.Task[None]] = {}
        self._keys: dict[str, str] = {}
        self._told: set[str] = set()
        self._closing = False
        self._bug: BaseException | None = None

    async def drive(self, on_disk: Lockfile) -> Outcome:
        """Run until nothing is left to do, write the lockfile if it is not `on_disk` already, and compact the journal.

        Raises what a port raised beyond its contract, after everything known was recorded.
        """
        timer = self._later(self._timeout, DeadlinePassed())
        if self._ports.deliveries is not None:
            self._start(self._follow(self._ports.deliveries))
        writers = [asyncio.create_task(self._write_journal())]
        ledger_writer = self._ports.ledger_writer
        if ledger_writer is not None:
            loop = asyncio.get_running_loop()  # it may be told from the thread that pushes
            ledger_writer.report_loss(lambda reason: loop.call_soon_threadsafe(self._lose_lease, reason))
            writers.append(asyncio.create_task(self._share(ledger_writer)))
        try:
            finish = await self._loop()
        finally:
            if timer is not None:
                timer.cancel()
            await _cancel([*self._activities])
            self._closing = True
            self._writer_wanted.set()
            if ledger_writer is not None:
                ledger_writer.close()
            await asyncio.gather(*writers)
        ports = self._ports
        ending = Ending(self._run, on_disk, ports.lockfile, ports.journal, ports.observer, ledger_writer)
        outcome = await asyncio.to_thread(ending.write, finish.lockfile, self._owed)
        if self._bug is not None:
            raise self._bug
        return outcome

    def interrupt(self) -> None:
        """End soon: nothing new begins, and what is in flight gets a short grace."""
        self._ports.observer.notice("interrupted: no more create calls; recording what is in progress")
        self._facts.put_nowait(Interrupted())
        if self._ports.ledger_writer is not None:
            self._ports.ledger_writer.hurry(END)
        if self._ports.deliveries is not None:
            self._ports.deliveries.hurry(GRACE)
        self._later(GRACE if self._ports.ledger_writer is None else SHARED_GRACE, GraceOver())

    async def _loop(self) -> Finish:
        commands = self._run.start(self._ports.clock.now())
        while True:
            for command in commands:
                if isinstance(command, Finish):
                    return command
                self._carry_out(command)
            fact = await self._facts.get()
            self._report(fact)
            commands = self._run.handle(fact, self._ports.clock.now())

    def _carry_out(self, command: Command) -> None:
        match command:
            case Append(records) if self._ports.ledger_writer is not None and is_begin(records[0]):
                self._start(self._announce(self._ports.ledger_writer, records))
            case Append(records):
                self._write(records)
            case Create(operation, key, _):
                self._keys[operation] = key
                self._ports.observer.submitting(key)
                self._calls[operation] = self._start(self._create(command))
            case UpdateEngine(operation, key):
                self._keys[operation] = key
                self._ports.observer.updating(key)
                self._calls[operation] = self._start(self._update(command))
            case Watch(job_id, key):
                self._keys[job_id] = key
                self._ports.observer.waiting(key, job_id)
                self._start(self._watch(job_id, key))
            case ReadSummary(job_id):
                self._start(self._read_summary(job_id))
            case Abandon(operations):
                for operation in operations:
                    call = self._calls.get(operation)
                    if call is not None:  # else its answer came at the last moment, and is the next fact
                        call.cancel()

    # ── activities: each ends by putting a fact ────────────────────────────────────────────────────────────────────

    def _start(self, activity: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        started = asyncio.create_task(activity)
        self._activities.add(started)
        started.add_done_callback(self._activities.discard)
        return started

    async def _announce(self, ledger_writer: LedgerWriter, begins: tuple[Record, ...]) -> None:
        """Begins go to the remote first: the machine may vanish together with its disk."""
        try:
            await ledger_writer.announce(begins)
        except BeginNotPublished as error:
            self._facts.put_nowait(Unrecorded(begins, error.message))
        else:
            self._write(begins)

    async def _share(self, ledger_writer: LedgerWriter) -> None:
        try:
            await ledger_writer.run()
        except (
            Exception
        ) as error:  # beyond the port's contract: begins are not announced any more, so the run ends
            self._broken(error)

    def _write(self, records: tuple[Record, ...]) -> None:
        self._unwritten += records
        self._writer_wanted.set()

    def _lose_lease(self, reason: str) -> None:
        self._ports.observer.notice(f"lost the lease, so nothing more is created: {reason}")
        self._facts.put_nowait(LeaseLost(reason))

    async def _create(self, command: Create) -> None:
        operation = command.operation
        callback = f"{self._callback_url}/{operation}" if self._callback_url else None
        if self._ports.ledger_writer is not None and not self._ports.ledger_writer.may_create():
            self._facts.put_nowait(Answered(operation, Refused(LEASE_LOST)))
            return
        try:
            assert self._ports.platform is not None  # a run that creates has one
            answer = await self._ports.platform.create(operation, command.spec, callback)
        except Exception as error:  # beyond the port's contract: the call may have been sent
            self._broken(error)
            answer = Uncertain("an internal error occurred between the call and its answer")
        self._calls.pop(operation, None)
        self._facts.put_nowait(Answered(operation, answer))

    async def _update(self, command: UpdateEngine) -> None:
        operation, ledger_writer = command.operation, self._ports.ledger_writer
        answer: UpdateAnswer
        if ledger_writer is not None and not ledger_writer.may_create():
            self._facts.put_nowait(UpdateAnswered(operation, NotUpdated(LEASE_LOST, reach=Reach.RUN)))
            return
        try:
            assert self._ports.engines is not None  # a run that updates has them
            answer = await self._ports.engines.update(
                command.engine_id, command.spec, look_first=command.look_first
            )
        except Exception as error:  # beyond the port's contract: the call may have been sent
            self._broken(error)
            answer = Unconfirmed("an internal error occurred between the call and its answer")
        self._calls.pop(operation, None)
        self._facts.put_nowait(UpdateAnswered(operation, answer))

    async def _follow(self, deliveries: Deliveries) -> None:
        """Webhooks come in for all jobs of the run, and for lost answers; what is not ours changes nothing."""
        try:
            async for event in deliveries.follow():
                self._facts.put_nowait(Delivered(event))
        except Exception as error:  # beyond the port's contract
            self._broken(error)

    async def _watch(self, job_id: str, key: str) -> None:
        completions = self._ports.completions
        if completions is None:
            if self._run.options.no_wait:  # the inbox was read before the plan was made
                self._facts.put_nowait(WatchEnded(job_id, NOT_ENDED))
            return
        try:
            async for heard in completions.watch(job_id):
                if isinstance(heard, Progress):
                    self._ports.observer.step(key, heard.step, heard.detail)
                    continue
                self._facts.put_nowait(Heard(heard))
                if self._run.options.no_wait:
                    self._facts.put_nowait(WatchEnded(job_id, NOT_ENDED))
                    return
            self._facts.put_nowait(WatchEnded(job_id, "the platform reports nothing more about its job"))
        except PlatformError as error:
            if self._ports.deliveries is not None and not self._run.options.no_wait:
                self._ports.observer.notice(f"{key}: waiting for its webhook only: {error.message}")
                return
            self._ports.observer.notice(f"{key}: cannot wait for its job: {error.message}")
            self._facts.put_nowait(WatchEnded(job_id, error.message))
        except Exception as error:  # beyond the port's contract: the job stays in progress, the run ends
            self._broken(error)
            self._facts.put_nowait(WatchEnded(job_id, "an internal error ended the wait"))

    async def _read_summary(self, job_id: str) -> None:
        summary: Mapping[str, int] | None = None
        try:
            assert self._ports.platform is not None  # a run that waits has one
            summary = await self._ports.platform.read_summary(job_id)
        except Exception as error:  # beyond the port's contract: the summary is a nicety, the run is not
            self._broken(error)
        self._facts.put_nowait(SummaryRead(job_id, summary))

    def _broken(self, error: Exception) -> None:
        self._bug = self._bug or error
        self._facts.put_nowait(Interrupted())

    async def _write_journal(self) -> None:
        """The one writer: whatever is waiting goes out together."""
        while self._unwritten or not self._closing:
            await self._writer_wanted.wait()
            self._writer_wanted.clear()
            batch, self._unwritten = tuple(self._unwritten), []
            if batch:
                self._facts.put_nowait(await self._append(batch))

    async def _append(self, batch: tuple[Record, ...]) -> Recorded | Unrecorded:
        try:
            await asyncio.to_thread(self._ports.journal.append, (*self._owed, *batch))
        except StorageError as error:
            reason = error.message
        except Exception as error:  # beyond the port's contract: no fact may be taken as recorded
            self._broken(error)
            reason = "an internal error kept it out of the journal"
        else:
            self._owed.clear()
            if self._ports.ledger_writer is not None:
                self._ports.ledger_writer.note(batch)
            return Recorded(batch)
        self._owed += [record for record in batch if not is_begin(record)]
        return Unrecorded(batch, reason)

    def _later(self, seconds: float | None, fact: Fact) -> asyncio.TimerHandle | None:
        if seconds is None:
            return None
        return asyncio.get_running_loop().call_later(seconds, self._facts.put_nowait, fact)

    def _report(self, fact: Fact) -> None:
        observer = self._ports.observer
        match fact:
            case Answered(operation, Accepted(job_id, engine_id, status)):
                key = self._keys.setdefault(job_id, self._keys[operation])
                observer.accepted(key, engine_id, job_id)
                self._report_end(key, News(job_id, status), engine_id)
            case Answered(operation, Refused(message)):
                observer.failed(self._keys[operation], message)
            case Answered(operation, Uncertain(reason)):
                observer.uncertain(self._keys[operation], reason)
            case UpdateAnswered(operation, Updated(engine_id)):
                observer.completed(self._keys[operation], engine_id)
            case UpdateAnswered(operation, NotUpdated(reason) | Unconfirmed(reason)):
                observer.failed(self._keys[operation], reason)
            case Heard(news):
                self._report_end(self._keys.get(news.job_id, news.job_id), news, None)
            case Delivered(event):
                about = self._keys.get(event.job_id or "") or self._keys.get(event.operation_id or "")
                if about is not None and event.news is not None:
                    self._report_end(about, event.news, event.engine_id)
            case DeadlinePassed():
                observer.notice("deadline reached: the next run resumes the jobs that are still running")
            case Unrecorded(_, reason):
                observer.notice(f"stopped creating: {reason}")

    def _report_end(self, key: str, news: News, engine_id: str | None) -> None:
        if not news.terminal or key in self._told:
            return
        self._told.add(key)
        if news.status == COMPLETED:
            self._ports.observer.completed(key, engine_id)
        elif news.status == FAILED:
            self._ports.observer.failed(key, news.error or "the platform gave no reason")


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for started in tasks:
        started.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
