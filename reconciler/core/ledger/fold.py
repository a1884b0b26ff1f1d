"""Fold: lockfile + journal = where things stand.

Pure and idempotent: an operation that the lockfile already holds is only carried on (a job that ended since), never
begun anew. So every run starts with it, whatever the run before it got done, and folding twice is folding once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from reconciler.core.errors import JournalError
from reconciler.core.ledger.journal import (
    Acceptance,
    Begin,
    End,
    JobSummary,
    Record,
    Refusal,
    Settlement,
    UncertainOutcome,
)
from reconciler.core.lockfile import transitions
from reconciler.core.lockfile.entry import (
    FAILED,
    IN_PROGRESS,
    UNCERTAIN,
    Entry,
    Pending,
    Superseded,
)
from reconciler.core.lockfile.entry_format import Document
from reconciler.core.lockfile.lifecycle_options import read_lifecycle
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.platform.job import COMPLETED

NO_ANSWER = "the run ended before the answer to its create call was recorded"
FORGOTTEN = "settled by hand: forgotten; an edit or --retry-failed creates it anew"


@dataclass(slots=True)
class Facts:
    """What the journal knows of one operation."""

    begin: Begin | None = None
    accepted: Acceptance | None = None
    refused: Refusal | None = None
    doubt: UncertainOutcome | None = None
    ended: End | None = None
    made: JobSummary | None = None
    settled: Settlement | None = None

    def add(self, record: Record) -> None:
        match record:
            case Begin():
                self.begin = record
            case Acceptance():
                self.accepted = self.accepted or record
            case Refusal():
                self.refused = record
            case UncertainOutcome():
                self.doubt = self.doubt or record
            case End():
                self.ended = self.ended or record  # the first terminal answer wins
            case JobSummary():
                self.made = self.made or record
            case Settlement():  # the last word counts, but no engine is forgotten
                if self.settled is None or self.settled.engine_id is None:
                    self.settled = record

    @property
    def operation(self) -> str:
        """The operation's id; every fact carries it."""
        known = (
            self.begin,
            self.accepted,
            self.refused,
            self.doubt,
            self.ended,
            self.made,
            self.settled,
        )
        return next(record.operation for record in known if record is not None)

    @property
    def began_at(self) -> str:
        """When it began; empty, and so before all others, when that is in the lockfile only."""
        return self.begin.at if self.begin is not None else ""

    @property
    def engines(self) -> dict[str, str | None]:
        """The engine the operation is known to have made, with its job. Two, if a person named another than
        the platform.
        """
        answers = [one for one in (self.accepted, self.settled) if one is not None]
        return {one.engine_id: one.job_id for one in reversed(answers) if one.engine_id is not None}

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


RETIRED = object()  # where an operation of a retired entry lives: nothing is carried on there


def fold(lockfile: Lockfile, records: Iterable[Record]) -> Lockfile:
    """Where things stand. Raises `JournalError` when a fact names an engine, but neither a begin nor the
    lockfile tells whose.
    """
    facts = gather(records)
    if not facts:
        return lockfile
    homes = _homes(lockfile, facts)
    changed: dict[str, Entry | None] = {}
    for key, operations in _by_key(facts, homes).items():
        before = lockfile.entry(key)
        after = _fold_key(before or Entry(), [(facts[name], name in homes) for name in operations])
        if after != (before or Entry()):
            changed[key] = after
    return lockfile.with_entries(changed) if changed else lockfile


def gather(records: Iterable[Record]) -> dict[str, Facts]:
    """The facts by operation, the same for any order of the records."""
    facts: dict[str, Facts] = {}
    for record in sorted(records, key=lambda one: (one.at, repr(one))):
        facts.setdefault(record.operation, Facts()).add(record)
    return facts


def _homes(lockfile: Lockfile, facts: Mapping[str, Facts]) -> dict[str, object]:
    """Where in the lockfile the operations are: a key, or `RETIRED`."""
    homes: dict[str, object] = {}
    for key, document in lockfile.engines.items():
        homes |= {operation: key for operation in _operations_in(document) if operation in facts}
    for documents in lockfile.retired.values():
        for document in documents:
            homes |= {operation: RETIRED for operation in _operations_in(document) if operation in facts}
    return homes


def _operations_in(document: Document) -> Iterator[str]:
    parts = [document, document.get("pending"), *(document.get("superseded") or ())]
    for part in parts:
        if isinstance(part, dict) and isinstance(part.get("operationId"), str):
            yield part["operationId"]


def _by_key(facts: Mapping[str, Facts], homes: Mapping[str, object]) -> dict[str, list[str]]:
    """The operations of each key, oldest first."""
    by_key: dict[str, list[str]] = {}
    for operation in sorted(facts, key=lambda name: (facts[name].began_at, name)):
        home = homes.get(operation)
        begin = facts[operation].begin
        if isinstance(home, str):
            by_key.setdefault(home, []).append(operation)
        elif home is None and begin is not None:
            by_key.setdefault(begin.key, []).append(operation)
        elif home is None and facts[operation].engines:
            engine_id = next(iter(facts[operation].engines))
            raise JournalError(
                f"the journal names the engine {engine_id} of operation {operation}, but not whose it is",
                hint="bring the engine in by hand, then remove the operation's lines from the journal",
            )
    return by_key


