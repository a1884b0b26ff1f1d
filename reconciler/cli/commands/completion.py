"""`reconcile completion`: the script that teaches a shell to complete the command."""

from __future__ import annotations

import click

from reconciler.cli.command import Command
from reconciler.cli.completion.scripts import SHELLS, script_for
from reconciler.cli.options import global_options


@click.command("completion", cls=Command, example="bash", docs="install.md")
@click.argument("shell", type=click.Choice(SHELLS), metavar="SHELL")
@global_options
def command(shell: str) -> None:
    """Print the completion script of SHELL: bash, zsh or fish.

    Completes commands, options, engine keys, environments and saved plans, from the files of the project alone.
    """
    click.echo(script_for(shell), nl=False)
