"""How a run of `apply` or `collect` is to go, decided once from its flags."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciler.cli.screen import must_ask
from reconciler.core.frozen import dataclass


@dataclass(frozen=True, slots=True)
class RunOptions:
    """`asks` is whether there is someone to ask and nobody said yes beforehand; `report` and `report_html` are files;
    `color` is --color, None where it was not given.
    """

    command: str
    format: str
    color: str | None
    asks: bool
    detach: bool
    no_wait: bool
    comments: bool
    report: str | None
    report_html: str | None


def run_options(command: str, flags: Mapping[str, Any], color: str | None, start: Path) -> RunOptions:
    """`collect` has neither --yes nor --detach: it creates nothing; `apply` has no --no-wait.

    `start` is the folder that the command works from. Raises `UsageError` where someone is to be asked and there is no
    terminal.
    """
    asks = must_ask(command, yes=flags.get("yes", True))
    return RunOptions(
        command,
        flags["format_"],
        color,
        asks,
        flags.get("detach", False),
        flags.get("no_wait", False),
        flags["comment"],
        *(None if flags[name] is None else str(start / flags[name]) for name in ("report", "report_html")),
    )
