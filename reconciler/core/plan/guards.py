"""Guards: which actions of a plan are held back, because they could take away what applications use.

Two reasons: an engine is *protected*, or one run would replace (or retire, or create) more engines than it may. An
action that is held back stays in the plan, with the reason, and is not performed; the others are. Naming a key lifts
both for it. Creating takes nothing away; many creates beside few recorded engines mean that the lockfile is not whole.

Protection is what the lockfile says *or* what the file says now, whichever is stronger. So it outlives the file, and it
is lifted by a commit that does nothing else: one that removes it and changes the engine at once is held back, as a
whole, until somebody names the key. What protection guards is the engine that serves. A job that was allowed to begin
is waited for, a pending replacement may be let go, and an engine that never completed may be tried again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from reconciler.core.commands import reconcile
from reconciler.core.engine.spec import LifecycleOptions
from reconciler.core.errors import UsageError
from reconciler.core.frozen import replace
from reconciler.core.lockfile.entry import Entry
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.limits import Limit, Policy
from reconciler.core.plan.model import Action, Kind

_TOO_MANY_CREATES = (
    "check that the lockfile is the right one and complete; "
    "if all are intended, raise max_create, or apply some with --only"
)
# What one of these kinds would do to the engine that serves.
_DANGERS = {
    **dict.fromkeys((Kind.REPLACE, Kind.RECREATE, Kind.RESTORE, Kind.RESUME), "replace"),
    **dict.fromkeys((Kind.RETIRE, Kind.DELETE), "retire"),
}

# Which of them a limit counts.
_COUNTED = {
    "create": (Kind.CREATE,),
    "replace": (Kind.REPLACE, Kind.RECREATE),
    "retire": (Kind.RETIRE, Kind.DELETE),
    "prune": (Kind.DELETE,),
}


def guarded(
    actions: Sequence[Action], lockfile: Lockfile, policy: Policy, whole: Sequence[Action] = ()
) -> tuple[Action, ...]:
    """The actions, with the reason on those that are held back. Where they are a part of a plan that others carry out
    as well, `whole` is all of it: limits are for the plan, and not for each part.
    """
    held: dict[str, Action] = {}
    counted: dict[str, list[tuple[Action, Entry]]] = {"replace": [], "retire": [], "prune": []}
    for action in actions:
        if action.guard is not None:
            continue
        entry = lockfile.entry(action.key) if action.kind in _DANGERS else None
        danger = _danger(action, entry)
        if entry is None or danger is None or policy.allows(danger, action.key):
            continue
        if entry.kept.protect or (action.kept is not None and action.kept.protect):
            held[action.key] = _hold(action, entry, danger, "it is protected", _how_to_lift(entry))
        elif action.kind in (Kind.REPLACE, Kind.RECREATE, Kind.RETIRE, Kind.DELETE):
            counted[danger].append((action, entry))
            if action.kind is Kind.DELETE:
                counted["prune"].append((action, entry))
    recorded = _recorded_before(lockfile, whole)
    for danger, candidates in counted.items():
        most = policy.most(danger, recorded)
        number = max(len(candidates), _planned(danger, whole, policy))
        if most is not None and candidates and number > most:
            reason = _over(danger, number, policy.limit(danger), recorded)
            does = "retire" if danger == "prune" else danger
            held |= {
                one.key: _hold(one, entry, does, reason, _how_to_allow(danger)) for one, entry in candidates
            }
    creates = _planned("create", whole, policy)
    return tuple(
        _fewer_creates([held.get(action.key, action) for action in actions], policy, recorded, creates)
    )


def _recorded_before(lockfile: Lockfile, whole: Sequence[Action]) -> int:
    """How many engines there were before other parts of the plan created theirs."""
    return len(lockfile.engines.keys() - {one.key for one in whole if one.kind is Kind.CREATE})


def _planned(danger: str, whole: Sequence[Action], policy: Policy) -> int:
    """How many actions of a whole plan count for a limit, as far as the plan itself tells."""
    kinds = _COUNTED[danger]
    return sum(
        one.kind in kinds and one.guard is None and not policy.allows(danger, one.key)
        for one in whole
        if one.kind is Kind.CREATE or one.engine_id is not None
    )


def _fewer_creates(
    actions: Sequence[Action], policy: Policy, recorded: int, planned: int
) -> Sequence[Action]:
    """With every create held back, where there are too many of them."""
    most = policy.most("create", recorded)
    number = sum(action.kind is Kind.CREATE and action.guard is None for action in actions)
    number = max(number, planned)
    if most is None or number <= most:
        return actions
    reason = _over("create", number, policy.max_create, recorded)
    return [
        replace(action, guard=reason, hint=_TOO_MANY_CREATES)
        if action.kind is Kind.CREATE and action.guard is None
        else action
        for action in actions
    ]


def _danger(action: Action, entry: Entry | None) -> str | None:
    """What the action would do to an engine that applications use, if anything."""
    if entry is None or entry.current is None:
        pending = entry.pending if entry is not None else None
        in_the_making = action.kind is Kind.RETIRE and pending is not None and pending.engine_id is not None
        return "retire" if in_the_making else None
    if action.kind is Kind.RESUME and entry.pending is not None:
        return None if entry.pending.operation_id == action.operation_id else "replace"
    return _DANGERS.get(action.kind)


def _hold(action: Action, entry: Entry, danger: str, reason: str, hint: str) -> Action:
    """The action, held back. Only protection that its file adds is still recorded."""
    adds = action.kept is not None and action.kept.protect and not entry.kept.protect
    kept = LifecycleOptions(True, entry.kept.outputs) if adds else None
    hint = f"{hint}\nto {danger} this one anyway: {reconcile('apply', (f'--allow-{danger}', action.key))}"
    return replace(action, kept=kept, guard=reason, hint=hint)


def hold_shared_update(action: Action, shared: Mapping[str, str], allowed: Collection[str]) -> Action:
    """The action; held back if it changes an engine that is `shared`: with the lockfile that has it, too."""
    where = shared.get(action.engine_id or "")
    if where is None or action.kind is not Kind.UPDATE or action.unconfirmed or action.key in allowed:
        return action
    allow = reconcile("apply", ("--allow-replace", action.key))
    return replace(
        action,
        guard=f"{where} has {action.engine_id}, too, and its applications would get this change",
        hint="if this lockfile is a copy, remove the entry from it: the next apply creates an engine\n"
        f"to change the engine for both: {allow}",
    )


def _how_to_lift(entry: Entry) -> str:
    protected = entry.kept.protect
    return "remove `protect` in a separate commit" if protected else "add `protect` in a later commit"


def _how_to_allow(danger: str) -> str:
    return f"review each one, then raise max_{danger}"


def _over(danger: str, number: int, limit: Limit, recorded: int) -> str:
    beside = f" beside {recorded:,} recorded ones" if danger == "create" else f" of {recorded:,} engines"
    may = f"the limit is {limit.of(recorded):,} (max_{danger}: {limit})"
    engines = " engines" if danger == "create" else ""
    does = "delete" if danger == "prune" else danger
    return f"this run would {does} {number:,}{engines}{beside}; {may}"


def check_named(policy: Policy, known: Collection[str]) -> None:
    """Raises `UsageError` for a key that is named and that nobody knows: a slip of the pen must not go unheard."""
    for option, keys in (("replace", policy.allow_replace), ("retire", policy.allow_retire)):
        for key in sorted(keys):
            if key not in known:
                raise _unknown(option, key, known)


def _unknown(option: str, key: str, known: Collection[str]) -> UsageError:
    from reconciler.core.suggest import did_you_mean

    guess = did_you_mean(key, known)
    hint = f"did you mean `{guess}`?" if guess else "use the full key; patterns are not accepted"
    return UsageError(f"--allow-{option} `{key}`: no such engine", hint=hint)