def _fold_key(entry: Entry, operations: list[tuple[Facts, bool]]) -> Entry:
    """Carry on what the lockfile holds, and undertake what came after it.

    An operation that is older than one in the lockfile was overtaken: only its engine, if it made one, still
    counts. One that a person had retried overtook what was undertaken before it, and left nothing itself.
    """
    newest_held = max((i for i, (_, held) in enumerate(operations) if held), default=-1)
    undertaken: set[str] = set()
    for index, (known, held) in enumerate(operations):
        if held:
            entry = _carry_on(entry, known)
        elif index > newest_held and not known.nothing_to_record:
            entry = _undertake(entry, known)
            undertaken.add(known.operation)
        elif known.settled is not None and entry.pending and entry.pending.operation_id in undertaken:
            entry = transitions.drop(entry, known.settled.at)
    for known, _ in reversed(operations):
        entry = _with_engines(entry, known)
    return entry


def _undertake(entry: Entry, known: Facts) -> Entry:
    begin = known.begin
    assert begin is not None  # `_by_key` took it by its begin
    pending = Pending(
        status=UNCERTAIN,
        operation_id=begin.operation,
        fingerprint=begin.fingerprint,
        spec=begin.spec,
        files=begin.files,
        submitted_at=transitions.seconds(begin.at),
        error=NO_ANSWER,
    )
    entry = transitions.submit(entry, pending, begin.at)
    if begin.kept is not None:
        entry = replace(entry, kept=read_lifecycle(begin.kept))
    return _advance(entry, known)


def _carry_on(entry: Entry, known: Facts) -> Entry:
    if entry.pending is not None and entry.pending.operation_id == known.operation:
        return _advance(entry, known)
    current = entry.current
    if current is not None and current.operation_id == known.operation:
        if known.made is not None and current.summary is None:
            return replace(entry, current=replace(current, summary=known.made.summary))
        return entry
    superseded = tuple(
        _superseded_end(one, known) if one.operation_id == known.operation else one
        for one in entry.superseded
    )
    return replace(entry, superseded=superseded)


def _superseded_end(one: Superseded, known: Facts) -> Superseded:
    if one.status != IN_PROGRESS or known.ended is None:
        return one
    if known.ended.result == COMPLETED:
        summary = known.made.summary if known.made else None
        return replace(one, status=None, provisioned_at=transitions.seconds(known.ended.at), summary=summary)
    return replace(one, status=FAILED, error=known.ended.error)


def _advance(entry: Entry, known: Facts) -> Entry:
    """Apply what is known to the pending operation. What the lockfile knows beyond the journal stays."""
    pending = entry.pending
    assert pending is not None  # callers put it there or found it there
    if pending.engine_id is None:
        entry = _answer(entry, known)
    if entry.pending is not None and entry.pending.engine_id is not None and known.ended is not None:
        summary = known.made.summary if known.made else None
        if known.ended.result == COMPLETED:
            return transitions.complete(entry, known.ended.at, summary)
        return transitions.fail(entry, known.ended.error or "the platform gave no reason")
    return entry


def _answer(entry: Entry, known: Facts) -> Entry:
    if known.accepted is not None:
        return transitions.accept(entry, known.accepted.job_id, known.accepted.engine_id)
    if known.settled is not None:
        return _settle(entry, known.settled, known.made.summary if known.made else None)
    if known.refused is not None:
        if not known.refused.final:
            return transitions.drop(entry, known.refused.at)
        return transitions.fail(entry, known.refused.message)
    if known.doubt is not None:
        return transitions.doubt(entry, known.doubt.reason)
    return entry


def _settle(entry: Entry, settled: Settlement, summary: Mapping[str, int] | None) -> Entry:
    if settled.decision == "retry":
        return transitions.drop(entry, settled.at)
    if settled.engine_id is None:
        return transitions.fail(entry, FORGOTTEN)
    if settled.job_id is not None:
        return transitions.accept(entry, settled.job_id, settled.engine_id)
    assert entry.pending is not None  # settled is what was pending
    named = replace(entry, pending=replace(entry.pending, engine_id=settled.engine_id))
    return transitions.complete(named, settled.at, summary)


def _with_engines(entry: Entry, known: Facts) -> Entry:
    """Every engine that the operation made is in the entry: one that has no place in it came before all that have."""
    missing = known.engines.keys() - set(entry.engine_ids)
    parts = (entry.current, entry.pending, *entry.superseded)
    held = (part for part in parts if part is not None and part.operation_id == known.operation)
    origin = known.begin or next(held, None)
    if origin is None or not missing:
        return entry
    found = tuple(
        Superseded(
            engine_id=engine_id,
            fingerprint=origin.fingerprint,
            spec=origin.spec,
            replaced_at=transitions.seconds(known.answered_at),
            files=origin.files,
            job_id=known.engines[engine_id],
            operation_id=known.operation,
            status=IN_PROGRESS if known.engines[engine_id] else None,
            submitted_at=transitions.seconds(known.answered_at),
        )
        for engine_id in sorted(missing)
    )
    return replace(entry, superseded=(*(_superseded_end(one, known) for one in found), *entry.superseded))
