"""Fold: lockfile + journal = where things stand.

Facts are applied one by one, in the order of the ledger: never by the clocks of those who wrote them. It is pure and
idempotent: what the lockfile already holds is only carried on (a job that ended since), never begun anew. So every run
starts with it, whatever the run before it got done, and folding twice is folding once.

A create call without an answer stays in its entry until an answer, a webhook or a resolution takes it out. Nothing that
comes later hides it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from reconciler.core.errors import JournalError
from reconciler.core.frozen import replace
from reconciler.core.ledger import pruning, updates
from reconciler.core.ledger.decisions import carry_out
from reconciler.core.ledger.facts import Facts, gather
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
    UncertainOutcome,
    Update,
    UpdateBegin,
    UpdateRefusal,
)
from reconciler.core.ledger.undoing import still_told
from reconciler.core.ledger.working_copy import RETIRED, WorkingCopy
from reconciler.core.lockfile import transitions
from reconciler.core.lockfile.entry import (
    FAILED,
    IN_PROGRESS,
    UNCERTAIN,
    Entry,
    Pending,
    Provisioned,
    Superseded,
)
from reconciler.core.lockfile.lifecycle_options import read_lifecycle
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.platform.job import COMPLETED

NO_ANSWER = "the run ended before the answer to its create call was recorded"
FORGOTTEN = "marked as not created; an edit or --retry-failed creates it"


def fold(lockfile: Lockfile, records: Iterable[Record], past: Collection[str] = ()) -> Lockfile:
    """Where things stand. `records` are in the ledger's order. `past` names operations that the ledger has moved past:
    of those, only an engine that nobody else knows of still counts.

    Raises `JournalError` when a fact names an engine, but neither a begin nor the lockfile tells whose.
    """
    records = still_told(records)
    return _Folding(lockfile, records, past).result() if records else lockfile


class _Folding:
    """One fold on its way."""

    def __init__(self, lockfile: Lockfile, records: tuple[Record, ...], past: Collection[str]) -> None:
        self._records = records
        self._facts = gather(records)
        self._order = {record.operation: at for at, record in enumerate(records) if isinstance(record, Begin)}
        self._ends = {record.operation: at for at, record in enumerate(records) if isinstance(record, End)}
        adopted = {record.operation for record in records if isinstance(record, Decision)}
        self._copy = WorkingCopy(lockfile, self._facts.keys() | adopted)
        self._held = frozenset(self._copy.homes)
        self._deleted = pruning.deleted_by(records)
        self._past = self._deleted_before().union(past)
        self._ended_early: set[str] = set()  # whose end came before the answer that names the engine

    def result(self) -> Lockfile:
        for record in self._records:
            self._apply(record)
        for known in reversed(self._facts.values()):
            self._keep_engines(known)
        for record in self._records:  # of what came to be known or out of use after that, too
            if isinstance(record, Pruning | Pruned):
                self._apply(record)
        return self._copy.lockfile()

    def _deleted_before(self) -> frozenset[str]:
        """Operations whose engines are deleted, where the lockfile has something of their key that began later: so it
        had them, and has nothing of them any more.
        """
        gone = [one for one in self._facts.values() if one.engines and one.engines.keys() <= self._deleted]
        newest: dict[str, int] = {}
        for operation in self._held.intersection(self._order) if gone else ():
            begin = self._facts[operation].begin
            if begin is not None:
                newest[begin.key] = max(newest.get(begin.key, -1), self._order[operation])
        return frozenset(
            one.operation
            for one in gone
            if one.begin is not None
            and one.operation not in self._held
            and self._order[one.operation] < newest.get(one.begin.key, -1)
        )

    def _apply(self, record: Record) -> None:
        known = self._facts.get(record.operation)
        match record:
            case Decision():
                carry_out(self._copy, record)
            case Pruning():
                pruning.begin(self._copy, record)
            case Pruned():
                pruning.end(self._copy, record)
            case UpdateBegin() | Update() | UpdateRefusal():
                updates.take_in(self._copy, record, self._past)
            case Begin() if known is not None:
                self._begin(known)
            case Acceptance() if known is not None:
                self._begin(known)
                self._accept(known)
            case UncertainOutcome(reason=reason):
                self._change(
                    record.operation, lambda entry: transitions.doubt(entry, record.operation, reason)
                )
            case Refusal() | Settlement() if known is not None and known.accepted is None:
                self._answer_without_job(record, known)
            case End() if known is not None:
                self._end(known)
            case JobSummary():
                self._summarize(record)

    # ── from begin to answer ───────────────────────────────────────────────────────────────────────────────────────

    def _begin(self, known: Facts) -> None:
        begin = known.begin
        if begin is None or begin.operation in self._copy.homes or begin.operation in self._past:
            return
        entry = self._copy.entry(begin.key)
        overtaken = entry is not None and self._is_overtaken(known, entry)
        if known.nothing_to_record or (known.made_nothing and overtaken):
            if entry is not None and not overtaken and not self._fails_later(entry, begin):
                self._copy.put(begin.key, transitions.give_way(entry, begin.at))
            return
        operation = Pending(
            status=UNCERTAIN,
            operation_id=begin.operation,
            fingerprint=begin.fingerprint,
            spec=begin.spec,
            files=begin.files,
            submitted_at=transitions.seconds(begin.at),
            error=NO_ANSWER,
            instead_of=begin.instead_of,
            because=begin.because,
        )
        entry = transitions.submit(entry, operation, begin.at)
        if begin.kept is not None:
            entry = transitions.keep(entry, read_lifecycle(begin.kept), begin.files)
        self._copy.put(begin.key, entry)

    def _fails_later(self, entry: Entry, begin: Begin) -> bool:
        """Whether what failed by now did not do so before this begin, when it could not give way."""
        pending = entry.pending
        ended = self._ends.get(pending.operation_id) if pending is not None else None
        return ended is not None and ended > self._order[begin.operation]

    def _accept(self, known: Facts) -> None:
        accepted, entry = known.accepted, self._entry(known.operation)
        if accepted is None or entry is None or not _is_unanswered(entry, known.operation):
            return
        overtaken = entry.hold is not None or self._is_overtaken(known, entry)
        entry = transitions.accept(
            entry,
            known.operation,
            accepted.job_id,
            accepted.engine_id,
            accepted.at,
            overtaken=overtaken,
        )
        self._put(known.operation, entry)
        if known.operation in self._ended_early:
            self._end(known)

    def _is_overtaken(self, known: Facts, entry: Entry) -> bool:
        """Whether another of the entry began after it: then its engine is kept, and takes nobody's place. Nor does one
        whose answer comes while a rollback holds: had it begun since then, for something else, the hold were over.
        """
        parts = (entry.pending, entry.current, *entry.superseded)
        others = (part for part in parts if part is not None and part.operation_id != known.operation)
        return any(self._is_newer(part, known, entry) for part in others)

    def _is_newer(self, part: Pending | Provisioned | Superseded, known: Facts, entry: Entry) -> bool:
        """By the ledger's order, where it has both; otherwise by the times in the entry."""
        if part.operation_id is None:
            return False
        mine, theirs = self._order.get(known.operation), self._order.get(part.operation_id)
        if theirs is not None:
            return mine is None or theirs > mine
        if mine is not None and known.operation not in self._held:  # what is recorded already came before it
            return False
        call = next((one for one in entry.unanswered if one.operation_id == known.operation), None)
        if call is None:
            return False
        asked = call.submitted_at or ""
        if isinstance(part, Provisioned):
            return (part.provisioned_at or "") > asked
        return (part.submitted_at or "") >= asked  # in doubt the engine is kept in reserve

    def _answer_without_job(self, record: Refusal | Settlement, known: Facts) -> None:
        entry = self._entry(record.operation)
        if entry is None or not any(one.operation_id == record.operation for one in entry.unresolved):
            return
        if isinstance(record, Settlement):
            if record == known.settled:
                overtaken = entry.hold is not None or self._is_overtaken(known, entry)
                settled = _settled(entry, record, known, overtaken=overtaken)
                self._put(record.operation, settled)
                if record.operation in self._ended_early:
                    self._end(known)
        elif known.settled is None:
            self._put(record.operation, _refused(entry, record))

    # ── the end of a job ───────────────────────────────────────────────────────────────────────────────────────────

    def _end(self, known: Facts) -> None:
        ended, entry = known.ended, self._entry(known.operation)
        if ended is None or entry is None or _is_unanswered(entry, known.operation):
            self._ended_early.add(known.operation)
            return
        summary, pending = known.summary, entry.pending
        if pending is None or pending.operation_id != known.operation:
            superseded = tuple(
                _superseded_end(one, known) if one.operation_id == known.operation else one
                for one in entry.superseded
            )
            self._put(known.operation, replace(entry, superseded=superseded))
        elif ended.result == COMPLETED:
            self._put(known.operation, transitions.complete(entry, ended.at, summary))
        elif pending.status != FAILED:
            self._put(known.operation, transitions.fail(entry, ended.error or "the platform gave no reason"))

    def _summarize(self, record: JobSummary) -> None:
        def with_summary(entry: Entry) -> Entry:
            current = entry.current
            if current is None or current.operation_id != record.operation or current.summary is not None:
                return entry
            return replace(entry, current=replace(current, summary=record.summary))

        self._change(record.operation, with_summary)

    # ── engines ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _keep_engines(self, known: Facts) -> None:
        """Every engine the operation made is named: one that has no place in its entry came before all that have."""
        if known.engines.keys() <= self._deleted:
            return
        home = self._copy.homes.get(known.operation)
        if home is None and known.begin is None:
            engine_id = next(iter(known.engines))
            raise JournalError(
                f"the journal names engine {engine_id} of operation {known.operation}, but not which key it belongs to",
                hint="add the engine by hand, then remove the operation's lines from the journal",
            )
        key = known.begin.key if home is None and known.begin is not None else home
        if isinstance(key, str):
            before = self._copy.entry(key) or Entry()
            self._copy.put(key, _with_engines(before, known, self._deleted))
        else:
            self._copy.change_retired(
                known.operation, lambda entry: _with_engines(entry, known, self._deleted)
            )

    # ── the entry of an operation ──────────────────────────────────────────────────────────────────────────────────

    def _entry(self, operation: str) -> Entry | None:
        """The entry that holds it, unless it is retired: nothing is carried on there."""
        home = self._copy.homes.get(operation, RETIRED)
        return self._copy.entry(home) if isinstance(home, str) else None

    def _put(self, operation: str, entry: Entry) -> None:
        home = self._copy.homes[operation]
        if isinstance(home, str):
            self._copy.put(home, entry)

    def _change(self, operation: str, change: Callable[[Entry], Entry]) -> None:
        entry = self._entry(operation)
        if entry is not None:
            self._put(operation, change(entry))


