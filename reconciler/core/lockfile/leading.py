"""What serves on the branch goes on serving: only a run's own facts and decisions change it, never a merge.

A lockfile of somebody's checkout may name another engine for a key, made from an older commit, on a machine whose
clock is ahead. It is kept among those that can be restored, and the next plan does so where the files ask for it. What
a run wrote into its checkout and could not publish is no such engine: the ledger's facts make the same of the branch.
"""

from __future__ import annotations

from collections.abc import Collection

from reconciler.core.frozen import replace
from reconciler.core.lockfile.entry import IN_PROGRESS, Entry, Hold, Provisioned
from reconciler.core.lockfile.merge_entry import UNKNOWN_TIME
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.lockfile.pruning import without_superseded
from reconciler.core.lockfile.transitions import superseded_by, superseded_by_dropping


def with_serving_of(
    branch: Lockfile, merged: Lockfile, known: Collection[str], facts: Lockfile | None = None
) -> Lockfile:
    """What was merged with the branch's lockfile, with the engines that serve there. `known` are operations of the
    ledger, which may complete; `facts` is the branch's lockfile with all that is on record. Raises `LockfileError` for
    an entry that cannot be read.
    """
    facts = branch if facts is None else facts
    changed: dict[str, Entry | None] = {}
    for key, document in merged.engines.items():
        before = branch.entry(key) if branch.engines.get(key, document) != document else None
        entry = merged.entry(key)
        if before is None or before.current is None or entry is None:
            continue
        operations = {part.operation_id for part in (before.pending, *before.superseded) if part}
        told = facts.entry(key)
        by_facts = told is not None and told.current is not None and _same(told.current, entry.current)
        serving = before if told is None or not by_facts else told
        assert serving.current is not None  # either has one
        led = _led(serving.current, serving.hold, entry, operations.union(known))
        if led != entry:
            changed[key] = led
    return merged.with_entries(changed) if changed else merged


def _same(one: Provisioned, other: Provisioned | None) -> bool:
    return other is not None and one.engine_id == other.engine_id


def _led(serving: Provisioned, hold: Hold | None, entry: Entry, known: Collection[str | None]) -> Entry:
    current, pending = entry.current, entry.pending
    at = serving.provisioned_at or UNKNOWN_TIME
    if pending is not None and pending.operation_id == serving.operation_id:
        entry, pending = replace(entry, pending=None), None  # its engine serves by now
    if current is not None and current.engine_id != serving.engine_id:
        entry = without_superseded(entry, serving.engine_id)
        former = (*entry.superseded, superseded_by(current, at))
        entry = replace(entry, current=serving, superseded=former, hold=hold)
    elif current is not None and (current.fingerprint, current.updating) != (
        serving.fingerprint,
        serving.updating,
    ):
        entry = replace(entry, current=serving)  # only a run changes it in place, and publishes that
    if pending is not None and pending.status == IN_PROGRESS and pending.operation_id not in known:
        former = (*entry.superseded, *superseded_by_dropping(pending, at))
        entry = replace(entry, pending=None, superseded=former)
    return entry
