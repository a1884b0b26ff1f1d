"""`reconcile plan`, which is also `reconcile --dry-run`: what will happen, with no key, no network and no write."""

from __future__ import annotations

import gc
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from reconciler.app.planning import PlanResult, Request, make_plan
from reconciler.cli.options import comment_options, detailed_exitcode, given, global_options, plan_options
from reconciler.cli.pull_requests.ci import merges_into
from reconciler.cli.screen import screen_of
from reconciler.cli.wiring.outputs_behind import with_outputs
from reconciler.cli.wiring.project import Project, open_project
from reconciler.cli.wiring.saved_plans import policy_of, write_saved
from reconciler.core.errors import ExitCode, ReconcileError, UsageError, most_severe
from reconciler.core.plan.model import Condition, Plan

if TYPE_CHECKING:
    from reconciler.cli.pull_requests.plan_comment import Announcement
    from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
    from reconciler.core.plan.saved import SavedPlan


@click.command("plan")
@plan_options
@detailed_exitcode
@click.option("--fetch", is_flag=True, help="Look at the remote first: what other runs have recorded there.")
@click.option(
    "--base",
    metavar="REF",
    help="Say whose change each is: compare with a branch or commit, `auto` or `none`.",
)
@click.option("--out", metavar="FILE", help="Save the plan there, for `reconcile apply FILE`.")
@click.option("--fail-on-foreign", is_flag=True, help="End with 6 when a change is not this branch's.")
@comment_options
@global_options
@click.pass_context
def command(ctx: click.Context, /, **flags: Any) -> None:
    """Show what `reconcile apply` would do.

    Needs no key and no network, and writes nothing. Exit code 0 when a plan was shown; with --detailed-exitcode 2 when
    there is something to apply, 1 when an engine failed, 6 when a guard holds something back, 7 when an operation is
    uncertain.
    """
    gc.disable()  # one short pass over many objects that all stay: collecting would only cost time
    announced = _announcement(flags)
    project = open_project(ctx)
    try:
        planned, foreign = _planned(project, flags)
    except ReconcileError as error:
        if announced is not None:
            announced.publish_failure(project, error)
        raise
    code = most_severe([exit_code_of(planned.plan, flags["detailed_exitcode"]), foreign])
    if flags["out"] is not None:
        write_saved(ctx, project, planned, flags["out"], flags["retry_failed"], code)
    format_ = flags["format_"]
    if announced is not None and format_ == "json":  # it says how the run ends
        code = most_severe([code, announced.publish(project, _with_texts(project, planned))])
    show_plan(ctx, project, planned, format_, code)
    if announced is not None and format_ != "json":
        code = most_severe([code, announced.publish(project, _with_texts(project, planned))])
    elif format_ == "github":
        _summarise(project, planned)
    ctx.exit(code)


def _planned(project: Project, flags: dict[str, Any]) -> tuple[PlanResult, ExitCode]:
    shared = _fetched(project) if flags["fetch"] else None
    planned = plan_project(project, flags, shared)
    return _attributed(project, planned, flags["base"], flags["fail_on_foreign"])


def _announcement(flags: dict[str, Any]) -> Announcement | None:
    if not flags["comment"]:
        if flags["comment_on"] is not None:
            raise UsageError("--comment-on goes with --comment")
        return None
    from reconciler.cli.pull_requests.plan_comment import announcement  # the network, only when asked for

    annotates = flags["format_"] != "github"
    return announcement(flags["comment_on"], flags["comment_when_unchanged"], flags["only"], annotates)


def _summarise(project: Project, planned: PlanResult) -> None:
    """A job's summary goes with annotations: they have room for ten, and it has it for all."""
    from reconciler.cli.pull_requests.plan_comment import has_summary, occasion_of, write_summary

    if has_summary():
        write_summary(_with_texts(project, planned), occasion_of(project, None))


