"""Load and plan: from files and lockfile to a plan, reading as little as the answer needs.

An engine whose files still have the blob ids in the lockfile is unchanged, and its YAML is not read. Everything else
is read whole, and all that is wrong is told at once. What only differences need is imported where there are some.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from reconciler.app.desired.loading import about_others, load_changed, with_left_out
from reconciler.app.recorded import RecordedState, read_recorded_state
from reconciler.app.selection import select
from reconciler.core.errors import Diagnostic, InvalidInput, Severity
from reconciler.core.frozen import dataclass
from reconciler.core.lockfile.model import outgrown
from reconciler.core.plan.limits import DEFAULT_POLICY, Policy
from reconciler.core.plan.model import Plan

if TYPE_CHECKING:
    from reconciler.app.ports import Checkout, Engines, Journal, LockfileStore, Lookups
    from reconciler.app.sources.checking import SourceCheck
    from reconciler.core.engine.overlay import Beside
    from reconciler.core.engine.spec import Desired
    from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
    from reconciler.core.lockfile.model import Lockfile
    from reconciler.core.plan.drift import Actual
    from reconciler.core.plan.model import Action
    from reconciler.core.plan.outdated import Branch
    from reconciler.core.plan.saved import SavedPlan

SHA1_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a plan. `only` holds keys or globs (`*` also crosses `/`); empty means every engine.

    `id_length` is the length of new blob ids in hex digits: 40, or 64 in a repo of the sha256 format. `policy` is what
    one run may do. With `saved`, the plan is that one, or it is refused.
    """

    environment: str = "production"
    only: tuple[str, ...] = ()
    retry_failed: bool = False
    id_length: int = SHA1_LENGTH
    policy: Policy = DEFAULT_POLICY
    saved: SavedPlan | None = None
    settings_file: str | None = None  # relative to the project's root
    deletes: bool = False  # an engine goes with its file
    refresh: bool = False  # look up on the platform what serves
    fix_drift: bool = False  # and overwrite what was changed there
    in_place: bool = False  # whether a change of name, description or locales keeps the engine
    check_sources: bool = False  # look at the pages that the serving engines learned from

    @property
    def refreshes(self) -> bool:
        """Whether the platform is asked what became of the serving engines."""
        return self.refresh or self.overwrites or (self.saved is not None and self.saved.refresh)

    @property
    def checks_sources(self) -> bool:
        """Whether pages are looked at."""
        return self.check_sources or (self.saved is not None and self.saved.check_sources)

    @property
    def overwrites(self) -> bool:
        """Whether what was changed on the platform is set back."""
        return self.fix_drift or (self.saved is not None and self.saved.fix_drift)


@dataclass(frozen=True, slots=True)
class PlanResult:
    """A plan, and what it was made from."""

    plan: Plan
    recorded: RecordedState
    actual: Actual | None = None  # what is known of the platform, where it was asked
    checked_sources: bool = False  # whether pages were looked at
    made: frozenset[str] = frozenset()  # keys of engines that other runs made, and this one publishes


