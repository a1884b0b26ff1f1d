"""The plan as a GitLab Code Quality report: GitLab shows it in the merge request, at the lines it is about.

The format is GitLab's subset of Code Climate's: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from reconciler.core.plan.model import Plan
from reconciler.render.reports.issues import Issue, PlaceOf, issues_of

_SEVERITIES = {"error": "critical", "warning": "major", "notice": "info"}


def render_gitlab(plan: Plan, *, prefix: str, place_of: PlaceOf) -> str:
    """A JSON list in pure ASCII, empty when there is nothing to say. No final newline."""
    return render_gitlab_issues(issues_of(plan, prefix=prefix, place_of=place_of))


def render_gitlab_issues(issues: Sequence[Issue]) -> str:
    """The same for findings of several plans."""
    return json.dumps([_document(one) for one in issues], indent=2, ensure_ascii=True)


def _document(issue: Issue) -> dict[str, Any]:
    return {
        "description": issue.message,
        "check_name": f"reconcile/{issue.rule}",
        "fingerprint": issue.fingerprint,
        "severity": _SEVERITIES[issue.level],
        "location": {"path": issue.file, "lines": {"begin": issue.line}},
    }
