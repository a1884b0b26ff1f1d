"""One apply as a state machine without I/O: facts in, commands out. The driver decides nothing.

For every create call the order is begin → journal → call → answer → journal → wait → end → journal (DESIGN
§5), each step only when the one before it is durable. The lockfile at the end is `fold(local actions done,
records)`, by the same function that a later run would use on the journal of a run that was killed; so there
is one truth, and no way to end elsewhere by dying.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.core.fold import fold
from reconciler.core.job import COMPLETED, Accepted, Answer, News, Refused, Uncertain
from reconciler.core.journal import Acceptance, Begin, Doubt, End, Made, Record, Refusal
from reconciler.core.kept import kept_document
from reconciler.core.lockfile import Lockfile
from reconciler.core.operation import Operation, Options, Phase, Stops
from reconciler.core.perform import perform_all
from reconciler.core.plan import Action, Plan
from reconciler.core.protocol import (
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
from reconciler.core.spec import record_of

if TYPE_CHECKING:  # only named here
    from reconciler.core.webhook import Event

UNSENT = "stopped before it was sent"
CUT_OFF = "the run was interrupted before the answer came"


@dataclass(slots=True)
class Run:
    """`lockfile` is where things stand (folded) and what `plan` was made from; `operations` names an id for every key
    whose action creates. Call `start` once, then `handle` for every fact, and carry out what they return, in order,
    until `finished`.
    """

    plan: Plan
    lockfile: Lockfile
    operations: Mapping[str, str]
    options: Options = field(default_factory=Options)
    stops: Stops = field(default_factory=Stops)
    finished: bool = False
    _queue: deque[Operation] = field(default_factory=deque)
    _ready: deque[Operation] = field(default_factory=deque)
    _all: dict[str, Operation] = field(default_factory=dict)
    _by_job: dict[str, list[Operation]] = field(default_factory=dict)
    _by_key: dict[str, Operation] = field(default_factory=dict)
    _counts: Counter[Phase] = field(default_factory=Counter)
    _early: dict[str, Event] = field(default_factory=dict)  # by job: delivered before we knew of the job
    records: list[Record] = field(default_factory=list)

    def start(self, at: str) -> list[Command]:
        """The first commands: waits for what is under way, and the first create calls."""
        commands: list[Command] = []
        for action in self.plan.actions:
            if action.creates:
                operation = Operation(self.operations[action.key], action)
                self._add(operation)
                self._queue.append(operation)
            elif action.waits:
                commands += self._take_up(action)
        return commands + self._go_on(at)

    def handle(self, fact: Fact, at: str) -> list[Command]:
        """What follows from a fact. Facts that are late, repeated or about nothing of ours change nothing."""
        if self.finished:
            return []
        return self._react(fact, at) + self._go_on(at)

    def _react(self, fact: Fact, at: str) -> list[Command]:
        match fact:
            case Recorded(records):
                return [command for record in records for command in self._recorded(record, at)]
            case Unrecorded(records, reason):
                return self._unrecorded(records, reason, at)
            case Answered(operation, answer):
                return self._answered(self._all.get(operation), answer, at)
            case Heard(news):
                return [c for one in self._by_job.get(news.job_id, ()) for c in self._heard(one, news, at)]
            case Delivered(event):
                return self._delivered(event, at)
            case SummaryRead(job_id, summary):
                return [c for one in self._by_job.get(job_id, ()) for c in self._read(one, summary, at)]
            case WatchEnded(job_id, reason):
                self._unwatch(job_id, reason)
            case Interrupted():
                self.stops.interrupted = True
            case DeadlinePassed():
                self.stops.timed_out = True
            case LeaseLost(reason):
                self.stops.lease_lost = True
                self.stops.halted = self.stops.halted or reason
            case GraceOver():
                return self._abandon(at)
        return []

    # ── from begin to answer ───────────────────────────────────────────────────────────────────────────────────────

    def _go_on(self, at: str) -> list[Command]:
        """Call and begin what may be called and begun, and finish when nothing is left."""
        commands = self._withdraw(at) if self.stops.creating else [*self._call(), *self._begin(at)]
        if not commands and self._done():
            self.finished = True
            commands.append(Finish(self.result(at)))
        return commands

    def _begin(self, at: str) -> list[Command]:
        begins: list[Record] = []
        room = self.options.concurrency + self.options.ahead
        while self._queue and self._counts[Phase.READY] + self._occupied < room:
            operation = self._queue.popleft()
            begins.append(_begin(operation, at))
            self._enter(operation, Phase.BEGINNING)
        return [self._append(*begins)] if begins else []

    def _call(self) -> list[Command]:
        """Create calls for what is on record, as many as may be under way at once."""
        commands: list[Command] = []
        while self._ready and self._counts[Phase.CALLING] < self.options.concurrency:
            operation = self._ready.popleft()
            assert operation.action.spec is not None  # every creating action has one
            self._enter(operation, Phase.CALLING)
            commands.append(Create(operation.id, operation.action.key, operation.action.spec))
        return commands

    def _withdraw(self, at: str) -> list[Command]:
        """What is on record but was not called yet stays uncalled, and that goes on record."""
        if not self._ready:
            return []
        unsent = list(self._ready)
        self._ready.clear()
        for operation in unsent:
            operation.answer = Refused(UNSENT)
            self._enter(operation, Phase.ANSWERING)
        return [self._append(*(Refusal(one.id, UNSENT, 0, False, at) for one in unsent))]

    def _add(self, operation: Operation) -> None:
        self._all[operation.id] = operation
        self._by_key[operation.action.key] = operation
        self._counts[operation.phase] += 1

    @property
    def _occupied(self) -> int:
        return self._counts[Phase.BEGINNING] + self._counts[Phase.CALLING]

    def _done(self) -> bool:
        if self._queue and not self.stops.creating:
            return False
        if self._occupied or self._ready or self._counts[Phase.ANSWERING] or self._counts[Phase.ENDING]:
            return False
        waiting = self._counts[Phase.WATCHING] + self._counts[Phase.SUMMARIZING]
        return waiting == 0 or self.stops.waiting

    def _enter(self, operation: Operation, phase: Phase) -> None:
        self._counts[operation.phase] -= 1
        self._counts[phase] += 1
        operation.phase = phase

    def _append(self, *records: Record) -> Append:
        self.records += records
        return Append(records)

    def _unrecorded(self, records: tuple[Record, ...], reason: str, at: str) -> list[Command]:
        """A begin that is not durable is not called. What came after a call is kept in mind and in the lockfile."""
        self.stops.halted = self.stops.halted or reason
        commands: list[Command] = []
        for record in records:
            operation = self._all[record.operation]
            if isinstance(record, Begin):
                operation.note = reason
                self.records.remove(record)
                self._enter(operation, Phase.OVER)
                if self.options.shared:  # it may have got there all the same
                    commands.append(self._append(Refusal(operation.id, UNSENT, 0, False, at)))
            else:
                commands += self._recorded(record, at)
        return commands

    def result(self, at: str) -> Lockfile:
        """The lockfile as it stands when everything recorded so far has happened."""
        return fold(perform_all(self.lockfile, self.plan.actions, at), self.records)

    def operation_of(self, key: str) -> Operation | None:
        """The operation that a key's action began or took up."""
        return self._by_key.get(key)

    def _recorded(self, record: Record, at: str) -> list[Command]:
        operation = self._all[record.operation]
        match record:
            case Begin() if operation.phase is Phase.BEGINNING:
                self._enter(operation, Phase.READY)
                self._ready.append(operation)
            case Acceptance() if operation.phase is Phase.ANSWERING:
                return self._wait(operation)
            case Refusal() | Doubt() if operation.phase is Phase.ANSWERING:
                if not isinstance(operation.answer, Accepted):  # a webhook may have told meanwhile
                    self._enter(operation, Phase.OVER)
            case End() if operation.phase is Phase.ENDING:
                return self._summarize(operation, at)
        return []

    def _answered(self, operation: Operation | None, answer: Answer, at: str) -> list[Command]:
        if operation is None or isinstance(operation.answer, Accepted):
            return []
        if operation.phase is not Phase.CALLING and not operation.abandoned:
            return []
        if isinstance(answer, Uncertain):
            told = [event for event in self._early.values() if event.operation_id == operation.id]
            if told and (commands := self._adopt(operation, told[0], at)):
                return commands
        operation.answer = answer
        self._enter(operation, Phase.ANSWERING)
        if isinstance(answer, Accepted):
            return self._accepted(operation, answer, at)
        if isinstance(answer, Refused):
            if answer.halts and self.stops.halted is None:
                self.stops.halted, self.stops.status = answer.message, answer.status
            return [
                self._append(
                    Refusal(
                        operation.id,
                        answer.message,
                        answer.status or 0,
                        answer.about_spec,
                        at,
                    )
                )
            ]
        return [self._append(Doubt(operation.id, answer.reason, at))]

    def _accepted(self, operation: Operation, answer: Accepted, at: str) -> list[Command]:
        operation.job_id, operation.engine_id = answer.job_id, answer.engine_id
        self._by_job.setdefault(answer.job_id, []).append(operation)
        records: list[Record] = [Acceptance(operation.id, answer.job_id, answer.engine_id, at)]
        early = self._early.pop(answer.job_id, None)
        news = early.news if early is not None else None
        if news is None or not news.terminal:
            news = News(answer.job_id, answer.status)
        if news.terminal:
            operation.end = news
            self._enter(operation, Phase.ENDING)
            records.append(_end(operation, at))
        return [self._append(*records)]

    def _delivered(self, event: Event, at: str) -> list[Command]:
        """A webhook that is early is kept: the call's own answer, when there is one, says whose the job is."""
        if event.job_id is None:
            return []
        news = event.news
        if event.job_id in self._by_job:
            return (
                []
                if news is None
                else [c for one in self._by_job[event.job_id] for c in self._heard(one, news, at)]
            )
        self._early[event.job_id] = event
        operation = self._all.get(event.operation_id or "")
        return self._adopt(operation, event, at) if operation is not None and operation.unanswered else []

    def _adopt(self, operation: Operation, event: Event, at: str) -> list[Command]:
        """Take what a webhook tells for the answer that was lost; nothing where it names an engine that is known."""
        if isinstance(operation.answer, Accepted) or not self._fits(operation, event):
            return []
        assert event.job_id is not None and event.engine_id is not None  # it fits
        operation.answer, operation.note = Accepted(event.job_id, event.engine_id), None
        self._enter(operation, Phase.ANSWERING)
        return self._accepted(operation, operation.answer, at)

    def _fits(self, operation: Operation, event: Event) -> bool:
        from reconciler.core.learn import fits_unanswered, known_in  # only when an answer was lost

        known = known_in(self.lockfile)
        known.unanswered.add(operation.id)
        known.engines |= {one.engine_id for one in self._all.values() if one.engine_id is not None}
        return fits_unanswered(known, event)

    def _abandon(self, at: str) -> list[Command]:
        """Give up on answers that did not come in time; one that comes after all is still recorded."""
        calling = [one for one in self._all.values() if one.phase is Phase.CALLING]
        if not calling:
            return []
        for operation in calling:
            operation.abandoned = True
            operation.note = CUT_OFF
            self._enter(operation, Phase.ANSWERING)
        doubts = [Doubt(one.id, CUT_OFF, at) for one in calling]
        return [self._append(*doubts), Abandon(tuple(one.id for one in calling))]

    # ── from answer to end ─────────────────────────────────────────────────────────────────────────────────────────

    def _take_up(self, action: Action) -> list[Command]:
        assert action.job_id is not None and action.operation_id is not None  # every waiting action has both
        operation = Operation(
            action.operation_id,
            action,
            job_id=action.job_id,
            engine_id=action.engine_id,
        )
        self._add(operation)
        self._by_job.setdefault(action.job_id, []).append(operation)
        return self._wait(operation)

    def _wait(self, operation: Operation) -> list[Command]:
        if self.options.detach:
            self._enter(operation, Phase.OVER)
            return []
        self._enter(operation, Phase.WATCHING)
        assert operation.job_id is not None  # it was accepted
        return [] if self.stops.waiting else [Watch(operation.job_id, operation.action.key)]

    def _heard(self, operation: Operation, news: News, at: str) -> list[Command]:
        if operation.end is not None:
            return self._made(operation, news.summary, at) if operation.end.status == news.status else []
        if not news.terminal:
            return []
        operation.end, operation.note = news, None
        self._enter(operation, Phase.ENDING)
        return [self._append(_end(operation, at))]

    def _summarize(self, operation: Operation, at: str) -> list[Command]:
        assert operation.end is not None  # it was recorded
        told = operation.summary or operation.end.summary
        wanted = self.options.read_summaries and not self.options.detach and not self.stops.waiting
        if told or not wanted or operation.end.status != COMPLETED:
            self._enter(operation, Phase.OVER)
            return self._made(operation, told, at)
        self._enter(operation, Phase.SUMMARIZING)
        return [ReadSummary(operation.end.job_id)]

    def _read(self, operation: Operation, summary: Mapping[str, int] | None, at: str) -> list[Command]:
        if operation.phase is not Phase.SUMMARIZING:
            return []
        self._enter(operation, Phase.OVER)
        return self._made(operation, summary, at)

    def _made(self, operation: Operation, summary: Mapping[str, int] | None, at: str) -> list[Command]:
        """What was made, from reading the job or from its webhook; the first that tells is kept."""
        if not summary or operation.summary:
            return []
        operation.summary = summary
        return [self._append(Made(operation.id, summary, at))]

    def _unwatch(self, job_id: str, reason: str) -> None:
        for operation in self._by_job.get(job_id, ()):
            if operation.phase is Phase.WATCHING:
                operation.note = reason
                self._enter(operation, Phase.OVER)


def _begin(operation: Operation, at: str) -> Begin:
    action = operation.action
    assert action.spec is not None and action.fingerprint is not None  # every creating action has both
    return Begin(
        operation.id,
        action.key,
        action.fingerprint,
        record_of(action.spec),
        dict(action.files),
        at,
        kept_document(action.kept) if action.kept is not None else None,
    )


def _end(operation: Operation, at: str) -> End:
    assert operation.end is not None  # it ended
    return End(operation.id, operation.end.status, at, operation.end.error)
