"""Wires `plan --issue`: one issue about drift, opened, kept up to date, and closed when all is well.

Only what is known for sure closes it: where engines could not be looked up, an open issue stays as it is.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.pull_requests.plan_comment import notice, occasion_of, repository
from reconciler.cli.stderr import say
from reconciler.core.errors import ExitCode, ReconcileError
from reconciler.core.plan.model import Plan
from reconciler.render.markdown.drift_issue import (
    drifted,
    issue_marker,
    issue_title,
    render_all_is_well,
    render_drift_issue,
)
from reconciler.render.phrases.sanitize import sanitize

if TYPE_CHECKING:
    from collections.abc import Collection

    from reconciler.adapters.github.issues import Kept
    from reconciler.core.plan.drift import Actual

_WORDS = {
    "opened": "opened",
    "updated": "updated",
    "unchanged": "unchanged",
    "closed": "closed (no drift)",
    "absent": "none needed (no drift)",
}


def keep_issue(root: Path, plan: Plan, actual: Actual) -> ExitCode:
    """`actual` is what is known of the platform. What fails is told on stderr, and is the exit code."""
    if plan.invalid or (actual.findings and not drifted(plan, actual.gone)):
        notice("the issue about drift stays as it is: not everything is known")
        return ExitCode.OK
    try:
        kept = _kept(root, plan, actual.gone)
    except ReconcileError as error:
        hint = f"\nhint: {sanitize(error.hint)}" if error.hint else ""
        click.echo(f"error: the issue was not updated: {sanitize(error.message)}{hint}", err=True)
        return error.exit_code
    where = f": {kept.url}" if kept.url else ""
    say(f"issue: {_WORDS[kept.done.value]}{where}")
    return ExitCode.OK


def _kept(root: Path, plan: Plan, gone: Collection[str]) -> Kept:
    from reconciler.adapters.github.client import PUBLIC, PatientGitHub
    from reconciler.adapters.github.issues import StickyIssue

    occasion = occasion_of(root, None)
    address, token = os.environ.get("GITHUB_API_URL") or PUBLIC, os.environ.get("GITHUB_TOKEN", "").strip()
    with PatientGitHub(address, token, random=random.random) as github:
        issue = StickyIssue(github, repository(), issue_marker(plan, occasion))
        if drifted(plan, gone):
            return issue.show(issue_title(plan), render_drift_issue(plan, occasion, gone))
        return issue.close(render_all_is_well(plan, occasion))
