"""Fold: lockfile + journal = where things stand. Its laws, and each kind of history."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.engine.fingerprint import fingerprint
from reconciler.core.errors import JournalError
from reconciler.core.ledger.fold import FORGOTTEN, NO_ANSWER, fold
from reconciler.core.ledger.journal import (
    Acceptance,
    Begin,
    Decision,
    End,
    JobSummary,
    Record,
    Refusal,
    Settlement,
    UncertainOutcome,
    union,
)
from reconciler.core.ledger.pruning import deleted_by
from reconciler.core.lockfile.entry import FAILED, IN_PROGRESS, UNCERTAIN
from reconciler.core.lockfile.model import EMPTY, Lockfile, parse, render
from reconciler.core.lockfile.names import used_in
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
    refused,
    superseded,
    uncertain,
)
from tests.core.strategies import engine_ids_in, journals, lockfiles
from tests.core.world import entries_of


def named(lock: Lockfile) -> set[str]:
    return {engine for _, one in entries_of(lock) for engine in one.engine_ids}


def unresolved(lock: Lockfile) -> set[str]:
    return {call.operation_id for _, one in entries_of(lock) for call in one.unresolved}


# ── laws ───────────────────────────────────────────────────────────────────────────────────────────────────────


@given(lockfiles(), journals())
@settings(max_examples=60)
def test_folding_twice_is_folding_once(lock: Lockfile, records: list[Record]) -> None:
    once = fold(lock, records)
    assert fold(once, records) == once
    assert parse(render(once), "lock") == once


@given(lockfiles(), journals(), st.integers(0, 30))
@settings(max_examples=60)
def test_a_copy_that_lags_behind_adds_nothing(lock: Lockfile, records: list[Record], half: int) -> None:
    assert fold(lock, union(records, records[:half])) == fold(lock, records)
    assert fold(lock, union(records[:half], records)) == fold(lock, records)


@given(lockfiles(), journals(), st.integers(0, 2**32))
@settings(max_examples=60)
def test_answers_in_any_order_name_the_same_engines_and_leave_the_same_open(
    lock: Lockfile, records: list[Record], seed: int
) -> None:
    begins = [record for record in records if isinstance(record, Begin)]
    others = [record for record in records if not isinstance(record, Begin | Settlement)]
    Random(seed).shuffle(others)
    settlements = [record for record in records if isinstance(record, Settlement)]
    one, other = fold(lock, records), fold(lock, [*begins, *others, *settlements])
    deleted = deleted_by(records)  # in use or not when that was said, and so there or not
    assert named(one) - deleted == named(other) - deleted
    assert unresolved(one) == unresolved(other)


@given(lockfiles(), journals())
@settings(max_examples=60)
def test_every_engine_that_is_named_anywhere_is_named_afterwards(
    lock: Lockfile, records: list[Record]
) -> None:
    after, deleted = fold(lock, records), deleted_by(records)
    assert named(after) - deleted == (named(lock) | engine_ids_in(records)) - deleted
    used = {engine for document in after.engines.values() for engine in used_in(document)}
    assert named(after) & deleted <= used


def disputed(records: list[Record]) -> bool:
    told = {one.operation: one.engine_id for one in records if isinstance(one, Acceptance)}
    said = [one for one in records if isinstance(one, Settlement) and one.engine_id is not None]
    return any(told.get(one.operation, one.engine_id) != one.engine_id for one in said)


def assert_alike(one: Lockfile, other: Lockfile, records: list[Record]) -> None:
    """The same lockfile. After a retry only the same engines, serving the same: whether an operation that was retried
    had overtaken the one before it is known only to a lockfile that saw it. Where a person and the platform name
    different engines for one call, the one that was written down first serves, and both are kept.
    """
    if disputed(records):
        assert named(one) == named(other)
        return
    if not any(isinstance(record, Settlement) and record.decision == "retry" for record in records):
        assert one == other
    assert named(one) == named(other)
    serving = [{key: e.current for key, e in entries_of(lock) if e.current} for lock in (one, other)]
    assert serving[0] == serving[1]


@given(lockfiles(), journals(), st.integers(0, 30))
@settings(max_examples=60)
def test_replay_from_any_state_of_the_lockfile_ends_alike(
    lock: Lockfile, records: list[Record], half: int
) -> None:
    """The file may be as old as the journal's beginning, or newer than its end."""
    assert_alike(fold(fold(lock, records[:half]), records), fold(lock, records), records)


