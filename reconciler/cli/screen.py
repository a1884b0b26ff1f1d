"""What a stream can show: colour, width, and more than ASCII; and whether there is someone to ask."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TextIO

import click

from reconciler.core.errors import UsageError
from reconciler.core.frozen import dataclass

DEFAULT_WIDTH = 100
_WIDEST = 10_000  # cells that are believed
_WORDS = ("auto", "always", "never")


@dataclass(frozen=True, slots=True)
class Screen:
    """`width` is in cells; `interactive` says that a person sits there.

    `wrap` is the width that text and tables are fitted to: the terminal's, or COLUMNS. None without either, since what
    goes to a file or a program is searched there line by line.
    """

    color: bool
    ascii_only: bool
    width: int
    interactive: bool
    wrap: int | None = None


def wants_color(choice: str | None) -> bool | None:
    """Whether colour is asked for or ruled out; None leaves it to the stream. `choice` is --color.

    It wins over NO_COLOR, which wins over FORCE_COLOR (0 and false do not force), which wins over a dumb terminal.
    """
    if choice in ("always", "never"):
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "").lower() not in ("", "0", "false"):
        return True
    return False if os.environ.get("TERM") == "dumb" else None


def screen_of(stream: TextIO, choice: str | None) -> Screen:
    """What this stream can show; `choice` is --color."""
    terminal = stream.isatty()
    wanted = wants_color(choice)
    color = terminal if wanted is None else wanted
    encoding = (stream.encoding or "ascii").lower().replace("-", "")
    width = _columns() or (_width(stream) if terminal else 0)
    return Screen(color, not encoding.startswith("utf"), width or DEFAULT_WIDTH, terminal, width or None)


def fit(text: str, screen: Screen) -> str:
    """Text for this screen, in lines that fit."""
    if screen.wrap is None:
        return text
    from reconciler.core.display import fitted  # for terminals only

    return fitted(text, screen.wrap)


def tell(text: str) -> None:
    """A sentence on stdout."""
    click.echo(fit(text, screen_of(sys.stdout, None)))


def must_ask(command: str, *, yes: bool) -> bool:
    """Whether to ask before going ahead. Raises `UsageError` where there is no terminal to ask on: silence means no."""
    if yes:
        return False
    if not (
        sys.stdin.isatty() and sys.stderr.isatty()
    ):  # a question is read from one and stands on the other
        raise UsageError(
            f"`reconcile {command}` asks for confirmation, but there is no terminal",
            hint="use --yes to proceed without asking",
        )
    return True


def _columns() -> int:
    """What COLUMNS says; 0 where it says nothing."""
    columns = os.environ.get("COLUMNS", "")
    believed = columns.isdecimal() and len(columns) <= len(str(_WIDEST)) and int(columns) <= _WIDEST
    return int(columns) if believed else 0


def _width(terminal: TextIO) -> int:
    try:
        return os.get_terminal_size(terminal.fileno()).columns
    except (OSError, ValueError):  # it went away, or is none of the system's
        return 0


def screen_for(stream: TextIO, arguments: Sequence[str]) -> Screen:
    """The same where only the raw words of the line are known."""
    choice = next((word for word in _WORDS if f"--color={word}" in arguments), None)
    if "--color" in arguments[:-1]:
        choice = arguments[list(arguments).index("--color") + 1]
    return screen_of(stream, choice)
