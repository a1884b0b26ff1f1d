"""A saved plan in shards: who does what, what is left to the run that closes it, and what counts as done."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.core.engine.spec import Spec
from reconciler.core.errors import GuardRefused
from reconciler.core.ledger.fold import fold
from reconciler.core.ledger.journal import Record, Refusal
from reconciler.core.lockfile.model import EMPTY, Lockfile
from reconciler.core.plan.diff import PlanInput, actions_for
from reconciler.core.plan.guards import guarded
from reconciler.core.plan.limits import Limit, Policy
from reconciler.core.plan.model import Action, Kind, Plan
from reconciler.core.plan.saved import SavedPlan, Split, apply_document
from reconciler.core.plan.shards import (
    SPARE,
    assigned,
    check_divisible,
    missing,
    part_of,
    parts_of,
    rest_of,
    sharing_of,
)
from tests.core.build import A, B, C, accepted, at, begin, current, ended, entry, lockfile, pending, wanted

Files = Mapping[str, Spec]


def actions(lock: Lockfile, files: Files, only: Container[str] | None = None) -> tuple[Action, ...]:
    desired = {key: wanted(key, spec) for key, spec in files.items()}
    selected = (lambda key: True) if only is None else only.__contains__
    return actions_for(PlanInput(lock, desired, desired.keys(), selected))


def saved(lock: Lockfile, files: Files, shards: int, policy: Policy | None = None) -> SavedPlan:
    plan = Plan("production", guarded(actions(lock, files), lock, policy or Policy()))
    entries = apply_document(plan, lock, False)["entries"]
    return SavedPlan(plan, entries, split=Split(shards, "run-1"))


# ── who does what ──────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.sets(st.text(min_size=1, max_size=8), max_size=120), st.integers(1, 40))
@example({f"e{number}" for number in range(20)}, 8)
def test_every_key_has_one_shard_and_none_has_much_more_than_its_share(keys: set[str], shards: int) -> None:
    found = assigned(keys, shards)
    assert found.keys() == keys
    assert found == assigned(sorted(keys, reverse=True), shards)  # the order of files does not count
    sizes = [list(found.values()).count(shard) for shard in range(1, shards + 1)]
    assert sum(sizes) == len(keys)
    assert max(sizes) <= max(-(-len(keys) // shards), SPARE * len(keys) / shards)


def test_of_many_engines_each_shard_has_nearly_as_many() -> None:
    found = assigned((f"team/{number:05}" for number in range(5000)), 8)
    sizes = [list(found.values()).count(shard) for shard in range(1, 9)]
    assert max(sizes) <= 5000 / 8 * 1.1
    more = assigned((f"team/{number:05}" for number in range(5001)), 8)
    assert {key: more[key] for key in found} == found  # one engine more moves no other


MIXED = lockfile(
    {
        "edited": entry(current("e", A)),
        "gone": entry(current("g", C)),
        "moved": entry(current("m", replace(C, name="Moved"))),
        "waits": entry(pending=pending("w", B)),
    }
)
WANTED = {"edited": B, "new": A, "moved-here": replace(C, name="Moved"), "waits": B}


def test_calls_are_shared_out_and_decisions_are_left_to_the_run_that_publishes() -> None:
    plan = saved(MIXED, WANTED, 2)
    shared = {one.key: one.kind for part in parts_of(plan).values() for one in part}
    assert shared == {"edited": Kind.REPLACE, "new": Kind.CREATE}
    rest = {one.key: one.kind for one in rest_of(plan).plan.actions}
    assert rest == {"gone": Kind.RETIRE, "moved-here": Kind.MOVE, "waits": Kind.RESUME}


def test_what_is_decided_already_is_no_difference_where_the_plan_is_collected_once_more() -> None:
    rest = rest_of(saved(MIXED, WANTED, 2))
    decided = lockfile(
        {
            "edited": entry(current("e", A)),
            "moved-here": entry(current("m", WANTED["moved-here"])),
            "waits": entry(current("w", B)),
        },
        gone=entry(current("g", C)),
    )
    assert rest.still(actions(decided, WANTED, rest.keys), decided) == ()
    back = {**WANTED, "gone": C}
    with pytest.raises(GuardRefused, match="out of date"):
        rest.still(actions(MIXED, back, rest.keys), MIXED)


def test_more_shards_than_engines_leave_some_empty() -> None:
    parts = parts_of(saved(EMPTY, {"a": A, "b": B}, 8))
    assert sorted(len(part) for part in parts.values()) == [0, 0, 0, 0, 0, 0, 1, 1]


def test_the_epoch_follows_from_plan_and_run() -> None:
    plan = saved(EMPTY, {"a": A}, 4)
    assert sharing_of(plan).token == sharing_of(saved(EMPTY, {"a": A}, 4)).token
    others = (replace(plan, split=Split(4, "run-2")), saved(EMPTY, {"a": B}, 4), saved(EMPTY, {"a": A}, 5))
    assert len({sharing_of(one).token for one in (plan, *others)}) == 4


def test_a_key_that_moves_away_and_is_taken_at_once_cannot_be_divided() -> None:
    lock = lockfile({"acme": entry(current("a", C))})
    moves = actions(lock, {"acme-old": C})
    check_divisible(moves)
    with pytest.raises(
        GuardRefused, match="`acme` moves to `acme-old`, and a new engine takes its key"
    ) as caught:
        check_divisible((*moves, Action("acme", Kind.CREATE, "its file is new")))
    assert "reconcile apply --only acme-old" in (caught.value.hint or "")


# ── a part, carried out beside the others ──────────────────────────────────────────────────────────────────────────

FILES = {f"e{number}": replace(A, name=f"Engine {number}") for number in range(12)}
PLAN = saved(EMPTY, FILES, 3)


def done(keys: list[str]) -> list[Record]:
    """A run that made these, in this state: accepted, and completed if the number is even."""
    made: list[Record] = []
    for key in keys:
        number = int(key[1:])
        made += [begin(f"x{number}", FILES[key], 0, key=key), accepted(f"x{number}", 1)]
        made += [ended(f"x{number}", 2)] if number % 2 == 0 else []
    return made


def still(shard: int, lock: Lockfile, files: Files = FILES) -> dict[str, Kind]:
    part = part_of(PLAN, shard)
    return {one.key: one.kind for one in part.still(actions(lock, files, part.keys), lock)}


def test_what_other_shards_did_is_no_difference() -> None:
    others = [one.key for shard in (2, 3) for one in parts_of(PLAN)[shard]]
    lock = fold(EMPTY, done(others))
    mine = {one.key: Kind.CREATE for one in parts_of(PLAN)[1]}
    assert still(1, lock) == mine


def test_a_shard_that_runs_again_waits_for_its_jobs_and_makes_nothing() -> None:
    mine = [one.key for one in parts_of(PLAN)[1]]
    lock = fold(EMPTY, done(mine))
    assert still(1, lock) == {key: Kind.RESUME for key in mine if int(key[1:]) % 2}
    half = fold(EMPTY, done(mine[:2]))
    assert {key for key, kind in still(1, half).items() if kind is Kind.CREATE} == set(mine[2:])


def test_a_call_without_an_answer_is_reported_and_not_made_again() -> None:
    mine = [one.key for one in parts_of(PLAN)[1]]
    lock = fold(EMPTY, [begin("x", FILES[mine[0]], 0, key=mine[0])])
    assert still(1, lock)[mine[0]] is Kind.NONE


def test_what_was_never_sent_is_made_by_the_next_run_of_the_shard() -> None:
    mine = [one.key for one in parts_of(PLAN)[1]]
    unsent = [begin("x", FILES[mine[0]], 0, key=mine[0]), Refusal("op_x", "not sent", 0, False, at(5))]
    assert still(1, fold(EMPTY, unsent))[mine[0]] is Kind.CREATE


@pytest.mark.parametrize("before", [EMPTY, fold(EMPTY, done([parts_of(PLAN)[1][0].key]))])
def test_a_file_that_changed_since_the_plan_is_refused(before: Lockfile) -> None:
    key = parts_of(PLAN)[1][0].key
    with pytest.raises(GuardRefused, match="out of date") as caught:
        still(1, before, FILES | {key: B})
    assert [found.key for found in caught.value.diagnostics] == [key]


def test_an_engine_that_another_run_made_otherwise_is_refused() -> None:
    key = parts_of(PLAN)[1][0].key
    with pytest.raises(GuardRefused):
        still(1, fold(EMPTY, [begin("x", C, 0, key=key), accepted("x", 1)]))


# ── limits ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_limits_are_for_the_whole_plan_and_not_for_what_others_made_meanwhile() -> None:
    """A first run creates any number; that others have created theirs makes this one no second run."""
    part = part_of(PLAN, 1)
    lock = fold(EMPTY, done([one.key for shard in (2, 3) for one in parts_of(PLAN)[shard]]))
    policy = Policy(max_create=Limit(2, 10))
    held = guarded(part.still(actions(lock, FILES, part.keys), lock), lock, policy, part.whole)
    assert all(one.creates for one in held)


def test_parts_that_are_small_enough_do_not_make_a_plan_that_is() -> None:
    lock = lockfile({key: entry(current(key, B)) for key in FILES})
    plan = saved(lock, FILES, 6, Policy(max_replace=Limit(100)))
    part = part_of(plan, 1)
    chosen = part.still(actions(lock, FILES, part.keys), lock)
    held = guarded(chosen, lock, Policy(max_replace=Limit(4)), part.whole)
    assert held
    assert {one.guard for one in held} == {
        "this run would replace 12 of 12 engines; the limit is 4 (max_replace: 4)"
    }
    assert all(one.guard is None for one in guarded(chosen, lock, Policy(max_replace=Limit(12)), part.whole))
    allowed = Policy(max_replace=Limit(4), allow_replace=frozenset(FILES))
    assert all(one.guard is None for one in guarded(chosen, lock, allowed, part.whole))


# ── who is missing ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_missing_is_what_nothing_was_begun_for() -> None:
    parts = {shard: [one.key for one in part] for shard, part in parts_of(PLAN).items()}
    assert missing(PLAN, EMPTY) == {shard: tuple(keys) for shard, keys in parts.items()}
    lock = fold(
        EMPTY, [*done(parts[1]), *done(parts[2][:1]), begin("y", FILES[parts[3][0]], 0, key=parts[3][0])]
    )
    assert missing(PLAN, lock) == {2: tuple(parts[2][1:]), 3: tuple(parts[3][1:])}
    assert missing(PLAN, fold(EMPTY, done(list(FILES)))) == {}


def test_a_replacement_is_missing_until_it_has_begun() -> None:
    lock = lockfile({"edited": entry(current("e", A))})
    plan = saved(lock, {"edited": B}, 1)
    assert missing(plan, lock) == {1: ("edited",)}
    assert missing(plan, fold(lock, [begin("n", B, 0, key="edited")])) == {}
