"""What a run and its driver say to each other: facts go in, commands come out. Values only.

Times (`at`) are UTC texts with milliseconds, `2026-11-24T11:08:13.123Z`; the driver reads the clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reconciler.core.engine.spec import Spec
from reconciler.core.frozen import dataclass
from reconciler.core.ledger.journal import Record
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.platform.job import Answer, News
from reconciler.core.platform.update import UpdateAnswer

if TYPE_CHECKING:  # only named here, and of use to few runs
    from reconciler.core.platform.webhook import Event

# ── facts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Recorded:
    """These records are durable in the journal."""

    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """These records could not be made durable (full disk, say). Nothing may be done on the strength of them."""

    records: tuple[Record, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A create call came back."""

    operation: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class UpdateAnswered:
    """A call came back that changes an engine in place."""

    operation: str
    answer: UpdateAnswer


@dataclass(frozen=True, slots=True)
class Heard:
    """News of a job, from any source, in any order, any number of times."""

    news: News


@dataclass(frozen=True, slots=True)
class Delivered:
    """A verified webhook: about a job of this run, about a call that got no answer, or about neither."""

    event: Event


@dataclass(frozen=True, slots=True)
class SummaryRead:
    """What a finished job made, or None where the platform does not tell."""

    job_id: str
    summary: Mapping[str, int] | None


@dataclass(frozen=True, slots=True)
class WatchEnded:
    """Nothing more will be heard of a job: the platform refuses to tell. Its engine stays pending."""

    job_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A person or the runner wants the run to end: no create call begins any more."""


@dataclass(frozen=True, slots=True)
class GraceOver:
    """The time that an interrupted run gives to create calls under way is over."""


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """The time to wait for jobs is over."""


@dataclass(frozen=True, slots=True)
class LeaseLost:
    """Another run may apply now, or the lease could not be renewed in time: nothing more may be created."""

    reason: str


Fact = (
    Recorded
    | Unrecorded
    | Answered
    | UpdateAnswered
    | Heard
    | Delivered
    | SummaryRead
    | WatchEnded
    | Interrupted
    | GraceOver
    | DeadlinePassed
    | LeaseLost
)

# ── commands ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Append:
    """Make these records durable, then say `Recorded`. Before that, nothing that follows from them happens."""

    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Create:
    """Issue this create call, once, then say `Answered`."""

    operation: str
    key: str
    spec: Spec


@dataclass(frozen=True, slots=True)
class UpdateEngine:
    """Change this engine in place, then say `UpdateAnswered`. With `look_first` it may be as wanted already."""

    operation: str
    key: str
    engine_id: str
    spec: Spec
    look_first: bool


@dataclass(frozen=True, slots=True)
class Watch:
    """Tell what is heard of this job."""

    job_id: str
    key: str


@dataclass(frozen=True, slots=True)
class ReadSummary:
    """Read the finished job once, then say `SummaryRead`."""

    job_id: str


@dataclass(frozen=True, slots=True)
class Abandon:
    """Stop waiting for the answers of these calls; their outcome is on record as unknown."""

    operations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finish:
    """The run is over: write this lockfile, where it differs from the file, then compact the journal."""

    lockfile: Lockfile


Command = Append | Create | UpdateEngine | Watch | ReadSummary | Abandon | Finish
