"""A driver of ill will for the run, in the simulated `world`.

It delivers facts in any order, loses and repeats news, answers late, fills the disk, interrupts, and dies at any
step. What the laws promise is checked at every step, with an `AssertionError`.
"""

from __future__ import annotations

from collections import deque

from reconciler.core.engine.fingerprint import fingerprint
from reconciler.core.ledger import journal
from reconciler.core.ledger.journal import Record, is_begin
from reconciler.core.lockfile import model as lockfile
from reconciler.core.lockfile.entry import FAILED, Entry
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.model import Plan
from reconciler.core.platform.job import Accepted, News, Uncertain
from reconciler.core.run.machine import Run
from reconciler.core.run.operations import Options
from reconciler.core.run.outcome import Outcome, outcome_of
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
from tests.core.world import FaultRates, World, entries_of


class Crash(Exception):
    """The process is gone; what is durable is all there is."""


class Attempt:
    """One process: it plans from what is durable, applies, and may die on the way."""

    def __init__(self, world: World, weather: FaultRates, options: Options, plan: Plan) -> None:
        self.world, self.weather, self.rng = world, weather, world.rng
        operations = {}
        for action in plan.actions:
            if action.creates or action.updates:
                world.operations += 1
                operations[action.key] = f"op_{world.operations}"
        self.run = Run(plan, world.recorded(), operations, options)
        self.unwritten: list[Record] = []
        self.durable: deque[Fact] = deque()  # the journal's word, in its order
        self.inbox: list[Fact] = []  # everything else, in no order
        self.calls: dict[str, Create] = {}  # sent, and not at the platform yet
        self.changes: dict[str, UpdateEngine] = {}  # the same, of changes in place
        self.in_flight: set[str] = set()
        self.watched: list[str] = []
        self.interrupted = False
        self.told: set[str] = set()  # engines that the run was told of

    def go(self) -> Outcome | None:
        """The outcome, or None when the process died."""
        try:
            return self._live()
        except Crash:
            return None
        finally:
            for command in self.calls.values():  # what was on the wire arrives, or not; nobody hears of it
                if self.rng.random() < 0.5:
                    self.world.platform.post(command, self.rng, self.weather)
            for change in self.changes.values():
                if self.rng.random() < 0.5:
                    self.world.platform.put(change, self.rng, self.weather)

    def _live(self) -> Outcome:
        commands = self.run.start(self.world.now())
        for _ in range(3000):
            finish = self._carry_out(commands)
            if finish is not None:
                return self._finish(finish)
            fact = self._next_fact()
            commands = [] if fact is None else self._deliver(fact)
        raise AssertionError("the run does not end")

    def _deliver(self, fact: Fact) -> list[Command]:
        if isinstance(fact, UpdateAnswered):
            self.in_flight.discard(fact.operation)
        if isinstance(fact, Answered):
            self.in_flight.discard(fact.operation)
            if isinstance(fact.answer, Accepted):
                self.told.add(fact.answer.engine_id)
        stopped = self.run.stops.creating
        commands = self.run.handle(fact, self.world.now())
        if stopped:
            creates = [one for one in commands if isinstance(one, Create | UpdateEngine)]
            begins = [r for one in commands if isinstance(one, Append) for r in one.records if is_begin(r)]
            assert (creates, begins) == ([], []), "something new began after a stop"
        return commands

    def _perhaps_die(self) -> None:
        if self.rng.random() < self.weather.crash:
            raise Crash

    # ── commands ───────────────────────────────────────────────────────────────────────────────────────────────

    def _carry_out(self, commands: list[Command]) -> Lockfile | None:
        for command in commands:
            self._perhaps_die()
            match command:
                case Append(records):
                    self.unwritten += records
                case Create():
                    self._check_create(command)
                    self.calls[command.operation] = command
                    self.in_flight.add(command.operation)
                case UpdateEngine():
                    self._check_begun(command.operation, "updating")
                    entry = self.world.recorded().entry(command.key)
                    assert entry is not None
                    assert entry.current is not None
                    assert (entry.current.engine_id, entry.pending) == (command.engine_id, None)
                    self.changes[command.operation] = command
                    self.in_flight.add(command.operation)
                case Watch(job_id):
                    assert not self.run.stops.waiting
                    self.watched.append(job_id)
                case ReadSummary(job_id):
                    made = {"instructions": 6} if self.rng.random() < self.weather.summary else None
                    self.inbox.append(SummaryRead(job_id, made))
                case Abandon(operations):
                    self.in_flight -= set(operations)
                case Finish(lock):
                    return lock
        return None

    def _check_begun(self, operation: str, kind: str) -> None:
        _, records = self.world.read()
        begun = [one for one in records if one.type == kind and one.operation == operation]
        assert begun, "a call without a durable begin"
        assert len(self.in_flight) < self.run.options.concurrency, "too many calls at once"
        assert not self.run.stops.creating, "a call after a stop"

    def _check_create(self, command: Create) -> None:
        self._check_begun(command.operation, "begin")
        self._check_no_second(command)

    def _check_no_second(self, command: Create) -> None:
        """An engine for the same key and meaning is only made when every earlier one is known to have failed."""
        wanted_print = fingerprint(command.spec)
        entry = self.run.lockfile.entry(command.key) or Entry()
        pending = entry.pending
        if pending is not None and pending.fingerprint == wanted_print:
            assert pending.status == FAILED, f"made again while {pending.status}"
        gone = self.world.platform.gone
        current = entry.current
        assert current is None or current.fingerprint != wanted_print or current.engine_id in gone
        past = [one for one in entry.superseded if one.engine_id not in gone]
        same = [one for one in past if one.fingerprint == wanted_print]
        assert all(one.status == FAILED for one in same), "made again although one exists"
        if entry.empty:
            for retired in self.run.lockfile.retired_of(command.key):
                known = (retired.entry.current, retired.entry.pending, *retired.entry.superseded)
                left = [one for one in known if one is not None and one.engine_id not in gone]
                same_print = [one for one in left if one.fingerprint == wanted_print]
                assert all(getattr(one, "status", None) == FAILED for one in same_print)

    def _finish(self, lock: Lockfile) -> Outcome:
        named = {engine for _, entry in entries_of(lock) for engine in entry.engine_ids}
        assert self.told <= named, "the run was told of an engine that its lockfile does not have"
        self._perhaps_die()
        outcome = outcome_of(self.run, lock)
        if self.rng.random() < self.weather.disk_full:
            return outcome  # neither lockfile nor journal could be written
        if lock != self.world.read()[0]:
            self.world.lockfile = lockfile.render(lock)
        self._perhaps_die()
        self.world.journal = b""
        return outcome

    # ── facts ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _next_fact(self) -> Fact | None:
        self._perhaps_die()
        steps = [self._write, self._reach_platform, self._news, self._hear_durable, self._hear]
        return self.rng.choice(steps)() or self._stop()

    def _write(self) -> None:
        if not self.unwritten:
            return
        count = self.rng.randint(1, len(self.unwritten))
        batch, self.unwritten = tuple(self.unwritten[:count]), self.unwritten[count:]
        content = journal.render(batch)
        if self.rng.random() < self.weather.disk_full:
            self.world.append(content[: self.rng.randint(0, len(content))])
            self.durable.append(Unrecorded(batch, "no space left on device"))
            return
        if self.rng.random() < self.weather.crash:
            self.world.append(content[: self.rng.randint(0, len(content))])
            raise Crash
        self.world.append(content)
        self.durable.append(Recorded(batch))

    def _reach_platform(self) -> None:
        operation = self.rng.choice([*self.calls, *self.changes]) if self.calls or self.changes else None
        if operation is None:
            return
        if operation in self.changes:
            told = self.world.platform.put(self.changes.pop(operation), self.rng, self.weather)
            self.inbox.append(UpdateAnswered(operation, told))
            return
        answer = self.world.platform.post(self.calls.pop(operation), self.rng, self.weather)
        self.inbox.append(Answered(operation, answer or Uncertain("no answer came")))
        if self.rng.random() < 0.1:
            self.inbox.append(self.inbox[-1])

    def _news(self) -> None:
        """Jobs go on; of some the news is heard, also of strangers' and of those nobody watches."""
        platform = self.world.platform
        if self.rng.random() < 0.5:
            platform.work(self.rng, self.weather)
        if len(self.inbox) > 20:  # else an answer may not be heard in time
            return
        jobs = self.watched or list(platform.jobs)
        if jobs:
            job = self.rng.choice(jobs if self.rng.random() < 0.8 else list(platform.jobs))
            status = platform.jobs[job]
            self.inbox.append(Heard(News(job, status, "it broke" if status == FAILED else None)))
        if self.rng.random() < self.weather.webhook and (events := platform.webhooks()):
            self.inbox.append(Delivered(self.rng.choice(events)))
        if self.watched and self.rng.random() < self.weather.watch_ended:
            self.inbox.append(WatchEnded(self.rng.choice(self.watched), "the platform does not tell"))

    def _hear_durable(self) -> Fact | None:
        return self.durable.popleft() if self.durable else None

    def _hear(self) -> Fact | None:
        if not self.inbox:
            return None
        index = self.rng.randrange(len(self.inbox))
        fact = self.inbox[index]
        if self.rng.random() < 0.8:  # else it stays, and comes again
            del self.inbox[index]
        if isinstance(fact, Heard | Delivered) and self.rng.random() < 0.2:
            return None  # lost
        return fact

    def _stop(self) -> Fact | None:
        if self.rng.random() < self.weather.deadline:
            return DeadlinePassed()
        if self.rng.random() < self.weather.lease_lost:
            return LeaseLost("another run took over")
        if self.interrupted and self.rng.random() < 0.2:
            return GraceOver()
        if self.rng.random() < self.weather.interrupt:
            self.interrupted = True
            return Interrupted()
        return None
