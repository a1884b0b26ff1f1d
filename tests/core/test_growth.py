"""No step of a plan, a fold or a merge looks through all engines for each engine: four times as many are four times the
work. What Python calls is counted, so no clock is involved.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.engine.fingerprint import fingerprint
from reconciler.core.engine.spec import Spec
from reconciler.core.ledger.fold import fold
from reconciler.core.ledger.journal import Record, new_in, union
from reconciler.core.lockfile.entry import Entry
from reconciler.core.lockfile.merge import merge
from reconciler.core.lockfile.model import EMPTY, Lockfile, parse, render
from reconciler.core.lockfile.transitions import complete
from reconciler.core.plan.diff import PlanInput, actions_for
from reconciler.core.plan.guards import guarded
from reconciler.core.plan.limits import Policy
from reconciler.core.run.local_actions import perform_all
from tests.core.build import accepted, at, begin, current, ended, entry, pending, wanted

FEW, MANY = 40, 160


def spec(number: int) -> Spec:
    return Spec(f"Engine {number}", locales=("de",))


def recorded(prefix: str, numbers: range) -> Lockfile:
    return EMPTY.with_entries(
        {f"{prefix}/{number:04}": entry(current(str(number), spec(number))) for number in numbers}
    )


def plan(lock: Lockfile, prefix: str, numbers: range) -> tuple[Any, ...]:
    desired = {f"{prefix}/{one:04}": wanted(f"{prefix}/{one:04}", spec(one)) for one in numbers}
    return guarded(actions_for(PlanInput(lock, desired, desired.keys())), lock, Policy())


def retired(count: int) -> object:
    lock = recorded("old", range(count))
    return perform_all(lock, plan(lock, "new", range(0, 1)), at(1))


def moved(count: int) -> object:
    """To keys in the opposite order, so that the first one that is gone is never the right one."""
    lock = recorded("old", range(count))
    desired = {f"new/{count - one:04}": wanted(f"new/{count - one:04}", spec(one)) for one in range(count)}
    actions = actions_for(PlanInput(lock, desired, desired.keys()))
    assert [action.kind.value for action in actions] == ["move"] * count
    return perform_all(lock, actions, at(1))


def replaced_by_others(count: int) -> object:
    lock = recorded("old", range(count))
    return perform_all(lock, plan(lock, "new", range(count, 2 * count)), at(1))


def unresolved(count: int) -> object:
    calls = {
        f"old/{one:04}": Entry(
            pending=replace(pending(str(one), spec(one)), status="uncertain", engine_id=None, job_id=None)
        )
        for one in range(count)
    }
    return plan(EMPTY.with_entries(calls), "new", range(count))


def records(count: int) -> list[Record]:
    return [
        record
        for one in range(count)
        for record in (
            begin(str(one), spec(one), one, key=f"new/{one:04}"),
            accepted(str(one), one),
            ended(str(one), one),
        )
    ]


def folded(count: int) -> object:
    return fold(recorded("old", range(count)), records(count))


def pushed(count: int) -> object:
    """What a push to the ledger says, and what of it is new there."""
    everything = union(records(count), records(count))
    return new_in(everything, records(count // 2))


def merged(count: int) -> object:
    """One side moved everything, the other one went on with it."""
    base, theirs = recorded("old", range(count)), recorded("new", range(count))
    ours = base.with_entries(
        {
            key: complete(
                replace(_entry(base, key), pending=pending(f"{number}00", spec(number + 1000))), at(9)
            )
            for number, key in enumerate(sorted(base.engines))
        }
    )
    return merge(base, ours, theirs)


def _entry(lock: Lockfile, key: str) -> Entry:
    found = lock.entry(key)
    assert found is not None
    return found


def written(count: int) -> object:
    lock = recorded("old", range(count))
    lock.check()
    return parse(render(lock), "engines.lock.json")


def calls(work: Callable[[], object]) -> int:
    count = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize(
    "work",
    [retired, moved, replaced_by_others, unresolved, folded, pushed, merged, written],
    ids=lambda one: one.__name__,
)
def test_four_times_as_many_are_four_times_the_work(work: Callable[[int], object]) -> None:
    work(FEW)  # what is only imported or compiled once does not count
    few, many = calls(lambda: work(FEW)), calls(lambda: work(MANY))
    assert few > 100
    assert many < 5 * few


def test_the_count_sees_a_quadratic_step() -> None:
    def every_pair(count: int) -> None:
        for _ in range(count * count):
            fingerprint(spec(1))

    assert calls(lambda: every_pair(16)) > 10 * calls(lambda: every_pair(4))
