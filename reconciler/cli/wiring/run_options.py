"""How a run of `apply` or `collect` is to go, decided once from its flags."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RunOptions:
    """`asks` is whether there is someone to ask and nobody said yes beforehand; `report` the file of --report;
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


def run_options(command: str, flags: Mapping[str, Any], color: str | None) -> RunOptions:
    """`collect` has neither --yes nor --detach: it creates nothing; `apply` has no --no-wait."""
    asks = not flags.get("yes", True) and sys.stdin.isatty() and sys.stderr.isatty()
    return RunOptions(
        command,
        flags["format_"],
        color,
        asks,
        flags.get("detach", False),
        flags.get("no_wait", False),
        flags["comment"],
        flags["report"],
    )
