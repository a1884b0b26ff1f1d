"""A plan as it is printed, in any of the formats that `--format` names."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from reconciler.app.planning import PlanResult
from reconciler.cli.options import given
from reconciler.cli.screen import screen_of
from reconciler.cli.wiring.project import Project
from reconciler.core.plan.model import Plan


def show_plan(
    ctx: click.Context, project: Project, planned: PlanResult, format_: str, code: int, *, err: bool = False
) -> None:
    """Print the plan to stdout, or to stderr where stdout belongs to something else."""
    plan = planned.plan if format_ == "json" else with_texts(project, planned)
    click.echo(_rendered(ctx, project.root, plan, format_, code, err), err=err)


def with_texts(project: Project, planned: PlanResult) -> Plan:
    if not any(action.changes for action in planned.plan.actions):
        return planned.plan
    from reconciler.adapters.git.command import GitTexts  # GitPython, only for real differences
    from reconciler.app.old_texts import with_old_texts

    return with_old_texts(planned.plan, planned.recorded.folded, project.engines, GitTexts(project.root))


def _rendered(ctx: click.Context, root: Path, plan: Plan, format_: str, code: int, err: bool) -> str:
    if format_ == "json":
        from reconciler.render.data.json_view import render_plan_json  # one view of four

        return render_plan_json(plan, exit_code=code)
    if format_ == "markdown":
        from reconciler.render.markdown.plan import render_plan_markdown

        return render_plan_markdown(plan)
    if format_ == "github":
        return _annotated(root, plan)
    if format_ in ("gitlab", "sarif"):
        return report(ctx, root, plan, format_)
    from reconciler.render.text.plan import render_plan

    screen = screen_of(sys.stderr if err else sys.stdout, given(ctx, "color"))
    return render_plan(plan, color=screen.color, width=screen.width, ascii_only=screen.ascii_only)


def _annotated(root: Path, plan: Plan) -> str:
    from reconciler.adapters.engine_files.lines import EngineLines
    from reconciler.cli.pull_requests.plan_comment import folder_in_repo, has_summary
    from reconciler.render.reports.annotations import render_plan_github

    lines = EngineLines(str(root))
    rest = "the job's summary" if has_summary() else "the log"
    return render_plan_github(plan, prefix=folder_in_repo(root), line_of=lines, rest=rest)


def report(ctx: click.Context, root: Path, plan: Plan, format_: str) -> str:
    """The plan, or the findings of `validate`, as GitLab's Code Quality or as SARIF, which other systems show at the
    lines of a change. Raises `UsageError` for a run that applies."""
    if ctx.command.name not in ("plan", "validate"):
        raise click.UsageError(f"--format {format_} is for plans: `reconcile plan --format {format_}`.", ctx)
    from reconciler import __version__
    from reconciler.adapters.engine_files.lines import EngineLines
    from reconciler.cli.pull_requests.plan_comment import folder_in_repo
    from reconciler.render.reports.gitlab import render_gitlab
    from reconciler.render.reports.sarif import render_sarif

    prefix, line_of = folder_in_repo(root), EngineLines(str(root))
    if format_ == "gitlab":
        return render_gitlab(plan, prefix=prefix, line_of=line_of)
    return render_sarif(plan, prefix=prefix, line_of=line_of, version=__version__)
