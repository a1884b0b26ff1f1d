"""`reconcile get`: one engine's ID on stdout, for a script."""

from __future__ import annotations

import click

from reconciler.app.recorded import read_lockfile
from reconciler.cli.command import Command
from reconciler.cli.opening import engine_keys, open_project
from reconciler.cli.options import as_keys, global_options


@click.command("get", cls=Command, example="acme", docs="consumers.md")
@click.argument("key", callback=as_keys)
@click.option(
    "--field",
    type=click.Choice(["engineId", "jobId", "provisionedAt", "status"]),
    default="engineId",
    show_default=True,
    help="Print this field of the engine.",
)
@global_options
@click.pass_context
def command(ctx: click.Context, key: str, field: str) -> None:
    """Print the engine ID of KEY.

    Reads the lockfile and the journal; needs no API key and no network. Exits with 1 if there is no such engine, or
    if it does not serve yet.
    """
    from reconciler.core.lockfile.engine_ids import field_of  # entries, only to read one

    project = open_project(ctx)
    lockfile = read_lockfile(project.lockfile, project.known_journal)
    (key,) = engine_keys(ctx, project, [key])
    click.echo(field_of(lockfile, key, field))
