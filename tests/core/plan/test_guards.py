"""Which actions are held back: protected engines, and too many at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.engine.spec import Desired, LifecycleOptions, Output, Spec
from reconciler.core.errors import UsageError
from reconciler.core.lockfile.entry import Entry
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.diff import PlanInput, actions_for
from reconciler.core.plan.guards import check_named, guarded
from reconciler.core.plan.limits import Limit, Policy
from reconciler.core.plan.model import Action, Kind
from reconciler.core.run.local_actions import perform_all
from tests.core.build import T0, A, B, C, current, entry, failed, lockfile, pending, superseded, wanted

PROTECTED = LifecycleOptions(True)


def kept(made: Entry, protect: bool = True) -> Entry:
    return replace(made, kept=LifecycleOptions(protect))


def asked(key: str, spec: Spec, protect: bool = False) -> Desired:
    return replace(wanted(key, spec), protect=protect)


def plan(lock: Lockfile, *files: Desired, **policy: Any) -> dict[str, Action]:
    desired = {one.key: one for one in files}
    actions = actions_for(PlanInput(lock, desired, desired.keys()))
    return {action.key: action for action in guarded(actions, lock, Policy(**policy))}


def held(actions: Mapping[str, Action]) -> set[str]:
    return {key for key, action in actions.items() if action.guard is not None}


SERVING = lockfile({"acme": kept(entry(current("a", A)))})


# ── protection ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_protected_engine_is_not_replaced_and_the_others_are() -> None:
    lock = lockfile({"acme": kept(entry(current("a", A))), "blog": entry(current("b", A))})
    actions = plan(lock, asked("acme", B, True), asked("blog", B), asked("new", C))
    assert held(actions) == {"acme"}
    assert actions["acme"].kind is Kind.REPLACE
    assert actions["acme"].guard == "it is protected"
    assert "--allow-replace acme" in (actions["acme"].hint or "")
    assert not actions["acme"].creates
    assert actions["blog"].creates
    assert actions["new"].creates


def test_removing_protection_and_changing_the_engine_at_once_does_not_get_around_it() -> None:
    actions = plan(SERVING, asked("acme", B, protect=False))
    assert held(actions) == {"acme"}
    after = perform_all(SERVING, tuple(actions.values()), T0)
    assert after == SERVING  # not even the protection is lifted: a second run is held back as well


def test_protection_is_lifted_by_a_commit_of_its_own() -> None:
    actions = plan(SERVING, asked("acme", A, protect=False))
    assert [(one.kind, one.guard) for one in actions.values()] == [(Kind.RECORD, None)]
    lifted = perform_all(SERVING, tuple(actions.values()), T0)
    assert held(plan(lifted, asked("acme", B))) == set()


def test_protection_outlives_the_file() -> None:
    actions = plan(SERVING, asked("other", C))
    assert held(actions) == {"acme"}
    assert actions["acme"].kind is Kind.RETIRE
    assert "--allow-retire acme" in (actions["acme"].hint or "")


def test_protection_in_the_file_alone_counts_and_is_recorded_although_the_rest_is_held_back() -> None:
    lock = lockfile({"acme": entry(current("a", A))})
    actions = plan(lock, asked("acme", B, protect=True))
    assert held(actions) == {"acme"}
    assert actions["acme"].changes_anything
    after = perform_all(lock, tuple(actions.values()), T0).entry("acme")
    assert after is not None
    assert after.kept == PROTECTED
    assert after.current == current("a", A)


@pytest.mark.parametrize("name", ["acme", "eu/acme site"])
def test_naming_the_key_lifts_protection_for_it_alone(name: str) -> None:
    lock = lockfile({name: kept(entry(current("a", A))), "blog": kept(entry(current("b", A)))})
    files = (asked(name, B, True), asked("blog", B, True))
    assert held(plan(lock, *files, allow_replace=frozenset({name}))) == {"blog"}
    assert held(plan(lock, *files, allow_retire=frozenset({name}))) == {name, "blog"}
    assert held(plan(lock, allow_retire=frozenset({name}))) == {"blog"}


def test_a_protected_engine_is_not_switched_back_to_an_earlier_one() -> None:
    lock = lockfile({"acme": kept(entry(current("b", B), None, superseded("a", A)))})
    actions = plan(lock, asked("acme", A, True))
    assert actions["acme"].kind is Kind.RESTORE
    assert held(actions) == {"acme"}


def test_an_overtaken_job_is_not_taken_up_for_a_protected_engine() -> None:
    lock = lockfile({"acme": kept(entry(current("b", B), None, superseded("a", A, "in_progress")))})
    actions = plan(lock, asked("acme", A, True))
    assert actions["acme"].kind is Kind.RESUME
    assert held(actions) == {"acme"}
    assert not actions["acme"].waits


@pytest.mark.parametrize(
    ("made", "spec", "kind"),
    [
        (entry(current("a", A), pending("b", B)), B, Kind.RESUME),  # it was allowed to begin
        (entry(current("a", A), pending("b", B)), A, Kind.DISCARD),  # the serving engine stays
        (entry(None, failed("a", A)), B, Kind.REPLACE),  # nothing serves yet
        (entry(None, pending("a", A)), A, Kind.RESUME),
    ],
)
def test_what_does_not_touch_the_serving_engine_goes_on(made: Entry, spec: Spec, kind: Kind) -> None:
    actions = plan(lockfile({"acme": kept(made)}), asked("acme", spec, True))
    assert actions["acme"].kind is kind
    assert held(actions) == set()


def test_a_move_keeps_the_engine_so_it_goes_on() -> None:
    actions = plan(SERVING, asked("eu/acme", A, True))
    assert [(one.kind, one.guard) for one in actions.values()] == [(Kind.MOVE, None)]
    after = perform_all(SERVING, tuple(actions.values()), T0).entry("eu/acme")
    assert after is not None
    assert after.kept == PROTECTED


def test_an_engine_in_the_making_is_not_retired_when_it_is_protected() -> None:
    lock = lockfile({"acme": kept(entry(None, pending("a", A)))})
    assert held(plan(lock, asked("other", C))) == {"acme"}


def test_a_retired_engine_comes_back_with_its_protection() -> None:
    actions = plan(SERVING, allow_retire=frozenset({"acme"}))
    retired = perform_all(SERVING, tuple(actions.values()), T0)
    back = plan(retired, asked("acme", A, True))
    assert back["acme"].kind is Kind.RESTORE
    assert held(back) == set()


# ── limits ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def many(number: int) -> Lockfile:
    return lockfile({f"e{i:03}": entry(current(str(i), A)) for i in range(number)})


def changed(number: int, of: int) -> list[Desired]:
    return [asked(f"e{i:03}", B if i < number else A) for i in range(of)]


@pytest.mark.parametrize(
    ("engines", "most"),
    [(1, 1), (5, 5), (6, 5), (17, 5), (20, 6), (600, 180)],
)
def test_the_default_limit_suits_six_engines_and_six_hundred(engines: int, most: int) -> None:
    lock = many(engines)
    assert held(plan(lock, *changed(most, engines))) == set()
    if most < engines:
        assert len(held(plan(lock, *changed(most + 1, engines)))) == most + 1
        assert held(plan(lock, *[one for one in changed(0, engines) if one.key >= f"e{most:03}"])) == set()
        gone = plan(lock, *[one for one in changed(0, engines) if one.key > f"e{most:03}"])
        assert len(held(gone)) == most + 1


def test_beyond_the_limit_all_are_held_back_and_everything_else_goes_on() -> None:
    lock = many(6)
    actions = plan(lock, *changed(3, 6), asked("new", C), max_replace=Limit(2))
    assert held(actions) == {"e000", "e001", "e002"}
    assert actions["new"].creates
    assert actions["e000"].guard == "this run would replace 3 of 6 engines; the limit is 2 (max_replace: 2)"


@pytest.mark.parametrize(
    ("recorded", "limit", "most"),
    [
        (0, None, 300),  # nothing is recorded, so a share bounds nothing
        (1, None, 50),
        (60, None, 60),
        (0, Limit(3), 3),
        (4, Limit(0, 50), 2),
        (4, Limit(), 0),
    ],
)
def test_more_creates_than_are_plausible_are_held_back(recorded: int, limit: Limit | None, most: int) -> None:
    policy = {} if limit is None else {"max_create": limit}
    present = changed(0, recorded)

    def creating(number: int) -> set[str]:
        files = [*present, *(asked(f"new{i:03}", C) for i in range(number))]
        return held(plan(many(recorded), *files, **policy))

    assert creating(most) == set()
    if most < 300:
        assert creating(most + 1) == {f"new{i:03}" for i in range(most + 1)}


def test_creates_that_are_held_back_say_why_and_the_rest_goes_on() -> None:
    actions = plan(many(2), *changed(1, 2), asked("n1", C), asked("n2", C), max_create=Limit(1))
    assert held(actions) == {"n1", "n2"}
    assert actions["e000"].creates
    words = "this run would create 2 engines beside 2 recorded ones; the limit is 1 (max_create: 1)"
    assert actions["n1"].guard == words
    assert "raise max_create" in (actions["n1"].hint or "")


def test_replaced_and_retired_engines_are_counted_apart() -> None:
    lock = many(4)
    files = [asked("e000", B), asked("e001", B)]  # and two are gone
    assert held(plan(lock, *files, max_replace=Limit(2), max_retire=Limit(1))) == {"e002", "e003"}
    assert held(plan(lock, *files, max_replace=Limit(1), max_retire=Limit(2))) == {"e000", "e001"}


def test_engines_that_are_named_are_not_counted() -> None:
    named = frozenset({"e000"})
    assert held(plan(many(3), *changed(3, 3), max_replace=Limit(2), allow_replace=named)) == set()
    assert held(plan(many(3), *changed(3, 3), max_replace=Limit(1), allow_replace=named)) == {"e001", "e002"}


def test_what_takes_no_serving_engine_away_is_not_counted() -> None:
    lock = lockfile({f"e{i}": entry(None, failed(str(i), A)) for i in range(9)})
    files = [asked(f"e{i}", B) for i in range(9)]
    assert held(plan(lock, *files, max_replace=Limit(0))) == set()
    back = lockfile({f"e{i}": entry(current(f"n{i}", B), None, superseded(str(i), A)) for i in range(9)})
    restored = plan(back, *(asked(f"e{i}", A) for i in range(9)), max_replace=Limit(0))
    assert {one.kind for one in restored.values()} == {Kind.RESTORE}
    assert held(restored) == set()


@given(
    number=st.integers(0, 30),
    changing=st.integers(0, 30),
    limit=st.builds(Limit, st.integers(0, 40), st.integers(0, 100)),
    named=st.sets(st.integers(0, 30)),
)
def test_no_run_replaces_more_than_it_may(number: int, changing: int, limit: Limit, named: set[int]) -> None:
    allow = frozenset(f"e{i:03}" for i in named)
    actions = plan(
        many(number), *changed(min(changing, number), number), max_replace=limit, allow_replace=allow
    )
    unnamed = [one for one in actions.values() if one.creates and one.key not in allow]
    assert len(unnamed) <= limit.of(number)
    assert not held(actions) & allow


def test_a_name_that_nobody_knows_is_refused() -> None:
    check_named(Policy(allow_replace=frozenset({"acme"})), {"acme"})
    with pytest.raises(UsageError, match=r"--allow-retire `acne`") as caught:
        check_named(Policy(allow_retire=frozenset({"acne"})), {"acme"})
    assert "`acme`" in (caught.value.hint or "")


# ── what is kept besides the spec ──────────────────────────────────────────────────────────────────────────────────


def test_outputs_alone_are_recorded_without_a_call() -> None:
    outputs = (Output("i18n.json", "/engineId"), Output(".env", key="LINGO_ENGINE_ID"))
    file = replace(wanted("acme", A, "d" * 40), outputs=outputs)
    lock = lockfile({"acme": entry(current("a", A))})
    (action,) = plan(lock, file).values()
    assert action.kind is Kind.RECORD
    assert [change.new for change in action.changes] == ["i18n.json /engineId", ".env LINGO_ENGINE_ID"]
    after = perform_all(lock, (action,), T0)
    made = after.entry("acme")
    assert made is not None
    assert made.kept.outputs == outputs
    assert made.current == current("a", A, files={"engines/acme.yaml": "d" * 40})
    assert plan(after, file) == {}
