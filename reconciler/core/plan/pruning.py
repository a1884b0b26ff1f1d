"""Which engines that nothing uses any more are deleted, and why each of the others is kept.

What is in use anywhere, or may come to be, is never chosen: that is told by engine ID, whichever key lists it. What is
left is narrowed down by age and by how many earlier engines a key keeps for a rollback, and guarded like a retirement.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime

from reconciler.core.commands import reconcile
from reconciler.core.duration import format_duration
from reconciler.core.errors import Diagnostic, Severity
from reconciler.core.frozen import dataclass, replace
from reconciler.core.lockfile.entry import IN_PROGRESS, Entry, Superseded
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.lockfile.names import engines_of, used_in
from reconciler.core.lockfile.pruning import UNKNOWN
from reconciler.core.plan.limits import DEFAULT_POLICY, Policy

SUPERSEDED, RETIRED = "superseded", "retired"
_SHOWN = 5  # engines that a notice names
DEFAULT_KEEP = 1  # so that a rollback stays possible


@dataclass(frozen=True, slots=True)
class Listed:
    """An engine that the lockfile lists as out of use, under `key`; `since` is None where nobody wrote down when it
    left its place. `begun`: since when it is being deleted. `reserve` counts the completed engines of an entry from the
    newest; 0 for all others.
    """

    key: str
    engine_id: str
    place: str
    since: str | None
    left: str  # the same time as it is recorded
    name: str
    protected: bool = False
    running: bool = False
    held: bool = False
    begun: str | None = None
    reserve: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """What is done with it: deleted, where there is neither a reason why it is `kept` nor a `guard`."""

    listed: Listed
    kept: str | None = None
    guard: str | None = None
    hint: str | None = None

    @property
    def deletes(self) -> bool:
        return self.kept is None and self.guard is None


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked for. `older_than` is in seconds; None takes engines of any age, also of an unknown one."""

    at: str
    older_than: float | None = None
    keep: int = DEFAULT_KEEP
    selected: Callable[[str], bool] = lambda key: True
    policy: Policy = DEFAULT_POLICY
    begun: Collection[str] = frozenset()  # the engines whose deletion a run began, by its facts


def listed_in(lockfile: Lockfile) -> tuple[Listed, ...]:
    """Every engine that is out of use, sorted by key, oldest first. Raises `LockfileError`."""
    found: list[Listed] = []
    for key in sorted({*lockfile.engines, *lockfile.retired}):
        for retired in lockfile.retired_of(key):
            found += _of_retired(key, retired.entry, retired.retired_at)
        if "superseded" in lockfile.engines.get(key, {}):
            entry = lockfile.entry(key)
            found += _of_entry(key, entry) if entry is not None else ()
    return tuple(found)


def _of_entry(key: str, entry: Entry) -> Iterator[Listed]:
    completed = [one.engine_id for one in entry.superseded if one.status is None]
    for one in entry.superseded:
        listed = _listed(key, one, entry)
        rank = len(completed) - completed.index(one.engine_id) if one.engine_id in completed else 0
        held = entry.hold is not None and entry.hold.holds_back(one.fingerprint)
        yield replace(listed, reserve=rank, held=held)


def _listed(key: str, one: Superseded, entry: Entry) -> Listed:
    return Listed(
        key,
        one.engine_id,
        SUPERSEDED,
        _known(one.replaced_at),
        one.replaced_at,
        str(one.spec.get("name", "")),
        entry.kept.protect,
        one.status == IN_PROGRESS,
        begun=entry.pruning.get(one.engine_id),
    )


def _of_retired(key: str, entry: Entry, at: str) -> Iterator[Listed]:
    for part in (*entry.superseded, entry.current, entry.pending):
        if part is None or part.engine_id is None:
            continue
        name, running = str(part.spec.get("name", "")), getattr(part, "status", None) == IN_PROGRESS
        begun = entry.pruning.get(part.engine_id)
        yield Listed(
            key, part.engine_id, RETIRED, _known(at), at, name, entry.kept.protect, running, begun=begun
        )


def _known(at: str) -> str | None:
    return None if at == UNKNOWN else at


def in_use(lockfile: Lockfile, where: str = "") -> dict[str, str]:
    """The engines that serve or are about to, with the reason why each stays. `where` says whose lockfile it is."""
    found: dict[str, str] = {}
    for key, document in lockfile.engines.items():
        for engine_id in used_in(document):
            found.setdefault(engine_id, f"in use for `{key}`{where}")
    return found


