"""How long a run has been at work."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Runs from the moment it is made, and stands still inside `paused`: a person's time is not the run's."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    @contextmanager
    def paused(self) -> Iterator[None]:
        stopped = time.monotonic()
        try:
            yield
        finally:
            self._began += time.monotonic() - stopped
