"""The command with a bug in it: `python -m tests.e2e.broken_command broken WORDS` raises an error that says WORDS."""

from __future__ import annotations

import click

from reconciler.cli import main
from reconciler.cli.options import global_options


@click.command("broken")
@click.argument("words")
@click.option("--format", "format_")
@global_options
def command(words: str, format_: str | None) -> None:
    """Fail as no command should."""
    raise ZeroDivisionError(words)


if __name__ == "__main__":
    main.COMMANDS["broken"] = "tests.e2e.broken_command"
    main.entry()
