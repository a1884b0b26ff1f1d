"""Engines that are recorded and have no engine file in this environment: it became an overlay, or the environment does
not choose it any more, by its name or because the file moved. None of it is a removal, so none retires an engine.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from reconciler.core.engine.fingerprint import meaning_of
from reconciler.core.engine.overlay import Beside, chosen
from reconciler.core.engine.spec import Desired
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.collect import actions_to_collect
from reconciler.core.plan.environments.overlays import hold_overlaid, unchosen_of, with_reasons
from reconciler.core.plan.model import Action

if TYPE_CHECKING:
    from reconciler.app.ports import Engines


class Others:
    """`allowed` are the engines that are named to be retired."""

    def __init__(
        self, beside: Beside, lockfile: Lockfile, allowed: Collection[str], selected: Callable[[str], bool]
    ) -> None:
        self._beside = beside
        self._lockfile = lockfile
        self._allowed = allowed
        self._kept = unchosen_of(beside, lockfile, allowed)
        self.under_way = {key for key in self._kept if selected(key) and _is_under_way(lockfile.engines[key])}

    def beside(self, found: Mapping[str, str]) -> Mapping[str, str]:
        """The engine files, and those of engines that stay as they are."""
        return {**found, **{key: self._beside.unchosen[key] for key in self._kept}} if self._kept else found

    def added(self, actions: tuple[Action, ...]) -> tuple[Action, ...]:
        """The actions, with those that finish what is under way for engines that are not chosen any more."""
        actions = with_reasons(hold_overlaid(actions, self._beside, self._allowed), self._beside)
        if not self.under_way:
            return actions
        waits = actions_to_collect(self._lockfile, self.under_way.__contains__)
        return tuple(sorted((*actions, *waits), key=lambda action: action.key))


def _is_under_way(document: Mapping[str, object]) -> bool:
    return "pending" in document or "uncertain" in document


def left_out(
    engines: Engines,
    beside: Beside,
    lockfile: Lockfile,
    found: Mapping[str, str],
    desired: Mapping[str, Desired],
    id_length: int,
) -> dict[str, str]:
    """Recorded engines without a file that are not chosen, each with the file that it had or has: their names are left
    out, or the very same file lies under a name that is. One that another engine takes over is not among them.
    """
    from reconciler.core.plan.diff import taken_over

    beyond = {*found, *beside.unchosen, *beside.bases}
    taken = taken_over(lockfile, desired, beyond)
    gone = {
        key: means
        for key in sorted(lockfile.engines.keys() - beyond - taken)
        if (means := _meanings(lockfile, key))
    }
    left = {key: key for key in gone if not chosen(beside.choice, key)}
    others = {key: means for key, means in gone.items() if key not in left}
    if others:
        moved: dict[str, str] = {}
        for key, path in beside.unchosen.items():
            one = None if key in lockfile.engines else engines.load(key, path, id_length)
            if one is not None and not isinstance(one, list):
                moved[one.fingerprint] = path
        left |= {key: moved[one] for key, means in others.items() for one in sorted(means) if one in moved}
    return left


def _meanings(lockfile: Lockfile, key: str) -> set[str]:
    """What the entry's engines were asked to be."""
    entry = lockfile.entry(key)
    parts = () if entry is None else (entry.current, entry.pending, entry.hold)
    return {meaning_of(part.fingerprint, part.spec) for part in parts if part is not None}
