"""`reconcile projects`: which projects the repository has, which of them a diff touches, and jobs for a CI system."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from reconciler.cli.command import Command
from reconciler.cli.opening import start_folder
from reconciler.cli.options import given, global_options
from reconciler.cli.projects.options import CHANGED_SINCE, PROJECTS, chosen_environment, listed
from reconciler.cli.screen import screen_of
from reconciler.cli.stderr import say, warn
from reconciler.core.errors import ExitCode, UsageError, most_severe

if TYPE_CHECKING:
    from reconciler.core.project_list import ProjectList

_TEMPLATE = "ci/engines-project.yml"


@click.command("projects", cls=Command, example="--changed-since origin/main", docs="projects.md")
@PROJECTS
@CHANGED_SINCE
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "github-matrix", "gitlab-pipeline"]),
    default="text",
    show_default=True,
    help="Print a table, JSON, a matrix for GitHub Actions, or a child pipeline for GitLab.",
)
@click.option("--part", metavar="I/N", help="Print only the Ith of N parts of the jobs.")
@click.option(
    "--template",
    metavar="PATH",
    help=f"The file that GitLab's child pipeline includes. [{_TEMPLATE}]",
)
@global_options
@click.pass_context
def command(
    ctx: click.Context,
    globs: tuple[str, ...],
    changed_since: str | None,
    format_: str,
    part: str | None,
    template: str | None,
) -> None:
    """List the projects of the repository.

    A project is a folder with a reconcile.yaml that git does not ignore. With --changed-since, lists those that the
    changes of this branch touch: engine files and the files they name, settings, lockfile and outputs. A matrix has one
    job for each environment of each project. Needs no API key and no network. Exits with 3 if a project's settings
    cannot be used; the others are listed all the same.
    """
    if part is not None and format_ not in ("github-matrix", "gitlab-pipeline"):
        raise UsageError("--part goes with --format github-matrix or gitlab-pipeline")
    if template is not None and format_ != "gitlab-pipeline":
        raise UsageError("--template goes with --format gitlab-pipeline")
    start_folder(ctx)
    _, found = listed(ctx, globs, changed_since, chosen_environment(ctx))
    code = most_severe([one.error.exit_code for one in found.projects if one.error is not None])
    if format_ == "json":
        from reconciler.render.data.projects_json import render_projects_json

        click.echo(render_projects_json(found, code))
    elif format_ == "text":
        from reconciler.render.phrases.style import Look
        from reconciler.render.text.projects import render_projects

        screen = screen_of(sys.stdout, given(ctx, "color"))
        click.echo(render_projects(found, Look(screen.color, screen.ascii_only, screen.wrap)))
    else:
        code = most_severe([code, _print_jobs(found, format_, part, template or _TEMPLATE)])
    ctx.exit(code)


def _print_jobs(found: ProjectList, format_: str, part: str | None, template: str) -> ExitCode:
    """The jobs on stdout, and on stderr what has none."""
    from reconciler.core import project_list
    from reconciler.render.data import projects_json
    from reconciler.render.text.projects import name

    jobs, refused = project_list.jobs_of(found.projects)
    on_github = format_ == "github-matrix"
    most = project_list.MOST_JOBS if on_github else project_list.MOST_GITLAB_JOBS
    chosen = project_list.part_of(jobs, part, most)
    for one in found.projects:
        if one.error is not None:
            say(f"error: {name(one.folder)} gets no job: {one.error.message}", "error")
    for refusal in refused:
        say(f"error: {name(refusal.folder)} gets no job: its name {refusal.reason}", "error")
    for skipped in found.skipped:
        say(f"note: {name(skipped.folder)} is skipped: {skipped.reason}")
    for folder in found.removed:
        warn(f"{name(folder)} was removed: it gets no job, and its engines stay on the platform")
    if on_github:
        click.echo(projects_json.render_github_matrix(chosen))
    else:
        click.echo(projects_json.render_gitlab_pipeline(chosen, template))
    return ExitCode.INVALID if refused else ExitCode.OK
