"""What a look at the platform's list of engines changes in an outcome: hints, candidates, and adopted engines.

Apart from `outcome`, which every run needs; this one only those that end with a lost answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from reconciler.core.frozen import replace
from reconciler.core.lockfile.entry import IN_PROGRESS, Entry, Pending
from reconciler.core.plan.model import Kind, Plan
from reconciler.core.plan.uncertain import how_to_settle
from reconciler.core.run.outcome import Outcome, Result, Status

if TYPE_CHECKING:
    from reconciler.core.plan.lookup import Found


def with_found(result: Result, calls: Sequence[Pending], found: Mapping[str, Found]) -> Result:
    """A result of unknown outcome with what a look at the platform came to for its calls, by operation."""
    candidates = {one.engine.engine_id: one for call in found.values() for one in call.candidates}
    return replace(result, hint=how_to_settle(result.key, calls, found), found=tuple(candidates.values()))


def adopted(result: Result, entry: Entry | None) -> Result:
    """The result of a call whose engine was looked up and recorded, as it is in the lockfile now."""
    current, pending = (entry.current, entry.pending) if entry is not None else (None, None)
    kind = Kind.RESUME if result.kind is Kind.NONE else result.kind
    result = replace(result, kind=kind, error=None, hint=None, found=(), looked_up=True)
    if current is not None and current.operation_id == result.operation_id:
        return replace(result, status=Status.DONE, engine_id=current.engine_id, job_id=current.job_id)
    if pending is not None and pending.operation_id == result.operation_id:
        result = replace(result, engine_id=pending.engine_id, job_id=pending.job_id, error=pending.error)
        return replace(result, status=Status.RUNNING if pending.status == IN_PROGRESS else Status.FAILED)
    return replace(result, status=Status.NOT_STARTED, error="its entry in the lockfile changed meanwhile")


def ended_later(outcome: Outcome, later: Outcome) -> Outcome:
    """An outcome with the ends of jobs that a later part of the same run waited for."""
    ends = {one.key: one for one in later.results}
    results = tuple(
        replace(ends[one.key], kind=one.kind, previous=one.previous, looked_up=True)
        if one.key in ends and one.looked_up
        else one
        for one in outcome.results
    )
    return replace(
        outcome,
        results=results,
        wrote=outcome.wrote or later.wrote,
        published=outcome.published or later.published,
        proposed=later.proposed or outcome.proposed,
        interrupted=outcome.interrupted or later.interrupted,
        timed_out=outcome.timed_out or later.timed_out,
        lease_lost=outcome.lease_lost or later.lease_lost,
        unwritten=later.unwritten or outcome.unwritten,
        unpublished=later.unpublished or outcome.unpublished,
        outputs_failed=(*outcome.outputs_failed, *later.outputs_failed),
    )


def with_hints_of(plan: Plan, outcome: Outcome) -> Plan:
    """A plan that nothing of is to be applied, with the outcome's hints; without what was adopted since."""
    ends = {one.key: one for one in outcome.results if one.status is Status.UNCERTAIN or one.looked_up}
    actions = [
        replace(one, hint=ends[one.key].hint) if one.key in ends else one
        for one in plan.actions
        if one.key not in ends or not ends[one.key].looked_up
    ]
    return replace(plan, actions=tuple(actions))
