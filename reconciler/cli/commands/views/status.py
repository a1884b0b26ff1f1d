"""`reconcile status`: what the lockfile and the journal say, engine by engine, with no key and no network."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from reconciler.adapters.system.clock import UtcClock
from reconciler.app.recorded import RecordedState, read_recorded_state
from reconciler.app.selection import select
from reconciler.cli.command import Command
from reconciler.cli.opening import engine_keys, open_project
from reconciler.cli.options import ONLY, given, global_options
from reconciler.cli.screen import screen_of
from reconciler.cli.stderr import warn
from reconciler.project.hand_edits import hand_edits

if TYPE_CHECKING:
    from reconciler.core.plan.drift import Actual
    from reconciler.project.opened import Project


@click.command("status", cls=Command, example="--only 'marketing/*'", docs="how-it-works.md")
@ONLY
@click.option(
    "--refresh", is_flag=True, help="Look up on the platform whether engines are gone or were changed."
)
@click.option("--all", "retired", is_flag=True, help="Also list retired engines.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "html"]),
    default="text",
    show_default=True,
    help="Print a table, JSON, or a page for a browser.",
)
@global_options
@click.pass_context
def command(ctx: click.Context, /, **flags: Any) -> None:
    """List the engines in the lockfile and what is pending.

    Needs no API key and no network; only --refresh asks the platform.
    """
    from reconciler.render.data.status_json import render_status_json
    from reconciler.render.text.status import render_status  # to show

    project = open_project(ctx)
    recorded = read_recorded_state(project.lockfile, project.known_journal)
    keys = select(
        engine_keys(ctx, project, flags["only"]),
        [*recorded.folded.engines, *recorded.folded.retired, *recorded.doubts],
    )
    _warn_of_unverified(recorded, keys)
    for edit in hand_edits(project, recorded.on_disk):
        warn(edit.message)
    actual = _actual(project, recorded, keys) if flags["refresh"] else None
    now = UtcClock().now()
    if flags["format_"] == "json":
        click.echo(render_status_json(recorded.folded, now=now, keys=keys, actual=actual))
        return
    for finding in actual.findings if actual is not None else ():
        warn(finding.message)
    if flags["format_"] == "html":
        from reconciler.cli.wiring.html_reports import (
            status_html,  # the template library, only when asked for
        )

        click.echo(status_html(project.root, project.settings, recorded, keys, actual))
        return
    screen = screen_of(sys.stdout, given(ctx, "color"))
    click.echo(
        render_status(
            recorded.folded,
            now=now,
            color=screen.color,
            width=screen.wrap,
            keys=keys,
            retired=flags["retired"],
            ascii_only=screen.ascii_only,
            actual=actual,
        )
    )


def _actual(project: Project, recorded: RecordedState, keys: Callable[[str], bool]) -> Actual:
    """What the platform has of the serving engines."""
    from reconciler.app.actual import actual_engines  # the network, only when asked for
    from reconciler.project.lookups import EngineLookups

    ask = EngineLookups(project.settings, project.surroundings.key, needed=True)
    return actual_engines(ask, recorded.folded, keys)


def _warn_of_unverified(recorded: RecordedState, keys: Callable[[str], bool]) -> None:
    """Which records of the remote do not count, and which calls are in doubt for that."""
    if recorded.unverified is None:
        return
    from reconciler.core.ledger.sealed import told_of

    warn(told_of(recorded.unverified))
    for key, calls in recorded.doubts.items():
        if keys(key):
            warn(f"{key}: outcome unknown, {calls[-1].error} (operation {calls[-1].operation_id})")
