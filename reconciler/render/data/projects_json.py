"""The projects of a repository for programs and CI systems: one JSON document, and the matrices of GitHub and GitLab.

All of it is ASCII, and the matrices are one line: so nothing in a folder's name ends a line of `GITHUB_OUTPUT`, or
reaches a terminal as it is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from reconciler.core.errors import ExitCode, ReconcileError
from reconciler.core.project_list import Job, Listed, ProjectList, from_top
from reconciler.render.data.json_view import diagnostics_document, render_json

SCHEMA_VERSION = 1


def render_projects_json(found: ProjectList, code: ExitCode) -> str:
    """No final newline."""
    document = {
        "schemaVersion": SCHEMA_VERSION,
        "projects": [_project(one) for one in found.projects],
        "removed": list(found.removed),
        "skipped": [{"project": one.folder, "reason": one.reason} for one in found.skipped],
        "exitCode": int(code),
    }
    return render_json(document)


def _project(one: Listed) -> dict[str, Any]:
    document: dict[str, Any] = {"project": one.folder, "environments": list(one.environments)}
    if one.lockfiles:
        document["lockfiles"] = dict(one.lockfiles)
    if one.changed is not None:
        document["changed"] = list(one.changed)
    if one.error is not None:
        document["error"] = _error(one.folder, one.error)
    return document


def _error(folder: str, error: ReconcileError) -> dict[str, Any]:
    document: dict[str, Any] = {"message": error.message}
    if error.hint:
        document["hint"] = error.hint
    if error.diagnostics:
        document["diagnostics"] = diagnostics_document(from_top(folder, error.diagnostics))
    return document


def render_github_matrix(jobs: Sequence[Job]) -> str:
    """What `strategy.matrix` takes by `fromJSON`."""
    return _line({"include": [one._asdict() for one in jobs]})


def render_gitlab_pipeline(jobs: Sequence[Job], template: str) -> str:
    """A child pipeline, for a job of the parent that keeps it as an artifact: JSON is YAML. Its jobs extend
    `.engines-project` of the file `template`. Without jobs there is one that does nothing, since a pipeline needs one.
    """
    if not jobs:
        return _line(
            {"no-engines": {"script": ["echo no project changed"], "variables": {"GIT_STRATEGY": "none"}}}
        )
    matrix = [{"ENGINES_PROJECT": one.project, "ENGINES_ENVIRONMENT": one.environment} for one in jobs]
    job = {"extends": ".engines-project", "parallel": {"matrix": matrix}}
    return _line({"include": [{"local": template}], "engines": job})


def _line(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=True).replace("\x7f", "\\u007f")
