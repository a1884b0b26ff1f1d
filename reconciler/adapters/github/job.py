"""What GitHub Actions gives a step as files: the event that started the run, and the summary that it may write.

Both are named by variables, which the command reads; here they are paths.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from reconciler.core.errors import InvalidInput, StorageError

_LARGEST_EVENT = 32 << 20  # bytes; a payload has at most 25 MB
_LARGEST_SUMMARY = 1 << 20  # bytes for one step, and what is larger is not shown at all
_LEAST = 8_000  # bytes, below which nothing useful has room


def read_event(path: Path) -> object:
    """The event's document. Raises `InvalidInput` for a file that is not there or is no JSON."""
    hint = "GitHub Actions sets GITHUB_EVENT_PATH; --comment-on NUMBER needs no event"
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_EVENT + 1)
    except (OSError, ValueError) as error:  # ValueError: no path at all
        raise InvalidInput(f"GITHUB_EVENT_PATH: {path} cannot be read", hint=hint) from error
    if len(content) > _LARGEST_EVENT:
        raise InvalidInput(f"GITHUB_EVENT_PATH: {path} is too large for an event", hint=hint)
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"GITHUB_EVENT_PATH: {path} is not JSON", hint=hint) from error


def append_summary(path: Path, render: Callable[[int], str]) -> bool:
    """Adds to the step's summary what `render` gives for so many UTF-8 bytes; False where no room is left.

    Raises `StorageError`.
    """
    try:
        before = path.stat().st_size if path.exists() else 0
        room = _LARGEST_SUMMARY - before - 1_000
        if room < _LEAST:
            return False
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(render(room) + "\n\n")
    except (OSError, ValueError) as error:
        raise StorageError(
            f"GITHUB_STEP_SUMMARY: {path} cannot be written", hint="GitHub Actions sets it for each step"
        ) from error
    return True
