"""`reconcile plan`, which is also `reconcile --dry-run`: what will happen, with no key, no network and no write."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Any

import click

from reconciler.app.planning import Planned, Request, make_plan
from reconciler.cli.options import detailed_exitcode, given, global_options, plan_options
from reconciler.cli.project import Project, open_project
from reconciler.cli.screen import screen_of
from reconciler.core.errors import ExitCode, foremost
from reconciler.core.plan import Condition, Plan

if TYPE_CHECKING:
    from reconciler.core.shared import Shared


@click.command("plan")
@plan_options
@detailed_exitcode
@click.option("--fetch", is_flag=True, help="Look at the remote first: what other runs have recorded there.")
@global_options
@click.pass_context
def command(ctx: click.Context, /, **flags: Any) -> None:
    """Show what `reconcile apply` would do.

    Needs no key and no network, and writes nothing. Exit code 0 when a plan was shown; with --detailed-exitcode 2 when
    there is something to apply, 1 when an engine failed, 7 when an operation is uncertain.
    """
    gc.disable()  # one short pass over many objects that all stay: collecting would only cost time
    project = open_project(ctx)
    planned = plan_project(
        project, flags["only"], flags["retry_failed"], _fetched(project) if flags["fetch"] else None
    )
    code = exit_code_of(planned.plan, flags["detailed_exitcode"])
    show_plan(ctx, project, planned, flags["format_"], code)
    ctx.exit(code)


def _fetched(project: Project) -> Shared:
    from reconciler.cli.publishing import fetch  # git and the network, only when asked for

    return fetch(project)


def plan_project(
    project: Project, only: tuple[str, ...], retry_failed: bool, shared: Shared | None = None
) -> Planned:
    """The plan as data, with what was seen on the remote, if it was looked at."""
    request = Request(project.settings.environment, tuple(only), retry_failed, project.id_length)
    journal = project.known_journal if shared is None else project.journal
    return make_plan(project.engines, project.lockfile, journal, request, shared)


def exit_code_of(plan: Plan, detailed: bool) -> ExitCode:
    """What a plan alone ends with (DESIGN §7)."""
    if plan.invalid:
        return ExitCode.INVALID
    if not detailed:
        return ExitCode.OK
    codes = [ExitCode.CHANGES] if plan.changes_anything else []
    conditions = {action.condition for action in plan.actions}
    if Condition.UNCERTAIN in conditions:
        codes.append(ExitCode.UNCERTAIN)
    if Condition.FAILED in conditions:
        codes.append(ExitCode.FAILED)
    return foremost(codes)


def show_plan(
    ctx: click.Context, project: Project, planned: Planned, format_: str, code: int, *, err: bool = False
) -> None:
    """Print the plan to stdout, or to stderr where stdout belongs to something else."""
    plan = planned.plan
    if any(action.changes for action in plan.actions) and format_ != "json":
        plan = _with_texts(project, planned)
    click.echo(_rendered(ctx, project, plan, format_, code, err), err=err)


def _with_texts(project: Project, planned: Planned) -> Plan:
    from reconciler.adapters.git import GitTexts  # GitPython, only for real differences
    from reconciler.app.old_texts import with_old_texts

    return with_old_texts(planned.plan, planned.standing.folded, project.engines, GitTexts(project.root))


def _rendered(ctx: click.Context, project: Project, plan: Plan, format_: str, code: int, err: bool) -> str:
    if format_ == "json":
        from reconciler.render.json_view import render_plan_json  # one view of four

        return render_plan_json(plan, exit_code=code)
    if format_ == "markdown":
        from reconciler.render.markdown import render_plan_markdown

        return render_plan_markdown(plan)
    if format_ == "github":
        from reconciler.render.annotations import render_plan_github

        return render_plan_github(plan, prefix=_prefix_in_repo(project))
    from reconciler.render.text import render_plan

    screen = screen_of(sys.stderr if err else sys.stdout, given(ctx, "color"))
    return render_plan(plan, color=screen.color, width=screen.width, ascii_only=screen.ascii_only)


def _prefix_in_repo(project: Project) -> str:
    """Where the project is in its repository, since annotations count from there."""
    from reconciler.adapters.places import find_git

    found = find_git(project.root)
    inside = "" if found is None else project.root.resolve().relative_to(found[0]).as_posix()
    return "" if inside == "." else inside
