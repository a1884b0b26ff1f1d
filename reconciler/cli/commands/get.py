"""`reconcile get`: one engine's ID on stdout, for a script."""

from __future__ import annotations

import click

from reconciler.app.recorded import read_recorded_state
from reconciler.cli.opening import open_project
from reconciler.cli.options import as_keys, global_options


@click.command("get")
@click.argument("key", callback=as_keys)
@click.option(
    "--field",
    type=click.Choice(["engineId", "jobId", "provisionedAt", "status"]),
    default="engineId",
    show_default=True,
    help="What to print of it.",
)
@global_options
@click.pass_context
def command(ctx: click.Context, key: str, field: str) -> None:
    """Print the engine ID of KEY.

    From lockfile and journal, with no key and no network. Exit code 1 when there is no such engine, or when none
    serves yet.
    """
    from reconciler.core.lockfile.engine_ids import field_of  # entries, only to read one

    project = open_project(ctx)
    recorded = read_recorded_state(project.lockfile, project.known_journal)
    click.echo(field_of(recorded.folded, key, field))