@given(lockfiles(), journals(), st.integers(0, 5))
@settings(max_examples=60)
def test_a_compacted_journal_goes_on_where_it_was(lock: Lockfile, records: list[Record], number: int) -> None:
    """What the lockfile holds needs no begin any more."""
    cuts = [i for i, one in enumerate(records) if one.type == "begin"] + [len(records)]
    half = cuts[min(number, len(cuts) - 1)]
    assert_alike(fold(fold(lock, records[:half]), records[half:]), fold(lock, records), records)


@given(lockfiles(), journals())
@settings(max_examples=60)
def test_an_engine_serves_only_when_its_job_completed_or_a_person_says_so(
    lock: Lockfile, records: list[Record]
) -> None:
    completed = {one.operation for one in records if isinstance(one, End) and one.result == "completed"}
    settled = {one.operation for one in records if isinstance(one, Settlement) and one.engine_id}
    settled |= {one.operation for one in records if isinstance(one, Decision) and one.kind == "adopt"}
    back = {one.engine_id for one in records if isinstance(one, Decision) and one.kind == "rollback"}
    serving = {one.current.engine_id for _, one in entries_of(lock) if one.current is not None}
    serving |= {
        past.engine_id for _, one in entries_of(lock) for past in one.superseded if past.status is None
    } & back
    for _, one in entries_of(fold(lock, records)):
        if one.current is not None and one.current.engine_id not in serving:
            assert one.current.operation_id in completed | settled


def test_without_facts_the_very_same_lockfile_comes_back() -> None:
    lock = lockfile({"acme": entry(current("1", A))})
    assert fold(lock, []) is lock


# ── one operation ──────────────────────────────────────────────────────────────────────────────────────────────

HISTORIES: list[tuple[list[Record], str | None]] = [
    ([], UNCERTAIN),
    ([accepted("1", 2)], IN_PROGRESS),
    ([accepted("1", 2), ended("1", 3, "failed", "it broke")], FAILED),
    ([accepted("1", 2), ended("1", 3)], None),
    ([Refusal("op_1", "no", 400, True, at(2))], FAILED),
    ([UncertainOutcome("op_1", "lost", at(2))], UNCERTAIN),
    ([UncertainOutcome("op_1", "cut off", at(2)), accepted("1", 3)], IN_PROGRESS),
    ([UncertainOutcome("op_1", "cut off", at(2)), Refusal("op_1", "no", 400, True, at(3))], FAILED),
    ([Settlement("op_1", "engine", at(3), "eng_1", "pjb_1")], IN_PROGRESS),
    ([Settlement("op_1", "engine", at(3), "eng_1")], None),
    ([Settlement("op_1", "forget", at(3))], FAILED),
]


@pytest.mark.parametrize(("after", "status"), HISTORIES)
@pytest.mark.parametrize("held", [False, True])
def test_what_becomes_of_a_first_create(after: list[Record], status: str | None, held: bool) -> None:
    """The same when the lockfile already holds the operation, and the journal its end only."""
    lock = lockfile({"acme": entry(None, uncertain("1", A))}) if held else EMPTY
    one = fold(lock, after if held else [begin("1", A, 1), *after]).entry("acme")
    assert one is not None
    if status is None:
        assert one.current is not None
        assert one.current.engine_id == "eng_1"
        assert one.pending is None
    else:
        assert one.current is None
        assert one.pending is not None
        assert one.pending.status == status


@pytest.mark.parametrize(
    "answer", [Refusal("op_1", "no credit", 402, False, at(2)), Settlement("op_1", "retry", at(2))]
)
def test_what_was_refused_for_other_reasons_or_retried_leaves_no_trace(answer: Record) -> None:
    assert fold(EMPTY, [begin("1", A, 1), answer]) == EMPTY
    serving = lockfile({"acme": entry(current("0", B))})
    assert fold(serving, [begin("1", A, 1), answer]) == serving
    held = lockfile({"acme": entry(current("0", B), uncertain("1", A))})
    assert fold(held, [answer]) == serving


