"""Who made which engine, when, and by which run: read from the ledger's commits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.core.fold import Facts, gather
from reconciler.core.journal import Begin, Record


@dataclass(frozen=True, slots=True)
class Change:
    """One operation of an engine. `commit` is the ledger's that announced it, `run` the run's page, where known."""

    at: str
    key: str
    operation: str
    status: str
    engine_id: str | None
    commit: str
    by: str
    run: str | None


@dataclass(frozen=True, slots=True)
class LedgerCommit:
    """A commit of the ledger: what its journal held, who made it, and the run its message names."""

    id: str
    by: str
    run: str | None
    records: tuple[Record, ...]


def changes_in(commits: Iterable[LedgerCommit], key: str | None = None) -> list[Change]:
    """The operations that these commits (oldest first) tell of, newest first; those of one key, if it is given."""
    first: dict[str, LedgerCommit] = {}
    everything: list[Record] = []
    for commit in commits:
        for record in commit.records:
            everything.append(record)
            if isinstance(record, Begin):
                first.setdefault(record.operation, commit)
    facts = gather(everything)
    changes = [
        _change(known, first[operation])
        for operation, known in facts.items()
        if operation in first and known.begin is not None and key in (None, known.begin.key)
    ]
    return sorted(changes, key=lambda change: (change.at, change.key), reverse=True)


def _change(known: Facts, commit: LedgerCommit) -> Change:
    begin = known.begin
    assert begin is not None  # only announced operations are asked for
    return Change(
        begin.at,
        begin.key,
        begin.operation,
        _status(known),
        next(iter(known.engines), None),
        commit.id,
        commit.by,
        commit.run,
    )


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
