"""`reconcile history`: who made which engine, when, from which run and operation."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import Any

import click

from reconciler.app.history import Change, LedgerCommit, changes_in
from reconciler.cli.options import global_options
from reconciler.cli.project import open_project
from reconciler.cli.publishing import open_ledger
from reconciler.render.printable import printable

_RUN = re.compile(r"^Run: (\S+)$", re.MULTILINE)


@click.command("history")
@click.argument("key", required=False)
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=1000,
    show_default=True,
    help="Ledger commits to read.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Lines or JSON.",
)
@global_options
@click.pass_context
def command(ctx: click.Context, /, **flags: Any) -> None:
    """Show the operations on engines, newest first: all, or those of KEY. Read from the ledger on the remote."""
    ledger = open_ledger(open_project(ctx))
    tip = ledger.look().ledger_tip
    found = [] if tip is None else ledger.commits(tip, flags["limit"])
    commits = [
        LedgerCommit(commit.id, commit.author, _run(commit.message), records) for commit, records in found
    ]
    changes = changes_in(commits, flags["key"])
    if flags["format_"] == "json":
        click.echo(json.dumps({"schemaVersion": 1, "operations": [asdict(one) for one in changes]}, indent=2))
    elif not changes:
        click.echo("no operation is on record")
    else:
        click.echo("\n".join(_line(change) for change in changes))


def _run(message: str) -> str | None:
    found = _RUN.search(message)
    return found[1] if found else None


def _line(change: Change) -> str:
    where = change.run or change.by
    words = (
        change.at,
        change.key,
        change.engine_id or "-",
        change.status,
        where,
        change.commit[:10],
        change.operation,
    )
    return "  ".join(printable(word) for word in words)
