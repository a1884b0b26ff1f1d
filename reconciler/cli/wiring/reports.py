"""Reports of a plan that other systems show at the lines of a change: GitLab's Code Quality, and SARIF."""

from __future__ import annotations

import click

from reconciler.cli.wiring.project import Project
from reconciler.core.plan.model import Plan

REPORTS = ("gitlab", "sarif")


def report(ctx: click.Context, project: Project, plan: Plan, format_: str) -> str:
    """The plan, or the findings of `validate`, in one of `REPORTS`. Raises `UsageError` for a run that applies."""
    if ctx.command.name not in ("plan", "validate"):
        raise click.UsageError(f"--format {format_} is for plans: `reconcile plan --format {format_}`.", ctx)
    from reconciler import __version__
    from reconciler.adapters.engine_files.lines import EngineLines
    from reconciler.render.reports.gitlab import render_gitlab
    from reconciler.render.reports.sarif import render_sarif

    prefix, line_of = folder_in_repo(project), EngineLines(str(project.root))
    if format_ == "gitlab":
        return render_gitlab(plan, prefix=prefix, line_of=line_of)
    return render_sarif(plan, prefix=prefix, line_of=line_of, version=__version__)


def folder_in_repo(project: Project) -> str:
    """Where the project is in its repository, since reports count from there; empty at its root."""
    from reconciler.adapters.project.places import find_git

    found = find_git(project.root)
    inside = "" if found is None else project.root.resolve().relative_to(found[0]).as_posix()
    return "" if inside == "." else inside
