"""`reconcile history`: who made which engine, when, from which run and operation."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from reconciler.adapters.git.remote import has_remote
from reconciler.adapters.project.places import find_git
from reconciler.app.history import Change, history
from reconciler.cli.command import Command
from reconciler.cli.opening import engine_keys, open_project
from reconciler.cli.options import as_keys, given, global_options, text_or_json
from reconciler.cli.screen import screen_of
from reconciler.cli.wiring.recorded_history import newest_of_ledger, versions_of_lockfile
from reconciler.core.commands import git
from reconciler.core.errors import InvalidInput
from reconciler.render.phrases.style import Look


@click.command("history", cls=Command, example="acme", docs="publishing.md")
@click.argument("key", callback=as_keys, required=False)
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=1000,
    show_default=True,
    metavar="NUMBER",
    help="Read at most this many commits of each.",
)
@text_or_json("Print a table or JSON.")
@global_options
@click.pass_context
def command(ctx: click.Context, /, **flags: Any) -> None:
    """List what was done with the engines, newest first.

    Lists all engines, or KEY. Reads the ledger on the remote, if there is one, and the commits of the lockfile on this
    branch.
    """
    project = open_project(ctx)
    if find_git(project.root) is None:
        raise InvalidInput("no history outside a git repository", hint=git("init"))
    root, settings, limit = project.root, project.settings, flags["limit"]
    key = None if flags["key"] is None else engine_keys(ctx, project, [flags["key"]])[0]
    ledger = newest_of_ledger(root, settings, limit) if has_remote(root, settings.remote) else []
    changes = history(ledger, versions_of_lockfile(root, settings.lockfile, limit), key)
    if flags["format_"] == "json":
        click.echo(json.dumps({"schemaVersion": 1, "operations": [asdict(one) for one in changes]}, indent=2))
    elif not changes:
        click.echo("no operations recorded")
    else:
        click.echo(_table(changes, given(ctx, "color")))


def _table(changes: Sequence[Change], color: str | None) -> str:
    from reconciler.render.text.history import HistoryRow, render_history  # one view of two

    screen = screen_of(sys.stdout, color)
    rows = [HistoryRow(one.at, one.key, one.status, one.engine_id, one.by, one.run) for one in changes]
    return render_history(rows, Look(screen.color, screen.ascii_only, screen.wrap))