def _attributed(
    project: Project, planned: PlanResult, base: str | None, refuse: bool
) -> tuple[PlanResult, ExitCode]:
    """The plan with its origins, where they are wanted, and how the run is to end for what is not this branch's."""
    wanted = refuse or base not in (None, "", "none") or merges_into() is not None
    if not wanted:
        return planned, ExitCode.OK
    from reconciler.cli.wiring.base import attributed, refusal_of_foreign  # git, only with a base

    planned = attributed(project, planned, base or None, needed=refuse)
    return planned, refusal_of_foreign(planned.plan) if refuse else ExitCode.OK


def _fetched(project: Project) -> RemoteSnapshot:
    from reconciler.cli.wiring.publishing import fetch  # git and the network, only when asked for

    return fetch(project)


def plan_project(
    project: Project,
    flags: Mapping[str, Any],
    shared: RemoteSnapshot | None = None,
    saved: SavedPlan | None = None,
) -> PlanResult:
    """The plan as data, with what was seen on the remote, if it was looked at; or a saved one, if it still holds."""
    request = Request(
        project.settings.environment,
        tuple(flags["only"]),
        flags["retry_failed"],
        project.id_length,
        policy_of(project, flags),
        saved,
    )
    journal = project.known_journal if shared is None else project.journal
    return with_outputs(project, make_plan(project.engines, project.lockfile, journal, request, shared))


def exit_code_of(plan: Plan, detailed: bool) -> ExitCode:
    """What a plan alone ends with (docs/design.md, section 7)."""
    if plan.invalid:
        return ExitCode.INVALID
    if not detailed:
        return ExitCode.OK
    codes = [ExitCode.CHANGES] if plan.changes_anything or plan.outputs else []
    conditions = {action.condition for action in plan.actions}
    if any(action.guard is not None for action in plan.actions):
        codes.append(ExitCode.GUARD)
    if Condition.UNCERTAIN in conditions:
        codes.append(ExitCode.UNCERTAIN)
    if Condition.FAILED in conditions or plan.outputs_failed:
        codes.append(ExitCode.FAILED)
    return most_severe(codes)


def show_plan(
    ctx: click.Context, project: Project, planned: PlanResult, format_: str, code: int, *, err: bool = False
) -> None:
    """Print the plan to stdout, or to stderr where stdout belongs to something else."""
    plan = planned.plan if format_ == "json" else _with_texts(project, planned)
    click.echo(_rendered(ctx, project, plan, format_, code, err), err=err)


def _with_texts(project: Project, planned: PlanResult) -> Plan:
    if not any(action.changes for action in planned.plan.actions):
        return planned.plan
    from reconciler.adapters.git.command import GitTexts  # GitPython, only for real differences
    from reconciler.app.old_texts import with_old_texts

    return with_old_texts(planned.plan, planned.recorded.folded, project.engines, GitTexts(project.root))


def _rendered(ctx: click.Context, project: Project, plan: Plan, format_: str, code: int, err: bool) -> str:
    if format_ == "json":
        from reconciler.render.data.json_view import render_plan_json  # one view of four

        return render_plan_json(plan, exit_code=code)
    if format_ == "markdown":
        from reconciler.render.markdown.plan import render_plan_markdown

        return render_plan_markdown(plan)
    if format_ == "github":
        return _annotated(project, plan)
    if format_ in ("gitlab", "sarif"):
        from reconciler.cli.wiring.reports import report

        return report(ctx, project, plan, format_)
    from reconciler.render.text.plan import render_plan

    screen = screen_of(sys.stderr if err else sys.stdout, given(ctx, "color"))
    return render_plan(plan, color=screen.color, width=screen.width, ascii_only=screen.ascii_only)


def _annotated(project: Project, plan: Plan) -> str:
    from reconciler.adapters.engine_files.lines import EngineLines
    from reconciler.cli.pull_requests.plan_comment import folder_in_repo, has_summary
    from reconciler.render.reports.annotations import render_plan_github

    lines = EngineLines(str(project.root))
    rest = "the job's summary" if has_summary() else "the log"
    return render_plan_github(plan, prefix=folder_in_repo(project), line_of=lines, rest=rest)
