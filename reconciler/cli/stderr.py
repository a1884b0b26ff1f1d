"""What a command says on stderr besides results and errors: `--log-level` decides how much of it.

`error` leaves results and errors alone; `warning` adds what may be wrong; `info`, the default, what happens.
"""

from __future__ import annotations

import sys

import click

from reconciler.cli.options import given
from reconciler.cli.screen import fit, screen_of
from reconciler.render.phrases.sanitize import sanitize

LEVELS = ("error", "warning", "info", "debug")


def chosen_level() -> str:
    """The level of the command that runs."""
    ctx = click.get_current_context(silent=True)
    return (given(ctx, "log_level") if ctx is not None else None) or "info"


def hears(level: str) -> bool:
    """Whether whoever started the command wants to read that."""
    return LEVELS.index(level) <= LEVELS.index(chosen_level())


def say(text: str, level: str = "info") -> None:
    """One line, made harmless here: much of it comes from files, from the remote and from the platform."""
    if hears(level):
        click.echo(fit(sanitize(text), screen_of(sys.stderr, None)), err=True)


def warn(text: str) -> None:
    """`warning: …`"""
    say(f"warning: {text}", "warning")
