"""Engines that are recorded and have no engine file in this environment, though a file of their name is there: it
became an overlay, or the environment does not choose it any more. Neither is a removal, so neither retires an engine.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from reconciler.core.engine.overlay import Beside
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.collect import actions_to_collect
from reconciler.core.plan.environments.overlays import hold_overlaid, unchosen_of, with_reasons
from reconciler.core.plan.model import Action


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
