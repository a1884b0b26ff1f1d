"""`reconcile plan`, which is also `reconcile --dry-run`: what will happen, with no key, no network and no write."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.app.planning import PlanResult
from reconciler.cli import ci
from reconciler.cli.command import Command
from reconciler.cli.opening import open_project, start_folder, with_engine_keys
from reconciler.cli.options import (
    REPORT_HTML,
    comment_options,
    detailed_exitcode,
    given,
    global_options,
    plan_options,
)
from reconciler.cli.projects.options import ALL_ENVIRONMENTS, is_for_several, project_options
from reconciler.cli.wiring.plan_views import PlanPrinter
from reconciler.cli.wiring.saved_plans import write_saved
from reconciler.core.errors import (
    ExitCode,
    ReconcileError,
    UsageError,
    most_severe,
)
from reconciler.core.ledger.lease import MOST_SHARDS
from reconciler.core.plan.model import exit_code_of
from reconciler.project.opened import Project
from reconciler.project.planner import request_of
from reconciler.project.plans import plan_alone, with_hand_edits

if TYPE_CHECKING:
    from reconciler.cli.pull_requests.plan_comment import Announcement
    from reconciler.core.ledger.remote_snapshot import RemoteSnapshot


@click.command("plan", cls=Command, example="--only acme", docs="plan-output.md")
@plan_options
@detailed_exitcode
@click.option("--fetch", is_flag=True, help="Look first at what other runs recorded on the remote.")
@click.option(
    "--base",
    metavar="REF",
    help="Say whose change each is, compared with REF: a branch, a commit, `auto` or `none`.",
)
@click.option("--out", metavar="FILE", help="Save the plan to FILE, for `reconcile apply FILE`.")
@click.option(
    "--shards",
    type=click.IntRange(1, MOST_SHARDS),
    metavar="N",
    help="Split the plan for N runs, each an `apply --shard`; --out then names a folder.",
)
@REPORT_HTML
@click.option(
    "--issue",
    is_flag=True,
    help="Keep one GitHub issue about drift, or with --check-sources about sources: open, update, close it. Implies "
    "--refresh without --check-sources.",
)
@click.option("--fail-on-foreign", is_flag=True, help="Exit with 6 if a change is not this branch's.")
@comment_options
@project_options
@ALL_ENVIRONMENTS
@global_options
@click.pass_context
def command(ctx: click.Context, /, **flags: Any) -> None:
    """Show what `reconcile apply` would do.

    Needs no API key and no network, and writes nothing; only --refresh asks the platform, and --check-sources looks at
    pages. With --detailed-exitcode, exits with 2 if there is something to apply, drift or a stale source, 1 if an
    engine failed, 6 if a guard holds something back, and 7 if the outcome of a call is unknown.
    """
    if flags["issue"]:
        if flags["only"]:
            raise UsageError("--issue is about all engines, so it cannot be used with --only")
        flags["refresh"] = flags["refresh"] or not flags["check_sources"]
    if flags["shards"] is not None and flags["out"] is None:
        raise UsageError("--shards goes with --out", hint="name a folder for the plan, such as --out shards")
    announced = _announcement(flags)
    if is_for_several(flags):
        from reconciler.cli.projects.plans import plan_several  # only for several

        ctx.exit(plan_several(ctx, flags, partial(_planned_in, ctx), announced))
    project = open_project(ctx)
    flags = with_engine_keys(ctx, project, flags)
    _check_files(start_folder(ctx), project, flags)
    try:
        planned, foreign = _planned(project, flags)
    except ReconcileError as error:
        if announced is not None:
            announced.publish_failure(project.root, project.settings, error)
        raise
    code = most_severe([exit_code_of(planned.plan, flags["detailed_exitcode"]), foreign])
    if flags["shards"] is not None:
        from reconciler.cli.wiring.sharded_plans import write_sharded  # only for shards

        write_sharded(start_folder(ctx), project.root, project.settings, planned, flags, code)
    elif flags["out"] is not None:
        asked = {name: flags[name] for name in ("retry_failed", "refresh", "fix_drift", "check_sources")}
        write_saved(start_folder(ctx), flags["out"], project.root, project.settings, planned, asked, code)
    plans = PlanPrinter(
        project.root,
        project.engines,
        flags["format_"],
        given(ctx, "color"),
        project.settings,
        flags["only"],
    )
    if flags["report_html"] is not None:
        from reconciler.cli.wiring.html_reports import write_page  # only for a page

        write_page(str(start_folder(ctx) / flags["report_html"]), plans.html(planned))
    if announced is not None and plans.format == "json":  # it says how the run ends
        code = most_severe([code, announced.publish(project.root, plans.with_texts(planned))])
    if flags["issue"]:
        from reconciler.cli.pull_requests.kept_issue import keep_issues  # the network, only when asked for

        code = most_severe([code, keep_issues(project.root, planned)])
    plans.show(planned, code)
    if announced is not None and plans.format != "json":
        code = most_severe([code, announced.publish(project.root, plans.with_texts(planned))])
    elif plans.format == "github":
        _summarise(plans, planned, report=flags["report_html"] is not None)
    ctx.exit(code)


def _check_files(start: Path, project: Project, flags: dict[str, Any]) -> None:
    """Raises `InvalidInput`, `UsageError` or `StorageError` for a file of --out or --report-html that cannot be."""
    named = {option: flags[name] for option, name in (("--out", "out"), ("--report-html", "report_html"))}
    files = {option: start / name for option, name in named.items() if name is not None}
    if not files:
        return
    from reconciler.cli.wiring.written_files import check_apart, check_written  # only with a file

    check_apart(files)
    if flags["shards"] is not None:
        from reconciler.cli.wiring.sharded_plans import check_folder  # only for shards

        check_folder(project.root, project.settings, flags["out"], files.pop("--out"))
    for option, file in files.items():
        check_written(project.root, project.settings, option, named[option], file)
    if "--report-html" in files:
        from reconciler.render.html.page import check_library

        check_library()


def _planned_in(
    ctx: click.Context, project: Project, flags: Mapping[str, Any]
) -> tuple[PlanResult, ExitCode]:
    return _planned(project, with_engine_keys(ctx, project, flags))


def _planned(project: Project, flags: dict[str, Any]) -> tuple[PlanResult, ExitCode]:
    shared = _fetched(project) if flags["fetch"] else None
    planned = plan_alone(project, request_of(project, flags), shared)
    planned, code = _attributed(project, planned, flags["base"], flags["fail_on_foreign"])
    return with_hand_edits(project, planned), code


def _announcement(flags: dict[str, Any]) -> Announcement | None:
    if not flags["comment"]:
        if flags["comment_on"] is not None:
            raise UsageError("--comment-on goes with --comment")
        return None
    from reconciler.cli.pull_requests.plan_comment import announcement  # the network, only when asked for

    annotates = flags["format_"] != "github"
    report = flags["report_html"] is not None
    return announcement(
        flags["comment_on"], flags["comment_when_unchanged"], flags["only"], annotates, report
    )


def _summarise(plans: PlanPrinter, planned: PlanResult, *, report: bool) -> None:
    """A job's summary goes with annotations: they have room for ten, and it has it for all."""
    if not ci.has_summary():
        return
    from reconciler.cli.pull_requests.plan_comment import occasion_of, write_summary

    write_summary(plans.with_texts(planned), occasion_of(plans.root, None, report=report))


def _attributed(
    project: Project, planned: PlanResult, base: str | None, refuse: bool
) -> tuple[PlanResult, ExitCode]:
    """The plan with its origins, where they are wanted, and how the run is to end for what is not this branch's."""
    wanted = refuse or base not in (None, "", "none") or ci.merges_into() is not None
    if not wanted:
        return planned, ExitCode.OK
    from reconciler.cli.wiring.base import attributed, refusal_of_foreign  # git, only with a base

    planned = attributed(project, planned, base or None, needed=refuse)
    return planned, refusal_of_foreign(planned.plan) if refuse else ExitCode.OK


def _fetched(project: Project) -> RemoteSnapshot:
    from reconciler.cli.wiring.publishing import fetch  # git and the network, only when asked for

    return fetch(project.root, project.settings, project.journal)
