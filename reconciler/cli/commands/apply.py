"""`reconcile apply`: plan, show, ask, and carry it out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from reconciler.cli.command import Command
from reconciler.cli.opening import open_project, start_folder, with_engine_keys
from reconciler.cli.options import (
    apply_options,
    given,
    global_options,
    plan_options,
    refuse_report_formats,
)
from reconciler.cli.runs.completion_sources import check_callback, completion_sources_of
from reconciler.cli.runs.run_options import RunOptions, run_options
from reconciler.cli.runs.runner import ApplyRunner
from reconciler.cli.wiring.saved_plans import read_saved, refuse_with_saved
from reconciler.core.commands import reconcile
from reconciler.core.errors import ExitCode, UsageError
from reconciler.core.plan.shards import part_of
from reconciler.project.opened import Project
from reconciler.project.planner import planner_of, request_of

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


@click.command("apply", cls=Command, example="--only acme", docs="how-it-works.md")
@click.argument("plan_file", metavar="[PLAN]", required=False)
@plan_options
@apply_options
@click.option(
    "--shard",
    metavar="I/N",
    help="Carry out shard I of the plan for N shards in the folder PLAN; `ci` asks the CI system for I.",
)
@global_options
@click.pass_context
def command(ctx: click.Context, /, **flags: Any) -> None:
    """Create and replace engines, wait for them, and record their IDs.

    Shows the plan and asks before it goes ahead. --yes skips the question and is required without a terminal. The next
    run finishes what this one cannot; nothing is created twice. With PLAN, a file that `reconcile plan --out` wrote,
    applies exactly that plan, or refuses (exit code 6) if it no longer holds.
    """
    refuse_report_formats(ctx, flags["format_"])
    project = open_project(ctx, **{name: flags[name] for name in SETTINGS})
    flags = with_engine_keys(ctx, project, flags)
    if flags["shard"] is not None:
        ctx.exit(_apply_shard(ctx, project, flags))
    _refuse_key(start_folder(ctx), flags)
    saved = read_saved(project.root, start_folder(ctx), flags)
    options = run_options("apply", flags, given(ctx, "color"), start_folder(ctx))
    if saved is not None:
        _keep_plan(start_folder(ctx) / flags["plan_file"], options)
    planner = planner_of(project, request_of(project, flags, saved), looks=True)
    with completion_sources_of(project.root, project.settings, listen=flags["listen"]) as sources:
        check_callback(sources)
        code = ApplyRunner(project, options, planner, planner.plan, sources).run()
    ctx.exit(code)


def _apply_shard(ctx: click.Context, project: Project, flags: dict[str, Any]) -> ExitCode:
    """One shard of the plan in a folder. Raises `UsageError` for what does not go with it."""
    from reconciler.cli.runs.sharding import ShardRunner, refuse_unsuited  # only for shards
    from reconciler.cli.wiring.sharded_plans import how_to_plan, read_sharded, shard_of

    start, folder = start_folder(ctx), flags["plan_file"]
    refuse_unsuited(flags)
    refuse_with_saved(flags)
    if folder is None:
        raise UsageError("--shard needs the folder with the plan", hint=how_to_plan())
    saved = read_sharded(project.root, start, folder)
    saved.check_for(project.settings.environment, project.settings.lockfile)
    shard = shard_of(flags["shard"], saved, os.environ)
    options = run_options("apply", flags, given(ctx, "color"), start)
    planner = planner_of(project, request_of(project, flags, part_of(saved, shard)), looks=True)
    with completion_sources_of(project.root, project.settings, listen=flags["listen"]) as sources:
        check_callback(sources)
        return ShardRunner(project, options, saved, shard, folder, planner, sources).run()


def _keep_plan(plan: Path, options: RunOptions) -> None:
    """Raises `UsageError` where a report would replace the plan that it is about."""
    from reconciler.cli.wiring.written_files import check_apart  # only with a saved plan

    for option, name in (("--report", options.report), ("--report-html", options.report_html)):
        if name is not None:
            check_apart({"PLAN": plan, option: Path(name).absolute()})


def _refuse_key(start: Path, flags: dict[str, Any]) -> None:
    """Raises `UsageError` where an engine is named in the place of a plan file."""
    name = flags["plan_file"]
    if (
        name is None
        or name.endswith(".json")
        or ((start / name).exists() and not name.endswith((".yaml", ".yml")))
    ):
        return
    more = [part for key in flags["only"] for part in ("--only", key)]
    hint = f"to apply one engine alone, run `{reconcile('apply', ('--only', name), *more)}`"
    raise UsageError(f"{name} is not a plan file", hint=hint)
