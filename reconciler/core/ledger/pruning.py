"""Deleting engines that nothing uses, as facts: one before the call, one once its outcome is known.

Both are about an engine that left its place. One that is in use (again) is never marked and never taken out, so a fact
that comes late, or twice, changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from reconciler.core.frozen import replace
from reconciler.core.ledger.journal import Decision, Pruned, Pruning, Record
from reconciler.core.lockfile import pruning
from reconciler.core.lockfile.entry import Retired
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.lockfile.pruning import marked_in
from reconciler.core.lockfile.transitions import seconds

if TYPE_CHECKING:
    from reconciler.core.ledger.working_copy import WorkingCopy

DELETED, KEPT = "deleted", "kept"


def prune_of(engine_id: str) -> str:
    """What the facts go by that delete this engine."""
    return "p-" + hashlib.sha256(engine_id.encode()).hexdigest()[:24]


def deleted_by(records: Iterable[Record]) -> frozenset[str]:
    """The engines that are known to be deleted."""
    return frozenset(one.engine_id for one in records if isinstance(one, Pruned) and one.result == DELETED)


def begun_by(records: Iterable[Record]) -> tuple[Pruning, ...]:
    """The deletions that these facts begin and do not end. A mark in a lockfile, which anybody may write who opens a
    pull request, deletes nothing by itself: it takes one of these.
    """
    records = tuple(records)
    deleted = deleted_by(records)
    kept = {(one.engine_id, seconds(one.begun or "")) for one in records if isinstance(one, Pruned)}
    begun = (one if isinstance(one, Pruning) else _decided(one) for one in records)
    return tuple(
        one
        for one in begun
        if one is not None and one.engine_id not in deleted and (one.engine_id, seconds(one.at)) not in kept
    )


def _decided(record: Record) -> Pruning | None:
    """The deletion that goes with the decision to retire an engine and delete it."""
    if not isinstance(record, Decision) or record.kind != "delete" or record.engine_id is None:
        return None
    engine_id, at = record.engine_id, record.at
    return Pruning(prune_of(engine_id), record.key, engine_id, seconds(at), at)


def still_begun(records: Iterable[Record], lockfile: Lockfile) -> tuple[Pruning, ...]:
    """Of these, the ones whose mark is in the lockfile: they are kept until they end."""
    begun = begun_by(records)
    marked = marked_in(lockfile) if begun else ()
    return tuple({one.engine_id: one for one in begun if one.engine_id in marked}.values())


def begin(copy: WorkingCopy, fact: Pruning) -> None:
    """Mark the engine wherever it is out of use since then."""
    engine_id, begun = fact.engine_id, seconds(fact.at)
    engines, retired = copy.keys_with(engine_id)
    for key in engines:
        entry = copy.entry(key)
        if entry is None or pruning.is_used(entry, engine_id):
            return
    for key in engines:
        entry = copy.entry(key)
        if entry is not None and pruning.left_at(entry, engine_id) == fact.since:
            copy.put(key, pruning.marked(entry, engine_id, begun))
    for key in retired:
        put_marked(copy, key, engine_id, begun, fact.since)


def put_marked(copy: WorkingCopy, key: str, engine_id: str, begun: str, since: str) -> None:
    """Mark an engine of the retired entries of a key."""

    def mark(one: Retired) -> Retired:
        then = (one.retired_at, pruning.left_at(one.entry, engine_id))
        fits = engine_id in one.entry.engine_ids and since in then
        return replace(one, entry=pruning.marked(one.entry, engine_id, begun)) if fits else one

    copy.put_retired(key, tuple(map(mark, copy.retired(key))))


def end(copy: WorkingCopy, fact: Pruned) -> None:
    """Take the engine out wherever it is listed, or its mark away."""
    engines, retired = copy.keys_with(fact.engine_id)
    if fact.result == KEPT:
        _unmark(copy, fact, engines, retired)
        return
    for key in engines:
        entry = copy.entry(key)
        copy.put(key, None if entry is None else pruning.without_superseded(entry, fact.engine_id))
    for key in retired:
        left = (pruning.without_engine(one, fact.engine_id) for one in copy.retired(key))
        copy.put_retired(key, tuple(one for one in left if one is not None))


def _unmark(copy: WorkingCopy, fact: Pruned, engines: Iterable[str], retired: Iterable[str]) -> None:
    begun = seconds(fact.begun or "")
    for key in engines:
        entry = copy.entry(key)
        copy.put(key, None if entry is None else pruning.unmarked(entry, fact.engine_id, begun))
    for key in retired:
        left = (
            replace(one, entry=pruning.unmarked(one.entry, fact.engine_id, begun))
            for one in copy.retired(key)
        )
        copy.put_retired(key, tuple(left))
