"""Who shows how far a run is: live on a terminal, line by line elsewhere, or nobody."""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

from reconciler.adapters.system.clock import UtcClock
from reconciler.app.ports import Observer
from reconciler.cli import ci
from reconciler.cli.screen import screen_of

_SHOW_CURSOR = b"\x1b[?25h"


class Progress(NamedTuple):
    """`at_once` is what puts the terminal right when a run ends without ending its observer."""

    observer: Observer
    at_once: bytes = b""


def progress_of(color: str | None, log_level: str) -> Progress:
    """As the terminal and --log-level have it; `color` is --color."""
    from reconciler.render.phrases.sanitize import sanitize  # foreign text is made harmless

    screen = screen_of(sys.stderr, color)
    live = screen.interactive and os.environ.get("TERM") != "dumb" and not ci.in_ci()
    if live and log_level == "info":
        from reconciler.adapters.progress.live import LiveProgress  # rich, for a terminal

        shown = LiveProgress(sys.stderr, color=screen.color, ascii_only=screen.ascii_only, show=sanitize)
        return Progress(shown, _SHOW_CURSOR)
    if log_level in ("error", "warning"):
        from reconciler.adapters.progress.silent import SilentProgress

        return Progress(SilentProgress())
    from reconciler.adapters.progress.plain import PlainProgress

    return Progress(PlainProgress(sys.stderr, UtcClock().now, verbose=log_level == "debug", show=sanitize))
