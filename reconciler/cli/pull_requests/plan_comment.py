"""Wires `plan --comment`: the pull request that a run is for, its comment, the job summary and the annotations.

Only here, and only with --comment, planning reaches for the network. The plan is shown whatever becomes of the comment:
a run for a fork has no right to write one, and that is no failure of the plan.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from reconciler.adapters.project.places import folder_in_repo
from reconciler.cli import ci
from reconciler.cli.stderr import hears, say
from reconciler.core.errors import Diagnostic, ExitCode, GitHubError, InvalidInput, ReconcileError, UsageError
from reconciler.core.frozen import dataclass, replace
from reconciler.core.patterns import lazy_pattern
from reconciler.core.plan.model import Plan
from reconciler.core.pull_request.event import PullRequest, pull_request_of
from reconciler.render.markdown.comment import (
    Occasion,
    marker,
    render_plan_comment,
    render_plan_summary,
    worth_a_comment,
)
from reconciler.render.phrases.sanitize import sanitize
from reconciler.render.reports.annotations import command, render_annotations

if TYPE_CHECKING:
    from reconciler.adapters.github.ours import Kept
    from reconciler.core.settings.model import Settings

_REPOSITORY = lazy_pattern(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*/[A-Za-z0-9_.-]*[A-Za-z0-9_-]")
_NO_RIGHT = frozenset(
    {401, 403, 404}
)  # what a token without the right is told, the last for private repositories


class Said(NamedTuple):
    """What is announced: lines of annotations, a summary for the room that there is, in bytes, and the comment behind
    its marker. `replaces` are markers of comments that it stands in for.
    """

    annotations: list[str]
    summary: Callable[[int], str]
    marker: str
    comment: Callable[[], str]
    worth_it: bool
    replaces: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Announcement:
    """What --comment asks for. `pull_request` is None where the run is for none, and need not be."""

    pull_request: PullRequest | None
    delete_when_unchanged: bool
    only: tuple[str, ...]
    annotates: bool  # --format github has them in its output already
    report: bool = False  # the plan is a page, too

    def publish(self, root: Path, plan: Plan) -> ExitCode:
        """Annotations, summary, comment. What fails is told on stderr, and is the exit code."""

        def said() -> Said:
            occasion = occasion_of(root, self.pull_request, self.only, report=self.report)
            return Said(
                annotation_lines(root, plan) if self.shows_annotations() else [],
                lambda room: render_plan_summary(plan, occasion, limit=room),
                marker(occasion.command, plan.environment, occasion.folder),
                lambda: render_plan_comment(plan, occasion),
                worth_a_comment(plan),
            )

        return self.publish_said(said, "the plan")

    def publish_said(self, told: Callable[[], Said], what: str) -> ExitCode:
        """The same for what is already in words."""
        try:
            said = told()
            if said.annotations:
                click.echo("\n".join(said.annotations), err=True)
            summarise(said.summary, what)
            if self.pull_request is None:
                notice("this run is not for a pull request, so there is nothing to comment on")
            else:
                self._comment(said, self.pull_request)
        except ReconcileError as error:
            hint = f"\nhint: {sanitize(error.hint)}" if error.hint else ""
            click.echo(f"error: the comment was not posted: {sanitize(error.message)}{hint}", err=True)
            return error.exit_code
        return ExitCode.OK

    def shows_annotations(self) -> bool:
        """Whether they are to be printed beside the plan."""
        return ci.in_actions() and self.annotates

    def publish_failure(self, root: Path, settings: Settings, error: ReconcileError) -> None:
        """There is no plan: an older comment must not go on showing one."""
        findings = (Diagnostic(error.message, hint=error.hint), *error.diagnostics)
        plan = Plan(settings.environment, diagnostics=findings, lockfile=settings.lockfile)
        replace(self, report=False).publish(root, plan)

    def _comment(self, said: Said, pull_request: PullRequest) -> None:
        token = os.environ.get("GITHUB_TOKEN", "").strip()
        if not token and pull_request.foreign:
            notice(_FORK)
            return
        try:
            kept = self._kept(said, pull_request.number, token)
        except GitHubError as error:
            if error.status not in _NO_RIGHT or pull_request.foreign is False:
                raise
            notice(f"{_FORK} (GitHub says: {error.message})")
            return
        where = f": {kept.url}" if kept.url else ""
        say(f"comment on #{pull_request.number}: {_WORDS[kept.done.value]}{where}")

    def _kept(self, said: Said, number: int, token: str) -> Kept:
        from reconciler.adapters.github.client import PUBLIC, PatientGitHub
        from reconciler.adapters.github.comments import StickyComment

        address = os.environ.get("GITHUB_API_URL") or PUBLIC
        with PatientGitHub(address, token, random=random.random) as github:
            comment = StickyComment(github, repository(), number, said.marker, said.replaces)
            if not said.worth_it and self.delete_when_unchanged:
                return comment.remove()
            return comment.show(said.comment(), create=said.worth_it)


_FORK = (
    "this run cannot write comments, like all runs for forks; the plan is in the job summary and in the log"
)
_WORDS = {
    "created": "created",
    "updated": "updated",
    "unchanged": "unchanged",
    "deleted": "deleted (no changes on this branch)",
    "absent": "not posted (no changes on this branch)",
}


def announcement(
    number: int | None, when_unchanged: str, only: tuple[str, ...], annotates: bool, report: bool
) -> Announcement:
    """Raises `UsageError` for a run without a pull request, unless its event never has one; `InvalidInput` for a bad
    event.
    """
    found = pull_request_of_run(number)
    if found is None and not ci.never_for_a_pull_request():
        raise UsageError(
            "--comment: this run is not for a pull request",
            hint="run it on the event `pull_request`, or choose one with --comment-on",
        )
    return Announcement(found, when_unchanged == "delete", only, annotates, report)


def pull_request_of_run(number: int | None) -> PullRequest | None:
    from reconciler.adapters.github.event_file import read_job_event

    path = os.environ.get("GITHUB_EVENT_PATH")
    event: object = None
    if path:
        try:
            event = read_job_event(Path(path))
        except InvalidInput:
            if number is None:
                raise
    ref, actor = os.environ.get("GITHUB_REF", ""), os.environ.get("GITHUB_ACTOR", "")
    found = pull_request_of(event, ref, actor)
    if number is None or (found is not None and found.number == number):
        return found
    return PullRequest(number, foreign=False)  # somebody asked for it, so it is an error if it cannot be done


def annotation_lines(root: Path, plan: Plan) -> list[str]:
    """Workflow commands, one on a line."""
    from reconciler.adapters.engine_files.lines import EngineLines

    rest = "the job summary" if ci.has_summary() else "the log"
    lines = EngineLines(str(root))
    return render_annotations(plan, prefix=folder_in_repo(root), place_of=lines, rest=rest)


def write_summary(plan: Plan, occasion: Occasion) -> None:
    """Raises `StorageError`."""
    summarise(lambda room: render_plan_summary(plan, occasion, limit=room), "the plan")


def summarise(render: Callable[[int], str], what: str) -> None:
    """Adds to the step's summary, where there is one. `render` is given the room, in bytes. Raises `StorageError`."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    from reconciler.adapters.github.event_file import append_summary

    if not append_summary(Path(path), render):
        notice(f"the step summary is full; {what} is in the log")


