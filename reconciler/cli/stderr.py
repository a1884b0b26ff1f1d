"""What a command says on stderr besides results and errors: `--log-level` decides how much of it.

`error` leaves results and errors alone; `warning` adds what may be wrong; `info`, the default, what happens; `debug`
every request and git command, with its answer's status, time and size.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from reconciler.adapters.system import trail
from reconciler.cli.options import given
from reconciler.cli.screen import fit, screen_of

LEVELS = ("error", "warning", "info", "debug")


def chosen_level() -> str:
    """The level of the command that runs."""
    ctx = click.get_current_context(silent=True)
    return (given(ctx, "log_level") if ctx is not None else None) or "info"


def hears(level: str) -> bool:
    """Whether whoever started the command wants to read that."""
    return LEVELS.index(level) <= LEVELS.index(chosen_level())


def listen_to_adapters(ctx: click.Context) -> None:
    """Pass on what the adapters report, from whichever thread, to whoever asked for it with --log-level."""

    def heard(level: str, line: str) -> None:
        chosen = given(ctx, "log_level") or "info"
        if LEVELS.index(level) <= LEVELS.index(chosen):
            click.echo(_shown(level, line), err=True)

    trail.listen(heard)


def _shown(level: str, line: str) -> str:
    from reconciler.render.phrases.sanitize import sanitize

    if level != "debug":
        return f"{level}: {sanitize(line)}"
    import os
    from datetime import UTC, datetime

    from reconciler.cli.scrubbing import without_secrets  # people paste such lines into reports

    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f"{at}  debug: {sanitize(without_secrets(line, os.environ))}"


_instead: list[Callable[[str, str], None]] = []


def say_instead(listener: Callable[[str, str], None]) -> None:
    """From now on `listener` gets what is said, with its level: a log has lines of its own form."""
    _instead[:] = [listener]


def say(text: str, level: str = "info") -> None:
    """One line, made harmless here: much of it comes from files, from the remote and from the platform."""
    if _instead:
        _instead[0](level, text)
    elif hears(level):
        from reconciler.render.phrases.sanitize import sanitize  # most runs have nothing to say

        click.echo(fit(sanitize(text), screen_of(sys.stderr, None)), err=True)


def warn(text: str) -> None:
    """`warning: …`"""
    say(f"warning: {text}", "warning")
