"""Deleting engines that nothing uses, as facts: one before the call, one once its outcome is known.

Both are about an engine that left its place. One that is in use (again) is never marked and never taken out, so a fact
that comes late, or twice, changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from reconciler.core.frozen import replace
from reconciler.core.ledger.journal import Pruned, Pruning, Record
from reconciler.core.lockfile import pruning
from reconciler.core.lockfile.entry import Retired
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
