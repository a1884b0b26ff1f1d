"""`plan` for several projects or environments: one table, one document, one comment."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import ci
from reconciler.cli.opening import start_folder
from reconciler.cli.options import given
from reconciler.cli.projects.members import Made, failure_of, made, members_of
from reconciler.cli.projects.options import chooses_projects, chosen_environment
from reconciler.cli.screen import screen_of
from reconciler.cli.wiring.plan_views import PlanPrinter
from reconciler.core.commands import show_commands_for
from reconciler.core.errors import ExitCode, ReconcileError, UsageError, most_severe
from reconciler.core.frozen import dataclass, replace
from reconciler.core.plan.model import Plan, exit_code_of
from reconciler.core.project_list import ProjectList

if TYPE_CHECKING:
    from reconciler.app.planning import PlanResult
    from reconciler.cli.pull_requests.plan_comment import Announcement, Said
    from reconciler.project.opened import Project
    from reconciler.render.markdown.comment import Occasion
    from reconciler.render.phrases.project_plans import ProjectPlan
    from reconciler.render.reports.annotations import Part
    from reconciler.render.reports.issues import Issue

# Options that are about one plan, and why nobody misses them here.
_OF_ONE = {
    "out": "--out saves one plan",
    "report_html": "--report-html is a page of one plan",
    "issue": "--issue is about one project",
}
_OF_ONE_PROJECT = ("only", "allow_replace", "allow_retire")
_AGAIN = "run it for one, with -C and --env"

PlanOne = Callable[["Project", Mapping[str, Any]], tuple["PlanResult", ExitCode]]


def plan_several(
    ctx: click.Context, flags: dict[str, Any], plan_one: PlanOne, announced: Announcement | None
) -> ExitCode:
    """Plans all that the flags choose, shows it, and returns how the run ends. Raises what keeps all of them from being
    looked for.
    """
    _refuse(flags)
    try:
        members, found = members_of(ctx, flags)
    except ReconcileError as error:
        if announced is not None:  # an older comment must not go on showing plans
            views = Views((Made(failure_of(error)),), ProjectList(), flags["format_"], None)
            announced.publish_said(lambda: views.said(announced, _marker(ctx, flags)), "the plans")
        raise

    def maker(project: Project) -> tuple[Plan, ExitCode, Any]:
        planned, foreign = plan_one(project, flags)
        code = most_severe([exit_code_of(planned.plan, flags["detailed_exitcode"]), foreign])
        return _with_texts(project, planned, flags["format_"]), code, planned

    plans = [made(ctx, member, maker) for member in members]
    code = most_severe([one.shown.exit_code for one in plans])
    views = Views(tuple(plans), found, flags["format_"], given(ctx, "color"))
    if announced is not None:
        line = _marker(ctx, flags)
        posted = announced.publish_said(lambda: views.said(announced, line), "the plans")
        code = most_severe([code, posted])
    click.echo(views.rendered(code))
    if announced is None and flags["format_"] == "github" and ci.has_summary():
        views.summarise()
    return code


def _refuse(flags: Mapping[str, Any]) -> None:
    several = chooses_projects(flags)
    for name, words in _OF_ONE.items():
        if flags[name]:
            raise UsageError(f"{words}, and this is for several", hint=_AGAIN)
    if flags["format_"] == "html":
        raise UsageError("--format html is a page of one plan, and this is for several", hint=_AGAIN)
    for name in _OF_ONE_PROJECT:
        if several and flags[name]:
            raise UsageError(
                f"--{name.replace('_', '-')} names engines of one project, and this is for several",
                hint=_AGAIN,
            )


def _with_texts(project: Project, planned: PlanResult, format_: str) -> Plan:
    if format_ == "json":
        return planned.plan
    return PlanPrinter(project.root, project.engines, format_, None, project.settings).with_texts(planned)


def _marker(ctx: click.Context, flags: Mapping[str, Any]) -> str:
    from reconciler.adapters.project.places import folder_in_repo
    from reconciler.adapters.project.settings import find_root
    from reconciler.render.markdown.project_plans import marker_of_all

    environment = "" if flags["all_environments"] else chosen_environment(ctx) or "*"
    several = chooses_projects(flags)
    folder = "" if several else folder_in_repo(find_root(start_folder(ctx))) or "."
    return marker_of_all(environment, folder)


@dataclass(frozen=True)
class Views:
    """All plans in one format. `color` is --color."""

    plans: tuple[Made, ...]
    found: ProjectList
    format: str
    color: str | None

    @property
    def shown(self) -> list[ProjectPlan]:
        return [one.shown for one in self.plans]

    def rendered(self, code: ExitCode) -> str:
        """What goes to stdout."""
        if self.format == "json":
            from reconciler.render.data.project_plans_json import render_plans_json

            return render_plans_json(self.shown, code, self.found)
        if self.format == "markdown":
            from reconciler.render.markdown.comment import COMMENT_BYTES
            from reconciler.render.markdown.project_plans import render_plans_summary

            return render_plans_summary(self.shown, self.occasion(), limit=COMMENT_BYTES)
        if self.format in ("gitlab", "sarif"):
            return self._report()
        if self.format == "github":
            return "\n".join([*self.annotations(), self.guarded(self._text(plain=True))])
        return self._text()

    def guarded(self, text: str) -> str:
        """The text so that no runner reads a command in it."""
        from reconciler.render.reports.annotations import guarded

        return guarded(text, "several")

    def annotations(self) -> list[str]:
        """Workflow commands, one on a line."""
        from reconciler.render.reports.annotations import render_all_annotations

        rest = "the job summary" if ci.has_summary() else "the log"
        return render_all_annotations([_part(one) for one in self.plans], rest=rest)

    def occasion(self, announced: Announcement | None = None) -> Occasion:
        from reconciler.cli.pull_requests.plan_comment import occasion_at

        return occasion_at(".", announced.pull_request if announced is not None else None)

    def said(self, announced: Announcement, line: str) -> Said:
        """The comment, behind its marker `line`, in the place of those that single plans had."""
        from reconciler.cli.pull_requests.plan_comment import Said
        from reconciler.render.markdown.comment import worth_a_comment
        from reconciler.render.markdown.project_plans import (
            markers_of_each,
            render_plans_comment,
            render_plans_summary,
        )

        occasion = self.occasion(announced)
        return Said(
            self.annotations() if announced.shows_annotations() else [],
            lambda room: render_plans_summary(self.shown, occasion, limit=room),
            line,
            lambda: render_plans_comment(self.shown, line, occasion),
            any(worth_a_comment(one.plan) for one in self.shown),
            markers_of_each(self.shown),
        )

    def summarise(self) -> None:
        """Adds to the job's summary."""
        from reconciler.cli.pull_requests.plan_comment import summarise
        from reconciler.render.markdown.project_plans import render_plans_summary

        occasion = self.occasion()
        summarise(lambda room: render_plans_summary(self.shown, occasion, limit=room), "the plans")

    def _text(self, *, plain: bool = False) -> str:
        from reconciler.render.phrases.style import Look
        from reconciler.render.text.plan import render_plan
        from reconciler.render.text.project_plans import left_out, render_project_plans

        screen = screen_of(sys.stdout, self.color)
        screen = replace(screen, color=False, ascii_only=False, wrap=None) if plain else screen
        texts = []
        for one in self.plans:
            show_commands_for(one.invocation)
            told = one.shown.stands_out
            texts.append(
                render_plan(
                    one.shown.plan,
                    color=screen.color,
                    width=screen.width,
                    ascii_only=screen.ascii_only,
                    wrap=screen.wrap,
                )
                if told
                else ""
            )
        look = Look(screen.color, screen.ascii_only, screen.wrap)
        left = left_out(self.found.skipped, self.found.removed)
        return render_project_plans(self.shown, texts, look, left)

    def _report(self) -> str:
        from reconciler import __version__
        from reconciler.render.reports.gitlab import render_gitlab_issues
        from reconciler.render.reports.issues import issues_of
        from reconciler.render.reports.sarif import render_sarif_issues

        issues: list[Issue] = []
        for part in map(_part, self.plans):
            issues += issues_of(part.plan, prefix=part.prefix, place_of=part.place_of)
        if self.format == "gitlab":
            return render_gitlab_issues(issues)
        return render_sarif_issues(issues, "all", __version__)


def _part(one: Made) -> Part:
    from reconciler.adapters.engine_files.lines import EngineLines
    from reconciler.render.reports.annotations import Part

    if one.project is None:
        return Part(one.shown.plan, one.shown.prefix)
    return Part(one.shown.plan, one.shown.prefix, EngineLines(str(one.project.root)))