def test_the_words_for_people() -> None:
    unanswered = fold(EMPTY, [begin("1", A, 1)]).entry("acme")
    assert unanswered is not None and unanswered.pending is not None  # noqa: PT018
    assert unanswered.pending.error == NO_ANSWER
    forgotten = fold(EMPTY, [begin("1", A, 1), Settlement("op_1", "forget", at(2))]).entry("acme")
    assert forgotten is not None and forgotten.pending is not None  # noqa: PT018
    assert forgotten.pending.error == FORGOTTEN
    silent = fold(EMPTY, [begin("1", A, 1), accepted("1", 2), ended("1", 3, "failed")]).entry("acme")
    assert silent is not None and silent.pending is not None  # noqa: PT018
    assert silent.pending.error == "the platform gave no reason"


def test_an_engine_replaces_the_one_before_it_only_when_it_completed() -> None:
    lock = lockfile({"acme": entry(current("1", A))})
    running = [begin("2", B, 1), accepted("2", 2)]
    one = fold(lock, running).entry("acme")
    assert one is not None
    assert one.current == current("1", A)
    one = fold(lock, [*running, ended("2", 3)]).entry("acme")
    assert one is not None
    assert one.current is not None
    assert one.current.engine_id == "eng_2"
    assert [old.engine_id for old in one.superseded] == ["eng_1"]


def test_a_summary_is_kept_also_when_it_comes_after_the_lockfile_was_written() -> None:
    made = JobSummary("op_1", {"instructions": 6}, at(4))
    story = [begin("1", A, 1), accepted("1", 2), ended("1", 3)]
    for lock, records in ((EMPTY, [*story, made]), (fold(EMPTY, story), [made])):
        one = fold(lock, records).entry("acme")
        assert one is not None
        assert one.current is not None
        assert one.current.summary == {"instructions": 6}


def test_a_summary_belongs_to_the_engine_that_a_person_named() -> None:
    """A webhook may have told what was made before somebody settles the operation by hand."""
    records = [
        begin("1", A, 1),
        JobSummary("op_1", {"instructions": 6}, at(2)),
        Settlement("op_1", "engine", at(3), "eng_1"),
    ]
    once = fold(EMPTY, records)
    one = once.entry("acme")
    assert one is not None
    assert one.current is not None
    assert one.current.summary == {"instructions": 6}
    assert fold(once, records) == once


def test_an_overtaken_engine_learns_how_its_job_ended() -> None:
    lock = lockfile({"acme": entry(current("2", B), None, superseded("1", A, IN_PROGRESS))})
    completed = fold(lock, [ended("1", 3), JobSummary("op_1", {"instructions": 6}, at(4))]).entry("acme")
    assert completed is not None
    assert completed.superseded[0].status is None
    assert completed.superseded[0].summary == {"instructions": 6}
    broken = fold(lock, [ended("1", 3, "failed", "it broke")]).entry("acme")
    assert broken is not None
    assert (broken.superseded[0].status, broken.superseded[0].error) == (FAILED, "it broke")
    assert fold(lock, [accepted("1", 2)]) == lock


# ── several operations ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_later_operation_overtakes_and_keeps_the_engine_of_the_one_before() -> None:
    story: list[Record] = [begin("1", A, 1), accepted("1", 2), begin("2", B, 10), accepted("2", 11)]
    one = fold(EMPTY, story).entry("acme")
    assert one is not None
    assert one.pending is not None
    assert one.pending.engine_id == "eng_2"
    assert [(old.engine_id, old.status) for old in one.superseded] == [("eng_1", IN_PROGRESS)]


def test_an_older_operation_that_the_lockfile_never_saw_adds_its_engine_and_no_more() -> None:
    lock = lockfile({"acme": entry(current("2", B))})
    later = [begin("2", B, 10), accepted("2", 11), ended("2", 12)]
    one = fold(lock, [begin("1", A, 1), accepted("1", 2), ended("1", 3), *later]).entry("acme")
    assert one is not None
    assert one.current == current("2", B)
    assert [(old.engine_id, old.status) for old in one.superseded] == [("eng_1", None)]
    asked = fold(lock, [begin("1", A, 1), *later])
    assert unresolved(asked) == {"op_1"}  # nobody knows what it made
    assert fold(lock, [begin("1", A, 1), *later], past={"op_1"}) == lock  # the ledger has moved past it
    refused = Refusal("op_1", "no such locale", 400, True, at(2))
    assert fold(lock, [begin("1", A, 1), refused, *later]) == lock


