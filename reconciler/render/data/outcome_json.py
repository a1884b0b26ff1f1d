"""The outcome for programs: the plan's document, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.core.plan.model import Plan
from reconciler.core.run.outcome import Outcome, Result
from reconciler.render.data.json_view import plan_document, render_json

if TYPE_CHECKING:
    from reconciler.core.plan.lookup import Candidate


def render_outcome_json(plan: Plan, outcome: Outcome, exit_code: int) -> str:
    """The plan as JSON with its `outcome` and the exit code. No final newline."""
    return render_json(
        {**plan_document(plan), "outcome": outcome_document(outcome), "exitCode": int(exit_code)}
    )


def outcome_document(outcome: Outcome) -> dict[str, Any]:
    """The outcome as plain values. `halted`, `unwritten` and `unpublished` hold the reason, when they happened."""
    document: dict[str, Any] = {
        "results": [result_document(result) for result in outcome.results],
        "counts": {**outcome.counts(), "unchanged": outcome.unchanged},
        "wrote": outcome.wrote,
        "published": outcome.published,
        "interrupted": outcome.interrupted,
        "timedOut": outcome.timed_out,
        "detached": outcome.detached,
    }
    reasons = {
        "halted": outcome.halted,
        "haltedStatus": outcome.halted_status,
        "unwritten": outcome.unwritten,
        "unpublished": outcome.unpublished,
        "pullRequest": outcome.proposed,
        "outputsNotWritten": list(outcome.outputs_failed) or None,
        "lookupFailed": outcome.lookup_failed,
    }
    return document | {name: reason for name, reason in reasons.items() if reason is not None}


def result_document(result: Result) -> dict[str, Any]:
    """One engine's part. `key`, `action` and `status` are always there."""
    values: dict[str, Any] = {
        "key": result.key,
        "action": result.kind.value,
        "status": result.status.value,
        "engineId": result.engine_id,
        "previous": result.previous,
        "jobId": result.job_id,
        "operationId": result.operation_id,
        "error": result.error,
        "hint": result.hint,
        "file": result.file,
        "summary": dict(result.summary) if result.summary else None,
        "seconds": None if result.seconds is None else round(result.seconds, 3),
        "found": [_found(candidate) for candidate in result.found] or None,
        "lookedUp": True if result.looked_up else None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _found(candidate: Candidate) -> dict[str, Any]:
    from reconciler.core.plan.lookup import created  # only after a lookup

    engine = candidate.engine
    values = {
        "engineId": engine.engine_id,
        "name": engine.name,
        "sameName": candidate.exact,
        "createdAt": created(engine),
        "jobId": engine.job_id,
    }
    return {name: value for name, value in values.items() if value is not None}
