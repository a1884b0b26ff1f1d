"""Engines that one side of a merge deleted on the platform: the other side, which still lists them, brings none back.

With a base, an engine that was out of use there and that one side names nowhere was pruned. One that served does not
vanish by itself, so it counts as lost, and is kept. Where the other side uses a deleted engine again meanwhile, nothing
stands in for it: it stays, and is reported.
"""

from __future__ import annotations

from collections.abc import Collection

from reconciler.core.frozen import dataclass
from reconciler.core.lockfile.entry import Entry
from reconciler.core.lockfile.entry_format import Document
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.lockfile.names import engines_of, names_of, out_of_use
from reconciler.core.lockfile.pruning import is_used, without_engine, without_superseded


@dataclass(frozen=True, slots=True)
class Revived:
    """An engine that one side deleted, and the other uses for `key` again."""

    key: str
    engine_id: str


def deleted_since(base: Lockfile | None, ours: Lockfile, theirs: Lockfile) -> frozenset[str]:
    """The engines that were out of use in the base, and that one of the sides has nowhere any more."""
    if base is None:
        return frozenset()
    return frozenset(_missing(base, ours) | _missing(base, theirs))


def _missing(base: Lockfile, side: Lockfile) -> set[str]:
    engines = {key: one for key, one in base.engines.items() if side.engines.get(key) != one}
    retired = {key: some for key, some in base.retired.items() if side.retired.get(key) != some}
    named = out_of_use(Lockfile(engines, retired)) if engines or retired else set()
    return named - engines_of(side) if named else named


def without_deleted(lockfile: Lockfile, deleted: Collection[str]) -> tuple[Lockfile, tuple[Revived, ...]]:
    """The lockfile without these engines, and those that are in use all the same."""
    if not deleted:
        return lockfile, ()
    gone = frozenset(deleted)
    revived: list[Revived] = []
    entries: dict[str, Entry | None] = {}
    for key in sorted(key for key, one in lockfile.engines.items() if _names_any(one, gone)):
        entry = lockfile.entry(key)
        for engine_id in sorted(gone.intersection(entry.engine_ids)) if entry is not None else ():
            assert entry is not None  # it has engines
            entry = without_superseded(entry, engine_id)
            revived += [Revived(key, engine_id)] if is_used(entry, engine_id) else []
        entries[key] = entry
    retirements = {}
    for key, documents in lockfile.retired.items():
        if any(_names_any(one, gone) for one in documents):
            left = list(lockfile.retired_of(key))
            for engine_id in sorted(gone):
                left = [one for each in left if (one := without_engine(each, engine_id)) is not None]
            retirements[key] = tuple(left)
    lockfile = lockfile.with_entries(entries) if entries else lockfile
    return (lockfile.with_retirements(retirements) if retirements else lockfile), tuple(revived)


def _names_any(document: Document, engines: frozenset[str]) -> bool:
    return not engines.isdisjoint(names_of(document))
