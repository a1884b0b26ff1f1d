"""What a run keeps of each operation, how it is to run, and why it stops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from reconciler.core.plan.model import Action
from reconciler.core.platform.job import Answer, News, Uncertain


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


@dataclass(frozen=True, slots=True)
class Options:
    """How to run. `concurrency` is the number of create calls under way at once.

    `ahead` is how many more begins may be on record than calls are under way, where recording takes long; `shared` says
    that begins are recorded on a remote, too. `detach` waits for no job; `glance` looks at each once.
    """

    concurrency: int = 8
    ahead: int = 0
    shared: bool = False
    detach: bool = False
    no_wait: bool = False
    read_summaries: bool = True


@dataclass(slots=True)
class Stops:
    """Why no further create call begins, or no job is waited for."""

    halted: str | None = None
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
