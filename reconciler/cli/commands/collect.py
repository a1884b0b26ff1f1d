"""`reconcile collect`: finish what is pending, and create nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
from reconciler.core.commands import only, reconcile
from reconciler.core.errors import UsageError
from reconciler.project.opened import Project
from reconciler.project.planner import Planner, planner_of, request_of

if TYPE_CHECKING:
    from reconciler.cli.runs.closing import Closing

SETTINGS = ("timeout", "publish", "lease_ttl", "lease_wait", "via", "inbox", "inbox_url")  # those with a flag


@click.command("collect", cls=Command, example="--no-wait", docs="how-it-works.md")
@click.argument("shards", metavar="[DIR]", required=False)
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
    otherwise from the platform. With DIR, the folder of `reconcile plan --shards`, closes that plan: takes what its
    shards did, publishes it once, and reports what they left (exit code 4).
    """
    refuse_report_formats(ctx, flags["format_"])
    project = open_project(ctx, **{name: flags[name] for name in SETTINGS})
    planner = planner_of(
        project, Request(project.settings.environment, engine_keys(ctx, project, flags["only"]))
    )
    options = run_options("collect", flags, given(ctx, "color"), start_folder(ctx))
    closing = None if flags["shards"] is None else _closing(ctx, project, planner, flags)
    with completion_sources_of(project.root, project.settings, event=flags["event"]) as sources:
        if closing is None:
            code = ApplyRunner(project, options, planner, planner.collect, sources).run()
        else:
            runner = ApplyRunner(project, options, planner, closing.plan, sources, closing.check)
            code = closing.finish(runner.run())
    ctx.exit(code)


def _closing(ctx: click.Context, project: Project, planner: Planner, flags: dict[str, Any]) -> Closing:
    """The closing of a plan in shards. Raises `UsageError` with --only: then some of it would never be published."""
    from reconciler.cli.runs.closing import Closing  # only for shards
    from reconciler.cli.runs.sharding import shard_target
    from reconciler.cli.wiring.sharded_plans import read_sharded
    from reconciler.core.plan.shards import rest_of

    if flags["only"]:
        raise UsageError("--only cannot be used with a plan for shards", hint="`collect` closes all of it")
    if "/" not in flags["shards"] and not (start_folder(ctx) / flags["shards"]).exists():
        again = reconcile("collect", only(flags["shards"]))
        raise UsageError(f"there is no folder {flags['shards']}", hint=f"for one engine, run `{again}`")
    saved = read_sharded(project.root, start_folder(ctx), flags["shards"])
    saved.check_for(project.settings.environment, project.settings.lockfile)
    shard_target(project)
    asked = {"only": (), "retry_failed": False, "allow_replace": (), "allow_retire": ()}
    rest = planner_of(project, request_of(project, asked, rest_of(saved)), looks=True)
    return Closing(project, saved, planner, rest)
