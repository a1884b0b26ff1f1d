"""`reconcile help`: the page of a command, as `--help` prints it."""

from __future__ import annotations

import click

from reconciler.cli.command import Command
from reconciler.cli.options import global_options


@click.command("help", cls=Command, example="apply")
@click.argument("names", nargs=-1, metavar="[COMMAND]...")
@global_options
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...]) -> None:
    """Show what COMMAND does, and its options.

    Without COMMAND, lists the commands.
    """
    about = ctx.find_root()
    for position, name in enumerate(names):
        group = about.command
        found = group.get_command(about, name) if isinstance(group, click.Group) else None
        if found is None:
            from reconciler.cli.slips import no_page

            raise no_page(about, names[:position], name)
        about = click.Context(found, info_name=name, parent=about)
    click.echo(about.get_help(), color=ctx.color)