def test_an_operation_is_carried_on_under_the_key_that_its_entry_moved_to() -> None:
    moved = lockfile({"brand": entry(None, pending("1", A))})
    story = [begin("1", A, 1, key="acme"), accepted("1", 2), ended("1", 3)]
    folded = fold(moved, story)
    assert list(folded.engines) == ["brand"]
    one = folded.entry("brand")
    assert one is not None
    assert one.current is not None


def test_operations_of_retired_entries_are_left_alone() -> None:
    lock = lockfile({}, acme=entry(current("1", A), pending("2", B)))
    assert fold(lock, [begin("1", A, 1), begin("2", B, 5), accepted("2", 6), ended("2", 7)]) == lock


def test_a_retry_after_an_edit_leaves_nothing_of_the_failure_before_it() -> None:
    """With the journal not compacted, the older failure once came back on the second fold."""
    story: list[Record] = [
        begin("1", A, 1),
        Settlement("op_1", "forget", at(2)),
        begin("2", C, 3),
        Settlement("op_2", "retry", at(4)),
    ]
    held = lockfile({"acme": entry(None, uncertain("2", C))})
    assert fold(held, story) == EMPTY
    assert fold(EMPTY, story) == EMPTY


@pytest.mark.parametrize("job_id", [None, "pjb_9"])
def test_two_answers_that_name_two_engines_keep_both(job_id: str | None) -> None:
    """A person settled the operation, and then the platform's word came after all."""
    settled = Settlement("op_1", "engine", at(3), "eng_9", job_id)
    late = accepted("1", 4)
    for lock in (EMPTY, fold(EMPTY, [begin("1", A, 1), settled])):
        folded = fold(lock, [begin("1", A, 1), settled, late])
        assert named(folded) == {"eng_1", "eng_9"}
        assert fold(folded, [settled, late]) == folded
    without_begin = fold(fold(EMPTY, [begin("1", A, 1), settled]), [late])
    assert named(without_begin) == {"eng_1", "eng_9"}


def test_forgetting_does_not_outweigh_an_engine_that_was_named() -> None:
    story = [
        begin("1", A, 1),
        Settlement("op_1", "engine", at(2), "eng_1"),
        Settlement("op_1", "forget", at(3)),
    ]
    assert named(fold(EMPTY, story)) == {"eng_1"}


def test_the_first_end_in_the_ledger_counts_whatever_the_clocks_say() -> None:
    story = [begin("1", A, 1), accepted("1", 2), ended("1", 9), ended("1", 3, "failed", "another clock")]
    one = fold(EMPTY, story).entry("acme")
    assert one is not None
    assert one.current is not None


def test_an_engine_that_belongs_to_nobody_is_an_error() -> None:
    for orphan in (accepted("1", 2), Settlement("op_1", "engine", at(2), "eng_1")):
        with pytest.raises(JournalError, match=r"eng_1 of operation op_1.*not which key"):
            fold(EMPTY, [orphan])


def test_facts_about_operations_nobody_knows_change_nothing() -> None:
    strangers: list[Record] = [
        ended("1", 3),
        UncertainOutcome("op_2", "?", at(1)),
        Settlement("op_3", "retry", at(1)),
    ]
    assert fold(EMPTY, strangers) == EMPTY


def test_a_failed_operation_in_the_lockfile_stays_when_the_journal_says_no_more() -> None:
    for one in (failed("1", A), refused("1", A)):
        lock = lockfile({"acme": entry(None, one)})
        assert fold(lock, [begin("1", A, 1)]) == lock


def test_protection_that_a_held_action_adds_has_the_file_read_again() -> None:
    lock = lockfile({"acme": entry(current("1", A, files={"engines/acme.yaml": "a" * 40}))})
    hold = Decision(
        "held",
        "acme",
        "hold",
        at(1),
        engine_id="eng_1",
        fingerprint=fingerprint(B),
        files={"engines/acme.yaml": "b" * 40},
        kept={"protect": True},
    )
    held = fold(lock, [hold]).entry("acme")
    assert held is not None
    assert held.current is not None
    assert (held.kept.protect, held.current.files) == (True, {})
