"""The one planner: `plan`, `apply` and `collect` get their plans here, with the outputs that are behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.adapters.project.places import merge_under_way
from reconciler.app.planning import PlanResult, Request, make_plan, plan_to_collect
from reconciler.app.recorded import RecordedState, read_recorded_state
from reconciler.core.errors import GitError
from reconciler.core.frozen import dataclass, replace
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.limits import Policy
from reconciler.core.plan.model import Plan
from reconciler.project.opened import Project, Surroundings

if TYPE_CHECKING:
    from reconciler.app.ports import Checkout, Engines, Journal, LockfileStore, Lookups
    from reconciler.app.sources.checking import Pages, Places
    from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
    from reconciler.core.plan.saved import SavedPlan
    from reconciler.core.settings.model import Settings


@dataclass(frozen=True, slots=True)
class Planner:
    """Makes plans for one request, as often as the run asks. `journal` is what this machine recorded; `known_journal`
    has besides what was fetched of the remote's, and counts where the remote was not looked at.
    """

    root: Path
    settings: Settings
    engines: Engines
    lockfile: LockfileStore
    journal: Journal
    known_journal: Journal
    request: Request
    checkout: Callable[[], Checkout]
    surroundings: Surroundings
    ask: Lookups | None = None
    pages: tuple[Pages, Places] | None = None  # where pages are looked at

    def plan(self, remote: RemoteSnapshot | None) -> PlanResult:
        """What applying the engine files, or the saved plan of the request, does. Raises what `make_plan` raises."""
        _check_merged(self.root, self.settings.lockfile)
        journal = self.journal_beside(remote)
        check = None
        if self.pages is not None:
            from reconciler.project.source_checks import source_check  # only with --check-sources

            check = source_check(self.root, self.settings, *self.pages)
        made = make_plan(
            self.engines, self.lockfile, journal, self.request, remote, self.checkout, self.ask, check
        )
        self._refuse_if_told(made.recorded)
        if self.request.in_place or self.request.overwrites:
            from reconciler.project.other_lockfiles import (
                hold_shared,  # where an engine itself may be changed
            )

            made = hold_shared(self.root, self.settings, made, self.request.policy.allow_replace)
        return with_outputs(self.root, self.settings, made)

    def collect(self, remote: RemoteSnapshot | None) -> PlanResult:
        """What finishing the jobs under way does; no engine file is looked at."""
        _check_merged(self.root, self.settings.lockfile)
        made = plan_to_collect(self.lockfile, self.journal_beside(remote), self.request, remote)
        self._refuse_if_told(made.recorded)
        return with_outputs(self.root, self.settings, made)

    def _refuse_if_told(self, recorded: RecordedState) -> None:
        try:
            self.refuse_lost(recorded)
        except GitError as error:  # a plan needs no git
            self.surroundings.warn(f"git cannot determine whether there was a lockfile: {error.message}")

    def refuse_lost(self, recorded: RecordedState) -> None:
        """Raises `LockfileError` where nothing is recorded, and git knows a lockfile in which something was; `GitError`
        where it cannot tell.
        """
        seen = recorded.shared
        if recorded.on_disk.engines or (seen is not None and (seen.recorded.engines or seen.content)):
            return
        from reconciler.project.lost_lockfile import refuse_if_lost  # git, only then

        refuse_if_lost(self.root, self.settings, recorded, self.surroundings.branch)

    def recorded(self, remote: RemoteSnapshot | None) -> RecordedState:
        """Where things stand now. Raises `LockfileError`, `JournalError`, `StorageError`."""
        return read_recorded_state(self.lockfile, self.journal_beside(remote), remote)

    def journal_beside(self, remote: RemoteSnapshot | None) -> Journal:
        """The journal that says, together with what was seen of the remote, all that is known."""
        return self.known_journal if remote is None else self.journal


def planner_of(project: Project, request: Request, *, looks: bool = False) -> Planner:
    """With `looks`, an engine that would be restored is looked up first, where there is a key."""
    ask = None
    if looks or request.refreshes:
        from reconciler.project.lookups import EngineLookups

        ask = EngineLookups(project.settings, project.surroundings.key, needed=request.refreshes)
    pages = None
    if request.checks_sources:
        from reconciler.project.source_checks import WebPages

        pages = WebPages(project.settings), project.engines.link_places
    return Planner(
        project.root,
        project.settings,
        project.engines,
        project.lockfile,
        project.journal,
        project.known_journal,
        request,
        project.checkout,
        project.surroundings,
        ask,
        pages,
    )


def request_of(project: Project, flags: Mapping[str, Any], saved: SavedPlan | None = None) -> Request:
    """What flags and settings ask of a plan; with `saved`, that plan if it still holds."""
    return Request(
        project.settings.environment,
        tuple(flags["only"]),
        flags["retry_failed"],
        project.id_length,
        policy_of(project.settings, flags),
        saved,
        project.settings_file,
        project.settings.on_removed == "delete",
        flags.get("refresh", False),
        flags.get("fix_drift", False),
        project.settings.metadata_changes == "in_place",
        flags.get("check_sources", False),
    )


def policy_of(settings: Settings, flags: Mapping[str, Any]) -> Policy:
    """What the run may do: the limits from the settings, and the engines that are named."""
    return Policy(
        settings.max_replace,
        settings.max_retire,
        settings.max_create,
        frozenset(flags["allow_replace"]),
        frozenset(flags["allow_retire"]),
        settings.max_prune,
    )


def _check_merged(root: Path, lockfile: str) -> None:
    """Raises `LockfileError` in the midst of a merge that has not merged the lockfile."""
    if not merge_under_way(root):
        return
    from reconciler.adapters.checkout.unmerged import check_merged  # git, only then
    from reconciler.adapters.storage.durable_files import read_regular

    check_merged(root, lockfile, read_regular(root / lockfile, lockfile))


def with_outputs(root: Path, settings: Settings, planned: PlanResult) -> PlanResult:
    """The plan, with the places in other files that do not have their engine's ID, which applying it writes, and those
    that cannot be written. Raises `LockfileError`.

    What counts is the work tree, and the lockfile as it is once everything is done that needs no platform. An engine
    that is made or replaced gets its new ID written when its job has completed, and until then the one that serves.
    """
    plan, lockfile = planned.plan, planned.recorded.folded
    if plan.invalid or not _asks(plan, lockfile):
        return planned
    from reconciler.adapters.outputs.files import OutputFiles  # only with outputs
    from reconciler.adapters.system.clock import UtcClock
    from reconciler.core.run.local_actions import perform_all

    then = perform_all(lockfile, plan.actions, UtcClock().now())
    behind, problems = OutputFiles(root, settings.output_rules).behind(then)
    return replace(planned, plan=replace(plan, outputs=tuple(behind), outputs_failed=tuple(problems)))


def _asks(plan: Plan, lockfile: Lockfile) -> bool:
    if any("outputs" in document for document in lockfile.engines.values()):
        return True
    return any(action.kept is not None and action.kept.outputs for action in plan.actions)
