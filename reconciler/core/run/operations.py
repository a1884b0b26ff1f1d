"""What a run keeps of its operations, how it is to run, and why it stops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from reconciler.core.ledger.journal import Record
from reconciler.core.plan.model import Action, Alteration, Submission
from reconciler.core.platform.job import Answer, News, Uncertain
from reconciler.core.platform.update import UpdateAnswer

UNSENT = "stopped before it was sent"


class Phase(Enum):
    """Where an operation is on its way."""

    QUEUED = auto()
    BEGINNING = auto()  # its begin is being recorded
    READY = auto()  # on record, and waiting for a call to end
    CALLING = auto()
    ANSWERING = auto()  # the answer is being recorded
    WATCHING = auto()
    ENDING = auto()  # the end is being recorded
    SUMMARIZING = auto()
    OVER = auto()


@dataclass(slots=True)
class Operation:
    """One create call and its job, or a job that is resumed."""

    id: str
    action: Action
    phase: Phase = Phase.QUEUED
    answer: Answer | None = None
    abandoned: bool = False
    job_id: str | None = None
    engine_id: str | None = None
    end: News | None = None
    summary: Mapping[str, int] | None = None
    note: str | None = None  # why it is not waited for, or was not sent

    @property
    def unanswered(self) -> bool:
        """Whether its call was sent, and no answer will come that tells what it made."""
        return self.abandoned or isinstance(self.answer, Uncertain)


@dataclass(slots=True, kw_only=True)
class Creation(Operation):
    """An operation that this run begins itself, with a create call."""

    submission: Submission


@dataclass(slots=True, kw_only=True)
class Change(Operation):
    """An operation that this run begins itself, with a call that changes an engine in place. `number` is that of the
    change, among all of the engine.
    """

    alteration: Alteration
    number: int
    updated: UpdateAnswer | None = None


@dataclass(slots=True)
class Roster:
    """The operations of a run: found by ID, by key and by job, and counted by the phase they are in.

    They change their phase and get their job only through it, so the counts are always right.
    """

    _by_id: dict[str, Operation] = field(default_factory=dict)
    _by_key: dict[str, Operation] = field(default_factory=dict)
    _by_job: dict[str, list[Operation]] = field(default_factory=dict)
    _counts: Counter[Phase] = field(default_factory=Counter)

    def add(self, operation: Operation) -> None:
        self._by_id[operation.id] = operation
        self._by_key[operation.action.key] = operation
        self._counts[operation.phase] += 1
        if operation.job_id is not None:
            self._by_job.setdefault(operation.job_id, []).append(operation)

    def accept(self, operation: Operation, job_id: str, engine_id: str) -> None:
        """Its create call made this job and this engine."""
        operation.job_id, operation.engine_id = job_id, engine_id
        self._by_job.setdefault(job_id, []).append(operation)

    def enter(self, operation: Operation, phase: Phase) -> None:
        self._counts[operation.phase] -= 1
        self._counts[phase] += 1
        operation.phase = phase

    def of_id(self, operation_id: str) -> Operation | None:
        return self._by_id.get(operation_id)

    def of_record(self, record: Record) -> Operation:
        """The one that a record of this run is about."""
        return self._by_id[record.operation]

    def of_key(self, key: str) -> Operation | None:
        return self._by_key.get(key)

    def of_job(self, job_id: str) -> Sequence[Operation]:
        """Those that wait for this job; a lockfile that was edited can name one twice."""
        return self._by_job.get(job_id, ())

    def in_phase(self, phase: Phase) -> list[Operation]:
        return [one for one in self._by_id.values() if one.phase is phase]

    def count(self, *phases: Phase) -> int:
        """How many are in one of these phases."""
        return sum(self._counts[phase] for phase in phases)

    def engine_ids(self) -> set[str]:
        """The engines that the operations made, or wait for."""
        return {one.engine_id for one in self._by_id.values() if one.engine_id is not None}


@dataclass(frozen=True, slots=True)
class Options:
    """How to run. `concurrency` is the number of create calls under way at once.

    `ahead` is how many more begins may be on record than calls are under way, where recording takes long. Where runs
    take turns at it, `most` is how many may be on record at the end: half of what may be is recorded together, and as
    often as calls had to wait for that, it is twice as many from then on. `shared` says that begins are recorded on a
    remote, too. `detach` waits for no job; `no_wait` looks at each once.
    """

    concurrency: int = 8
    ahead: int = 0
    most: int = 0
    shared: bool = False
    detach: bool = False
    no_wait: bool = False
    read_summaries: bool = True


@dataclass(slots=True)
class Stops:
    """Why no further create call begins, or no job is waited for."""

    halted: str | None = None
    no_updates: str | None = None  # why no engine is changed in place any more
    status: int | None = None  # the HTTP status that halted it, if one did
    interrupted: bool = False
    timed_out: bool = False
    lease_lost: bool = False

    @property
    def creating(self) -> bool:
        return self.halted is not None or self.interrupted or self.timed_out

    @property
    def waiting(self) -> bool:
        return self.interrupted or self.timed_out
