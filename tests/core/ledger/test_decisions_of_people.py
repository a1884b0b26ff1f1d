"""What people decide of an engine without a run: adopt, roll back, release. Once, again, and late."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.core.engine.fingerprint import fingerprint
from reconciler.core.engine.spec import Spec, record_of
from reconciler.core.ledger.fold import fold
from reconciler.core.ledger.journal import Decision, Record, Refusal, Settlement
from reconciler.core.lockfile.entry import Hold
from reconciler.core.lockfile.merge import merge
from reconciler.core.lockfile.model import EMPTY, Lockfile, parse, render
from reconciler.core.plan.diff import PlanInput, actions_for
from reconciler.core.plan.model import Action, Kind
from reconciler.core.run.local_actions import perform_all
from tests.core.build import (
    A,
    B,
    C,
    accepted,
    at,
    begin,
    current,
    ended,
    entry,
    failed,
    lockfile,
    pending,
    plan_of,
    superseded,
    uncertain,
    wanted,
)
from tests.core.ledger.test_decisions import decided, kept

BY = "Ada <ada@example.com>"
BOTH = lockfile({"acme": entry(current("2", B), None, superseded("1", A))})
FILES = {"engines/acme.yaml": "d" * 40}


def rolled_back(lock: Lockfile = BOTH, asked: Spec = B, about: str | None = None) -> Lockfile:
    print_, record = fingerprint(asked), record_of(asked)
    to, served = "eng_1", "eng_2"
    return decided(
        lock, "rollback", engine_id=to, instead_of=served, about=about, fingerprint=print_, spec=record, by=BY
    )


def adopted(lock: Lockfile = EMPTY, spec: Spec = A) -> Lockfile:
    print_, record = fingerprint(spec), record_of(spec)
    return decided(lock, "adopt", engine_id="eng_own", fingerprint=print_, spec=record, files=FILES)


def only_action(lock: Lockfile, spec: Spec, key: str = "acme") -> Action:
    (action,) = plan_of(lock, {key: spec})
    return action


# ── adopt ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_adopted_engine_serves_for_its_file_until_that_changes() -> None:
    lock = adopted()
    assert kept(lock).current == replace(
        current("own", A), files=FILES, job_id=None, operation_id="d-1", provisioned_at=at(30)[:19] + "Z"
    )
    assert plan_of(lock, {"acme": A}) == ()
    action = only_action(lock, B)
    assert (action.kind, action.engine_id) == (Kind.REPLACE, "eng_own")


def test_it_takes_the_place_of_what_failed() -> None:
    lock = adopted(lockfile({"acme": entry(None, failed("1", B))}))
    assert kept(lock).engine_ids == ("eng_own", "eng_1")
    assert plan_of(lock, {"acme": A}) == ()


@pytest.mark.parametrize("busy", [BOTH, lockfile({"acme": entry(None, uncertain("1", A))})])
def test_where_an_engine_serves_or_may_have_been_made_it_is_kept_in_reserve(busy: Lockfile) -> None:
    lock = adopted(busy)
    assert kept(lock).current == kept(busy).current
    assert kept(lock).unresolved == kept(busy).unresolved
    assert [one.engine_id for one in kept(lock).superseded][-1] == "eng_own"


@pytest.mark.parametrize(
    "known",
    [
        lockfile({"acme": entry(current("own", A))}),
        lockfile({"other": entry(current("2", A), None, superseded("own", B))}),
        lockfile({}, other=entry(current("own", A))),
    ],
)
def test_an_engine_that_is_recorded_anywhere_is_not_adopted_again(known: Lockfile) -> None:
    assert adopted(known) == known


def test_it_stays_where_it_went_since() -> None:
    lock = adopted()
    moved = lock.with_entries({"acme": None, "new": kept(lock)})
    assert adopted(moved) == moved


# ── roll back ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_engine_before_serves_and_the_file_is_held_back() -> None:
    lock = rolled_back()
    one = kept(lock)
    assert one.current is not None
    assert one.current.engine_id == "eng_1"
    assert set(one.engine_ids) == {"eng_1", "eng_2"}
    assert one.hold == Hold("d-1", fingerprint(B), record_of(B), BY, at(30)[:19] + "Z")
    action = only_action(lock, B)
    assert (action.kind, action.engine_id, action.rolled_back) == (Kind.RESTORE, "eng_2", True)
    assert action.guard == f"rolled back by {BY} at {at(30)[:19]}Z"
    assert not action.changes_anything
    assert perform_all(lock, [action], at(40)) == lock


def test_nothing_is_held_back_where_the_file_asks_for_the_engine_that_serves_again() -> None:
    lock = rolled_back(asked=A)
    one = kept(lock)
    assert one.current is not None
    assert (one.current.engine_id, one.hold) == ("eng_1", None)
    assert plan_of(lock, {"acme": A}) == ()
    assert only_action(lock, C).kind is Kind.REPLACE


def test_what_is_pending_for_the_file_is_dropped_and_stays_dropped() -> None:
    before = lockfile({"acme": entry(current("2", B), pending("3", C), superseded("1", A))})
    lock = rolled_back(before, C)
    assert kept(lock).pending is None
    assert set(kept(lock).engine_ids) == {"eng_1", "eng_2", "eng_3"}
    late = kept(fold(lock, [begin("3", C, 1), ended("3", 60)]))
    assert late.current == kept(lock).current
    assert only_action(lock, C).rolled_back


def test_a_call_of_unknown_outcome_stays() -> None:
    before = lockfile({"acme": entry(current("2", B), uncertain("3", C), superseded("1", A))})
    lock = rolled_back(before, C, "op_3")
    assert [one.operation_id for one in kept(lock).unresolved] == ["op_3"]


@pytest.mark.parametrize(
    "answer",
    [
        [accepted("3", 50)],
        [accepted("3", 50), ended("3", 60)],
        [Settlement("op_3", "engine", at(50), "eng_3")],
        [Settlement("op_3", "engine", at(50), "eng_3", "pjb_3"), ended("3", 60)],
    ],
)
def test_an_answer_that_comes_while_it_is_held_takes_nobodys_place(answer: list[Record]) -> None:
    before = lockfile({"acme": entry(current("2", B), uncertain("3", C), superseded("1", A))})
    lock = rolled_back(before, C, "op_3")
    after = fold(lock, answer)
    assert kept(after).current == kept(lock).current
    assert set(kept(after).engine_ids) == {"eng_1", "eng_2", "eng_3"}
    assert not kept(after).unresolved
    held = only_action(after, C)
    assert (held.engine_id, held.rolled_back) == ("eng_3", True)
    free = only_action(decided(after, "release", about="d-1"), C)
    assert (free.engine_id, free.guard) == ("eng_3", None)


@pytest.mark.parametrize(
    "late",
    [
        EMPTY,
        lockfile({"acme": entry(current("3", C), None, superseded("2", B), superseded("1", A))}),
        lockfile({"acme": entry(current("2", B))}),
        lockfile({"acme": entry(current("2", B), None, superseded("1", A, status="failed"))}),
    ],
)
def test_where_another_engine_serves_or_that_one_never_did_nothing_happens(late: Lockfile) -> None:
    assert rolled_back(late) == late


def test_the_hold_ends_when_the_file_asks_for_something_else() -> None:
    lock = rolled_back()
    replaced = only_action(lock, C)
    assert (replaced.kind, replaced.guard) == (Kind.REPLACE, None)
    assert kept(fold(lock, [begin("4", C, 50)])).hold is None
    assert (
        kept(fold(lock, [begin("4", B, 50)])).hold == kept(lock).hold
    )  # of a run that knew nothing of it yet
    back = only_action(lock, A)  # the file was reverted, too
    assert (back.kind, back.reason) == (Kind.RECORD, "its file asks for this engine now, so the hold is over")
    over = perform_all(lock, [back], at(40))
    assert kept(over).hold is None
    assert plan_of(over, {"acme": A}) == ()
    assert only_action(over, B).kind is Kind.RESTORE  # forward again, as the file says


def test_a_release_ends_that_hold_and_no_later_one() -> None:
    lock = rolled_back()
    assert decided(lock, "release", about="d-other") == lock
    free = decided(lock, "release", about="d-1")
    assert kept(free).hold is None
    action = only_action(free, B)
    assert (action.kind, action.guard, action.engine_id) == (Kind.RESTORE, None, "eng_2")


def test_protection_that_is_added_meanwhile_is_recorded() -> None:
    lock = rolled_back()
    protected = replace(wanted("acme", B), protect=True)
    situation = PlanInput(lock, {"acme": protected}, {"acme"})
    (action,) = actions_for(situation)
    assert action.changes_anything
    held = perform_all(lock, [action], at(40))
    assert (kept(held).kept.protect, kept(held).hold) == (True, kept(lock).hold)
    (again,) = actions_for(replace(situation, lockfile=held))
    assert not again.changes_anything


def test_a_renamed_file_takes_engine_and_hold_along() -> None:
    lock = rolled_back()
    action = only_action(lock, B, "new")
    assert (action.kind, action.engine_id) == (Kind.MOVE, "eng_1")
    moved = perform_all(lock, [action], at(40))
    assert moved.engines.keys() == {"new"}
    assert kept(moved, "new").hold == kept(lock).hold
    assert only_action(moved, B, "new").rolled_back


def test_a_file_that_is_deleted_and_comes_back_finds_its_hold() -> None:
    lock = rolled_back()
    (retire,) = plan_of(lock, {})
    assert retire.kind is Kind.RETIRE
    gone = perform_all(lock, [retire], at(40))
    back = only_action(gone, B)
    assert (back.kind, back.engine_id) == (Kind.RESTORE, "eng_1")
    again = perform_all(gone, [back], at(50))
    assert kept(again).hold == kept(lock).hold
    assert only_action(again, B).rolled_back


def test_a_refused_call_that_was_pending_then_does_not_come_back() -> None:
    no = Refusal("op_3", "no", 400, True, at(2))
    failed_too = fold(BOTH, [begin("3", C, 1), no])
    lock = rolled_back(failed_too, C, "op_3")
    assert kept(lock).pending is None
    told = Decision("d-1", "acme", "rollback", at(30), "eng_1", "op_3", "eng_2", None, fingerprint(C))
    assert fold(lock, [begin("3", C, 1), no, replace(told, spec=record_of(C), by=BY)]) == lock


# ── in the file, and in a merge ────────────────────────────────────────────────────────────────────────────────────


def test_a_lockfile_with_a_hold_has_a_version_that_older_programs_refuse() -> None:
    assert b'"version": 2' in render(rolled_back())
    assert parse(render(rolled_back()), "engines.lock.json") == rolled_back()
    assert b'"version": 1' in render(BOTH)
    assert b'"version": 1' in render(adopted())


def test_one_rolls_back_while_another_goes_on_elsewhere() -> None:
    other = BOTH.with_entry("blog", entry(current("7", C)))
    both = merge(BOTH, rolled_back(), other).lockfile
    assert kept(both).hold == kept(rolled_back()).hold
    assert both.entry("blog") is not None
    assert merge(BOTH, other, rolled_back()).lockfile == both


def test_a_release_is_not_undone_by_an_older_checkout() -> None:
    held = rolled_back()
    free = decided(held, "release", about="d-1")
    older = held.with_entry("blog", entry(current("7", C)))
    assert kept(merge(held, older, free).lockfile).hold is None
    assert kept(merge(held, free, older).lockfile).hold is None


def test_the_newer_of_two_holds_counts() -> None:
    one = rolled_back()
    hold = kept(one).hold
    assert hold is not None
    later = replace(hold, operation_id="d-2", since=at(50)[:19] + "Z")
    two = one.with_entry("acme", replace(kept(one), hold=later))
    assert merge(None, one, two).lockfile == merge(None, two, one).lockfile == two


def test_a_decision_without_what_it_needs_changes_nothing() -> None:
    bare = Decision("d-9", "acme", "rollback", at(30), engine_id="eng_1", instead_of="eng_2")
    assert fold(BOTH, [bare]) == BOTH
    assert fold(EMPTY, [Decision("d-9", "acme", "adopt", at(30))]) == EMPTY
