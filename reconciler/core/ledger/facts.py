"""What a journal knows of each operation, gathered from its records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.core.ledger.journal import (
    Acceptance,
    Begin,
    Decision,
    End,
    JobSummary,
    Pruned,
    Pruning,
    Record,
    Refusal,
    Settlement,
    Update,
    UpdateBegin,
    UpdateRefusal,
)
from reconciler.core.ledger.pruning import deleted_by
from reconciler.core.ledger.undoing import still_told
from reconciler.core.lockfile.model import Lockfile


@dataclass(slots=True)
class Facts:
    """What the journal knows of one operation. The first answer and the first end count, the last resolution does."""

    operation: str
    begin: Begin | None = None
    accepted: Acceptance | None = None
    refused: Refusal | None = None
    ended: End | None = None
    made: JobSummary | None = None
    settled: Settlement | None = None

    def add(self, record: Record) -> None:
        match record:
            case Begin():
                self.begin = self.begin or record
            case Acceptance():
                self.accepted = self.accepted or record
            case Refusal():
                self.refused = record
            case End():
                self.ended = self.ended or record
            case JobSummary():
                self.made = self.made or record
            case Settlement():  # the last word counts, but no engine is forgotten
                if self.settled is None or self.settled.engine_id is None:
                    self.settled = record

    @property
    def engines(self) -> dict[str, str | None]:
        """The engine the operation is known to have made, with its job. Two, if a person named another than
        the platform.
        """
        answers = [one for one in (self.accepted, self.settled) if one is not None]
        return {one.engine_id: one.job_id for one in reversed(answers) if one.engine_id is not None}

    @property
    def summary(self) -> Mapping[str, int] | None:
        """What its job made, as counts."""
        return self.made.summary if self.made is not None else None

    @property
    def answered_at(self) -> str:
        """When it became known that the operation made an engine; empty when it is not."""
        return next((one.at for one in (self.accepted, self.settled) if one is not None), "")

    @property
    def nothing_to_record(self) -> bool:
        """Whether the operation left no trace worth an entry: refused for reasons outside the spec, or retried."""
        if self.accepted is not None:
            return False
        if self.settled is not None:
            return self.settled.decision == "retry"
        return self.refused is not None and not self.refused.final

    @property
    def made_nothing(self) -> bool:
        """Whether it is known to have made no engine, and to stand for a failure as long as nothing newer does."""
        if self.accepted is not None:
            return False
        if self.settled is not None:
            return self.settled.decision == "forget"
        return self.refused is not None and self.refused.final


def resolutions(records: Sequence[Record]) -> tuple[Record, ...]:
    """What people resolved, with the begins of those operations, and which engines were deleted. Of an engine that was
    named and deleted since, only the latter counts.
    """
    records = still_told(records)
    settled = [record for record in records if isinstance(record, Settlement)]
    deleted = deleted_by(records)
    resolved = {one.operation for one in settled if one.engine_id not in deleted}
    kinds = Begin | Settlement
    return tuple(
        one
        for one in records
        if isinstance(one, Pruning | Pruned) or (isinstance(one, kinds) and one.operation in resolved)
    )


def begin_of(lockfile: Lockfile, operation: str) -> Begin | None:
    """The begin of a call that has no answer in the lockfile, as far as the entry tells it. That does not tell what its
    file said beside the spec: so there are no blob ids, and the file is read again.
    """
    for key, document in lockfile.engines.items():
        if document.keys().isdisjoint(("pending", "uncertain")):
            continue
        entry = lockfile.entry(key)
        for call in entry.unanswered if entry is not None else ():
            if call.operation_id == operation:
                at = call.submitted_at or "1970-01-01T00:00:00Z"
                gone, why = call.instead_of, call.because
                return Begin(operation, key, call.fingerprint, call.spec, {}, at, None, gone, why)
    return None


def gather(records: Iterable[Record]) -> dict[str, Facts]:
    """The facts by operation, in the order in which the operations are first named. Decisions have none, and neither
    has what is done to an engine that exists.
    """
    facts: dict[str, Facts] = {}
    for record in records:
        if not isinstance(record, Decision | Pruning | Pruned | UpdateBegin | Update | UpdateRefusal):
            facts.setdefault(record.operation, Facts(record.operation)).add(record)
    return facts
