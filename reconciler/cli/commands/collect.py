"""`reconcile collect`: finish what is pending, and create nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconciler.app.planning import Request, plan_to_collect
from reconciler.cli.options import PublishingCommand, collect_options, global_options
from reconciler.cli.wiring.completion_sources import completion_sources_of
from reconciler.cli.wiring.outputs_behind import with_outputs
from reconciler.cli.wiring.project import open_project
from reconciler.cli.wiring.runner import Session

if TYPE_CHECKING:
    from reconciler.app.planning import PlanResult
    from reconciler.core.ledger.remote_snapshot import RemoteSnapshot

SETTINGS = ("timeout", "publish", "lease_ttl", "lease_wait", "via", "inbox", "inbox_url")  # those with a flag


@click.command("collect", cls=PublishingCommand)
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
    project = open_project(ctx, **{name: flags[name] for name in SETTINGS})
    request = Request(project.settings.environment, tuple(flags["only"]))

    def planner(shared: RemoteSnapshot | None) -> PlanResult:
        journal = project.known_journal if shared is None else project.journal
        return with_outputs(project, plan_to_collect(project.lockfile, journal, request, shared))

    how = {**flags, "yes": True, "detach": False}
    with completion_sources_of(project, flags) as (_, completion_sources):
        code = Session(ctx, project, how, planner, completion_sources, "collect").run()
    ctx.exit(code)
