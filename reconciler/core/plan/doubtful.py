"""A plan where the ledger tells of create calls that cannot be verified: nothing is created for their keys.

Such a call may have made an engine, or may never have been. So it is reported as any other with an unknown outcome, and
everything else goes on. It is in the plan alone: the lockfile does not learn of it before a person resolved it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from reconciler.core.commands import key_variable
from reconciler.core.engine.fingerprint import same_meaning
from reconciler.core.frozen import replace
from reconciler.core.lockfile.entry import Entry, Pending
from reconciler.core.plan.model import Action, Condition, Kind
from reconciler.core.plan.uncertain import how_to_settle, report_uncertain


def _verify() -> str:
    return f"set {key_variable()} and plan again, so that it can be verified"


Doubts = Mapping[str, Sequence[Pending]]


def with_doubts(
    actions: Iterable[Action],
    doubts: Doubts,
    selected: Callable[[str], bool],
    present: Collection[str],
    *,
    has_key: bool,
) -> tuple[Action, ...]:
    """The actions, sorted by key, with what is in doubt held up and reported. `present` are the keys with a file."""
    planned = {action.key: action for action in actions}
    left = {action.from_key: action.key for action in planned.values() if action.from_key is not None}
    for key, calls in doubts.items():
        about = left.get(key, key)  # a move waits, too
        if not selected(about):
            continue
        report = report_uncertain(key, Entry(uncertain=tuple(calls)), None)
        assert report is not None  # there are calls
        report = report if has_key else replace(report, hint=_verify())
        planned[about] = _reported(planned.get(about), replace(report, key=about))
    gone = {key: calls for key, calls in doubts.items() if key not in present and key not in left}
    for key, action in planned.items():
        source = next((old for old, calls in gone.items() if action.creates and _means(calls, action)), None)
        if source is not None:
            hint = how_to_settle(source, gone[source]) if has_key else _verify()
            reason = f"`{source}` was identical, and the outcome of its create call is unknown"
            planned[key] = _held_up(action, reason, hint)
    return tuple(planned[key] for key in sorted(planned))


def _reported(action: Action | None, report: Action) -> Action:
    if action is None:
        return report
    if action.condition is Condition.UNCERTAIN:  # calls that are on record are without an answer, too
        return replace(action, hint="\n".join(filter(None, (action.hint, report.hint))))
    if action.kind is Kind.RESUME:
        reason = f"{action.reason}; {report.reason}"
        return replace(action, reason=reason, condition=Condition.UNCERTAIN, hint=report.hint)
    return replace(report, file=action.file)


def _held_up(action: Action, reason: str, hint: str) -> Action:
    return Action(
        action.key,
        Kind.NONE,
        reason,
        file=action.file,
        fingerprint=action.fingerprint,
        condition=Condition.UNCERTAIN,
        hint=hint,
    )


def _means(calls: Sequence[Pending], action: Action) -> bool:
    wanted = action.fingerprint
    return wanted is not None and any(same_meaning(one.fingerprint, one.spec, wanted) for one in calls)
