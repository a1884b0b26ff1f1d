"""Where a run can be killed for the test of crashes: right after its n-th durable step.

Every adapter says `step(name)` when something became durable, or when a call is about to leave or has come back.
Normally that does nothing. The crash matrix arms it through a variable that is not for users, counts the steps of a
whole run, and then kills a run at each of them (docs/guarantees.md).
"""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

_counting = threading.Lock()  # steps come from the journal's thread and the pusher's, too


class _Steps:
    kill_after = 0  # 0: never
    told_in: Path | None = None
    count = 0


def arm(kill_after: int, told_in: Path | None) -> None:
    """Kill the process with SIGKILL after this many steps (0: never), and write each step's name into a file."""
    _Steps.kill_after = kill_after
    _Steps.told_in = told_in


def step(name: str) -> None:
    """A step is done. Costs one comparison when nothing is armed."""
    if _Steps.kill_after == 0 and _Steps.told_in is None:
        return
    with _counting:
        _Steps.count += 1
        if _Steps.told_in is not None:
            with _Steps.told_in.open("a") as file:
                file.write(f"{name}\n")
        if _Steps.count == _Steps.kill_after:
            os.kill(os.getpid(), signal.SIGKILL)
