"""`reconcile collect`: finish what is pending, and create nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconciler.app.planning import Request, plan_to_collect
from reconciler.cli.options import collect_options, global_options
from reconciler.cli.project import open_project
from reconciler.cli.session import Session

if TYPE_CHECKING:
    from reconciler.app.planning import Planned
    from reconciler.core.shared import Shared

SETTINGS = ("timeout", "publish", "lease_ttl", "lease_wait")  # those with a flag


@click.command("collect")
@collect_options
@click.option("--no-wait", is_flag=True, help="Take what has ended already; leave the rest for later.")
@global_options
@click.pass_context
def command(ctx: click.Context, /, **flags: Any) -> None:
    """Wait for the jobs that `apply --detach`, or a run that was cut off, left behind, and record what they made.

    Engine files are not looked at and nothing is created, so it suits a schedule.
    """
    project = open_project(ctx, **{name: flags[name] for name in SETTINGS})
    request = Request(project.settings.environment, tuple(flags["only"]))

    def planner(shared: Shared | None) -> Planned:
        journal = project.known_journal if shared is None else project.journal
        return plan_to_collect(project.lockfile, journal, request, shared)

    how = {"format_": flags["format_"], "yes": True, "detach": False, "glance": flags["no_wait"]}
    ctx.exit(Session(ctx, project, how, planner).run())