def make_plan(
    engines: Engines,
    lockfile: LockfileStore,
    journal: Journal,
    request: Request,
    shared: RemoteSnapshot | None = None,
    checkout: Callable[[], Checkout] | None = None,
    ask: Lookups | None = None,
    check: SourceCheck | None = None,
) -> PlanResult:
    """The plan for a project, from what is here and what was seen on the remote. `ask` looks engines up on the
    platform: those that serve where the request is for that, and any that would be restored; `check` looks at pages.
    Invalid engine files are in its diagnostics, and it then has no actions; so are files that the `checkout` says are
    only not here, and not gone.
    Raises `InvalidInput` for no engine files or an unreadable lockfile, `UsageError` for a pattern without a match,
    `GuardRefused` for a saved plan that does not hold any more, `PlatformError` where the key is refused.
    """
    recorded = read_recorded_state(lockfile, journal, shared)
    found, problems = discovered(engines, checkout)
    keys = [*found, *recorded.folded.engines, *recorded.doubts, *engines.beside().unchosen]
    selected = _selection(request, lockfile.path, keys)
    actual = _actual(ask if request.refreshes else None, recorded.folded, selected)
    suspects = frozenset() if actual is None else actual.to_read(overwrites=request.overwrites)
    suspects |= check.keys(recorded.folded, selected) if check is not None else frozenset()
    desired, unchanged, diagnostics = load_changed(
        engines, found, recorded.folded, selected, request.id_length, suspects
    )
    beside = with_left_out(engines, recorded.folded, found, desired, request.id_length)
    diagnostics = [
        *problems,
        *diagnostics,
        *about_others(beside, recorded.folded, found, request.environment, request.policy.allow_retire),
        *_clashes(recorded.folded, desired, found),
        *_warnings(recorded, lockfile.path),
        *(() if actual is None else actual.findings),
    ]
    invalid = any(one.severity is Severity.ERROR for one in diagnostics)
    actions: tuple[Action, ...] = ()
    if not invalid:
        branch = _branch(engines, shared)
        actions, told = _actions(
            recorded, desired, found, selected, request, branch, actual, ask, beside, check
        )
        diagnostics += told
    not_gone = _not_gone(actions, recorded.folded, checkout, engines)
    if invalid and checkout is not None:
        not_gone = _sources_not_here(diagnostics, recorded.folded, engines, checkout)
    if not_gone:
        actions, invalid, diagnostics = (), True, [*diagnostics, *not_gone]
    plan = Plan(
        environment=request.environment,
        actions=actions,
        unchanged=() if invalid else _unchanged((*unchanged, *desired), actions, selected),
        diagnostics=tuple(diagnostics),
        lockfile=lockfile.path,
        lockfile_digest=recorded.digest,
        unwritten=recorded.unwritten,
        sources=() if check is None else check.news,
    )
    return PlanResult(plan, recorded, actual, check is not None)


def _unchanged(
    keys: Sequence[str], actions: Sequence[Action], selected: Callable[[str], bool]
) -> tuple[str, ...]:
    return tuple(sorted(filter(selected, set(keys).difference(action.key for action in actions))))


def _actual(ask: Lookups | None, lockfile: Lockfile, selected: Callable[[str], bool]) -> Actual | None:
    """What became of the serving engines on the platform; None where it is not asked."""
    if ask is None:
        return None
    from reconciler.app.actual import actual_engines

    return actual_engines(ask, lockfile, selected)


def _warnings(recorded: RecordedState, lockfile: str) -> list[Diagnostic]:
    """Says which records of the ledger do not count, and that the lockfile gets too big for git hosts."""
    found = outgrown(recorded.size, lockfile)
    warnings = [found] if found is not None else []
    if any("pruning" in one for one in recorded.folded.engines.values()) or recorded.folded.retired:
        from reconciler.core.ledger.pruning import begun_by
        from reconciler.core.plan.pruning import told_of_begun

        known = None if recorded.shared is None else {one.engine_id for one in begun_by(recorded.records)}
        warnings += told_of_begun(recorded.folded, known)
    if recorded.unverified is None:
        return warnings
    from reconciler.core.ledger.sealed import told_of

    return [*warnings, Diagnostic(told_of(recorded.unverified), severity=Severity.WARNING)]


