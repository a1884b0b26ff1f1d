"""Waits for what the thread that draws does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


def drawing() -> bool:
    return "progress" in {thread.name for thread in threading.enumerate()}


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not come true within 10 seconds"
        time.sleep(0.005)
