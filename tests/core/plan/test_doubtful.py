"""Plans beside create calls that cannot be verified."""

from __future__ import annotations

import pytest

from reconciler.core.lockfile.entry import Entry
from reconciler.core.plan.doubtful import with_doubts
from reconciler.core.plan.model import Action, Condition, Kind, Plan
from tests.core.build import A, B, C, current, entry, lockfile, pending, planned, superseded, uncertain

DOUBT = (uncertain("q", B),)


def doubted(plan: Plan, present: set[str], *, key: str = "acme", has_key: bool = True) -> list[Action]:
    return [*with_doubts(plan.actions, {key: DOUBT}, lambda name: True, present, has_key=has_key)]


def test_nothing_is_created_for_its_key_and_the_rest_goes_on() -> None:
    made = doubted(planned(lockfile({}), {"acme": A, "b": A}), {"acme", "b"})
    assert [(one.key, one.kind, one.condition) for one in made] == [
        ("acme", Kind.NONE, Condition.UNCERTAIN),
        ("b", Kind.CREATE, None),
    ]
    assert made[0].file == "engines/acme.yaml"
    assert "reconcile resolve acme --engine-id '<ENGINE_ID>'" in (made[0].hint or "")
    assert not made[0].changes_anything


@pytest.mark.parametrize(
    ("before", "asked"),
    [
        (entry(current("x", A)), B),  # replace
        (entry(current("x", B), None, superseded("y", A)), A),  # restore
        (entry(current("x", A), pending("y", B)), A),  # discard
        (entry(current("x", A)), None),  # retire
        (entry(current("x", A)), A),  # nothing
    ],
)
def test_whatever_else_was_planned_for_it_waits(before: Entry, asked: object) -> None:
    files = {"z": C} if asked is None else {"acme": asked}
    plan = planned(lockfile({"acme": before}), files)  # type: ignore[arg-type]
    [one] = [action for action in doubted(plan, set(files)) if action.key == "acme"]
    assert (one.kind, one.condition, one.operation_id) == (Kind.NONE, Condition.UNCERTAIN, "op_q")


def test_a_job_that_runs_is_waited_for_and_the_call_is_reported_beside_it() -> None:
    [one] = doubted(planned(lockfile({"acme": entry(None, pending("y", A))}), {"acme": A}), {"acme"})
    assert (one.kind, one.job_id, one.condition) == (Kind.RESUME, "pjb_y", Condition.UNCERTAIN)
    assert "reconcile resolve acme" in (one.hint or "")


def test_both_are_named_where_another_call_has_no_answer_either() -> None:
    [one] = doubted(planned(lockfile({"acme": entry(None, uncertain("y", A))}), {"acme": A}), {"acme"})
    assert (one.operation_id, one.condition) == ("op_y", Condition.UNCERTAIN)
    assert len((one.hint or "").splitlines()) == 8


def test_a_move_from_its_key_waits() -> None:
    made = doubted(planned(lockfile({"acme": entry(current("x", A))}), {"new": A}), {"new"})
    assert [(one.key, one.kind, one.condition) for one in made] == [("new", Kind.NONE, Condition.UNCERTAIN)]


def test_a_new_key_that_asks_for_the_same_as_one_that_is_gone_waits() -> None:
    made = doubted(planned(lockfile({}), {"new": B, "other": A}), {"new", "other"})
    assert [(one.key, one.kind, one.condition) for one in made] == [
        ("acme", Kind.NONE, Condition.UNCERTAIN),
        ("new", Kind.NONE, Condition.UNCERTAIN),
        ("other", Kind.CREATE, None),
    ]
    assert "reconcile resolve acme" in (made[1].hint or "")
    both = doubted(planned(lockfile({}), {"new": B}), {"new", "acme"})  # acme's file was only not read
    assert {one.key: one.kind for one in both}["new"] is Kind.CREATE


def test_without_the_key_it_is_to_be_verified_first() -> None:
    made = doubted(planned(lockfile({}), {"new": B}), {"new"}, has_key=False)
    assert [one.hint for one in made] == ["set LINGO_API_KEY and plan again, so that it can be verified"] * 2


def test_what_was_not_asked_for_is_not_reported() -> None:
    made = with_doubts((), {"acme": DOUBT}, lambda name: name != "acme", {"acme"}, has_key=True)
    assert made == ()
