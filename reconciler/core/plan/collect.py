"""What is left to collect: the jobs that run, whatever the engine files say by now. Nothing is created by it.

Apart from `diff`, which is as long as a module should be, and compares with engine files that are not read here.
"""

from __future__ import annotations

from collections.abc import Callable

from reconciler.core.frozen import replace
from reconciler.core.lockfile.entry import IN_PROGRESS
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.actions import of_pending
from reconciler.core.plan.model import Action, Kind
from reconciler.core.plan.uncertain import report_uncertain


def actions_to_collect(lockfile: Lockfile, selected: Callable[[str], bool]) -> tuple[Action, ...]:
    """A resume for every operation in progress; what is uncertain is reported. Sorted by key."""
    actions: list[Action] = []
    for key in sorted(lockfile.engines):
        if lockfile.engines[key].keys().isdisjoint(("pending", "uncertain")) or not selected(key):
            continue
        entry = lockfile.entry(key)
        pending = entry.pending if entry is not None else None
        reported = report_uncertain(key, entry, None) if entry is not None else None
        if pending is not None and pending.status == IN_PROGRESS:
            action = Action(
                key,
                Kind.RESUME,
                "its job was still running",
                fingerprint=pending.fingerprint,
                files=pending.files,
            )
            if reported is not None:
                action = replace(action, condition=reported.condition, hint=reported.hint)
            actions.append(of_pending(action, pending))
        elif reported is not None:
            actions.append(reported)
    return tuple(actions)
