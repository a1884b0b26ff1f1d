"""`reconcile plan`, which is also `reconcile --dry-run`: what will happen, with no key, no network and no write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconciler.adapters.project.places import find_git
from reconciler.app.planning import PlanResult
from reconciler.cli import ci
from reconciler.cli.command import Command
from reconciler.cli.opening import open_project, start_folder, with_engine_keys
from reconciler.cli.options import comment_options, detailed_exitcode, given, global_options, plan_options
from reconciler.cli.wiring.hand_edits import hand_edits
from reconciler.cli.wiring.plan_views import PlanPrinter
from reconciler.cli.wiring.planner import planner_of, request_of
from reconciler.cli.wiring.project import Project
from reconciler.cli.wiring.saved_plans import write_saved
from reconciler.core.errors import (
    Diagnostic,
    ExitCode,
    GitError,
    InvalidInput,
    ReconcileError,
    Severity,
    UsageError,
    most_severe,
)
from reconciler.core.frozen import replace
from reconciler.core.plan.model import exit_code_of
from reconciler.core.settings.model import SETTINGS

if TYPE_CHECKING:
    from reconciler.cli.pull_requests.plan_comment import Announcement
    from reconciler.core.ledger.remote_snapshot import RemoteSnapshot

_HOSTS = {  # sources of a host that the API key may go to
    name: {"default", *SETTINGS[name].named_outside} for name in ("api_url", "mcp_url")
}


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
@click.option("--fail-on-foreign", is_flag=True, help="Exit with 6 if a change is not this branch's.")
@comment_options
@global_options
@click.pass_context
def command(ctx: click.Context, /, **flags: Any) -> None:
    """Show what `reconcile apply` would do.

    Needs no API key and no network, and writes nothing. With --detailed-exitcode, exits with 2 if there is something
    to apply, 1 if an engine failed, 6 if a guard holds something back, and 7 if the outcome of a call is unknown.
    """
    announced = _announcement(flags)
    project = open_project(ctx)
    flags = with_engine_keys(ctx, project, flags)
    try:
        planned, foreign = _planned(project, flags)
    except ReconcileError as error:
        if announced is not None:
            announced.publish_failure(project.root, project.settings, error)
        raise
    code = most_severe([exit_code_of(planned.plan, flags["detailed_exitcode"]), foreign])
    if flags["out"] is not None:
        settings, retry = project.settings, flags["retry_failed"]
        write_saved(start_folder(ctx), flags["out"], project.root, settings, planned, retry, code)
    plans = PlanPrinter(project.root, project.engines, flags["format_"], given(ctx, "color"))
    if announced is not None and plans.format == "json":  # it says how the run ends
        code = most_severe([code, announced.publish(project.root, plans.with_texts(planned))])
    plans.show(planned, code)
    if announced is not None and plans.format != "json":
        code = most_severe([code, announced.publish(project.root, plans.with_texts(planned))])
    elif plans.format == "github":
        _summarise(plans, planned)
    ctx.exit(code)


def _planned(project: Project, flags: dict[str, Any]) -> tuple[PlanResult, ExitCode]:
    shared = _fetched(project) if flags["fetch"] else None
    planned = _with_ignored(project, planner_of(project, request_of(project, flags)).plan(shared))
    sources = project.settings.source_of
    if project.settings_file is not None and any(sources[one] not in _HOSTS[one] for one in _HOSTS):
        planned = _with_key_destination(project, planned)
    planned, code = _attributed(project, planned, flags["base"], flags["fail_on_foreign"])
    return _with_hand_edits(project, planned), code


def _with_hand_edits(project: Project, planned: PlanResult) -> PlanResult:
    """The plan, saying what was edited in the lockfile, unless the comparison with the base says so already."""
    told = {(one.file, one.line) for one in planned.plan.diagnostics}
    found = hand_edits(project, planned.recorded.on_disk)
    new = [one for one in found if (one.file, one.line) not in told]
    if not new:
        return planned
    return replace(planned, plan=replace(planned.plan, diagnostics=(*planned.plan.diagnostics, *new)))


def _with_ignored(project: Project, planned: PlanResult) -> PlanResult:
    """The plan, saying that git ignores the lockfile, where applying it would be refused for that."""
    if not planned.plan.changes_anything or find_git(project.root) is None:
        return planned
    from reconciler.adapters.checkout.ignored import refuse_if_ignored  # git, only with something to record

    try:
        refuse_if_ignored(project.root, project.settings.lockfile)
    except InvalidInput as error:
        told = Diagnostic(error.message, hint=error.hint, severity=Severity.WARNING)
        return replace(planned, plan=replace(planned.plan, diagnostics=(*planned.plan.diagnostics, told)))
    except GitError:
        return planned  # a plan needs no git; the apply says what is wrong with it
    return planned


def _with_key_destination(project: Project, planned: PlanResult) -> PlanResult:
    """The plan, saying where the settings file alone would send the API key."""
    from reconciler.core.settings.trust import key_destination  # only where the file names a host

    told = key_destination(project.settings, project.settings_file or "")
    return replace(planned, plan=replace(planned.plan, diagnostics=(*planned.plan.diagnostics, *told)))


def _announcement(flags: dict[str, Any]) -> Announcement | None:
    if not flags["comment"]:
        if flags["comment_on"] is not None:
            raise UsageError("--comment-on goes with --comment")
        return None
    from reconciler.cli.pull_requests.plan_comment import announcement  # the network, only when asked for

    annotates = flags["format_"] != "github"
    return announcement(flags["comment_on"], flags["comment_when_unchanged"], flags["only"], annotates)


def _summarise(plans: PlanPrinter, planned: PlanResult) -> None:
    """A job's summary goes with annotations: they have room for ten, and it has it for all."""
    if not ci.has_summary():
        return
    from reconciler.cli.pull_requests.plan_comment import occasion_of, write_summary

    write_summary(plans.with_texts(planned), occasion_of(plans.root, None))


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
