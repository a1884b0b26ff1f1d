"""What the platform has, for a plan: which engines are gone or were changed, and whether one to restore is there.

Imported only where the platform is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from reconciler.core.errors import Diagnostic, Severity
from reconciler.core.frozen import replace
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.diff import PlanInput, actions_for
from reconciler.core.plan.drift import Actual, conclude, serving, with_drift
from reconciler.core.plan.model import Action, Kind
from reconciler.core.platform.engine import EngineAnswer, Found, Gone, why_unknown

if TYPE_CHECKING:
    from reconciler.app.ports import Lookups

_LOOKED_AT = frozenset({Kind.RESTORE, Kind.RECREATE})
_COMPARED = 3  # other engines that are looked up to tell what it means that one is not found


def actual_engines(ask: Lookups, lockfile: Lockfile, selected: Callable[[str], bool]) -> Actual:
    """What became of the serving engines. Raises `PlatformError` where the key is refused."""
    wanted = serving(lockfile, filter(selected, lockfile.engines))
    return conclude(lockfile, wanted, compared(ask, lockfile, list(wanted.values())))


def actions_as_it_is(
    ask: Lookups,
    situation: PlanInput,
    actual: Actual | None,
    files: Mapping[str, str],
    *,
    overwrites: bool,
) -> tuple[tuple[Action, ...], Sequence[Diagnostic]]:
    """The actions for a situation, given what is known of the platform: none of them switches to an engine that is
    gone; and what was changed there is set back where the request `overwrites` it. And what could not be found out.
    `files` are the engine files by key.
    """
    if actual is None:
        return _without_gone(ask, situation)
    drifted = actual.drifted.keys() if overwrites else None
    known = replace(situation, gone=actual.gone, alive=actual.alive, drifted=drifted)
    actions, told = _without_gone(ask, known)
    return tuple(with_drift(actions, actual.drifted, situation.lockfile, files)), told


def _without_gone(ask: Lookups, situation: PlanInput) -> tuple[tuple[Action, ...], Sequence[Diagnostic]]:
    """The actions, once every engine that is switched to, or that another one is paid for, was looked up; and what
    could not be found out. A recreation that failed was for an engine that may be back when it is tried again.

    One that cannot be looked up is switched to all the same: going back must not wait for a platform that is down.
    """
    told: dict[str, Diagnostic] = {}
    while True:
        actions = actions_for(situation)
        targets = {one.engine_id: one.key for one in actions if one.kind in _LOOKED_AT and one.engine_id}
        unasked = targets.keys() - {*situation.gone, *situation.alive, *told}
        if not unasked:
            return actions, tuple(told.values())
        answers = compared(ask, situation.lockfile, sorted(unasked))
        gone, alive = _sorted_out(answers, unasked)
        for name in unasked - gone - alive:
            told[name] = _unknown(targets[name], name, answers.get(name))
        situation = replace(situation, gone={*situation.gone, *gone}, alive={*situation.alive, *alive})


def compared(ask: Lookups, lockfile: Lockfile, names: Sequence[str]) -> Mapping[str, EngineAnswer]:
    """The answers about these, and about a few others that serve where that tells what a 404 means."""
    answers = dict(ask(names))
    if _needs_comparison(answers.values()):
        others = [name for name in serving(lockfile, lockfile.engines).values() if name not in answers]
        answers |= ask(others[:_COMPARED])
    return answers


def _needs_comparison(answers: Iterable[EngineAnswer]) -> bool:
    said = list(answers)
    return any(isinstance(one, Gone) for one in said) and not any(isinstance(one, Found) for one in said)


def _unknown(key: str, engine_id: str, answer: EngineAnswer | None) -> Diagnostic:
    """That nobody knows whether an engine that is switched to is there."""
    return Diagnostic(
        f"whether {engine_id} still exists is unknown: {why_unknown(answer)}",
        severity=Severity.WARNING,
        key=key,
    )


def _sorted_out(answers: Mapping[str, EngineAnswer], names: Collection[str]) -> tuple[set[str], set[str]]:
    """Those of the names that are gone, and those that are there."""
    alive = {name for name, one in answers.items() if isinstance(one, Found)}
    gone = {name for name, one in answers.items() if isinstance(one, Gone)} if alive else set()
    return gone.intersection(names), alive.intersection(names)
