"""From a run and the lockfile it came to: what became of each action.

Results are read off the lockfile, not off what the run believes; so the report cannot say other than the file.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.lockfile.entry import FAILED, IN_PROGRESS, Entry, Pending
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.diff import how_to_settle
from reconciler.core.plan.model import Action, Condition, Kind, Plan
from reconciler.core.platform.job import Refused
from reconciler.core.run.machine import UNSENT, Run
from reconciler.core.run.operation import Operation
from reconciler.core.run.outcome import Outcome, Result, Status


def outcome_of(run: Run, lockfile: Lockfile) -> Outcome:
    """What a finished run came to; `lockfile` is what its `Finish` said."""
    results = tuple(_result(action, run, lockfile) for action in run.plan.actions)
    return Outcome(
        results=results,
        unchanged=len(run.plan.unchanged),
        halted=run.stops.halted,
        halted_status=run.stops.status,
        interrupted=run.stops.interrupted,
        timed_out=run.stops.timed_out,
        lease_lost=run.stops.lease_lost,
        detached=run.options.detach or run.options.no_wait,
    )


def outcome_of_plan(plan: Plan) -> Outcome:
    """What a plan with nothing to do comes to: the conditions that it reports."""
    results = tuple(_left_alone(_plain(action), action) for action in plan.actions if _is_left_alone(action))
    return Outcome(results=results, unchanged=len(plan.unchanged))


def _plain(action: Action) -> Result:
    return Result(
        action.key,
        action.kind,
        Status.DONE,
        engine_id=action.engine_id,
        job_id=action.job_id,
        operation_id=action.operation_id,
        file=action.file,
    )


def _is_left_alone(action: Action) -> bool:
    return action.condition is not None or action.guard is not None


def _left_alone(result: Result, action: Action) -> Result:
    if action.guard is not None:
        return replace(result, status=Status.GUARDED, error=action.guard, hint=action.hint)
    status = Status.FAILED if action.condition is Condition.FAILED else Status.UNCERTAIN
    return replace(result, status=status, error=action.reason, hint=action.hint)


def _result(action: Action, run: Run, lockfile: Lockfile) -> Result:
    result = _plain(action)
    if _is_left_alone(action):
        return _left_alone(result, action)
    if not (action.creates or action.waits):
        return result
    operation = run.operation_of(action.key)
    assert operation is not None  # the run made one for every such action
    if action.kind is Kind.REPLACE:
        result = replace(result, previous=action.engine_id, engine_id=None)
    return _from_entry(
        replace(result, operation_id=operation.id),
        operation,
        lockfile.entry(action.key),
        run,
    )


def _from_entry(result: Result, operation: Operation, entry: Entry | None, run: Run) -> Result:
    current = entry.current if entry is not None else None
    pending = entry.pending if entry is not None else None
    if current is not None and current.operation_id == operation.id:
        return replace(
            result,
            engine_id=current.engine_id,
            job_id=current.job_id,
            summary=current.summary,
        )
    if pending is not None and pending.operation_id == operation.id:
        return _from_pending(result, operation, pending)
    return replace(result, status=Status.NOT_STARTED, error=_why_not(operation, run))


def _from_pending(result: Result, operation: Operation, pending: Pending) -> Result:
    result = replace(result, engine_id=pending.engine_id, job_id=pending.job_id, error=pending.error)
    if pending.status == IN_PROGRESS:
        return replace(result, status=Status.RUNNING, error=operation.note)
    if pending.status == FAILED:
        return replace(result, status=Status.FAILED)
    return replace(result, status=Status.UNCERTAIN, hint=how_to_settle(result.key, pending))


def _why_not(operation: Operation, run: Run) -> str:
    if isinstance(operation.answer, Refused) and operation.answer.message != UNSENT:
        return operation.answer.message
    if run.stops.interrupted:
        return "the run was interrupted before its turn came"
    if run.stops.halted is not None:
        return operation.note or f"stopped before its turn came: {run.stops.halted}"
    return "the deadline passed before its turn came"
