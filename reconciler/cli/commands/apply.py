"""`reconcile apply`: plan, show, ask, and carry it out."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli.opening import open_project, start_folder
from reconciler.cli.options import (
    apply_options,
    given,
    global_options,
    plan_options,
    refuse_report_formats,
)
from reconciler.cli.runs.completion_sources import check_callback, completion_sources_of
from reconciler.cli.runs.run_options import run_options
from reconciler.cli.runs.runner import ApplyRunner
from reconciler.cli.wiring.planner import planner_of, request_of
from reconciler.cli.wiring.saved_plans import read_saved

SETTINGS = (
    "concurrency",
    "timeout",
    "publish",
    "lease_ttl",
    "lease_wait",
    "via",
    "inbox",
    "inbox_url",
)  # those with a flag


@click.command("apply")
@click.argument("plan_file", metavar="[PLAN]", required=False)
@plan_options
@apply_options
@global_options
@click.pass_context
def command(ctx: click.Context, /, **flags: Any) -> None:
    """Make it so: create what is new or changed, wait, and record the engine IDs in the lockfile.

    Shows the plan first, and asks unless --yes is given, which is needed where there is no terminal to ask on. What a
    run could not finish, the next one does: nothing is created twice. With PLAN, a file that `reconcile plan --out`
    wrote, it does what is in it and nothing else, and refuses (6) when that is not what would be done now.
    """
    refuse_report_formats(ctx, flags["format_"])
    project = open_project(ctx, **{name: flags[name] for name in SETTINGS})
    saved = read_saved(project.root, start_folder(ctx), flags)
    options = run_options("apply", flags, given(ctx, "color"))
    planner = planner_of(project, request_of(project, flags, saved))
    with completion_sources_of(project.root, project.settings, listen=flags["listen"]) as sources:
        check_callback(sources)
        code = ApplyRunner(project, options, planner, planner.plan, sources).run()
    ctx.exit(code)
