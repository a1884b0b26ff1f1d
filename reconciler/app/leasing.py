"""Wait for the lease, show it, break it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from reconciler.app.ports import Clock, Journal, Ledger, LockfileStore
from reconciler.core.commands import reconcile
from reconciler.core.errors import LeaseHeld, RefMoved, RemoteUnreachable
from reconciler.core.frozen import replace
from reconciler.core.ledger.epoch import Sharing, alive_in, is_of, refuse_if_held, without_ended
from reconciler.core.ledger.journal import Acceptance, Pruned, Pruning, Record, Settlement
from reconciler.core.ledger.lease import Holder, Lease, give_back, without_epoch
from reconciler.core.ledger.pruning import prune_of
from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
from reconciler.core.ledger.undoing import undo_of
from reconciler.core.lockfile.ancestor import with_former
from reconciler.core.lockfile.names import names_of, unresolved_in

BREAK_TRIES = 12
MOST_ASKED = 16  # runs in one look at the lease
POLL = 5.0  # seconds between two looks at a lease that another run has


def look_when_free(
    ledger: Ledger,
    clock: Clock,
    *,
    wait: float,
    sleep: Callable[[float], None],
    has_ended: Callable[[Holder], bool],
    notice: Callable[[str], None],
    check: Callable[[Lease, str], None] = refuse_if_held,
) -> RemoteSnapshot:
    """What is shared, once nobody has the lease, or `check` raises no `LeaseHeld`. Raises it after `wait` seconds.

    A holder that `has_ended` for certain counts as gone at once; any other until its lease expires.
    """
    waited = 0.0
    while True:
        seen = ledger.look()
        now = clock.now()
        held = _without_ended(seen.lease, now, has_ended)
        try:
            check(held, now)
        except LeaseHeld as error:
            if waited >= wait:
                raise _with_hint(error) from None
            if waited == 0.0:
                notice(f"waiting for the lease: {error.message}")
        else:
            return replace(seen, lease=held)
        pause = min(POLL, wait - waited)
        sleep(pause)
        waited += max(pause, 0.05)


def _without_ended(lease: Lease, now: str, has_ended: Callable[[Holder], bool]) -> Lease:
    """Each run is asked about once, though all shards of a plan may be jobs of one, and a few runs at most: what stands
    in a lease is no more than what somebody pushed.
    """
    if not lease.held_at(now):
        return lease
    known: dict[str | Holder, bool] = {}

    def asked(holder: Holder) -> bool:
        run = holder.run_url or holder
        if run not in known:
            known[run] = len(known) < MOST_ASKED and has_ended(holder)
        return known[run]

    return without_ended(lease, asked)


def _with_hint(error: LeaseHeld) -> LeaseHeld:
    if error.hint is not None:
        return error
    dead = f"if that run is dead: {reconcile('lease break')}"
    return LeaseHeld(error.message, hint=f"set RECONCILE_LEASE_WAIT=10m to wait for it; {dead}")


def with_past(
    ledger: Ledger, seen: RemoteSnapshot, journal: Journal, lockfile: LockfileStore
) -> RemoteSnapshot:
    """With what the ledger's log says of operations that its journal has no longer: those of this machine's journal are
    settled there, however old it is, and their engines may have been deleted since; a call that is open in a lockfile
    may have been resolved. What the branch has an answer for is settled, too. And with what the lockfile in the work
    tree goes on from, where that was published and is not committed here.

    Raises `JournalError`, `LockfileError`, `StorageError`, `GitError`.
    """
    known = {record.operation for record in seen.records}
    on_disk = lockfile.read()[0]
    if on_disk not in (seen.recorded, seen.base):
        seen = replace(seen, base=with_former(seen.base, on_disk, ledger.former(seen)))
    asked = unresolved_in(seen.recorded)
    open_ = asked | unresolved_in(on_disk)
    records = journal.read()[0]
    ours = {record.operation for record in records if not isinstance(record, Pruning | Pruned)}
    wanted = (ours | open_) - known
    prunes = _prunes_of(record for record in records if record.operation not in known)
    asked_for = sorted(wanted | {undo_of(one) for one in wanted} | prunes)
    logged = ledger.logged(seen, asked_for) if asked_for else ()
    past = {record.operation for record in logged} & ours
    if known:
        past |= known & {name for one in seen.recorded.engines.values() for name in names_of(one)}
    told_of = open_ | {undo_of(one) for one in open_} | prunes
    told = tuple(record for record in logged if record.operation in told_of)
    return replace(seen, past=frozenset(past - asked), logged=told)


def _prunes_of(records: Iterable[Record]) -> set[str]:
    """What the deletion of the engines that these records name would go by."""
    named = (one.engine_id for one in records if isinstance(one, Acceptance | Settlement))
    return {prune_of(engine_id) for engine_id in named if engine_id is not None}


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


def close_shared(
    ledger: Ledger, clock: Clock, sharing: Sharing, has_ended: Callable[[Holder], bool] = lambda holder: False
) -> None:
    """See that no shard of this plan begins any more: their time is over, also where it never began.

    One that came meanwhile works on, unless its run `has_ended` for certain. A lease without our seal is left as it is
    for as long as it holds. Raises `GitError`.
    """
    for _ in range(BREAK_TRIES):
        seen, now = ledger.look(), clock.now()
        if sharing.token in seen.lease.closed:
            return
        lease = seen.lease
        if is_of(lease, sharing) and alive_in(lease := _without_ended(lease, now, has_ended), now):
            return
        if not lease.verified:
            if lease.held_at(now):
                return
            lease = give_back(lease)
        try:
            ledger.record(seen, seen.records, without_epoch(lease, sharing.token))
        except RefMoved:
            continue
        return
    raise RemoteUnreachable("the ledger moves too fast: every push was overtaken")
