"""Which engines and open questions something names: a lockfile, or the ledger with its log."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.lockfile.entry import UNCERTAIN, Entry, Pending
from reconciler.core.lockfile.model import Lockfile
from tests.simulation.repo import Repo, read_lock


def entries_of(lock: Lockfile) -> Iterator[tuple[str, Entry]]:
    """Every entry, retired ones too."""
    for key in lock.engines:
        entry = lock.entry(key)
        assert entry is not None
        yield key, entry
    for key in lock.retired:
        yield from ((key, retired.entry) for retired in lock.retired_of(key))


def engines_in(lock: Lockfile) -> frozenset[str]:
    return frozenset(engine for _, entry in entries_of(lock) for engine in entry.engine_ids)


def questions_in(lock: Lockfile) -> list[tuple[str, Pending]]:
    """The uncertain operations, as (key, operation)."""
    found = []
    for key in sorted(lock.engines):
        entry = lock.entry(key)
        assert entry is not None
        open_ = [*getattr(entry, "uncertain", ()), *([entry.pending] if entry.pending else [])]
        found += [(key, one) for one in open_ if one.status == UNCERTAIN]
    return found


def uncertain_in(lock: Lockfile) -> set[str]:
    """The operations that a plan would report as uncertain."""
    return {one.operation_id for _, one in questions_in(lock)}


def answered_in(lock: Lockfile) -> set[str]:
    """The operations that it has, other than as uncertain."""
    found: set[str] = set()
    for _, entry in entries_of(lock):
        for part in (entry.current, entry.pending, *entry.superseded):
            if part is not None and part.operation_id is not None:
                found.add(part.operation_id)
    return found - uncertain_in(lock)


def named(repo: Repo) -> frozenset[str]:
    """What a run that looks at the remote can know of."""
    return engines_in(read_lock(repo.tip().lock)) | repo.ledger_now().engines
