"""`reconcile collect`: finish what is pending, and create nothing."""

from __future__ import annotations

from typing import Any

import click

from reconciler.app.planning import Request
from reconciler.cli.opening import open_project
from reconciler.cli.options import (
    collect_options,
    given,
    global_options,
    refuse_report_formats,
)
from reconciler.cli.runs.completion_sources import completion_sources_of
from reconciler.cli.runs.run_options import run_options
from reconciler.cli.runs.runner import ApplyRunner
from reconciler.cli.wiring.planner import planner_of

SETTINGS = ("timeout", "publish", "lease_ttl", "lease_wait", "via", "inbox", "inbox_url")  # those with a flag


@click.command("collect")
@collect_options
@click.option(
    "--event", metavar="FILE", help="A relayed webhook: GITHUB_EVENT_PATH of a repository_dispatch."
)
@click.option("--no-wait", is_flag=True, help="Take what has ended already; leave the rest for later.")
@global_options
@click.pass_context
def command(ctx: click.Context, /, **flags: Any) -> None:
    """Wait for the jobs that `apply --detach`, or a run that was cut off, left behind, and record what they made.

    Results come from the inbox of a receiver (--inbox, --inbox-url) and from --event, and for the rest from the
    platform. Engine files are not looked at and nothing is created, so it suits a schedule.
    """
    refuse_report_formats(ctx, flags["format_"])
    project = open_project(ctx, **{name: flags[name] for name in SETTINGS})
    planner = planner_of(project, Request(project.settings.environment, tuple(flags["only"])))
    options = run_options("collect", flags, given(ctx, "color"))
    with completion_sources_of(project.root, project.settings, event=flags["event"]) as sources:
        code = ApplyRunner(project, options, planner, planner.collect, sources).run()
    ctx.exit(code)