def _is_unanswered(entry: Entry, operation: str) -> bool:
    return any(one.operation_id == operation for one in entry.unanswered)


def _settled(entry: Entry, settled: Settlement, known: Facts, *, overtaken: bool) -> Entry:
    operation, engine_id, job_id, at = settled.operation, settled.engine_id, settled.job_id, settled.at
    if settled.decision == "retry":
        return transitions.withdraw(entry, operation)
    if engine_id is None:
        return transitions.refuse(entry, operation, FORGOTTEN, at)
    if job_id is None:
        return transitions.adopt(entry, operation, engine_id, at, known.summary, overtaken=overtaken)
    return transitions.accept(entry, operation, job_id, engine_id, at, overtaken=overtaken)


def _refused(entry: Entry, refused: Refusal) -> Entry:
    if not refused.final:
        return transitions.withdraw(entry, refused.operation)
    return transitions.refuse(entry, refused.operation, refused.message, refused.at)


def _superseded_end(one: Superseded, known: Facts) -> Superseded:
    if one.status != IN_PROGRESS or known.ended is None:
        return one
    if known.ended.result == COMPLETED:
        at = transitions.seconds(known.ended.at)
        return replace(one, status=None, provisioned_at=at, summary=known.summary)
    return replace(one, status=FAILED, error=known.ended.error)


def _with_engines(entry: Entry, known: Facts, deleted: Collection[str]) -> Entry:
    missing = known.engines.keys() - set(entry.engine_ids) - set(deleted)
    parts = (entry.current, entry.pending, *entry.uncertain, *entry.superseded)
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
