"""`reconcile doctor`: everything that a run depends on, looked at before one is under way."""

from __future__ import annotations

import os
import sys

import click

from reconciler.cli.command import Command
from reconciler.cli.opening import open_project
from reconciler.cli.options import given, global_options, text_or_json
from reconciler.cli.screen import screen_of
from reconciler.core.checkup import (
    Finding,
    exit_code_of,
    from_error,
    judge_python,
    judge_variables,
    ok,
)
from reconciler.core.errors import InvalidInput
from reconciler.project.opened import Project

SECONDS = 5.0  # for each look at something far away


@click.command("doctor", cls=Command, example="--offline", docs="doctor.md")
@click.option("--offline", is_flag=True, help="Skip the checks that need the network.")
@text_or_json("Print the findings in this format.")
@global_options
@click.pass_context
def command(ctx: click.Context, offline: bool, format_: str) -> None:
    """Check what a run needs, and say how to fix the rest.

    Checks Python, git, settings, engine files, lockfile, API key, platform, lookup, clock, remote, lease and merge
    driver. Changes nothing. Exits with 1 if there is a problem, and with 3 if files or settings are invalid.
    """
    findings = [judge_python(tuple(sys.version_info[:3]))]
    project = _open(ctx, findings)
    if project is not None:
        findings += _look(project, offline)
    code = exit_code_of(findings)
    _show(ctx, format_, findings, code)
    ctx.exit(code)


def _open(ctx: click.Context, findings: list[Finding]) -> Project | None:
    """The project, unless its settings are invalid; what is to be said of them is added."""
    try:
        project = open_project(ctx)
    except InvalidInput as error:
        findings += [from_error("settings", error), *judge_variables(os.environ)]
        return None
    given_ones = sum(source != "default" for source in project.settings.source_of.values())
    findings.append(
        ok("settings", f"environment {project.settings.environment}; {given_ones} set, all valid")
    )
    findings += judge_variables(os.environ)
    return project


def _look(project: Project, offline: bool) -> list[Finding]:
    from reconciler.cli.checks.here import check_here, check_key_here  # git and YAML, with a project only

    finding, key = check_key_here(project.settings, needed=not offline)
    findings = [*check_here(project), finding]
    if offline:
        return findings
    from reconciler.cli.checks.far import check_far

    return findings + check_far(project.root, project.settings, key, SECONDS)


def _show(ctx: click.Context, format_: str, findings: list[Finding], code: int) -> None:
    from reconciler.render.data.checkup_json import render_checkup_json
    from reconciler.render.text.checkup import render_checkup

    if format_ == "json":
        click.echo(render_checkup_json(findings, code))
        return
    screen = screen_of(sys.stdout, given(ctx, "color"))
    click.echo(render_checkup(findings, color=screen.color, ascii_only=screen.ascii_only, wrap=screen.wrap))
