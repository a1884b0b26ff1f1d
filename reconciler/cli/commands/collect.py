"""`reconcile collect`: finish what is pending, and create nothing."""

from __future__ import annotations

from typing import Any

import click

from reconciler.app.planning import Request
from reconciler.cli.command import Command
from reconciler.cli.opening import engine_keys, open_project, start_folder
from reconciler.cli.options import (
    collect_options,
    given,
    global_options,
    refuse_report_formats,
)
from reconciler.cli.runs.completion_sources import completion_sources_of
from reconciler.cli.runs.run_options import run_options
from reconciler.cli.runs.runner import ApplyRunner
from reconciler.project.planner import planner_of

SETTINGS = ("timeout", "publish", "lease_ttl", "lease_wait", "via", "inbox", "inbox_url")  # those with a flag


@click.command("collect", cls=Command, example="--no-wait", docs="how-it-works.md")
@collect_options
@click.option(
    "--event",
    metavar="FILE",
    help="Read a relayed webhook from FILE, the GITHUB_EVENT_PATH of a repository_dispatch.",
)
@click.option("--no-wait", is_flag=True, help="Record only what has ended already.")
@global_options
@click.pass_context
def command(ctx: click.Context, /, **flags: Any) -> None:
    """Wait for jobs that earlier runs left, and record the results.

    Finishes what `reconcile apply --detach` or an interrupted run began. Reads no engine files and creates nothing,
    so it can run on a schedule. Results come from an inbox (--inbox, --inbox-url), from --event, and
    otherwise from the platform.
    """
    refuse_report_formats(ctx, flags["format_"])
    project = open_project(ctx, **{name: flags[name] for name in SETTINGS})
    planner = planner_of(
        project, Request(project.settings.environment, engine_keys(ctx, project, flags["only"]))
    )
    options = run_options("collect", flags, given(ctx, "color"), start_folder(ctx))
    with completion_sources_of(project.root, project.settings, event=flags["event"]) as sources:
        code = ApplyRunner(project, options, planner, planner.collect, sources).run()
    ctx.exit(code)
