"""An engine that serves by the lockfile, and that the platform no longer has: another one is made in its place.

What is made is for the very configuration that is recorded. So what is pending says which engine it stands in for:
otherwise the next plan, which may ask nobody, would find the serving engine as wanted and discard it.
"""

from __future__ import annotations

from collections.abc import Collection

from reconciler.core.commands import Option, only, reconcile
from reconciler.core.engine.spec import Desired
from reconciler.core.frozen import replace
from reconciler.core.lockfile.entry import FAILED, IN_PROGRESS, Entry, Pending, Provisioned
from reconciler.core.plan.actions import action_for, means, of_pending
from reconciler.core.plan.model import Action, Condition, Kind
from reconciler.core.plan.reuse import readopt, restore


def recreate(
    wanted: Desired,
    entry: Entry,
    current: Provisioned,
    *,
    gone: Collection[str],
    alive: Collection[str],
    retry_failed: bool,
) -> Action:
    """What is done about a serving engine that is gone, or that something stands in for. `current` means what is
    wanted, and no call of the entry is unresolved.
    """
    pending = entry.standing_in
    if pending is not None and means(pending, wanted):
        if pending.status == IN_PROGRESS:
            reason = f"its job is still running; it replaces {current.engine_id}, which was gone"
            return of_pending(action_for(wanted, Kind.RESUME, reason), pending)
        if current.engine_id in alive:
            reason = f"{current.engine_id} exists on the platform; the attempt to recreate it that failed is discarded"
            return of_pending(action_for(wanted, Kind.DISCARD, reason), pending)
        return _after_failure(wanted, current, pending, retry_failed=retry_failed)
    # An engine that was made for exactly this is looked for before another one is paid for.
    made = restore(wanted, entry, gone) or readopt(wanted, entry)
    if made is not None:
        reason = f"drift: the platform no longer has {current.engine_id}; {made.reason}"
        return replace(made, reason=reason, instead_of=current.engine_id)
    return _recreate(wanted, current, f"drift: the platform no longer has {current.engine_id}")


def _recreate(wanted: Desired, current: Provisioned, reason: str) -> Action:
    action = action_for(wanted, Kind.RECREATE, reason, wanted.spec)
    return replace(action, engine_id=current.engine_id, instead_of=current.engine_id)


def _after_failure(wanted: Desired, current: Provisioned, pending: Pending, *, retry_failed: bool) -> Action:
    """What was to take its place failed: say so, or try again."""
    assert pending.status == FAILED  # neither runs nor is unresolved
    gone = f"the platform no longer has {current.engine_id}"
    if retry_failed:
        return _recreate(wanted, current, f"drift: {gone}; retry after a failure ({pending.error})")
    action = of_pending(action_for(wanted, Kind.NONE, f"failed: {pending.error}; {gone}"), pending)
    options: list[Option] = ["--retry-failed", only(wanted.key)]
    hint = f"edit {wanted.file}, or run `{reconcile('apply', *options)}`"
    return replace(action, condition=Condition.FAILED, hint=hint)
