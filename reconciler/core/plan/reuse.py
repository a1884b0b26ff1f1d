"""What was made before for exactly what a file asks for: switched back to, or waited for, instead of paid for again."""

from __future__ import annotations

from collections.abc import Collection

from reconciler.core.engine.spec import Desired
from reconciler.core.frozen import replace
from reconciler.core.lockfile.entry import IN_PROGRESS, Entry
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.lockfile.pruning import brought_back
from reconciler.core.lockfile.transitions import find_superseded
from reconciler.core.plan.actions import action_for, means, of_pending, serves
from reconciler.core.plan.changes import changes_between
from reconciler.core.plan.model import Action, Kind


def restore(wanted: Desired, entry: Entry, gone: Collection[str] = ()) -> Action | None:
    """`gone` are engines that the platform is known to have no longer."""
    found = find_superseded(entry, wanted.fingerprint, completed=True, gone=gone)
    if found is None:
        return None
    changes = changes_between(entry.current.spec, wanted.spec) if entry.current else ()
    reason = f"{found.engine_id} already exists for this exact configuration"
    if found.updating:
        reason += "; an update of it got no answer, so the next apply makes sure of its values"
    action = action_for(wanted, Kind.RESTORE, reason)
    return replace(action, engine_id=found.engine_id, job_id=found.job_id, changes=changes)


def readopt(wanted: Desired, entry: Entry) -> Action | None:
    found = find_superseded(entry, wanted.fingerprint, completed=False)
    if found is None or found.job_id is None or found.operation_id is None:
        return None
    action = action_for(
        wanted, Kind.RESUME, f"{found.engine_id} is already being created for this exact configuration"
    )
    return replace(
        action,
        engine_id=found.engine_id,
        job_id=found.job_id,
        operation_id=found.operation_id,
    )


def bring_back(lockfile: Lockfile, wanted: Desired, gone: Collection[str] = ()) -> Action | None:
    """The newest retired entry of this key that has an engine for what is wanted, finished or in the making."""
    for retired in reversed(lockfile.retired_of(wanted.key)):
        action = _from_retired(wanted, brought_back(retired).entry, gone)
        if action is not None:
            return replace(action, reason=f"retired at {retired.retired_at}; {action.reason}")
    return None


def _from_retired(wanted: Desired, entry: Entry, gone: Collection[str]) -> Action | None:
    current, pending = entry.current, entry.pending
    if current is not None and serves(entry, wanted) and current.engine_id not in gone:
        action = action_for(wanted, Kind.RESTORE, "its engine still exists")
        return replace(action, engine_id=current.engine_id, job_id=current.job_id)
    if pending is not None and pending.status == IN_PROGRESS and means(pending, wanted):
        return of_pending(action_for(wanted, Kind.RESUME, "its job was still running"), pending)
    return restore(wanted, entry, gone) or readopt(wanted, entry)
