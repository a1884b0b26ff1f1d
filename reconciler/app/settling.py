"""Settle an uncertain operation by hand: what a person found out becomes a fact like any other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from reconciler.app.ports import Clock, Journal, LockfileStore
from reconciler.app.recorded import RecordedState, read_recorded_state
from reconciler.core.commands import only, reconcile
from reconciler.core.errors import UsageError
from reconciler.core.ledger.facts import begin_of
from reconciler.core.ledger.fold import fold
from reconciler.core.ledger.journal import Begin, Record, Settlement
from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
from reconciler.core.ledger.sealed import begin_in
from reconciler.core.ledger.undoing import Resolution, undoing
from reconciler.core.lockfile.entry import Entry, Pending
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.lockfile.names import engines_of
from reconciler.core.plan.lookup import asked_for, name_of
from reconciler.core.plan.saved import entry_digest
from reconciler.core.plan.uncertain import how_to_settle
from reconciler.core.platform.listing import ListedEngine
from reconciler.core.suggest import did_you_mean

Publish = Callable[[Lockfile, Sequence[Record]], Lockfile]  # the lockfile as it is on the branch then


def settle(
    lockfile: LockfileStore,
    journal: Journal,
    clock: Clock,
    key: str,
    decision: str,
    engine_id: str | None = None,
    job_id: str | None = None,
    *,
    operation: str | None = None,
    shared: RemoteSnapshot | None = None,
    publish: Publish | None = None,
    remember: Callable[[Resolution], None] | None = None,
) -> Lockfile:
    """Record the decision, durably, then write the lockfile. Raises `UsageError` when nothing is uncertain there, or
    several calls are and no `operation` says which.

    Where runs share through a remote, `shared` is what was seen there, and `publish` brings the decision to it.
    `remember` gets what is needed to take it back.
    """
    recorded = read_recorded_state(lockfile, journal, shared)
    pending = _uncertain(recorded, key, operation)
    if engine_id is not None:
        check_unknown(recorded.folded, engine_id, "use the ID of the engine that the lost answer was about")
    fact = Settlement(pending.operation_id, decision, clock.now(), engine_id=engine_id, job_id=job_id)
    recorded.folded.check()
    lockfile.check_writable()
    begin = begin_of(recorded.folded, pending.operation_id) or begin_in(recorded.doubts, pending.operation_id)
    facts: list[Record] = [fact] if begin is None else [begin, fact]  # whoever reads one knows whose it is
    settled = record_facts(lockfile, journal, recorded, facts, publish)
    if remember is not None and begin is not None:
        remember(_resolution(recorded.folded, settled, begin, fact))
    return settled


def _resolution(before: Lockfile, after: Lockfile, begin: Begin, fact: Settlement) -> Resolution:
    entry = before.entry(begin.key)
    serving = entry.current.engine_id if entry is not None and entry.current is not None else None
    return Resolution(begin, fact, serving, entry_digest(after, begin.key))


def settle_found(
    lockfile: LockfileStore,
    journal: Journal,
    clock: Clock,
    found: Mapping[str, tuple[str, ListedEngine]],
    *,
    shared: RemoteSnapshot | None = None,
    publish: Publish | None = None,
    remember: Callable[[Resolution], None] = lambda resolution: None,
) -> tuple[str, ...]:
    """Record engines that were looked up, by key the operation and its engine, as a person would. Returns the keys of
    those it was still right for: another run's answer, or another call of that name, counts more. The rest is as for
    `settle`.
    """
    recorded = read_recorded_state(lockfile, journal, shared)
    known, asked = engines_of(recorded.folded), asked_for(recorded.folded)
    facts: list[tuple[Begin, Settlement]] = []
    for key, (operation, engine) in found.items():
        entry = recorded.folded.entry(key)
        call = (
            next((one for one in entry.unresolved if one.operation_id == operation), None) if entry else None
        )
        begin = begin_of(recorded.folded, operation)
        if call is None or begin is None or engine.engine_id in known or asked[name_of(call)] != {operation}:
            continue
        settlement = Settlement(
            operation, "engine", clock.now(), engine_id=engine.engine_id, job_id=engine.job_id
        )
        facts.append((begin, settlement))
    if facts:
        recorded.folded.check()
        lockfile.check_writable()
        settled = record_facts(lockfile, journal, recorded, [one for pair in facts for one in pair], publish)
        for begin, settlement in facts:
            remember(_resolution(recorded.folded, settled, begin, settlement))
    return tuple(begin.key for begin, _ in facts)


def undo(
    lockfile: LockfileStore,
    journal: Journal,
    at: str,
    resolution: Resolution,
    operation: str,
    *,
    shared: RemoteSnapshot | None = None,
    publish: Publish | None = None,
) -> Lockfile:
    """Take a resolution back; the call goes on under the new `operation`. Raises `UsageError` where anything became of
    the key since. The rest is as for `settle`.
    """
    recorded = read_recorded_state(lockfile, journal, shared)
    key = resolution.begin.key
    if entry_digest(recorded.folded, key) != resolution.entry:
        raise UsageError(
            f"`{key}` has changed since it was resolved, so the resolution cannot be undone",
            hint=f"run `{reconcile('status', only(key))}`",
        )
    lockfile.check_writable()
    return record_facts(lockfile, journal, recorded, undoing(resolution, operation, at), publish)


def record_facts(
    lockfile: LockfileStore,
    journal: Journal,
    recorded: RecordedState,
    facts: Sequence[Record],
    publish: Publish | None,
) -> Lockfile:
    """Record facts, durably, then write the lockfile, here and where runs share."""
    if facts:
        journal.append(facts)
    settled = fold(recorded.folded, facts)
    if publish is not None:
        settled = publish(settled, [*recorded.records, *facts])
    lockfile.write(settled)
    journal.compact(published=publish is not None)
    return settled


def calls_in_question(recorded: RecordedState, key: str, operation: str | None = None) -> tuple[Pending, ...]:
    """The calls of a key with an unknown outcome, on record or in doubt; the one of `operation` alone, if given.

    Raises `UsageError` where there is none.
    """
    unresolved = _unresolved(recorded, key)
    if operation is None:
        return unresolved
    return (_uncertain(recorded, key, operation),)


def _uncertain(recorded: RecordedState, key: str, operation: str | None) -> Pending:
    """The call that is meant, on record or in doubt."""
    unresolved = _unresolved(recorded, key)
    calls = {call.operation_id: call for call in unresolved}
    if operation is None and len(calls) == 1:
        return unresolved[0]
    if operation not in calls:
        which = "choose one" if operation is None else f"`{operation}` is not one of them"
        raise UsageError(
            f"`{key}` has {len(calls)} calls with an unknown outcome: {which}",
            hint=how_to_settle(key, unresolved),
        )
    return calls[operation]


def _unresolved(recorded: RecordedState, key: str) -> tuple[Pending, ...]:
    entry = recorded.folded.entry(key)
    unresolved = (*(entry.unresolved if entry is not None else ()), *recorded.doubts.get(key, ()))
    if entry is None and not unresolved:
        guess = did_you_mean(key, recorded.folded.engines)
        raise UsageError(
            f"the lockfile has no engine `{key}`",
            hint=f"did you mean `{guess}`?" if guess else f"run `{reconcile('status')}`",
        )
    if not unresolved:
        raise UsageError(f"`{key}` has no call with an unknown outcome", hint=f"run `{reconcile('status')}`")
    return unresolved


def check_unknown(lockfile: Lockfile, engine_id: str, hint: str) -> None:
    """Raises `UsageError` for an engine that is recorded already, in use or not."""
    for key, entry in _all_entries(lockfile):
        if engine_id in entry.engine_ids:
            raise UsageError(
                f"`{engine_id}` is already recorded for `{key}`",
                hint=hint,
            )


def _all_entries(lockfile: Lockfile) -> Iterator[tuple[str, Entry]]:
    for key in lockfile.engines:
        if (entry := lockfile.entry(key)) is not None:
            yield key, entry
    for key in lockfile.retired:
        yield from ((key, retired.entry) for retired in lockfile.retired_of(key))
