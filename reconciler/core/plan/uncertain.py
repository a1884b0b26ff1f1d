"""Create calls of unknown outcome: what a plan says of them, and the commands that settle each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from reconciler.core.commands import ENGINE_ID, Option, reconcile
from reconciler.core.engine.spec import Desired
from reconciler.core.frozen import replace
from reconciler.core.lockfile.entry import IN_PROGRESS, Entry, Pending
from reconciler.core.plan.actions import action_for, means, of_pending
from reconciler.core.plan.model import Action, Condition, Kind

if TYPE_CHECKING:
    from reconciler.core.plan.lookup import Found

NONE_FOUND: Mapping[str, Found] = {}


def report_uncertain(key: str, entry: Entry, wanted: Desired | None) -> Action | None:
    """The action that says that calls are uncertain, or None. A job that runs is waited for all the same."""
    if not entry.unresolved:
        return None
    call, pending = entry.unresolved[-1], entry.pending
    action = Action(
        key,
        Kind.NONE,
        f"the create call got no answer, so the engine may or may not exist: {call.error}",
        file=wanted.file if wanted is not None else None,
        operation_id=call.operation_id,
        fingerprint=call.fingerprint,
        condition=Condition.UNCERTAIN,
        hint=how_to_settle(key, entry.unresolved),
    )
    if wanted is None or pending is None or pending.status != IN_PROGRESS or not means(pending, wanted):
        return action
    waiting = of_pending(
        action_for(wanted, Kind.RESUME, f"its job is still running; {action.reason}"), pending
    )
    return replace(waiting, condition=Condition.UNCERTAIN, hint=action.hint)


def how_to_settle(key: str, calls: Sequence[Pending], found: Mapping[str, Found] = NONE_FOUND) -> str:
    """What a person does about a key's uncertain operations, with the exact commands for each. `found` has what a
    look at the platform came to, by operation.
    """
    several = len(calls) > 1
    hints = (_how_to_settle(key, call, found.get(call.operation_id), several=several) for call in calls)
    return "\n".join(hints)


def _how_to_settle(key: str, call: Pending, found: Found | None, *, several: bool) -> str:
    name = call.spec.get("name", key)
    which = [("--operation", call.operation_id)] if several else []
    if call.engine_id is not None:  # what the platform says of the job that an unverified record names
        what = f"check {call.engine_id}, which the platform reports for job {call.job_id}"
        ids = [("--engine-id", call.engine_id), ("--job-id", call.job_id or "")]
    else:
        what = f"look on the platform for an engine named {name!r} created about {call.submitted_at}"
        ids = [("--engine-id", ENGINE_ID)]
    lines: list[tuple[str, Sequence[Option]]] = [
        ("if it is the engine of this file", ids),
        ("if not, to create it", ["--retry"]),
        ("if not, to leave it out", ["--forget"]),
    ]
    commands = [f"{when}: {reconcile('resolve', *which, *how, arguments=[key])}" for when, how in lines]
    if (
        call.instead_of is not None and call.because is None
    ):  # a plan that asks nobody does not know that the serving engine is gone
        commands.insert(2, f"and then: {reconcile('apply', '--refresh')}")
    if found is None or call.engine_id is not None:
        return "\n".join([what, *commands])
    if not found.candidates:
        none = f"the platform lists no unrecorded engine of that name, which proves nothing: {what}"
        return "\n".join([none, *commands])
    from reconciler.core.plan.lookup import commands_for  # only after a look at the platform

    return "\n".join([*commands_for(key, call, found, several=several), *commands[1:]])
