"""One apply as a state machine without I/O: facts in, commands out. The driver decides nothing.

For every create call the order is begin → journal → call → answer → journal → wait → end → journal
(docs/design.md, section 5), each step only when the one before it is durable. The lockfile at the end is
`fold(local actions done, records)`, by the same function that a later run would use on the journal of a run that
was killed; so there is one truth, and no way to end elsewhere by dying.

Here is the way from begin to answer, and what stops a run; what is heard of jobs from then on is in `completion`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import UnionType

from reconciler.core.ledger.fold import fold
from reconciler.core.ledger.journal import (
    Acceptance,
    Begin,
    End,
    Record,
    Refusal,
    UncertainOutcome,
    Update,
    UpdateBegin,
    UpdateRefusal,
    is_begin,
)
from reconciler.core.ledger.updates import next_number
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.model import Action, Plan
from reconciler.core.platform.job import Accepted, Answer, Refused, Uncertain
from reconciler.core.platform.update import NotUpdated, Reach, Unconfirmed, UpdateAnswer
from reconciler.core.run.begins import begin_of, refusal_of, update_of
from reconciler.core.run.completion import Completion
from reconciler.core.run.local_actions import decisions_of
from reconciler.core.run.operations import UNSENT, Change, Creation, Operation, Options, Phase, Roster, Stops
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
    Recorded,
    SummaryRead,
    Unrecorded,
    UpdateAnswered,
    UpdateEngine,
    WatchEnded,
)

CUT_OFF = "the run was interrupted before the answer arrived"

Call = Creation | Change  # an operation that this run begins itself


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
    _queue: deque[Call] = field(default_factory=deque)
    _ready: deque[Call] = field(default_factory=deque)
    _roster: Roster = field(default_factory=Roster)
    _completion: Completion = field(init=False)
    records: list[Record] = field(default_factory=list)
    _room: int = field(init=False)  # how many may be on record and not answered

    def __post_init__(self) -> None:
        self._room = self.options.concurrency + self.options.ahead
        self._completion = Completion(self.lockfile, self.options, self.stops, self._roster, self.records)

    def start(self, at: str) -> list[Command]:
        """The first commands: waits for what is under way, and the first create calls."""
        commands: list[Command] = []
        # Not journalled here: a run that is cut off decides anew. They reach the ledger with the lockfile.
        self.records += decisions_of(self.lockfile, self.plan.actions, at)
        for action in self.plan.actions:
            if (call := self._call_for(action)) is not None:
                self._roster.add(call)
                self._queue.append(call)
            elif (awaited := action.awaited) is not None:
                commands += self._completion.take_up(action, awaited)
        return commands + self._go_on(at)

    def _call_for(self, action: Action) -> Call | None:
        if (submission := action.submission) is not None:
            return Creation(self.operations[action.key], action, submission=submission)
        entry = self.lockfile.entry(action.key) if action.updates else None
        alteration, current = action.alteration, entry.current if entry is not None else None
        if alteration is None or current is None or current.engine_id != alteration.engine_id:
            return None
        number = next_number(current)
        return Change(self.operations[action.key], action, alteration=alteration, number=number)

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
                return self._widened(self._answered(self._roster.of_id(operation), answer, at))
            case UpdateAnswered(operation, answer):
                return self._widened(self._updated(self._roster.of_id(operation), answer, at))
            case Heard(news):
                return self._completion.heard(news, at)
            case Delivered(event):
                return self._completion.delivered(event, at)
            case SummaryRead(job_id, summary):
                return self._completion.read(job_id, summary, at)
            case WatchEnded(job_id, reason):
                self._completion.unwatch(job_id, reason)
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
        if self.stops.creating:
            commands = self._withdraw(at)
        else:
            withdrawn = self._withdraw(at, Change) if self.stops.no_updates is not None else []
            commands = [*withdrawn, *self._call(), *self._begin(at)]
        if not commands and self._done():
            self.finished = True
            commands.append(Finish(self.result(at)))
        return commands

    def _begin(self, at: str) -> list[Command]:
        begins: list[Record] = []
        free = self._room - self._on_record
        together = self._room // 2 if self.options.most else 1
        if free < min(together, len(self._queue)):
            return []
        while self._queue and len(begins) < free:
            operation = self._queue.popleft()
            begins.append(begin_of(operation, at))
            self._roster.enter(operation, Phase.BEGINNING)
        return [self._append(*begins)] if begins else []

    def _widened(self, commands: list[Command]) -> list[Command]:
        """Where everything on record was called before this run's next turn to record came, the turn takes more."""
        if self._queue and not self._roster.count(Phase.READY, Phase.CALLING):
            self._room = max(self._room, min(2 * self._room, self.options.most))
        return commands

    def _call(self) -> list[Command]:
        """Create calls for what is on record, as many as may be under way at once."""
        commands: list[Command] = []
        while self._ready and self._roster.count(Phase.CALLING) < self.options.concurrency:
            operation = self._ready.popleft()
            self._roster.enter(operation, Phase.CALLING)
            commands.append(_command(operation))
        return commands

    def _withdraw(self, at: str, kinds: type[Call] | UnionType = Call) -> list[Command]:
        """What is on record but was not called yet stays uncalled, and that goes on record."""
        unsent = [operation for operation in self._ready if isinstance(operation, kinds)]
        if not unsent:
            return []
        self._ready = deque(operation for operation in self._ready if not isinstance(operation, kinds))
        for operation in unsent:
            operation.answer = Refused(UNSENT)
            self._roster.enter(operation, Phase.ANSWERING)
        return [self._append(*(_unsent(one, at) for one in unsent))]

    @property
    def _occupied(self) -> int:
        return self._roster.count(Phase.BEGINNING, Phase.CALLING)

    @property
    def _on_record(self) -> int:
        """Announced and not answered, as far as this run knows."""
        return self._occupied + self._roster.count(Phase.READY)

    def _done(self) -> bool:
        if self._queue and not self.stops.creating:
            return False
        if self._occupied or self._ready or self._roster.count(Phase.ANSWERING, Phase.ENDING):
            return False
        return self.stops.waiting or not self._roster.count(Phase.WATCHING, Phase.SUMMARIZING)

    def _append(self, *records: Record) -> Append:
        self.records += records
        return Append(records)

    def _unrecorded(self, records: tuple[Record, ...], reason: str, at: str) -> list[Command]:
        """A begin that is not durable is not called. What came after a call is kept in mind and in the lockfile."""
        self.stops.halted = self.stops.halted or reason
        commands: list[Command] = []
        for record in records:
            operation = self._roster.of_record(record)
            if is_begin(record):
                operation.note = reason
                self.records.remove(record)
                self._roster.enter(operation, Phase.OVER)
                if self.options.shared:  # it may have got there all the same
                    commands.append(self._append(_unsent(operation, at)))
            else:
                commands += self._recorded(record, at)
        return commands

    def result(self, at: str) -> Lockfile:
        """The lockfile as it stands when everything recorded so far has happened."""
        return fold(self.lockfile, self.records)

    def operation_of(self, key: str) -> Operation | None:
        """The operation that a key's action began or took up."""
        return self._roster.of_key(key)

    def _recorded(self, record: Record, at: str) -> list[Command]:
        operation = self._roster.of_record(record)
        match record:
            case Begin() | UpdateBegin() if (
                isinstance(operation, Call) and operation.phase is Phase.BEGINNING
            ):
                self._roster.enter(operation, Phase.READY)
                self._ready.append(operation)
            case Acceptance(job_id=job_id) if operation.phase is Phase.ANSWERING:
                return self._completion.wait(operation, job_id)
            case Update() | UpdateRefusal() if operation.phase is Phase.ANSWERING:
                self._roster.enter(operation, Phase.OVER)
            case Refusal() | UncertainOutcome() if operation.phase is Phase.ANSWERING:
                if not isinstance(operation.answer, Accepted):  # a webhook may have told meanwhile
                    self._roster.enter(operation, Phase.OVER)
            case End() if operation.phase is Phase.ENDING and operation.end is not None:
                return self._completion.summarize(operation, operation.end, at)
        return []

    def _answered(self, operation: Operation | None, answer: Answer, at: str) -> list[Command]:
        if operation is None or isinstance(operation.answer, Accepted):
            return []
        if operation.phase is not Phase.CALLING and not operation.abandoned:
            return []
        if isinstance(answer, Uncertain) and (commands := self._completion.told_early(operation, at)):
            return commands
        operation.answer = answer
        self._roster.enter(operation, Phase.ANSWERING)
        if isinstance(answer, Accepted):
            return self._completion.accepted(operation, answer, at)
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
        return [self._append(UncertainOutcome(operation.id, answer.reason, at))]

    def _updated(self, operation: Operation | None, answer: UpdateAnswer, at: str) -> list[Command]:
        """What is not known stays as it began: the next run looks, or makes the same call again."""
        if not isinstance(operation, Change) or operation.updated is not None:
            return []
        if operation.phase is not Phase.CALLING and not operation.abandoned:
            return []
        operation.updated = answer
        if isinstance(answer, Unconfirmed):
            self._roster.enter(operation, Phase.OVER)
            return []
        self._roster.enter(operation, Phase.ANSWERING)
        if not isinstance(answer, NotUpdated):
            return [self._append(update_of(operation, at))]
        if answer.reach is Reach.RUN and self.stops.halted is None:
            self.stops.halted, self.stops.status = answer.message, answer.status
        if answer.reach is Reach.UPDATES:
            self.stops.no_updates = self.stops.no_updates or answer.message
            self._queue = deque(one for one in self._queue if not isinstance(one, Change))
        return [self._append(refusal_of(operation, answer, at))]

    def _abandon(self, at: str) -> list[Command]:
        """Give up on answers that did not come in time; one that comes after all is still recorded."""
        calling = self._roster.in_phase(Phase.CALLING)
        if not calling:
            return []
        for operation in calling:
            operation.abandoned = True
            operation.note = CUT_OFF
            self._roster.enter(operation, Phase.OVER if isinstance(operation, Change) else Phase.ANSWERING)
        doubts = [UncertainOutcome(one.id, CUT_OFF, at) for one in calling if not isinstance(one, Change)]
        given_up = Abandon(tuple(one.id for one in calling))
        return [self._append(*doubts), given_up] if doubts else [given_up]


def _unsent(operation: Operation, at: str) -> Record:
    if isinstance(operation, Change):
        return refusal_of(operation, NotUpdated(UNSENT), at)
    return Refusal(operation.id, UNSENT, 0, False, at)


def _command(operation: Call) -> Command:
    key = operation.action.key
    if isinstance(operation, Creation):
        return Create(operation.id, key, operation.submission.spec)
    change = operation.alteration
    return UpdateEngine(operation.id, key, change.engine_id, change.spec, change.look_first)
