"""From difference to action: every row of the table, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.engine.fingerprint import fingerprint
from reconciler.core.engine.spec import Spec
from reconciler.core.lockfile.entry import IN_PROGRESS, Entry
from reconciler.core.lockfile.model import EMPTY, Lockfile
from reconciler.core.plan.diff import PlanInput, actions_for
from reconciler.core.plan.model import Action, Condition, Kind
from reconciler.core.run.local_actions import perform_all
from tests.core.build import (
    T0,
    A,
    B,
    C,
    at,
    current,
    entry,
    failed,
    lockfile,
    pending,
    plan_of,
    refused,
    superseded,
    uncertain,
    wanted,
)
from tests.core.strategies import few_specs, lockfiles

NONE: list[Kind] = []


def kinds(one: Entry | None, spec: Spec | None, **how: Any) -> list[Kind]:
    lock = EMPTY if one is None else lockfile({"acme": one})
    return [action.kind for action in plan_of(lock, {} if spec is None else {"acme": spec}, **how)]


def only_action(lock: Lockfile, files: Mapping[str, Spec], **how: Any) -> Action:
    (action,) = plan_of(lock, files, **how)
    return action


# ── the table ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("recorded", "spec", "expected"),
    [
        (None, A, [Kind.CREATE]),
        (entry(current("1", A)), A, NONE),
        (entry(current("1", A)), B, [Kind.REPLACE]),
        (entry(None, pending("1", A)), A, [Kind.RESUME]),
        (entry(current("1", A), pending("2", B)), B, [Kind.RESUME]),
        (entry(None, pending("1", A)), B, [Kind.REPLACE]),
        (entry(current("1", A), pending("2", B)), C, [Kind.REPLACE]),
        (entry(None, failed("1", A)), B, [Kind.REPLACE]),
        (entry(None, refused("1", A)), B, [Kind.REPLACE]),
        (entry(current("1", A), failed("2", B)), C, [Kind.REPLACE]),
        (entry(current("1", A), pending("2", B)), A, [Kind.DISCARD]),
        (entry(current("1", A), failed("2", B)), A, [Kind.DISCARD]),
        (entry(current("1", A), refused("2", B)), A, [Kind.DISCARD]),
        (entry(current("2", B), None, superseded("1", A)), A, [Kind.RESTORE]),
        (entry(current("2", B), pending("3", C), superseded("1", A)), A, [Kind.RESTORE]),
        (entry(None, failed("2", B), superseded("1", A)), A, [Kind.RESTORE]),
        (entry(None, failed("1", A)), A, [Kind.NONE]),
        (entry(None, refused("1", A)), A, [Kind.NONE]),
        (entry(current("1", A), failed("2", B)), B, [Kind.NONE]),
        (entry(None, uncertain("1", A)), A, [Kind.NONE]),
        (entry(None, uncertain("1", A)), B, [Kind.NONE]),
        (entry(current("1", A), uncertain("2", B)), A, [Kind.NONE]),
        (entry(current("1", A), uncertain("2", B), superseded("0", C)), C, [Kind.NONE]),
        (entry(None, uncertain("1", A)), None, [Kind.NONE]),
        (entry(current("1", A)), None, [Kind.RETIRE]),
        (entry(None, pending("1", A)), None, [Kind.RETIRE]),
        (entry(None, refused("1", A)), None, [Kind.RETIRE]),
        (entry(None, None, superseded("1", A)), None, [Kind.RETIRE]),
        # beyond the table: an overtaken engine whose job still runs is waited for, one that failed is not
        (entry(None, pending("2", B), superseded("1", A, IN_PROGRESS)), A, [Kind.RESUME]),
        (entry(current("2", B), None, superseded("1", A, IN_PROGRESS)), A, [Kind.RESUME]),
        (entry(current("2", B), None, superseded("1", A, "failed")), A, [Kind.REPLACE]),
        (entry(current("2", B), None, superseded("1", A, IN_PROGRESS, job_id=None)), A, [Kind.REPLACE]),
        (entry(None, None, superseded("1", A)), B, [Kind.REPLACE]),
    ],
)
def test_the_table(recorded: Entry | None, spec: Spec | None, expected: list[Kind]) -> None:
    assert kinds(recorded, spec) == expected


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        (entry(None, failed("1", A)), Kind.CREATE),
        (entry(None, refused("1", A)), Kind.CREATE),
        (entry(current("0", B), failed("1", A)), Kind.REPLACE),
        (entry(None, uncertain("1", A)), Kind.NONE),
        (entry(None, pending("1", A)), Kind.RESUME),
    ],
)
def test_retry_failed_tries_again_what_failed_and_nothing_else(recorded: Entry, expected: Kind) -> None:
    action = only_action(lockfile({"acme": recorded}), {"acme": A}, retry_failed=True)
    assert action.kind is expected
    if action.creates:
        assert action.spec == A
        assert "it went wrong" in action.reason


def test_retry_failed_leaves_an_unchanged_engine_alone() -> None:
    assert kinds(entry(current("1", A)), A, retry_failed=True) == []


# ── what an action says ────────────────────────────────────────────────────────────────────────────────────────


def test_a_create_carries_all_that_is_sent() -> None:
    action = only_action(EMPTY, {"acme": A})
    assert (action.key, action.file, action.spec, action.fingerprint) == (
        "acme",
        "engines/acme.yaml",
        A,
        fingerprint(A),
    )
    assert action.files == {"engines/acme.yaml": "b10b" * 10}
    assert action.creates
    assert not action.waits


def test_a_replacement_names_the_serving_engine_and_the_changes() -> None:
    action = only_action(lockfile({"acme": entry(current("1", A))}), {"acme": B})
    assert (action.engine_id, action.spec) == ("eng_1", B)
    assert [(one.field, one.old, one.new) for one in action.changes] == [("locales", None, "ja")]


@pytest.mark.parametrize(
    ("before", "words"), [(failed("1", A), "failed"), (pending("1", A), "is still running")]
)
def test_a_replacement_before_anything_served_says_what_it_overtakes(before: object, words: str) -> None:
    action = only_action(lockfile({"acme": entry(None, before)}), {"acme": B})  # type: ignore[arg-type]
    assert action.engine_id is None
    assert words in action.reason
    assert action.changes


def test_a_resume_names_job_and_operation() -> None:
    for one in (entry(None, pending("1", A)), entry(current("2", B), None, superseded("1", A, IN_PROGRESS))):
        action = only_action(lockfile({"acme": one}), {"acme": A})
        assert (action.engine_id, action.job_id, action.operation_id) == ("eng_1", "pjb_1", "op_1")
        assert action.waits
        assert not action.creates


def test_a_discard_names_what_is_let_go() -> None:
    action = only_action(lockfile({"acme": entry(current("1", A), pending("2", B))}), {"acme": A})
    assert (action.engine_id, action.operation_id) == ("eng_2", "op_2")
    assert not action.waits


def test_a_restore_names_the_engine_switched_to() -> None:
    lock = lockfile({"acme": entry(current("3", C), None, superseded("1", A), superseded("2", A))})
    action = only_action(lock, {"acme": A})
    assert action.engine_id == "eng_2"
    assert action.changes


def test_a_restore_without_anything_serving_has_no_changes_to_show() -> None:
    action = only_action(lockfile({"acme": entry(None, None, superseded("1", A))}), {"acme": A})
    assert (action.kind, action.changes) == (Kind.RESTORE, ())


def test_a_failed_engine_tells_how_to_try_again() -> None:
    action = only_action(lockfile({"my engine": entry(None, failed("1", A))}), {"my engine": A})
    assert action.condition is Condition.FAILED
    assert action.reason == "failed: it went wrong"
    assert "reconcile apply --retry-failed --only 'my engine'" in (action.hint or "")


@pytest.mark.parametrize("files", [{"acme": A}, {}])
def test_an_uncertain_one_tells_how_to_settle_it(files: Mapping[str, Spec]) -> None:
    action = only_action(lockfile({"acme": entry(None, uncertain("1", A))}), files)
    assert action.condition is Condition.UNCERTAIN
    assert action.operation_id == "op_1"
    for part in (
        "'Acme'",
        T0,
        "reconcile resolve acme --engine-id '<ENGINE_ID>'",
        "reconcile resolve acme --retry",
        "--forget",
    ):
        assert part in (action.hint or "")


def test_a_retirement_names_the_engine_or_the_one_in_the_making() -> None:
    assert only_action(lockfile({"a": entry(current("1", A), pending("2", B))}), {}).engine_id == "eng_1"
    assert only_action(lockfile({"a": entry(None, pending("2", B))}), {}).engine_id == "eng_2"
    assert only_action(lockfile({"a": entry(None, refused("2", B))}), {}).engine_id is None


# ── another fingerprint version ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("version", ["v0:0123", "v9:fedc"])
def test_another_fingerprint_version_is_no_change_by_itself(version: str) -> None:
    serving = current("1", A, fingerprint=version)
    assert kinds(entry(serving), A) == []
    assert kinds(entry(serving), B) == [Kind.REPLACE]
    assert kinds(entry(serving, pending("2", B)), A) == [Kind.DISCARD]
    running = pending("2", B, fingerprint=version)
    assert kinds(entry(None, running), B) == [Kind.RESUME]
    assert kinds(entry(None, running), A) == [Kind.REPLACE]
    assert kinds(entry(current("2", B), None, superseded("1", A, fingerprint=version)), A) == [Kind.RESTORE]
    (move,) = plan_of(lockfile({"acme": entry(serving)}), {"brand": A})
    assert move.kind is Kind.MOVE


# ── retired engines come back ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("retired", "kind", "engine_id"),
    [
        (entry(current("1", A)), Kind.RESTORE, "eng_1"),
        (entry(current("1", A), pending("2", B)), Kind.RESTORE, "eng_1"),
        (entry(current("2", B), None, superseded("1", A)), Kind.RESTORE, "eng_1"),
        (entry(None, pending("1", A)), Kind.RESUME, "eng_1"),
        (entry(current("2", B), pending("1", A)), Kind.RESUME, "eng_1"),
        (entry(current("2", B), None, superseded("1", A, IN_PROGRESS)), Kind.RESUME, "eng_1"),
        (entry(current("2", B)), Kind.CREATE, None),
        (entry(None, failed("1", A)), Kind.CREATE, None),
    ],
)
def test_a_file_that_comes_back_brings_its_retired_engine_back(
    retired: Entry, kind: Kind, engine_id: str | None
) -> None:
    lock = lockfile({}, acme=retired)
    action = only_action(lock, {"acme": A})
    assert (action.kind, action.engine_id) == (kind, engine_id)
    if engine_id is not None:
        assert f"retired at {T0}" in action.reason


def test_a_retired_engine_of_its_own_goes_before_a_move() -> None:
    lock = lockfile({"old": entry(current("2", A))}, acme=entry(current("1", A)))
    assert [(one.key, one.kind) for one in plan_of(lock, {"acme": A})] == [
        ("acme", Kind.RESTORE),
        ("old", Kind.RETIRE),
    ]


# ── moves ──────────────────────────────────────────────────────────────────────────────────────────────────────


def moves(actions: tuple[Action, ...]) -> list[tuple[str, str, str | None]]:
    return [(one.kind.value, one.key, one.from_key) for one in actions]


def test_a_renamed_file_takes_its_engine_along() -> None:
    (action,) = plan_of(lockfile({"old": entry(current("1", A))}), {"new": A})
    assert (action.kind, action.key, action.from_key, action.engine_id) == (Kind.MOVE, "new", "old", "eng_1")
    assert not action.waits
    assert "`old`" in action.reason


def test_a_renamed_file_takes_its_running_job_along() -> None:
    for one in (entry(None, pending("1", A)), entry(current("0", B), pending("1", A))):
        (action,) = plan_of(lockfile({"old": one}), {"new": A})
        assert (action.kind, action.engine_id, action.job_id, action.operation_id) == (
            Kind.MOVE,
            "eng_1",
            "pjb_1",
            "op_1",
        )
        assert action.waits


def test_a_move_of_a_serving_engine_does_not_wait_for_what_it_lets_go() -> None:
    (action,) = plan_of(lockfile({"old": entry(current("1", A), pending("2", B))}), {"new": A})
    assert (action.kind, action.engine_id, action.waits) == (Kind.MOVE, "eng_1", False)


def test_a_renamed_and_edited_file_is_another_engine() -> None:
    lock = lockfile({"old": entry(current("1", A))})
    assert moves(plan_of(lock, {"new": B})) == [("create", "new", None), ("retire", "old", None)]


def test_what_failed_or_is_uncertain_does_not_move() -> None:
    for one in (failed("1", A), refused("1", A)):
        assert moves(plan_of(lockfile({"old": entry(None, one)}), {"new": A})) == [
            ("create", "new", None),
            ("retire", "old", None),
        ]


@pytest.mark.parametrize("specs", [{"new": A}, {"new": B}])
def test_a_new_key_is_held_up_while_the_entry_that_it_would_take_over_is_uncertain(
    specs: dict[str, Spec],
) -> None:
    """Else its engine could be made twice: perhaps the lost answer was about it."""
    lock = lockfile({"old": entry(current("1", A), uncertain("2", B))})
    (new, old) = plan_of(lock, specs)
    assert (old.kind, old.condition) == (Kind.NONE, Condition.UNCERTAIN)
    assert (new.kind, new.condition) == (Kind.NONE, Condition.UNCERTAIN)
    assert "reconcile resolve old --engine-id" in (new.hint or "")
    assert moves(plan_of(lock, {"new": C}))[0] == ("create", "new", None)


def test_ambiguous_moves_pair_up_by_name_and_the_rest_is_made_or_retired() -> None:
    two = lockfile({"x": entry(current("1", A)), "y": entry(current("2", A))})
    assert moves(plan_of(two, {"new": A})) == [("move", "new", "x"), ("retire", "y", None)]
    assert moves(plan_of(two, {"n": A, "m": A})) == [("move", "m", "x"), ("move", "n", "y")]
    one = lockfile({"x": entry(current("1", A))})
    assert moves(plan_of(one, {"n": A, "m": A})) == [("move", "m", "x"), ("create", "n", None)]


def test_a_key_that_is_still_there_is_no_source_of_a_move() -> None:
    lock = lockfile({"old": entry(current("1", A))})
    assert moves(plan_of(lock, {"old": A, "new": A})) == [("create", "new", None)]
    unread = PlanInput(lock, {"new": wanted("new", A)}, {"old", "new"})
    assert moves(actions_for(unread)) == [("create", "new", None)]


def test_a_key_that_is_already_recorded_is_no_target_of_a_move() -> None:
    lock = lockfile({"old": entry(current("1", A)), "new": entry(current("2", B))})
    assert moves(plan_of(lock, {"new": A})) == [("replace", "new", None), ("retire", "old", None)]


# ── selections ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_selection_limits_the_plan() -> None:
    lock = lockfile({"a": entry(current("1", A)), "b": entry(current("2", A)), "c": entry(current("3", A))})
    assert moves(plan_of(lock, {"a": B, "b": B}, only=("b",))) == [("replace", "b", None)]
    assert moves(plan_of(lock, {"a": A, "b": A}, only=("c",))) == [("retire", "c", None)]


def test_either_name_of_a_move_selects_it() -> None:
    lock = lockfile({"old": entry(current("1", A))})
    for only in (("new",), ("old",), ("old", "new")):
        assert moves(plan_of(lock, {"new": A}, only=only)) == [("move", "new", "old")]
    assert plan_of(lock, {"new": A}, only=("else",)) == ()


def test_a_move_that_is_not_selected_leaves_its_source_to_one_that_is() -> None:
    lock = lockfile({"old": entry(current("1", A))})
    assert moves(plan_of(lock, {"m": A, "n": A}, only=("n",))) == [("move", "n", "old")]


# ── laws ───────────────────────────────────────────────────────────────────────────────────────────────────────

files = st.dictionaries(st.sampled_from(["acme", "blog", "a.b", "new"]), few_specs, max_size=4)


@given(lockfiles(), files, st.booleans())
def test_the_plan_does_not_depend_on_the_order_of_the_files(
    lock: Lockfile, specs: dict[str, Spec], retry: bool
) -> None:
    actions = plan_of(lock, specs, retry_failed=retry)
    reversed_ = Lockfile(dict(reversed([*lock.engines.items()])), lock.retired)
    assert plan_of(reversed_, dict(reversed(specs.items())), retry_failed=retry) == actions
    assert [one.key for one in actions] == sorted({one.key for one in actions})


@given(lockfiles(), files, st.booleans())
def test_planning_twice_finds_nothing_more_to_do_without_the_platform(
    lock: Lockfile, specs: dict[str, Spec], retry: bool
) -> None:
    """After the local part of a plan, only creates, replacements, waits and reports are left."""
    after = perform_all(lock, plan_of(lock, specs, retry_failed=retry), at(1))
    left = plan_of(after, specs, retry_failed=retry)
    acting = {one.kind for one in left if one.guard is None}
    assert acting <= {Kind.CREATE, Kind.REPLACE, Kind.RESUME, Kind.NONE}


@given(lockfiles(), files)
def test_what_is_uncertain_is_reported_whatever_the_file_says(lock: Lockfile, specs: dict[str, Spec]) -> None:
    reported = {one.key for one in plan_of(lock, specs) if one.condition is Condition.UNCERTAIN}
    doubtful = {key for key in lock.engines if (one := lock.entry(key)) is not None and one.unresolved}
    assert doubtful <= reported
    assert (reported - doubtful).isdisjoint(lock.engines)  # others are new keys that are held up
