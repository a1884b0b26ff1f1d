"""A plan is data: frozen, serialisable, with a digest over what it would do."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, asdict, replace

import pytest

from reconciler.core.errors import Diagnostic, Severity
from reconciler.core.lockfile.model import EMPTY
from reconciler.core.plan.model import Action, Condition, Kind, Plan
from tests.core.build import (
    A,
    B,
    C,
    current,
    entry,
    failed,
    lockfile,
    pending,
    plan_of,
    planned,
    superseded,
    uncertain,
)

LOCK = lockfile(
    {
        "create": entry(None, failed("0", B)),
        "discard": entry(current("1", A), pending("2", B)),
        "doubt": entry(None, uncertain("3", A)),
        "failed": entry(None, failed("4", A)),
        "gone": entry(current("5", C)),
        "old": entry(current("6", B)),
        "replace": entry(current("7", B)),
        "restore": entry(current("8", B), None, superseded("9", A)),
        "resume": entry(None, pending("10", A)),
    }
)
FILES = dict.fromkeys(("discard", "doubt", "failed", "replace", "restore", "resume", "fresh"), A) | {
    "moved": B,
    "create": C,
}
PLAN = planned(LOCK, FILES)


def test_a_plan_can_be_saved() -> None:
    text = json.dumps(asdict(PLAN))
    assert json.loads(text)["actions"][0]["key"] == "create"


def test_nothing_in_a_plan_can_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        PLAN.environment = "staging"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        PLAN.actions[0].kind = Kind.NONE  # type: ignore[misc]


def test_the_summary_counts_every_kind() -> None:
    plan = replace(PLAN, unchanged=("x", "y"))
    assert plan.summary() == {
        "create": 1,
        "replace": 2,
        "recreate": 0,
        "update": 0,
        "resume": 1,
        "restore": 1,
        "discard": 1,
        "move": 1,
        "retire": 1,
        "delete": 0,
        "record": 0,
        "unchanged": 2,
        "failed": 1,
        "uncertain": 1,
        "drifted": 0,
        "guarded": 0,
    }
    assert sum(plan.summary().values()) == len(plan.actions) + 2


def test_the_digest_is_the_same_for_the_same_plan_and_any_order_of_files() -> None:
    assert PLAN.digest == planned(LOCK, dict(reversed(FILES.items()))).digest
    assert PLAN.digest.startswith("sha256:")


def test_the_digest_does_not_count_what_is_only_shown() -> None:
    shown = tuple(replace(one, changes=(), hint="x", reason="y") for one in PLAN.actions)
    assert PLAN.with_actions(shown).digest == PLAN.digest
    assert replace(PLAN, unchanged=("z",)).digest == PLAN.digest


@pytest.mark.parametrize(
    "other",
    [
        replace(PLAN, environment="staging"),
        replace(PLAN, lockfile_digest="sha256:other"),
        PLAN.with_actions(PLAN.actions[1:]),
        planned(LOCK, FILES | {"fresh": B}),
        planned(LOCK, FILES, retry_failed=True),
    ],
)
def test_the_digest_counts_what_would_be_done(other: Plan) -> None:
    assert other.digest != PLAN.digest


@pytest.mark.parametrize(
    "changed",
    [
        {"key": "x"},
        {"kind": Kind.RETIRE},
        {"fingerprint": "v1:x"},
        {"engine_id": "x"},
        {"job_id": "x"},
        {"operation_id": "x"},
        {"from_key": "x"},
        {"condition": Condition.FAILED},
    ],
)
def test_the_digest_counts_every_essential_part_of_an_action(changed: dict[str, str]) -> None:
    action = Action("acme", Kind.REPLACE, "why", engine_id="eng_1", fingerprint="v1:1")
    plans = [Plan("production", (one,)) for one in (action, replace(action, **changed))]  # type: ignore[arg-type]
    assert plans[0].digest != plans[1].digest


def test_whether_a_plan_changes_anything() -> None:
    assert PLAN.changes_anything
    assert not Plan("production").changes_anything
    assert not Plan(
        "production", plan_of(lockfile({"a": entry(None, failed("1", A))}), {"a": A})
    ).changes_anything
    assert Plan("production", unwritten=1).changes_anything
    assert Plan("production", plan_of(EMPTY, {"a": A})).changes_anything


def test_only_errors_make_a_plan_invalid() -> None:
    assert Plan("production", diagnostics=(Diagnostic("no"),)).invalid
    assert not Plan("production", diagnostics=(Diagnostic("hm", severity=Severity.WARNING),)).invalid
