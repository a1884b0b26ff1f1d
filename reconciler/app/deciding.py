"""What a person decides of a key without a run: adopt an engine that exists, roll back to an earlier one, and release.

Each becomes a fact like any other, so that it reaches the branch and every other run, and is done once.
"""

from __future__ import annotations

from reconciler.app.ports import Clock, Journal, LockfileStore
from reconciler.app.recorded import read_recorded_state
from reconciler.app.settling import Publish, check_unknown, record_facts
from reconciler.core.commands import only, reconcile
from reconciler.core.engine.spec import Desired, record_of
from reconciler.core.errors import UsageError
from reconciler.core.frozen import dataclass
from reconciler.core.ledger.journal import Decision
from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
from reconciler.core.lockfile.entry import IN_PROGRESS, Entry, Hold, Provisioned, Superseded
from reconciler.core.lockfile.lifecycle_options import lifecycle_document
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.uncertain import how_to_settle
from reconciler.core.run.local_actions import named
from reconciler.core.suggest import did_you_mean


@dataclass(frozen=True, slots=True)
class Stores:
    """Where decisions are recorded: here, and through `publish` where runs share, seen there as `shared`."""

    lockfile: LockfileStore
    journal: Journal
    clock: Clock
    shared: RemoteSnapshot | None = None
    publish: Publish | None = None


def adopt(stores: Stores, wanted: Desired, engine_id: str) -> Lockfile:
    """Record that an engine which exists is the one of a file, as the file stands now.

    Raises `UsageError` where it is recorded already, or the key has an engine or a call under way.
    """
    recorded = read_recorded_state(stores.lockfile, stores.journal, stores.shared)
    check_adoptable(recorded.folded, wanted.key, engine_id)
    decision = Decision(
        "",
        wanted.key,
        "adopt",
        stores.clock.now(),
        engine_id=engine_id,
        about=_pending(recorded.folded.entry(wanted.key)),
        fingerprint=wanted.fingerprint,
        files=dict(wanted.files),
        kept=lifecycle_document(wanted.kept),
        spec=record_of(wanted.spec),
    )
    recorded.folded.check()
    stores.lockfile.check_writable()
    return record_facts(stores.lockfile, stores.journal, recorded, [named(decision)], stores.publish)


def _pending(entry: Entry | None) -> str | None:
    return entry.pending.operation_id if entry is not None and entry.pending is not None else None


def check_adoptable(lockfile: Lockfile, key: str, engine_id: str) -> None:
    """Raises `UsageError` where the engine cannot become the one of this key."""
    check_unknown(lockfile, engine_id, f"run `{reconcile('status', '--all')}` to see where")
    entry = lockfile.entry(key)
    if entry is None:
        return
    if entry.current is not None:
        raise UsageError(
            f"`{key}` has an engine already: {entry.current.engine_id}",
            hint=f"import {engine_id} under another key",
        )
    if entry.unresolved:
        raise UsageError(
            f"a create call of `{key}` has an unknown outcome; resolve it first",
            hint=how_to_settle(key, entry.unresolved),
        )
    if entry.pending is not None and entry.pending.status == IN_PROGRESS:
        raise UsageError(
            f"a job of `{key}` is still running: {entry.pending.job_id}",
            hint=f"run `{reconcile('collect', only(key))}` first",
        )


def target_of_rollback(lockfile: Lockfile, key: str, to: str | None) -> tuple[Entry, Superseded]:
    """The entry of a key, and the earlier engine to go back to: `to`, or the one that was replaced last. While a hold
    lasts that one is what was rolled back from; then it is the newest that was made before what serves.

    Raises `UsageError` where there is none.
    """
    entry = lockfile.entry(key)
    if entry is None:
        guess = did_you_mean(key, lockfile.engines)
        hint = f"did you mean `{guess}`?" if guess else f"run `{reconcile('status')}` to list the engines"
        raise UsageError(f"the lockfile has no engine `{key}`", hint=hint)
    if entry.current is None:
        raise UsageError(f"`{key}` has no engine that serves, so there is nothing to roll back")
    known = {
        one.engine_id: one
        for one in entry.superseded
        if one.status is None and one.engine_id not in entry.pruning
    }
    fitting = [
        one for one in known.values() if entry.hold is None or _made_before(one, entry.current, entry.hold)
    ]
    if to is None and fitting:
        return entry, fitting[-1]
    if to in known:
        return entry, known[to]
    listed = f"engines that served `{key}` before: {', '.join(reversed(known))}" if known else None
    if to is None:
        raise UsageError(f"`{key}` has no earlier engine to roll back to", hint=listed)
    if to == entry.current.engine_id:
        raise UsageError(f"`{key}` uses {to} already", hint=listed)
    if to in entry.pruning:
        raise UsageError(f"{to} is being deleted on the platform", hint=listed)
    if any(one.engine_id == to for one in entry.superseded):
        raise UsageError(f"the job of {to} never completed, so it cannot serve", hint=listed)
    raise UsageError(f"{to} is not an earlier engine of `{key}`", hint=listed)


def _made_before(one: Superseded, serving: Provisioned, hold: Hold) -> bool:
    made, serves = one.provisioned_at or "", serving.provisioned_at or ""
    return made < serves and not hold.holds_back(one.fingerprint)


def roll_back(stores: Stores, key: str, to: str, by: str, wanted: Desired | None) -> Lockfile:
    """Switch back to an earlier engine, and hold back what the file asks for now. `wanted` is None for a file that
    cannot be read: then what serves is held back.

    Raises `UsageError` where there is no such engine.
    """
    recorded = read_recorded_state(stores.lockfile, stores.journal, stores.shared)
    entry, target = target_of_rollback(recorded.folded, key, to)
    current = entry.current
    assert current is not None  # `target_of_rollback` saw it
    decision = Decision(
        "",
        key,
        "rollback",
        stores.clock.now(),
        engine_id=target.engine_id,
        about=_pending(entry),
        instead_of=current.engine_id,
        fingerprint=current.fingerprint if wanted is None else wanted.fingerprint,
        files=None if wanted is None else dict(wanted.files),
        spec=current.spec if wanted is None else record_of(wanted.spec),
        by=by,
    )
    recorded.folded.check()
    stores.lockfile.check_writable()
    return record_facts(stores.lockfile, stores.journal, recorded, [named(decision)], stores.publish)


def release(stores: Stores, key: str) -> Hold:
    """End the hold that a rollback left. Returns it. Raises `UsageError` where there is none."""
    recorded = read_recorded_state(stores.lockfile, stores.journal, stores.shared)
    entry = recorded.folded.entry(key)
    if entry is None or entry.hold is None:
        held = [one for one, document in recorded.folded.engines.items() if "hold" in document]
        hint = f"held are: {', '.join(sorted(held))}" if held else "no engine is held"
        raise UsageError(f"`{key}` is not held", hint=hint)
    decision = Decision("", key, "release", stores.clock.now(), about=entry.hold.operation_id)
    stores.lockfile.check_writable()
    record_facts(stores.lockfile, stores.journal, recorded, [named(decision)], stores.publish)
    return entry.hold
