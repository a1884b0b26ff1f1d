"""Wires `apply --comment` and `collect --comment`: the pull request that brought a change hears what became of it.

Only here, and only with --comment, such a run talks to GitHub about pull requests. It comes after everything else:
what was made is recorded and shown by then, so whatever goes wrong here is told, and changes no exit code.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters.project.places import folder_in_repo
from reconciler.cli import ci
from reconciler.cli.pull_requests.plan_comment import (
    notice,
    page_of_repository,
    pull_request_of_run,
    repository,
    summarise,
)
from reconciler.cli.stderr import say
from reconciler.core.errors import Diagnostic, ReconcileError
from reconciler.core.frozen import dataclass, replace
from reconciler.core.patterns import lazy_pattern
from reconciler.core.pull_request.comment_state import CommentState, ends_of, first_submitted
from reconciler.core.run.outcome import Outcome
from reconciler.render.markdown.outcome_comment import (
    Merge,
    outcome_marker,
    read_comment,
    render_outcome_comment,
    render_outcome_summary,
)
from reconciler.render.phrases.diagnostics import tally

if TYPE_CHECKING:
    from reconciler.adapters.github.client import PatientGitHub
    from reconciler.adapters.github.ours import Kept
    from reconciler.app.planning import PlanResult
    from reconciler.app.recorded import RecordedState
    from reconciler.core.lockfile.model import Lockfile

_SKEW = timedelta(minutes=10)  # between this machine's clock, or that of an earlier run, and GitHub's
_COMMIT = lazy_pattern(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_WORDS = {
    "created": "created",
    "updated": "updated",
    "unchanged": "unchanged",
}


@dataclass(frozen=True, slots=True)
class CommentedRun:
    """The run that pull requests are told of. `lockfile` is as people know it: relative to the project's root; `now`
    reads where things stand.
    """

    command: str
    root: Path
    environment: str
    lockfile: str
    now: Callable[[], Lockfile]
    report: bool = False  # the result is a page, too

    def report_outcome(self, planned: PlanResult, outcome: Outcome, published: str | None) -> None:
        """Summary, and comments. `published` is the commit of the lockfile."""
        plan = planned.plan
        merge = replace(self._merge(), lockfile=plan.lockfile, published=published)
        if plan.invalid:
            wrong = Diagnostic(f"no plan could be made: {tally(plan.diagnostics).removesuffix('.')}")
            merge = replace(merge, problem=wrong, findings=plan.diagnostics)
        _report(merge, outcome, _Before(self.now, _since(planned.recorded)))

    def report_failure(self, error: ReconcileError) -> None:
        """The run ended before it did anything."""
        about = Diagnostic(error.message, hint=error.hint)
        merge = replace(self._merge(), problem=about, findings=error.diagnostics, report_url=None)
        _report(merge, Outcome(), _Before(self.now, None))

    def _merge(self) -> Merge:
        return Merge(
            self.command,
            self.environment,
            self.lockfile,
            folder=folder_in_repo(self.root) or ".",
            page=page_of_repository(),
            commit=os.environ.get("GITHUB_SHA") if self.command == "apply" else None,
            run_url=ci.run_url(),
            report_url=ci.artifacts_url() if self.report else None,
        )


@dataclass(frozen=True, slots=True)
class _Before:
    """What earlier runs left. `since` is when the first of the jobs that ran before this run was submitted, in ISO."""

    now: Callable[[], Lockfile]
    since: str | None


def _report(merge: Merge, outcome: Outcome, before: _Before) -> None:
    _attempt(
        "the job summary was not written",
        lambda: summarise(lambda room: render_outcome_summary(merge, outcome, limit=room), "the result"),
    )
    if outcome.interrupted:
        notice("the run was interrupted before commenting on a pull request; the next run does it")
    elif _worth_telling(merge, outcome) or before.since is not None:
        _attempt("the comment was not posted", lambda: _comment(merge, outcome, before))


def _attempt(what: str, step: Callable[[], None]) -> None:
    """What is wrong here is told, and no more than that."""
    try:
        step()
    except ReconcileError as error:
        hint = f" ({error.hint})" if error.hint else ""
        notice(f"{what}: {error.message}{hint}", "warning")


def _worth_telling(merge: Merge, outcome: Outcome) -> bool:
    trouble = outcome.halted or outcome.unwritten or outcome.unpublished or outcome.outputs_failed
    return bool(outcome.results or trouble or merge.problem)


def _comment(merge: Merge, outcome: Outcome, before: _Before) -> None:
    from reconciler.adapters.github.client import PUBLIC, PatientGitHub

    token = os.environ.get("GITHUB_TOKEN", "").strip()
    address = os.environ.get("GITHUB_API_URL") or PUBLIC
    name, brought = repository(), None
    tells = merge.command == "apply" and _worth_telling(merge, outcome)
    with PatientGitHub(address, token, random=random.random) as github:
        if tells:
            brought = _brought_by(github, name)
        if brought is not None:
            _report_all(github, name, brought, merge, outcome)
        told = _report_ends(github, name, brought, merge, outcome, before)
    if brought is None and not told and (tells or outcome.results):
        notice(_NOBODY[merge.command])


_NOBODY = {
    "apply": "no pull request for this commit, so there is nothing to comment on",
    "collect": "no pull request is waiting for the result of these jobs",
}


def _brought_by(github: PatientGitHub, name: str) -> int | None:
    """The pull request that the event is about, else the one that brought the commit."""
    from reconciler.adapters.github.pulls import pull_request_of_commit

    found = pull_request_of_run(None)
    if found is not None:
        return found.number
    commit = os.environ.get("GITHUB_SHA", "")
    if not _COMMIT.fullmatch(commit):
        return None
    return pull_request_of_commit(github, name, commit, ci.branch())


def _report_all(github: PatientGitHub, name: str, number: int, merge: Merge, outcome: Outcome) -> None:
    from reconciler.adapters.github.comments import StickyComment

    def render(earlier: str | None) -> str | None:
        told = read_comment(earlier) if earlier is not None else None
        first = told or CommentState(unchanged=outcome.unchanged, commit=merge.commit, run=merge.run_url)
        return render_outcome_comment(merge, outcome, first.and_then(outcome.results))

    _say(number, StickyComment(github, name, number, outcome_marker(merge)).revise(render))


def _report_ends(
    github: PatientGitHub, name: str, brought: int | None, merge: Merge, outcome: Outcome, before: _Before
) -> int:
    """To the pull requests that were told of jobs that have ended by now. Returns how many there are."""
    if before.since is None:
        return 0
    from reconciler.adapters.github.comments import StickyComment, recent_comments

    now = before.now()

    def render(earlier: str | None) -> str | None:
        told = read_comment(earlier) if earlier is not None else None
        ends = ends_of(told, now) if told is not None else ()
        return render_outcome_comment(merge, outcome, told.and_then(ends)) if told and ends else None

    marker = outcome_marker(merge)
    recent = recent_comments(github, name, marker, before.since)
    numbers = {one.pull_request: None for one in recent if render(one.body) is not None}
    for number in numbers:
        if number != brought:
            _say(number, StickyComment(github, name, number, marker).revise(render))
    return len(numbers)


def _say(number: int, kept: Kept) -> None:
    if kept.done.value not in _WORDS:
        return
    where = f": {kept.url}" if kept.url else ""
    say(f"comment on #{number}: {_WORDS[kept.done.value]}{where}")


def _since(recorded: RecordedState) -> str | None:
    """Since when the jobs that ran before this run may have been told of; None where there were none."""
    lockfiles = [recorded.on_disk, *([recorded.shared.lockfile] if recorded.shared else [])]
    first = min(filter(None, map(first_submitted, lockfiles)), default=None)
    return (first - _SKEW).strftime("%Y-%m-%dT%H:%M:%SZ") if first is not None else None
