"""`reconcile fetch`: bring the remote's journal here, so that plans without a network know of runs elsewhere."""

from __future__ import annotations

import click

from reconciler.cli.command import Command
from reconciler.cli.opening import open_project
from reconciler.cli.options import global_options
from reconciler.cli.wiring.publishing import fetch
from reconciler.core.ledger.sealed import told_of
from reconciler.render.phrases.sanitize import sanitize


@click.command("fetch", cls=Command, docs="publishing.md")
@global_options
@click.pass_context
def command(ctx: click.Context) -> None:
    """Fetch the journal that runs share through the remote.

    From then on, `reconcile plan` and `reconcile status` take it into account, still without a network.
    """
    project = open_project(ctx)
    seen = fetch(project.root, project.settings, project.journal)
    number = len({record.operation for record in seen.records})
    holder = seen.lease.holder
    click.echo(f"{number} operation{'s' if number != 1 else ''} on the remote not yet in its lockfile")
    if seen.unverified:
        click.echo(told_of(seen.unverified))
    click.echo(f"the lease: {sanitize(str(holder or 'free'))}")