def page_of_repository() -> str | None:
    """Where people see the repository."""
    server, repo = os.environ.get("GITHUB_SERVER_URL"), os.environ.get("GITHUB_REPOSITORY")
    return f"{server}/{repo}" if server and repo else None


def occasion_of(
    root: Path, pull_request: PullRequest | None, only: tuple[str, ...] = (), *, report: bool = False
) -> Occasion:
    """`report`: whether the run leaves the plan as a page."""
    return occasion_at(folder_in_repo(root) or ".", pull_request, only, report=report)


def occasion_at(
    folder: str, pull_request: PullRequest | None, only: tuple[str, ...] = (), *, report: bool = False
) -> Occasion:
    """The same for a folder that counts from the repository's root."""
    commit = (pull_request.commit if pull_request else None) or os.environ.get("GITHUB_SHA") or None
    page = page_of_repository()
    return Occasion(
        folder=folder,
        commit=commit,
        commit_url=f"{page}/commit/{commit}" if page and commit else None,
        run_url=ci.run_url(),
        report_url=ci.artifacts_url() if report else None,
        only=only,
        merging=pull_request is not None or ci.merges_into() is not None,
    )


def repository() -> str:
    """`owner/name`. Raises `InvalidInput`."""
    name = os.environ.get("GITHUB_REPOSITORY", "")
    if not _REPOSITORY.fullmatch(name):
        raise InvalidInput(
            "GITHUB_REPOSITORY does not name a repository",
            hint="GitHub Actions sets it; elsewhere set it to OWNER/NAME",
        )
    return name


def notice(text: str, level: str = "notice") -> None:
    """On stderr: an annotation in GitHub Actions, of that level, otherwise a line."""
    heard = "info" if level == "notice" else level
    if not ci.in_actions():
        say(f"{'note' if level == 'notice' else level}: {text}", heard)
    elif hears(heard):
        click.echo(command(level, text, title="reconcile"), err=True)
