"""Runs a few blocking calls side by side and waits no longer than so many seconds for them.

A host name that is looked up, or a program that git has started, may not hear of any timeout. Their threads are left
behind: the process is about to end, and does not wait for them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def run_bounded(calls: Sequence[Callable[[], T]], seconds: float) -> list[T | None]:
    """Their results in the order given; None for one that took too long. Raises what one of them raised."""
    results: list[T | None] = [None] * len(calls)
    raised: list[BaseException] = []

    def run(index: int) -> None:
        try:
            results[index] = calls[index]()
        except BaseException as error:  # not to be lost in the thread
            raised.append(error)

    threads = [threading.Thread(target=run, args=(index,), daemon=True) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    if raised:
        raise raised[0]
    return list(results)
