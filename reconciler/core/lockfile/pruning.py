"""Engines that are being deleted on the platform: marked in their entry, and taken out of it once they are gone.

The mark is there from before the call until its outcome is known. As long as it is there, nothing switches back to the
engine, whoever reads the lockfile; and the next prune or apply ends what a run that was killed began.
"""

from __future__ import annotations

from reconciler.core.frozen import replace
from reconciler.core.lockfile.entry import Entry, Retired
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.lockfile.transitions import superseded_by

# Of one whose time nobody wrote down, as merges have it.
UNKNOWN = "1970-01-01T00:00:00Z"


def marked_in(lockfile: Lockfile) -> frozenset[str]:
    """The engines that are marked anywhere in it."""
    entries = [*lockfile.engines.values(), *(one for some in lockfile.retired.values() for one in some)]
    return frozenset(engine for one in entries if "pruning" in one for engine in one["pruning"])


def is_used(entry: Entry, engine_id: str) -> bool:
    """Whether it serves, or is about to."""
    return any(part is not None and part.engine_id == engine_id for part in (entry.current, entry.pending))


def left_at(entry: Entry, engine_id: str) -> str | None:
    """When the engine left its place in the entry; None where it is not among those that did."""
    found = (one.replaced_at for one in reversed(entry.superseded) if one.engine_id == engine_id)
    return next(found, None)


def marked(entry: Entry, engine_id: str, begun: str) -> Entry:
    """The engine is being deleted; a mark that is there already stays."""
    if engine_id in entry.pruning:
        return entry
    return replace(entry, pruning=dict(sorted({**entry.pruning, engine_id: begun}.items())))


def unmarked(entry: Entry, engine_id: str, begun: str | None = None) -> Entry:
    """The engine is not deleted after all. With `begun`, only that deletion is over."""
    if engine_id not in entry.pruning or (begun is not None and entry.pruning[engine_id] != begun):
        return entry
    return replace(entry, pruning={one: at for one, at in entry.pruning.items() if one != engine_id})


def without_superseded(entry: Entry, engine_id: str) -> Entry:
    """The engine is gone. Where it is in use all the same, it stays there."""
    left = tuple(one for one in entry.superseded if one.engine_id != engine_id)
    return replace(unmarked(entry, engine_id), superseded=left)


def without_engine(retired: Retired, engine_id: str) -> Retired | None:
    """The engine of a retired entry is gone, whatever its place there was; None where nothing else is left of it."""
    entry = without_superseded(retired.entry, engine_id)
    if entry.current is not None and entry.current.engine_id == engine_id:
        entry = replace(entry, current=None, hold=None)
    if entry.pending is not None and entry.pending.engine_id == engine_id:
        entry = replace(entry, pending=None)
    return None if entry.empty else replace(retired, entry=entry)


def brought_back(retired: Retired) -> Retired:
    """As it may be taken out of retirement: an engine that is being deleted does not serve again."""
    entry = retired.entry
    current = entry.current
    if current is None or current.engine_id not in entry.pruning:
        return retired
    former = (*entry.superseded, superseded_by(current, retired.retired_at))
    return replace(retired, entry=replace(entry, current=None, superseded=former))
