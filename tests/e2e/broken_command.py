"""The command with a bug in it: `python -m tests.e2e.broken_command broken WORDS` raises an error that says WORDS.

With `--remote URL` it asks that remote first, and what git says of it is the error's cause.
"""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.adapters.git.command import call_git
from reconciler.cli import main
from reconciler.cli.options import global_options
from reconciler.core.errors import GitError


@click.command("broken")
@click.argument("words")
@click.option("--format", "format_")
@click.option("--remote")
@global_options
def command(words: str, format_: str | None, remote: str | None) -> None:
    """Fail as no command should."""
    if remote is None:
        raise ZeroDivisionError(words)
    try:
        call_git(Path("."), ["ls-remote", "--end-of-options", remote], network=True)
    except GitError as error:
        raise ZeroDivisionError(words) from ValueError(f"{error}: {remote}")


if __name__ == "__main__":
    main.COMMANDS["broken"] = "tests.e2e.broken_command"
    main.entry()
