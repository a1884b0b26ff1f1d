"""A saved plan holds, or is refused with what differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from reconciler.core.engine.spec import LifecycleOptions, Spec
from reconciler.core.errors import ExitCode, GuardRefused
from reconciler.core.lockfile.model import EMPTY, Lockfile
from reconciler.core.plan.diff import PlanInput, actions_for
from reconciler.core.plan.guards import guarded
from reconciler.core.plan.limits import Policy
from reconciler.core.plan.model import Action, Kind, Plan
from reconciler.core.plan.saved import SavedPlan, apply_document
from tests.core.build import A, B, C, current, entry, failed, lockfile, pending, uncertain, wanted

Files = Mapping[str, Spec]


def actions(lock: Lockfile, files: Files) -> tuple[Action, ...]:
    desired = {key: wanted(key, spec) for key, spec in files.items()}
    return actions_for(PlanInput(lock, desired, desired.keys()))


def saved(lock: Lockfile, files: Files, policy: Policy | None = None) -> SavedPlan:
    found = guarded(actions(lock, files), lock, policy or Policy())
    plan = Plan("production", found)
    return SavedPlan(plan, apply_document(plan, lock, False)["entries"])


def refused(plan: SavedPlan, lock: Lockfile, files: Files) -> list[str]:
    with pytest.raises(GuardRefused) as caught:
        plan.still(actions(lock, files), lock)
    assert caught.value.exit_code == ExitCode.GUARD
    assert "nothing was done" in caught.value.message
    return [found.message for found in caught.value.diagnostics]


# `new` takes over the entry of `gone`.
LOCK = lockfile(
    {"acme": entry(current("a", A)), "blog": entry(current("b", A)), "gone": entry(current("g", C))}
)
FILES = {"acme": B, "blog": A, "new": C, "shop": B}


def test_a_plan_that_still_holds_is_what_is_done() -> None:
    again = actions(LOCK, FILES)
    assert saved(LOCK, FILES).still(again, LOCK) == again


def test_a_first_plan_is_checked_like_any_other() -> None:
    plan = saved(EMPTY, {"acme": A})
    assert [one.kind for one in plan.still(actions(EMPTY, {"acme": A}), EMPTY)] == [Kind.CREATE]
    assert refused(plan, EMPTY, {"acme": B}) == ["`acme`: its file changed since the plan"]
    made = lockfile({"acme": entry(current("a", A))})
    assert refused(plan, made, {"acme": A}) == [
        "`acme`: the plan would create it, but there is nothing to do now"
    ]


def test_what_is_not_in_it_is_left_alone() -> None:
    plan = saved(LOCK, FILES)
    more = {**FILES, "later": A, "blog": B}  # another engine is new, and another one changed
    assert {one.key for one in plan.still(actions(LOCK, more), LOCK)} == {"acme", "new", "shop"}


@pytest.mark.parametrize(
    ("lock", "files", "words"),
    [
        (LOCK, {**FILES, "acme": C}, "its file changed since the plan"),
        (LOCK, {**FILES, "acme": A}, "the plan would replace it, but there is nothing to do now"),
        (
            LOCK.with_entry("acme", entry(current("a", A), pending("x", B))),
            FILES,
            "the plan would replace it, but now the action is to resume it",
        ),
        (
            LOCK.with_entry("acme", entry(current("other", A))),
            FILES,
            "its record in the lockfile changed since the plan",
        ),
        (
            LOCK.with_entry("acme", entry(current("a", A), failed("x", C))),
            FILES,
            "its record in the lockfile changed since the plan",
        ),
        (
            LOCK.with_entry("acme", replace(entry(current("a", A)), kept=LifecycleOptions(True))),
            FILES,
            "its record in the lockfile changed since the plan",
        ),
        (
            LOCK.with_entry("acme", entry(current("a", A), uncertain("x", B))),
            FILES,
            "the plan would replace it, but there is nothing to do now",
        ),
    ],
)
def test_a_change_of_what_it_touches_refuses_it(lock: Lockfile, files: Files, words: str) -> None:
    assert refused(saved(LOCK, FILES), lock, files) == [f"`acme`: {words}"]


def test_all_that_differs_is_told_up_to_a_number() -> None:
    files = {f"e{i:02}": A for i in range(30)}
    found = refused(saved(EMPTY, files), EMPTY, dict.fromkeys(files, B))
    assert len(found) == 21
    assert found[-1] == "and 10 more engines"


def test_what_was_held_back_stays_held_back_whoever_is_named_now() -> None:
    lock = lockfile(
        {"acme": replace(entry(current("a", A)), kept=LifecycleOptions(True)), "blog": entry(current("b", A))}
    )
    files = {"acme": B, "blog": B}
    plan = saved(lock, files)
    allowed = guarded(plan.still(actions(lock, files), lock), lock, Policy(allow_replace=frozenset({"acme"})))
    assert {one.key: one.guard for one in allowed} == {
        "acme": "held back when the plan was made",
        "blog": None,
    }


def test_a_forged_plan_lifts_no_guard() -> None:
    lock = lockfile({"acme": replace(entry(current("a", A)), kept=LifecycleOptions(True))})
    forged = saved(lock, {"acme": B}, Policy(allow_replace=frozenset({"acme"})))
    assert forged.plan.actions[0].guard is None
    now = guarded(forged.still(actions(lock, {"acme": B}), lock), lock, Policy())
    assert [one.guard for one in now] == ["it is protected"]


def test_what_is_only_reported_refuses_nothing() -> None:
    lock = lockfile({"acme": entry(current("a", A), failed("x", B))})
    plan = saved(lock, {"acme": B, "new": C})
    assert {one.key for one in plan.still(actions(lock, {"acme": B, "new": C}), lock)} == {"acme", "new"}
    settled = lockfile({"acme": entry(current("a", A))})  # it could be done now, but was not in the plan
    assert {one.key for one in plan.still(actions(settled, {"acme": B, "new": C}), settled)} == {"new"}


def test_a_plan_of_another_environment_or_lockfile_is_refused() -> None:
    plan = saved(EMPTY, {"acme": A})
    plan.check_for("production", "engines.lock.json")
    with pytest.raises(
        GuardRefused, match="made for the environment `production`, but this run is for `staging`"
    ):
        plan.check_for("staging", "engines.lock.json")
    with pytest.raises(GuardRefused, match=r"the lockfile `engines\.lock\.json`"):
        plan.check_for("production", "other.json")