def choose(lockfile: Lockfile, terms: Terms, used: Mapping[str, str]) -> tuple[Choice, ...]:
    """What is done with each engine of the selected keys. `used` are engines that stay, and why; those that this
    lockfile itself uses are among them in any case.
    """
    used = {**used, **in_use(lockfile)}
    choices: list[Choice] = []
    everything = tuple(
        one if one.engine_id in terms.begun else replace(one, begun=None) for one in listed_in(lockfile)
    )
    for one in everything:
        if terms.selected(one.key):
            choices.append(_guarded(Choice(one, _why_kept(one, terms, used)), terms.policy))
    elsewhere = (one.engine_id for one in everything if not terms.selected(one.key))
    kept = dict.fromkeys(elsewhere, "also listed for a key that is not selected")
    kept |= {one.listed.engine_id: one.kept or one.guard or "" for one in choices if not one.deletes}
    # One engine may be listed twice: where one place keeps it, it stays.
    choices = [
        replace(one, kept=kept[one.listed.engine_id]) if one.deletes and one.listed.engine_id in kept else one
        for one in choices
    ]
    return _limited(choices, terms.policy, len(engines_of(lockfile)))


def _why_kept(one: Listed, terms: Terms, used: Mapping[str, str]) -> str | None:
    if one.engine_id in used:
        return used[one.engine_id]
    if one.running:
        return "its job is still running"
    if one.begun is not None:  # its deletion was decided, and may have been carried out
        return None
    if one.held:
        return f"rolled back from; run `{reconcile('release', arguments=[one.key])}` first"
    if 0 < one.reserve <= terms.keep:
        return (
            "kept for a rollback"
            if terms.keep == 1
            else f"among the newest {terms.keep}, kept for a rollback"
        )
    return _why_too_young(one, terms)


def _why_too_young(one: Listed, terms: Terms) -> str | None:
    if not terms.older_than:
        return None
    asked = format_duration(terms.older_than)
    if one.since is None:
        return f"of unknown age, so not known to be older than {asked}"
    age = (_moment(terms.at) - _moment(one.since)).total_seconds()
    return None if age >= terms.older_than else f"out of use for {format_duration(age)}, less than {asked}"


def _moment(at: str) -> datetime:
    return datetime.fromisoformat(at)


def _guarded(choice: Choice, policy: Policy) -> Choice:
    one = choice.listed
    if not choice.deletes or not one.protected or one.begun is not None or policy.allows("prune", one.key):
        return choice
    hint = f"run `{reconcile('prune', ('--allow-prune', one.key))}` to delete its earlier engines anyway"
    return replace(choice, guard=f"`{one.key}` is protected", hint=hint)


def _limited(choices: Sequence[Choice], policy: Policy, recorded: int) -> tuple[Choice, ...]:
    """The choices, with the reason on those that are held back, since there are too many of them."""
    counted = {
        choice.listed.engine_id
        for choice in choices
        if choice.deletes and choice.listed.begun is None and not policy.allows("prune", choice.listed.key)
    }
    most = policy.most("prune", recorded)
    if most is None or len(counted) <= most:
        return tuple(choices)
    reason = (
        f"this run would delete {len(counted):,} of {recorded:,} engines; "
        f"the limit is {most:,} (max_prune: {policy.max_prune})"
    )
    hint = "review the list, then raise max_prune, or narrow it down with --only, --older-than or --keep"
    return tuple(
        replace(choice, guard=reason, hint=hint)
        if choice.deletes and choice.listed.engine_id in counted
        else choice
        for choice in choices
    )


def deletions(choices: Sequence[Choice]) -> tuple[Listed, ...]:
    """The engines to delete, each once."""
    found: dict[str, Listed] = {}
    for one in choices:
        if one.deletes:
            found.setdefault(one.listed.engine_id, one.listed)
    return tuple(found.values())


def told_of_begun(lockfile: Lockfile, known: Collection[str] | None = None) -> list[Diagnostic]:
    """That engines are being deleted, for those who look at a plan. `known` are those of which facts say so; None where
    not all facts can be seen.
    """
    begun = [one for one in begun_in(lockfile) if known is None or one.engine_id in known]
    if not begun:
        return []
    few = ", ".join(one.engine_id for one in begun[:_SHOWN])
    more = f" and {len(begun) - _SHOWN:,} more" if len(begun) > _SHOWN else ""
    what = f"the deletion of {few}{more} on the platform began and is not finished"
    hint = f"run `{reconcile('apply')}` or `{reconcile('prune')}` to finish it"
    return [Diagnostic(what, hint=hint, severity=Severity.NOTICE)]


def begun_in(lockfile: Lockfile) -> tuple[Listed, ...]:
    """The engines whose deletion began, and of which it is not known yet that they are gone."""
    keys = [key for key, one in lockfile.engines.items() if "pruning" in one]
    keys += [key for key, some in lockfile.retired.items() if any("pruning" in one for one in some)]
    if not keys:
        return ()
    engines = {key: lockfile.engines[key] for key in keys if key in lockfile.engines}
    retired = {key: lockfile.retired[key] for key in keys if key in lockfile.retired}
    found = {one.engine_id: one for one in listed_in(Lockfile(engines, retired)) if one.begun is not None}
    return tuple(found.values())
