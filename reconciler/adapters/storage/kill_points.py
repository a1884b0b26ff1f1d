"""Where a run can be killed for the test of crashes: right after any of its durable steps.

Every adapter says `step(name)` when something became durable, or when a call is about to leave or has come back.
Normally that does nothing. The crash matrix arms it through a variable that is not for users, notes the steps of a
whole run, and then kills a run at each of them (docs/guarantees.md).
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from pathlib import Path

_counting = threading.Lock()  # steps come from the journal's thread and the pusher's, too
_counts: Counter[str] = Counter()


class _Steps:
    armed = False
    kill_after = ""
    told_in: Path | None = None


def arm(kill_after: str, told_in: Path | None) -> None:
    """Kill the process with SIGKILL after a step, given as `name#2` for the second of that name; that a run journals
    in one batch more or less does not matter then. Every step is noted like this in the file.
    """
    _Steps.armed = True
    _Steps.kill_after = kill_after
    _Steps.told_in = told_in


def step(name: str) -> None:
    """A step is done. Costs one look at a flag when nothing is armed."""
    if not _Steps.armed:
        return
    with _counting:
        _counts[name] += 1
        numbered = f"{name}#{_counts[name]}"
        if _Steps.told_in is not None:
            with _Steps.told_in.open("a") as file:
                file.write(f"{numbered}\n")
        if numbered == _Steps.kill_after:
            os.kill(os.getpid(), signal.SIGKILL)
