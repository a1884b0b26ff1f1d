"""What became of one action."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.core.commands import reconcile
from reconciler.core.frozen import dataclass, replace
from reconciler.core.plan.model import Kind
from reconciler.core.platform.update import NotUpdated, Reach, Unconfirmed, Updated

if TYPE_CHECKING:  # only named here, and views of an outcome need no machine
    from reconciler.core.lockfile.entry import Entry
    from reconciler.core.plan.lookup import Candidate
    from reconciler.core.run.operations import Change, Operation, Stops


class Status(StrEnum):
    """How an action ended for its engine."""

    DONE = "done"  # the lockfile has what was asked for
    RUNNING = "running"  # its job had not ended; the next run resumes it
    FAILED = "failed"  # its job failed, or the platform refused its spec
    UNCERTAIN = "uncertain"  # nobody knows whether its engine was made
    DRIFTED = "drifted"  # the platform has other values than the lockfile; left as it was
    GUARDED = "guarded"  # held back by a guard, and left as it was
    NOT_STARTED = "not_started"  # no create call was made, or it was refused for reasons outside the spec


@dataclass(frozen=True, slots=True)
class Result:
    """One engine's part of an outcome. `engine_id` is the new one, `previous` the one that it replaced."""

    key: str
    kind: Kind
    status: Status
    engine_id: str | None = None
    previous: str | None = None
    job_id: str | None = None
    operation_id: str | None = None
    error: str | None = None
    hint: str | None = None
    file: str | None = None
    summary: Mapping[str, int] | None = None
    rolled_back: bool = False  # held back since it was rolled back, which is no failure
    found: tuple[Candidate, ...] = ()  # engines that a call without an answer may have created
    looked_up: bool = False  # the answer was lost, and its engine adopted by name
    seconds: float | None = None  # from its create call to the end of its job, if both were in this run


def of_update(result: Result, operation: Change, entry: Entry | None, stops: Stops) -> Result:
    """What became of a change in place. It is done when the lockfile has it, too."""
    answer, current = operation.updated, entry.current if entry is not None else None
    wanted = (operation.alteration.engine_id, operation.alteration.fingerprint, ())
    if isinstance(answer, Updated):
        now = current and (current.engine_id, current.fingerprint, current.updating)
        if now == wanted:
            return result
        return replace(result, status=Status.NOT_STARTED, error="its entry changed during the run; run again")
    if isinstance(answer, NotUpdated):
        return _not_updated(result, operation, answer)
    if isinstance(answer, Unconfirmed) or operation.abandoned:
        reason = answer.reason if isinstance(answer, Unconfirmed) else operation.note
        error = f"the update got no answer, so the engine may or may not have it: {reason}"
        return replace(result, status=Status.FAILED, error=error, hint=f"run `{_again()}`, which checks it")
    if stops.no_updates is not None and not stops.interrupted:
        return replace(result, status=Status.NOT_STARTED, error=stops.no_updates, hint=_without_updates())
    return replace(result, status=Status.NOT_STARTED, error=why_not_begun(operation, stops))


def _not_updated(result: Result, operation: Change, answer: NotUpdated) -> Result:
    if answer.reach is Reach.RUN:
        return replace(result, status=Status.NOT_STARTED, error=answer.message)
    told = replace(result, status=Status.FAILED, error=answer.message)
    if answer.reach is Reach.UPDATES:
        return replace(told, hint=_without_updates())
    if answer.gone:
        engine_id, look = operation.alteration.engine_id, reconcile("plan", "--refresh")
        hint = f"run `{look}` to see what is there; if no engine is found, {_without_updates()}"
        return replace(told, error=f"the platform knows no engine {engine_id}", hint=hint)
    if answer.about_spec:
        return replace(told, hint=f"edit {operation.action.file}, then run `{_again()}`")
    return replace(told, hint=f"run `{_again()}` to try again")


def _again() -> str:
    return reconcile("apply")


def _without_updates() -> str:
    return (
        "set `metadata_changes: reprovision` (RECONCILE_METADATA_CHANGES) to change engines by replacing them"
    )


def why_not_begun(operation: Operation, stops: Stops) -> str:
    """Why its turn did not come."""
    if stops.interrupted:
        return "the run was interrupted before its turn"
    if stops.halted is not None:
        return operation.note or f"stopped before its turn: {stops.halted}"
    return "the deadline was reached before its turn"
