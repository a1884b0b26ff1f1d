"""Wires `plan --issue`: one issue about drift, and one about sources, each opened, kept up to date, and closed when all
is well.

Only what is known for sure closes one: where engines or pages could not be looked up, an open issue stays as it is.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.pull_requests.plan_comment import notice, occasion_of, repository
from reconciler.cli.stderr import say
from reconciler.core.errors import ExitCode, ReconcileError, most_severe
from reconciler.core.frozen import dataclass
from reconciler.core.plan.model import Plan
from reconciler.render.markdown import drift_issue, sources_issue
from reconciler.render.markdown.comment import Occasion
from reconciler.render.phrases.sanitize import sanitize

if TYPE_CHECKING:
    from reconciler.adapters.github.ours import Kept
    from reconciler.app.planning import PlanResult
    from reconciler.core.plan.drift import Actual

_WORDS = {
    "opened": "opened",
    "updated": "updated",
    "unchanged": "unchanged",
    "closed": "closed (no {})",
    "absent": "none needed (no {})",
}


@dataclass(frozen=True, slots=True)
class Topic:
    """What an issue is about. It is open while something is `alarming`; where it is not, it is closed if that is
    `certain`. The texts are made only when they are needed.
    """

    name: str
    absent: str  # what there is none of where all is well
    alarming: bool
    certain: bool
    title: str
    marker: Callable[[Occasion], str]
    text: Callable[[Occasion], str]
    well: Callable[[Occasion], str]


def keep_issues(root: Path, planned: PlanResult) -> ExitCode:
    """What fails is told on stderr, and is the exit code."""
    plan, actual = planned.plan, planned.actual
    topics = [_of_drift(plan, actual)] if actual is not None else []
    if planned.checked_sources:
        topics.append(_of_sources(plan))
    return most_severe(_keep(root, plan, topic) for topic in topics)


def _of_drift(plan: Plan, actual: Actual) -> Topic:
    gone = actual.gone
    return Topic(
        "drift",
        "drift",
        bool(drift_issue.drifted(plan, gone)),
        not actual.findings,
        drift_issue.issue_title(plan),
        lambda occasion: drift_issue.issue_marker(plan, occasion),
        lambda occasion: drift_issue.render_drift_issue(plan, occasion, gone),
        lambda occasion: drift_issue.render_all_is_well(plan, occasion),
    )


def _of_sources(plan: Plan) -> Topic:
    return Topic(
        "sources",
        "stale sources",
        bool(sources_issue.pressing(plan)),
        sources_issue.all_fresh(plan),
        sources_issue.issue_title(plan),
        lambda occasion: sources_issue.issue_marker(plan, occasion),
        lambda occasion: sources_issue.render_sources_issue(plan, occasion),
        lambda occasion: sources_issue.render_all_is_fresh(plan, occasion),
    )


def _keep(root: Path, plan: Plan, topic: Topic) -> ExitCode:
    if plan.invalid or not (topic.alarming or topic.certain):
        notice(f"the issue about {topic.name} stays as it is: not everything is known")
        return ExitCode.OK
    try:
        kept = _kept(root, topic)
    except ReconcileError as error:
        hint = f"\nhint: {sanitize(error.hint)}" if error.hint else ""
        click.echo(f"error: the issue was not updated: {sanitize(error.message)}{hint}", err=True)
        return error.exit_code
    where = f": {kept.url}" if kept.url else ""
    say(f"issue: {_WORDS[kept.done.value].format(topic.absent)}{where}")
    return ExitCode.OK


def _kept(root: Path, topic: Topic) -> Kept:
    from reconciler.adapters.github.client import PUBLIC, PatientGitHub
    from reconciler.adapters.github.issues import StickyIssue

    occasion = occasion_of(root, None)
    address, token = os.environ.get("GITHUB_API_URL") or PUBLIC, os.environ.get("GITHUB_TOKEN", "").strip()
    with PatientGitHub(address, token, random=random.random) as github:
        issue = StickyIssue(github, repository(), topic.marker(occasion))
        if topic.alarming:
            return issue.show(topic.title, topic.text(occasion))
        return issue.close(topic.well(occasion))
