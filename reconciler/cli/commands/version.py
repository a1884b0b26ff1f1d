"""`reconcile version`, as `reconcile --version`."""

from __future__ import annotations

import click

from reconciler.cli.command import Command
from reconciler.cli.options import global_options
from reconciler.cli.version import version_text


@click.command("version", cls=Command)
@global_options
def command() -> None:
    """Print the version, and the commit if it is known."""
    click.echo(f"reconcile {version_text()}")