def _actions(
    recorded: RecordedState,
    desired: Mapping[str, Desired],
    found: Mapping[str, str],
    selected: Callable[[str], bool],
    request: Request,
    branch: Branch | None,
    actual: Actual | None,
    ask: Lookups | None,
    beside: Beside,
    check: SourceCheck | None,
) -> tuple[tuple[Action, ...], Sequence[Diagnostic]]:
    """What is to be done, and what of it is held back; and what could not be found out about an engine to restore."""
    lockfile, others = recorded.folded, None
    if beside.bases or beside.unchosen:
        from reconciler.app.desired.others import Others  # only where not all files are engines

        others = Others(beside, recorded.folded, request.policy.allow_retire, selected)
        found = others.beside(found)
    nothing_read = not (desired or recorded.doubts or (actual is not None and actual.drifted))
    waits = others is not None and others.under_way
    if nothing_read and not waits and lockfile.engines.keys() <= found.keys() and request.saved is None:
        return (), ()  # no file had to be read, and none is gone
    from reconciler.core.plan.diff import PlanInput, actions_for
    from reconciler.core.plan.guards import guarded

    retry_failed = request.retry_failed or (request.saved is not None and request.saved.retry_failed)
    deletes, in_place = request.deletes, request.in_place
    situation = PlanInput(
        lockfile, desired, found.keys(), selected, retry_failed, deletes=deletes, in_place=in_place
    )
    told: Sequence[Diagnostic] = ()
    if ask is None:
        actions = actions_for(situation)
    else:
        from reconciler.app.actual import actions_as_it_is

        actions, told = actions_as_it_is(ask, situation, actual, found, overwrites=request.overwrites)
    if check is not None:
        actions = check.refreshed(actions, desired, lockfile, found, selected)
    actions = actions if others is None else others.added(actions)
    if request.saved is not None:
        actions = request.saved.still(actions, lockfile)
    if branch is not None:
        from reconciler.core.plan.outdated import hold_outdated

        actions = hold_outdated(actions, lockfile, branch, request.settings_file)
    actions = _held_up(actions, recorded, selected, found.keys())
    whole = () if request.saved is None else request.saved.whole
    return guarded(actions, lockfile, request.policy, whole), told


def _held_up(
    actions: tuple[Action, ...],
    recorded: RecordedState,
    selected: Callable[[str], bool],
    present: Collection[str],
) -> tuple[Action, ...]:
    """The actions, but for what calls in doubt keep from being done."""
    if not recorded.doubts or recorded.unverified is None:
        return actions
    from reconciler.core.plan.doubtful import with_doubts

    return with_doubts(actions, recorded.doubts, selected, present, has_key=recorded.unverified.has_key)


def _not_gone(
    actions: Collection[Action],
    lockfile: Lockfile,
    checkout: Callable[[], Checkout] | None,
    engines: Engines,
) -> list[Diagnostic]:
    """Files that a retirement or a move takes for gone, or a change for removed overlays, and that are only not checked
    out.
    """
    if checkout is None or not actions:
        return []
    from reconciler.core.plan.model import Kind

    gone = [action.key for action in actions if action.kind in (Kind.RETIRE, Kind.DELETE)]
    gone += [action.from_key for action in actions if action.from_key is not None]
    files = {key: _recorded_names(lockfile, key) for key in gone}
    for action in actions:
        overlays = engines.overlay_names(action.file) if action.file is not None and action.files else ()
        lost = [one for one in overlays if one not in action.files and one in _files_of(lockfile, action.key)]
        files |= {action.key: lost} if lost else {}
    return checkout().not_gone(files) if files else []


def _sources_not_here(
    diagnostics: Collection[Diagnostic],
    lockfile: Lockfile,
    engines: Engines,
    checkout: Callable[[], Checkout],
) -> list[Diagnostic]:
    """Files of engines that cannot be read, and that are only not checked out."""
    missing: dict[str, list[str]] = {}
    for key in {one.key for one in diagnostics if one.key is not None and one.severity is Severity.ERROR}:
        files = _files_of(lockfile, key)
        names = [name for name, blob in files.items() if engines.blob_ids(name, len(blob)) is None]
        missing |= {key: names} if names else {}
    return checkout().not_gone(missing) if missing else []


def _recorded_names(lockfile: Lockfile, key: str) -> list[str]:
    return [name for name in _files_of(lockfile, key) if name.endswith((".yaml", ".yml"))]


def _files_of(lockfile: Lockfile, key: str) -> dict[str, str]:
    """The files that an entry names, as far as it is one."""
    files = lockfile.engines.get(key, {}).get("files")
    if not isinstance(files, dict):
        return {}
    return {name: blob for name, blob in files.items() if isinstance(name, str) and isinstance(blob, str)}


