"""Wait for the lease, show it, break it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from reconciler.app.ports import Clock, Journal, Ledger
from reconciler.core.errors import LeaseHeld, RefMoved
from reconciler.core.ledger.lease import Holder, give_back
from reconciler.core.ledger.remote_snapshot import RemoteSnapshot

BREAK_TRIES = 12
POLL = 5.0  # seconds between two looks at a lease that another run has


def look_when_free(
    ledger: Ledger,
    clock: Clock,
    *,
    wait: float,
    sleep: Callable[[float], None],
    has_ended: Callable[[Holder], bool],
    notice: Callable[[str], None],
) -> RemoteSnapshot:
    """What is shared, once nobody has the lease. Raises `LeaseHeld` after `wait` seconds.

    A holder that `has_ended` for certain counts as gone at once; any other until its lease expires.
    """
    waited = 0.0
    while True:
        seen = ledger.look()
        holder = seen.lease.holder
        if holder is None or not seen.lease.held_at(clock.now()) or has_ended(holder):
            return seen
        if waited >= wait:
            raise LeaseHeld(
                f"another run has the lease until {seen.lease.expires_at}: {holder}",
                hint="wait for it with --lease-wait 10m; if that run is dead: reconcile lease break",
            )
        if waited == 0.0:
            notice(f"waiting for the lease, which {holder} has until {seen.lease.expires_at}")
        pause = min(POLL, wait - waited)
        sleep(pause)
        waited += max(pause, 0.05)


def with_past(ledger: Ledger, seen: RemoteSnapshot, journal: Journal) -> RemoteSnapshot:
    """With those operations of this machine's journal that the ledger has moved past: they are settled there, however
    old the journal is. Raises `JournalError`, `StorageError`, `GitError`.
    """
    known = {record.operation for record in seen.records}
    ours = {record.operation for record in journal.read()[0]} - known
    return replace(seen, past=ledger.past(seen, sorted(ours))) if ours else seen


def break_lease(ledger: Ledger, seen: RemoteSnapshot) -> RemoteSnapshot:
    """Take the lease from its holder. That run will notice at its next push, and create nothing more.

    A holder that is alive pushes meanwhile; as long as it is the same one, this tries again. Raises `RefMoved` when
    somebody else has the lease by now, or nobody.
    """
    for _ in range(BREAK_TRIES - 1):
        try:
            return ledger.record(seen, seen.records, give_back(seen.lease))
        except RefMoved:
            newest = ledger.look()
            if newest.lease.token != seen.lease.token:
                raise
            seen = newest
    return ledger.record(seen, seen.records, give_back(seen.lease))
