"""Drives a run one fact at a time, without threads or a loop: what `app/driver.py` and `app/ledger_writer.py` do.

Whatever can happen next is chosen by chance, so that facts come in every order that the driver would allow.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import cast

from reconciler.app.finishing import Ending
from reconciler.app.ledger_writer import MARGIN, LedgerWriter
from reconciler.app.planning import PlanResult
from reconciler.app.pushing import Pusher
from reconciler.core.errors import ReconcileError, RemoteUnreachable, StorageError
from reconciler.core.ledger.journal import Begin, Record
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.platform.job import News, Refused
from reconciler.core.run.machine import Run
from reconciler.core.run.operations import Options
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
    Watch,
    WatchEnded,
)
from tests.simulation.calls import Calls
from tests.simulation.machine import Journal, LockfileStore, Told
from tests.simulation.world import Process, World

NOT_ENDED = "it was still running when this run checked"


@dataclass(slots=True)
class Drive:
    """One plan on its way. Give `go` a step whenever others have had theirs; its outcome is in `outcome`."""

    world: World
    process: Process
    planned: PlanResult
    pusher: Pusher | None
    options: Options
    ttl: float
    journal: Journal
    lockfile: LockfileStore
    calls: Calls
    outcome: Outcome | None = None
    told: Told = field(default_factory=Told)
    _facts: list[Fact] = field(default_factory=list)
    _announcing: list[tuple[Record, ...]] = field(default_factory=list)
    _writing: list[tuple[Record, ...]] = field(default_factory=list)
    _watched: list[str] = field(default_factory=list)
    _owed: list[Record] = field(default_factory=list)
    _prompt: bool = False
    _followed: int = 0
    _idle: int = 0
    _interrupted: bool = False

    def go(self) -> Generator[None, None, None]:
        world, process = self.world, self.process
        plan = self.planned.plan
        operations = {one.key: world.new_operation() for one in plan.actions if one.creates}
        run = Run(plan, self.planned.recorded.folded, operations, self.options)
        if self.pusher is not None:
            self.pusher.on_lost = lambda reason: self._facts.append(LeaseLost(reason))
        commands = run.start(process.machine.clock.now())
        finish: Lockfile | None = None
        while finish is None:
            for command in commands:
                if isinstance(command, Finish):
                    finish = command.lockfile
                    break
                self._carry_out(command)
            if finish is None:
                yield
                fact = self._next()
                commands = [] if fact is None else run.handle(fact, process.machine.clock.now())
        yield
        sharer = cast("LedgerWriter | None", self.pusher)  # its last push is all that an ending needs of it
        on_disk = self.planned.recorded.on_disk
        ending = Ending(run, on_disk, self.lockfile, self.journal, self.told, sharer)
        self.outcome = ending.write(finish, self._owed)

    def _carry_out(self, command: Command) -> None:
        match command:
            case Append(records) if self.pusher is not None and isinstance(records[0], Begin):
                self._announcing.append(records)
            case Append(records):
                self._writing.append(records)
            case Create():
                self._send(command)
            case Watch(job_id):
                self._watch(job_id)
            case ReadSummary(job_id):
                made = {"instructions": 3} if self.process.lucky(0.5) else None
                self._facts.append(SummaryRead(job_id, made))
            case Abandon(operations):
                for operation in operations:
                    self.calls.give_up(operation)

    def _send(self, command: Create) -> None:
        if self.pusher is not None and not self._may_create(self.pusher):
            self._facts.append(
                Answered(command.operation, Refused("the lease was lost before the call was sent"))
            )
            return
        self.calls.send(command)

    def _watch(self, job_id: str) -> None:
        if self.world.websocket:
            self._watched.append(job_id)
        elif self.options.no_wait:
            self._facts.append(WatchEnded(job_id, NOT_ENDED))

    # ── what can happen next ───────────────────────────────────────────────────────────────────────────────────

    def _next(self) -> Fact | None:
        """Some fact; None when nothing happened that the run hears of."""
        if self._facts and self.process.lucky(0.7):
            return self._facts.pop(self.process.rng.randrange(len(self._facts)))
        if self.process.lucky(self.process.weather.interrupt) and not self._interrupted:
            self._interrupted = True
            return Interrupted()
        if self.process.lucky(self.process.weather.deadline):
            return DeadlinePassed()
        if self._interrupted and self.process.lucky(0.3):
            return GraceOver()
        ways = [self._announce, self._write, self._arrive_some, self._hear_answer, self._hear, self._renew]
        ways += [self._follow, self._hear_fact]
        self.process.rng.shuffle(ways)
        for way in ways:
            if way is not self._renew:
                fact = way()
                if fact is not None:
                    self._idle = 0
                    return fact
        self._renew()
        return self._wait()

    def _wait(self) -> Fact | None:
        """Nothing happens here; others may have their turn, until the patience is at its end."""
        self._idle += 1
        self.world.time.pass_(1.0)
        if self.world.at_rest or self.process.lucky(0.1):
            self.world.platform.work(self.process.rng, self.process.weather.failing_job)
        return DeadlinePassed() if self._idle > self.world.patience else None

    def _hear_fact(self) -> Fact | None:
        return self._facts.pop(0) if self._facts else None

    def _announce(self) -> Fact | None:
        if not self._announcing or self.pusher is None:
            return None
        begins = self._announcing.pop(0)
        if self.pusher.lost is not None:
            return Unrecorded(begins, self.pusher.lost)
        try:
            self.pusher.push(begins)
        except ReconcileError as error:
            return self._not_announced(self.pusher, begins, error)
        if self.pusher.lost is not None:
            return Unrecorded(begins, self.pusher.lost)
        self._writing.append(begins)
        return None

    def _not_announced(
        self, pusher: Pusher, begins: tuple[Record, ...], error: ReconcileError
    ) -> Fact | None:
        again = isinstance(error, RemoteUnreachable)
        if pusher.ever_held and self._is_late(pusher):
            pusher.lose("the lease expired before it could be renewed")
        if again and pusher.ever_held and pusher.lost is None:
            self._announcing.insert(0, begins)
            return None
        return Unrecorded(begins, error.message)

    def _write(self) -> Fact | None:
        if not self._writing:
            return None
        batch = self._writing.pop(0)
        try:
            self.journal.append((*self._owed, *batch))
        except StorageError as error:
            self._owed += [record for record in batch if not isinstance(record, Begin)]
            return Unrecorded(batch, error.message)
        self._owed.clear()
        if self.pusher is not None:
            self.pusher.note([record for record in batch if not isinstance(record, Begin)])
            self._prompt = self._prompt or any(not isinstance(record, Begin) for record in batch)
        return Recorded(batch)

    def _arrive_some(self) -> Fact | None:
        if self.calls.sent:
            self.calls.arrive(self.process.rng.choice(list(self.calls.sent)))
        return None

    def _hear_answer(self) -> Fact | None:
        if not self.calls.answers:
            return None
        operation = self.process.rng.choice(list(self.calls.answers))
        answer = self.calls.answer(operation)
        return None if answer is None else Answered(operation, answer)

    def _hear(self) -> Fact | None:
        """The WebSocket tells of a job."""
        for job_id in self._watched:
            made = self.world.platform.of_job(job_id)
            ended = made is not None and made.status != "in_progress"
            if ended or self.options.no_wait:
                self._watched.remove(job_id)
                if made is None or not ended:
                    return WatchEnded(job_id, NOT_ENDED)
                return Heard(News(job_id, made.status, "it broke" if made.status == "failed" else None))
        return None

    def _follow(self) -> Fact | None:
        inbox = self.world.platform.inbox
        if not self.world.callbacks or self._followed >= len(inbox):
            return None
        self._followed += 1
        return Delivered(inbox[self._followed - 1].event)

    def _renew(self) -> None:
        """In the background: results are pushed soon, and the lease is renewed in time."""
        pusher = self.pusher
        if pusher is None:
            return
        due = pusher.ever_held and pusher.lost is None and pusher.left() < self.ttl * 2 / 3
        if not (due or self._prompt):
            return
        self._prompt = False
        try:
            pusher.push(())
        except ReconcileError as error:
            if pusher.ever_held and self._is_late(pusher):
                pusher.lose(f"the lease expired before it could be renewed: {error.message}")

    def _may_create(self, pusher: Pusher) -> bool:
        if pusher.lost is None and self._is_late(pusher):
            pusher.lose("the lease expired before it could be renewed")
        return pusher.lost is None

    def _is_late(self, pusher: Pusher) -> bool:
        return pusher.left() <= min(MARGIN, self.ttl / 4)
