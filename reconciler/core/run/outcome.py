"""What became of a plan: a result for each action, and the exit code they add up to.

Results are read off the lockfile, not off what the run believes; so the report cannot say other than the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.duration import seconds_between
from reconciler.core.errors import ExitCode, most_severe
from reconciler.core.frozen import dataclass, replace
from reconciler.core.ledger.journal import Begin, End
from reconciler.core.lockfile.entry import IN_PROGRESS, Entry, Pending
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.model import Action, Condition, Kind, Plan
from reconciler.core.plan.uncertain import how_to_settle
from reconciler.core.platform.job import Refused
from reconciler.core.run.operations import UNSENT, Change, Operation
from reconciler.core.run.results import Result, Status, of_update, why_not_begun

if TYPE_CHECKING:  # only named here, and views of an outcome need no machine
    from reconciler.core.run.machine import Run


__all__ = ["Outcome", "Result", "Status", "outcome_of", "outcome_of_plan"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to. `halted` says why no more create calls were made, if so, `halted_status` with which HTTP
    status the platform said it.

    `published` says that it is on the branch of the remote, `unpublished` why it is not although it should be;
    `proposed` is the address of the pull request that brings it there.
    `unwritten` is set when the lockfile could not be written; the journal then holds what was done.
    """

    results: tuple[Result, ...] = ()
    unchanged: int = 0
    wrote: bool = False  # whether the lockfile changed
    halted: str | None = None
    halted_status: int | None = None
    interrupted: bool = False
    timed_out: bool = False
    lease_lost: bool = False
    detached: bool = False
    unwritten: str | None = None
    published: bool = False
    unpublished: str | None = None
    proposed: str | None = None
    outputs_failed: tuple[str, ...] = ()  # outputs that could not be written, in sentences
    lookup_failed: str | None = None  # why engines of lost answers could not be looked up

    @property
    def exit_code(self) -> ExitCode:
        """The most severe of what the results mean (docs/design.md, section 7)."""
        codes = {_CODES[result.status] for result in self.results if not result.rolled_back}
        if self.timed_out and not self.halted:
            codes = {self._after_deadline(result) for result in self.results if not result.rolled_back}
        if self.detached:
            codes.discard(ExitCode.RUNNING)
        if self.interrupted:
            codes.add(ExitCode.INTERRUPTED)
        if self.lease_lost:
            codes.add(ExitCode.LEASE)
        if self.halted or self.unwritten or self.unpublished or self.outputs_failed:
            codes.add(ExitCode.FAILED)
        return most_severe(codes)

    @staticmethod
    def _after_deadline(result: Result) -> ExitCode:
        """What the deadline kept from starting is left to the next run, like what it kept from ending."""
        return ExitCode.RUNNING if result.status is Status.NOT_STARTED else _CODES[result.status]

    @property
    def is_recorded(self) -> bool:
        """Whether everything is written, and published where it is to be."""
        return not (self.interrupted or self.lease_lost or self.unwritten or self.unpublished)

    @property
    def adopts(self) -> bool:
        """Whether an engine was looked up and recorded."""
        return any(result.looked_up for result in self.results)

    def counts(self) -> dict[str, int]:
        """How many results there are of each status, every status named."""
        counts = {status.value: 0 for status in Status}
        for result in self.results:
            counts[result.status.value] += 1
        return counts


_CODES = {
    Status.DONE: ExitCode.OK,
    Status.RUNNING: ExitCode.RUNNING,
    Status.FAILED: ExitCode.FAILED,
    Status.UNCERTAIN: ExitCode.UNCERTAIN,
    Status.DRIFTED: ExitCode.OK,
    Status.GUARDED: ExitCode.GUARD,
    Status.NOT_STARTED: ExitCode.FAILED,
}


def outcome_of(run: Run, lockfile: Lockfile) -> Outcome:
    """What a finished run came to; `lockfile` is what its `Finish` said."""
    took = _durations(run)
    results = tuple(_result(action, run, lockfile) for action in run.plan.actions)
    results = tuple(
        replace(result, seconds=took[result.operation_id]) if result.operation_id in took else result
        for result in results
    )
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


def _durations(run: Run) -> dict[str | None, float]:
    """Seconds that the jobs of this run took, by operation. Of one that an earlier run began, only the end is known."""
    began = {record.operation: record.at for record in run.records if isinstance(record, Begin)}
    ended = ((one.operation, one.at) for one in run.records if isinstance(one, End))
    known = ((name, seconds_between(began.get(name), at)) for name, at in ended)
    return {name: seconds for name, seconds in known if seconds is not None}


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
    return (action.condition is not None and not action.waits) or action.guard is not None


def _left_alone(result: Result, action: Action) -> Result:
    if action.guard is not None:
        rolled_back = action.rolled_back
        return replace(
            result, status=Status.GUARDED, error=action.guard, hint=action.hint, rolled_back=rolled_back
        )
    status = Status(action.condition or Condition.UNCERTAIN)
    return replace(result, status=status, error=action.reason, hint=action.hint)


def _result(action: Action, run: Run, lockfile: Lockfile) -> Result:
    result = _plain(action)
    if _is_left_alone(action):
        return _left_alone(result, action)
    if not (action.creates or action.updates or action.waits):
        return result
    if action.kind in (Kind.REPLACE, Kind.RECREATE):
        result = replace(result, previous=action.engine_id, engine_id=None)
    operation = run.operation_of(action.key)
    if (
        operation is None
    ):  # nothing to send and no job to wait for: nothing was done, and it must not look done
        error = "the plan does not say what to send or wait for"
        return replace(result, status=Status.NOT_STARTED, error=error)
    entry = lockfile.entry(action.key)
    if isinstance(operation, Change):
        return of_update(replace(result, operation_id=operation.id), operation, entry, run.stops)
    result = _from_entry(replace(result, operation_id=operation.id), operation, entry, run)
    calls = entry.unresolved if entry is not None else ()
    if (
        calls and result.status is not Status.UNCERTAIN
    ):  # whatever its job came to, a call beside it has no answer
        error = "; ".join(filter(None, (result.error, calls[-1].error)))
        return replace(result, status=Status.UNCERTAIN, error=error, hint=how_to_settle(result.key, calls))
    return result


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
    unresolved = entry.unresolved if entry is not None else ()
    for call in unresolved:
        if call.operation_id == operation.id:
            hint = how_to_settle(result.key, unresolved)
            return replace(result, status=Status.UNCERTAIN, error=call.error, hint=hint)
    if pending is not None and pending.operation_id == operation.id:
        return _from_pending(result, operation, pending)
    return replace(result, status=Status.NOT_STARTED, error=_why_not(operation, run))


def _from_pending(result: Result, operation: Operation, pending: Pending) -> Result:
    result = replace(result, engine_id=pending.engine_id, job_id=pending.job_id, error=pending.error)
    if pending.status == IN_PROGRESS:
        return replace(result, status=Status.RUNNING, error=operation.note)
    return replace(result, status=Status.FAILED)


def _why_not(operation: Operation, run: Run) -> str:
    if isinstance(operation.answer, Refused) and operation.answer.message != UNSENT:
        return operation.answer.message
    return why_not_begun(operation, run.stops)
