"""Who made which engine, when, and by which run: read from the ledger's commits and from those of the lockfile.

The ledger tells of every operation, also of those that made nothing. The lockfile's log tells in which commit an engine
came to be recorded, and knows engines that were made where nothing was published.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reconciler.core.duration import seconds_between
from reconciler.core.errors import LockfileError
from reconciler.core.frozen import dataclass, replace
from reconciler.core.ledger.facts import Facts, gather
from reconciler.core.ledger.journal import Begin, Decision, Pruned, Record, Update
from reconciler.core.ledger.pruning import DELETED
from reconciler.core.lockfile.entry import IN_PROGRESS, SOURCES, Entry, Pending, Superseded
from reconciler.core.lockfile.model import Lockfile


@dataclass(frozen=True, slots=True)
class Change:
    """One operation of an engine, or what a run did with the engine without one: then `operation` is None.

    `commit` is the ledger's that announced it, `recorded_in` the first of the branch whose lockfile names the engine,
    `run` the run's page; each None where it is not known.
    """

    at: str
    key: str
    operation: str | None
    status: str
    engine_id: str | None
    commit: str | None
    by: str
    run: str | None
    recorded_in: str | None = None
    took: float | None = None  # seconds from the call to the end of its job, as the run that waited saw it


@dataclass(frozen=True, slots=True)
class LedgerCommit:
    """A commit of the ledger: what its journal held, who made it, and the run its message names. Of `unverified`
    operations nothing in it has a seal of our key.
    """

    id: str
    by: str
    run: str | None
    records: tuple[Record, ...]
    unverified: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LockfileCommit:
    """A commit that changed the lockfile: what it was then, when and by whom, and the run that the message names."""

    id: str
    at: str
    by: str
    run: str | None
    lockfile: Lockfile


UNVERIFIED = ", unverified"
_UPDATED = "updated"
_TOLD = Decision | Pruned | Update  # each is about one engine, and needs no other fact
# Decisions that change which engine a key has. The others only say what its file is now.
_DECIDED = {"move": "moved", "retire": "retired", "restore": "restored", "discard": "discarded"} | {
    "adopt": "imported",
    "rollback": "rolled back",
    "release": "released",
    "delete": "retired",
}


def history(
    ledger: Sequence[LedgerCommit],
    branch: Iterable[LockfileCommit],
    key: str | None = None,
    standing: Lockfile | None = None,
) -> list[Change]:
    """What both (oldest first) tell of, newest first: of all engines, or of those that one key had. With `standing`,
    what that lockfile itself tells of other engines, too.
    """
    changes = changes_in(ledger)
    recorded = _recorded_in(branch)
    by_engine = {one.engine_id: one for one in recorded}
    told = {change.engine_id for change in changes}
    changes = [
        replace(change, recorded_in=by_engine[change.engine_id].recorded_in)
        if change.engine_id in by_engine
        else change
        for change in changes
    ]
    changes += [one for one in recorded if one.engine_id not in told]
    if standing is not None:
        told = {change.engine_id for change in changes}
        updated = {one.engine_id for one in _decided_in(ledger) if one.status.startswith(_UPDATED)}
        changes += [
            one
            for one in _told_by(standing)
            if one.engine_id not in (updated if one.status == _UPDATED else told) or one.status == "retired"
        ]
    changes += _decided_in(ledger)
    return sorted(
        (change for change in changes if key in (None, change.key)),
        key=lambda change: (change.at, change.key),
        reverse=True,
    )


def _recorded_in(commits: Iterable[LockfileCommit]) -> list[Change]:
    """The engines that came to serve, each with the commit that was the first to say so."""
    found: dict[str, Change] = {}
    for commit in commits:
        for key in commit.lockfile.engines:
            try:
                entry = commit.lockfile.entry(key)
            except LockfileError:
                continue  # what somebody broke then was mended since, or is reported elsewhere
            current = None if entry is None else entry.current
            if current is not None and current.engine_id not in found:
                found[current.engine_id] = Change(
                    current.provisioned_at or commit.at,
                    key,
                    current.operation_id,
                    "completed",
                    current.engine_id,
                    None,
                    commit.by,
                    commit.run,
                    commit.id,
                )
    return list(found.values())


def _told_by(lockfile: Lockfile) -> Iterator[Change]:
    """What the entries of a lockfile tell of the past, by nobody knows whom."""
    for key in lockfile.engines:
        entry = lockfile.entry(key)
        yield from () if entry is None else _told_by_entry(key, entry)
    for key in lockfile.retired:
        for retired in lockfile.retired_of(key):
            yield from _told_by_entry(key, retired.entry)
            current = retired.entry.current
            engine_id = None if current is None else current.engine_id
            yield Change(retired.retired_at, key, None, "retired", engine_id, None, "", None)


def _told_by_entry(key: str, entry: Entry) -> Iterator[Change]:
    for part in entry.parts:
        if isinstance(part, Pending):
            at, status = part.submitted_at, "accepted" if part.status == IN_PROGRESS else part.status
        elif isinstance(part, Superseded) and part.status is not None:
            at, status = part.submitted_at or part.replaced_at, part.status
        else:
            at, status = part.provisioned_at, "completed"
        if at is not None:
            yield Change(at, key, part.operation_id, status, part.engine_id, None, "", None)
        if not isinstance(part, Pending) and part.updated_at is not None:
            yield Change(part.updated_at, key, None, _UPDATED, part.engine_id, None, "", None)


def changes_in(commits: Iterable[LedgerCommit]) -> list[Change]:
    """The operations that these commits (oldest first) tell of."""
    first: dict[str, LedgerCommit] = {}
    everything: list[Record] = []
    for commit in commits:
        for record in commit.records:
            everything.append(record)
            if isinstance(record, Begin):
                first.setdefault(record.operation, commit)
    facts = gather(everything)
    return [
        _change(begin, known, first[operation])
        for operation, known in facts.items()
        if operation in first and (begin := known.begin) is not None
    ]


def _decided_in(commits: Iterable[LedgerCommit]) -> Iterator[Change]:
    told: set[str] = set()
    for commit in commits:
        for record in commit.records:
            status = _what(record)
            if status is None or record.operation in told or not isinstance(record, _TOLD):
                continue
            told.add(record.operation)
            status += UNVERIFIED if record.operation in commit.unverified else ""
            yield Change(
                record.at, record.key, None, status, record.engine_id, commit.id, commit.by, commit.run
            )


def _what(record: Record) -> str | None:
    """What was done without a create call, in a word; None for what does not change which engines there are."""
    if isinstance(record, Update):
        return _UPDATED
    if isinstance(record, Pruned):
        return "deleted" if record.result == DELETED else None
    if not isinstance(record, Decision) or record.kind not in _DECIDED:
        return None
    return _DECIDED[record.kind] + (f" from {record.from_key}" if record.from_key else "")


def _change(begin: Begin, known: Facts, commit: LedgerCommit) -> Change:
    return Change(
        begin.at,
        begin.key,
        begin.operation,
        _status(known) + _gone(begin) + (UNVERIFIED if begin.operation in commit.unverified else ""),
        next(iter(known.engines), None),
        commit.id,
        commit.by,
        commit.run,
        took=None if known.ended is None else seconds_between(begin.at, known.ended.at),
    )


def _gone(begin: Begin) -> str:
    """That it was made in the place of an engine of the same configuration, and why."""
    if begin.because == SOURCES:
        return ", its sources had changed"
    return "" if begin.instead_of is None else f", {begin.instead_of} was gone (drift)"


def _status(known: Facts) -> str:
    if known.ended is not None:
        return known.ended.result
    if known.accepted is not None:
        return "accepted"
    if known.settled is not None:
        return f"settled: {known.settled.decision}"
    if known.refused is not None:
        return "refused"
    return "uncertain"
