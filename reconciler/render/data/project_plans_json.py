"""The plans of several projects or environments for programs: one document (`schemas/plans.schema.json`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reconciler.core.errors import ExitCode
from reconciler.core.project_list import ProjectList
from reconciler.render.data.json_view import (
    SCHEMA_VERSION,
    diagnostics_document,
    plan_document,
    render_json,
)
from reconciler.render.phrases.project_plans import ProjectPlan, summary_of
from reconciler.render.phrases.words import jobs


def render_plans_json(plans: Sequence[ProjectPlan], code: ExitCode, found: ProjectList) -> str:
    """Each plan as `plan --format json` prints it, with its project. No final newline."""
    document: dict[str, Any] = {
        "schemaVersion": SCHEMA_VERSION,
        "plans": [_plan(one) for one in plans],
        "summary": {**summary_of(plans), "provisioningJobs": sum(jobs(one.plan) for one in plans)},
    }
    return render_json({**document, **_left_out(found), "exitCode": int(code)})


def render_checked_json(checked: Sequence[ProjectPlan], code: ExitCode, found: ProjectList) -> str:
    """What `validate` found, in plans without actions, whose unchanged engines are those with valid files."""
    document = {"schemaVersion": SCHEMA_VERSION, "projects": [_checked(one) for one in checked]}
    return render_json({**document, **_left_out(found), "exitCode": int(code)})


def _checked(one: ProjectPlan) -> dict[str, Any]:
    document: dict[str, Any] = {"project": one.folder}
    if one.environment:
        document["environment"] = one.environment
    document |= {"valid": list(one.plan.unchanged), "diagnostics": diagnostics_document(one.plan.diagnostics)}
    return {**document, **_error(one), "exitCode": int(one.exit_code)}


def _left_out(found: ProjectList) -> dict[str, Any]:
    document: dict[str, Any] = {}
    if found.removed:
        document["removed"] = list(found.removed)
    if found.skipped:
        document["skipped"] = [{"project": one.folder, "reason": one.reason} for one in found.skipped]
    return document


def _error(one: ProjectPlan) -> dict[str, Any]:
    if one.error is None:
        return {}
    return {"error": {"message": one.error.message, **({"hint": one.error.hint} if one.error.hint else {})}}


def _plan(one: ProjectPlan) -> dict[str, Any]:
    document = {"project": one.folder, **plan_document(one.plan)}
    if one.error is not None:
        for name in ("digest", "lockfile", *(["environment"] if not one.environment else [])):
            del document[name]
    return {**document, **_error(one), "exitCode": int(one.exit_code)}