def discovered(
    engines: Engines, checkout: Callable[[], Checkout] | None
) -> tuple[Mapping[str, str], Sequence[Diagnostic]]:
    """The engine files. Raises `InvalidInput` when there is none, which says so where git has some."""
    try:
        return engines.discover()
    except InvalidInput as error:
        found = None if checkout is None else checkout().folder_not_gone()
        if found is None:
            raise
        raise InvalidInput(found.message, hint=found.hint) from error


def _branch(engines: Engines, shared: RemoteSnapshot | None) -> Branch | None:
    """The branch, where it has moved on since it was checked out here."""
    if shared is None or shared.branch_tip is None or not shared.moved_on:
        return None
    from reconciler.core.plan.outdated import Branch

    length = len(shared.branch_tip)
    return Branch(
        shared.branch,
        shared.branch_tip,
        shared.moved_on,
        lambda path: engines.blob_ids(path, length),
        shared.recorded,
        engines.overlay_names,
    )


def _selection(request: Request, lockfile: str, keys: Collection[str]) -> Callable[[str], bool]:
    """Which engines the plan is about: those that are asked for, or those that the saved plan names."""
    policy = request.policy
    if policy.allow_replace or policy.allow_retire:
        from reconciler.core.plan.guards import check_named

        check_named(policy, keys)
    if request.saved is None:
        return select(request.only, keys)
    request.saved.check_for(request.environment, lockfile)
    return request.saved.keys.__contains__


def _clashes(lockfile: Lockfile, desired: Mapping[str, Desired], keys: Collection[str]) -> list[Diagnostic]:
    """Places for engine IDs that several engines ask for. Only an engine whose file changed can bring one about."""
    if not any(one.outputs for one in desired.values()):
        return []
    from reconciler.core.outputs.places import clashing

    return clashing(lockfile, desired, keys)


def plan_to_collect(
    lockfile: LockfileStore, journal: Journal, request: Request, shared: RemoteSnapshot | None = None
) -> PlanResult:
    """A plan that only waits for what is under way. Engine files are not looked at.

    Raises `UsageError` for a pattern without a match, and as `read_recorded_state`.
    """
    from reconciler.core.plan.collect import actions_to_collect

    recorded = read_recorded_state(lockfile, journal, shared)
    keys = recorded.folded.engines.keys() | recorded.doubts.keys()
    selected = select(request.only, keys)
    actions = _held_up(actions_to_collect(recorded.folded, selected), recorded, selected, keys)
    spoken_for = {action.key for action in actions}
    plan = Plan(
        environment=request.environment,
        actions=actions,
        unchanged=tuple(sorted(recorded.folded.engines.keys() - spoken_for)),
        diagnostics=tuple(_warnings(recorded, lockfile.path)),
        lockfile=lockfile.path,
        lockfile_digest=recorded.digest,
        unwritten=recorded.unwritten,
    )
    return PlanResult(plan, recorded)


def validate_engines(
    engines: Engines,
    only_paths: Collection[str] | None = None,
    checkout: Callable[[], Checkout] | None = None,
) -> tuple[dict[str, Desired], list[Diagnostic]]:
    """Read every engine file (or those at these paths): the valid ones by key, and what is wrong with the rest."""
    found, problems = discovered(engines, checkout)
    diagnostics = list(problems)
    valid: dict[str, Desired] = {}
    for key, path in found.items():
        if only_paths is not None and path not in only_paths:
            continue
        loaded = engines.load(key, path, SHA1_LENGTH)
        if isinstance(loaded, list):
            diagnostics += loaded
        else:
            valid[key] = loaded
    if only_paths is not None and not valid and not diagnostics:
        raise InvalidInput(
            "none of these paths is an engine file", hint="name files that match engines/**/*.yaml"
        )
    return valid, [*diagnostics, *clashes_of(valid)]


def clashes_of(valid: Mapping[str, Desired]) -> list[Diagnostic]:
    """Places for engine IDs that several of these engines ask for."""
    from reconciler.core.lockfile.model import EMPTY

    return _clashes(EMPTY, valid, ())
