"""Merging lockfiles: whatever either side names is named afterwards, and sides do not matter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.core.engine.spec import LifecycleOptions
from reconciler.core.errors import LockfileError
from reconciler.core.lockfile.entry import Entry, Retired
from reconciler.core.lockfile.merge import Doubled, merge
from reconciler.core.lockfile.model import EMPTY, Lockfile, parse, render
from tests.core.build import A, B, C, current, entry, failed, lockfile, pending, superseded, uncertain
from tests.core.strategies import lockfiles

EARLY, LATE = "2026-11-24T10:00:00Z", "2026-11-24T12:00:00Z"


def named(lock: Lockfile) -> set[str]:
    """Every engine, and every operation without one, that the lockfile names."""

    def names(document: Mapping[str, Any]) -> Iterator[str]:
        for part in (document, document.get("pending") or {}, *document.get("superseded", ())):
            name = part.get("engineId") or part.get("operationId")
            if name:
                yield name

    documents = [*lock.engines.values(), *(one for many in lock.retired.values() for one in many)]
    return {name for document in documents for name in names(document)}


def merged(base: Lockfile | None, ours: Lockfile, theirs: Lockfile) -> Lockfile:
    try:
        return merge(base, ours, theirs).lockfile
    except LockfileError as error:
        assume("uncertain operation" not in error.message)
        raise


@given(lockfiles(), lockfiles())
def test_no_engine_of_either_side_is_forgotten(ours: Lockfile, theirs: Lockfile) -> None:
    result = merged(None, ours, theirs)
    engines = {name for name in named(ours) | named(theirs) if name.startswith("eng_")}
    assert engines <= named(result)


@given(lockfiles(), lockfiles(), lockfiles())
def test_with_a_base_only_what_one_side_let_go_is_gone(
    base: Lockfile, ours: Lockfile, theirs: Lockfile
) -> None:
    result = merged(base, ours, theirs)
    fresh = {name for name in (named(ours) | named(theirs)) - named(base) if name.startswith("eng_")}
    assert fresh <= named(result)


@given(st.none() | lockfiles(), lockfiles(), lockfiles())
def test_sides_do_not_matter(base: Lockfile | None, ours: Lockfile, theirs: Lockfile) -> None:
    assert merged(base, ours, theirs) == merged(base, theirs, ours)


@given(st.none() | lockfiles(), lockfiles())
def test_merging_with_oneself_changes_nothing(base: Lockfile | None, lock: Lockfile) -> None:
    assert merge(base, lock, lock).lockfile == lock


@given(lockfiles(), lockfiles())
def test_a_merge_is_a_lockfile_like_any_other(ours: Lockfile, theirs: Lockfile) -> None:
    result = merged(None, ours, theirs)
    assert parse(render(result), "engines.lock.json") == result
    for key in result.engines:
        result.entry(key)
    for key in result.retired:
        result.retired_of(key)


@given(lockfiles(), lockfiles())
def test_merging_again_brings_nothing_new(ours: Lockfile, theirs: Lockfile) -> None:
    result = merged(None, ours, theirs)
    again = merged(None, result, theirs)
    engines = {name for name in named(result) if name.startswith("eng_")}
    assert {name for name in named(again) if name.startswith("eng_")} == engines


@given(lockfiles(), st.sampled_from(["x", "y"]), st.sampled_from([A, B, C]))
def test_changes_to_different_keys_are_both_there(base: Lockfile, key: str, spec: Any) -> None:
    ours = base.with_entry(f"ours/{key}", entry(current("ours", spec)))
    theirs = base.with_entry(f"theirs/{key}", entry(current("theirs", spec)))
    both = ours.with_entry(f"theirs/{key}", entry(current("theirs", spec)))
    assert merge(base, ours, theirs).lockfile == both


def test_one_side_unchanged_gives_the_other() -> None:
    base = lockfile({"acme": entry(current("1", A))})
    changed = lockfile({"blog": entry(current("2", B))})
    assert merge(base, base, changed).lockfile == changed
    assert merge(base, changed, base).lockfile == changed


def test_two_engines_for_one_key_are_both_kept_and_reported() -> None:
    ours = lockfile({"acme": entry(current("1", A, provisioned_at=EARLY))})
    theirs = lockfile({"acme": entry(current("2", A, provisioned_at=LATE))})
    for base in (None, EMPTY):
        result = merge(base, ours, theirs)
        assert result.doubled == (Doubled("acme", "eng_2", "eng_1"),)
        one = result.lockfile.entry("acme")
        assert one is not None and one.current is not None  # noqa: PT018 - for the type checker
        assert (one.current.engine_id, [past.engine_id for past in one.superseded]) == ("eng_2", ["eng_1"])


def test_the_side_that_replaced_the_others_engine_knows_more() -> None:
    stale = lockfile({"acme": entry(current("1", A, provisioned_at=LATE))})
    newer = lockfile({"acme": entry(current("2", B, provisioned_at=EARLY), None, superseded("1", A))})
    result = merge(None, stale, newer)
    assert result.lockfile == newer
    assert result.doubled == ()


def test_of_two_that_switched_the_later_switch_counts() -> None:
    ours = lockfile({"acme": entry(current("1", A), None, superseded("2", B, replaced_at=LATE))})
    theirs = lockfile({"acme": entry(current("2", B), None, superseded("1", A, replaced_at=EARLY))})
    one = merge(None, ours, theirs).lockfile.entry("acme")
    assert one is not None and one.current is not None  # noqa: PT018 - for the type checker
    assert one.current.engine_id == "eng_1"


def test_a_stale_checkout_brings_nothing_back() -> None:
    """Moved, retired and restored meanwhile; the checkout still has what the branch had then."""
    stale = lockfile(
        {"old": entry(current("1", A)), "gone": entry(current("2", B))}, back=entry(current("3", C))
    )
    newer = lockfile(
        {"new": entry(current("1", A)), "back": entry(current("3", C))}, gone=entry(current("2", B))
    )
    assert merge(stale, stale, newer).lockfile == newer


@pytest.mark.parametrize(("old", "new"), [("a", "b"), ("b", "a")])
def test_without_a_base_a_moved_engine_is_in_one_place(old: str, new: str) -> None:
    result = merge(None, lockfile({old: entry(current("1", A))}), lockfile({new: entry(current("1", A))}))
    assert list(result.lockfile.engines) == ["a"]


def test_without_a_base_what_serves_on_one_side_goes_on_serving() -> None:
    active, retired = lockfile({"acme": entry(current("1", A))}), lockfile({}, acme=entry(current("1", A)))
    assert merge(None, active, retired).lockfile == active


@pytest.mark.parametrize(
    ("ours", "theirs", "status"),
    [
        (uncertain("2", B), pending("2", B), "in_progress"),
        (pending("2", B), failed("2", B), "failed"),
        (uncertain("2", B), uncertain("2", B), "uncertain"),
    ],
)
def test_of_one_operation_the_later_news_counts(ours: Any, theirs: Any, status: str) -> None:
    mine = lockfile({"acme": entry(current("1", A, files={"x": "a" * 40}), ours)})
    yours = lockfile({"acme": entry(current("1", A, files={"x": "b" * 40}), theirs)})
    one = merge(None, mine, yours).lockfile.entry("acme")
    assert one is not None and one.pending is not None  # noqa: PT018 - for the type checker
    assert one.pending.status == status


def test_an_operation_that_ended_on_one_side_is_not_pending_any_more() -> None:
    ours = lockfile({"acme": entry(current("1", A), pending("2", B))})
    theirs = lockfile({"acme": entry(current("2", B), None, superseded("1", A))})
    assert merge(None, ours, theirs).lockfile == theirs


def test_a_job_that_runs_stays_pending_beside_a_call_without_an_answer() -> None:
    ours = lockfile({"acme": entry(None, uncertain("1", A))})
    theirs = lockfile({"acme": entry(None, pending("2", B))})
    one = merge(None, ours, theirs).lockfile.entry("acme")
    assert one == Entry(pending=pending("2", B), uncertain=(uncertain("1", A),))


def test_two_calls_without_an_answer_are_both_there() -> None:
    ours = lockfile({"acme": entry(None, uncertain("1", A))})
    theirs = lockfile({"acme": entry(None, uncertain("2", A))})
    one = merge(None, ours, theirs).lockfile.entry("acme")
    assert one is not None
    assert [call.operation_id for call in one.unresolved] == ["op_1", "op_2"]


def test_what_one_side_resolved_does_not_come_back_from_the_other() -> None:
    base = lockfile({"acme": entry(current("0", C), uncertain("1", A))})
    resolved = lockfile({"acme": entry(current("0", C), pending("2", B))})
    touched = lockfile({"acme": entry(current("0", C, summary={"instructions": 1}), uncertain("1", A))})
    for sides in ((resolved, touched), (touched, resolved)):
        one = merge(base, *sides).lockfile.entry("acme")
        assert one is not None
        assert one.unresolved == ()
        assert one.pending == pending("2", B)
    without_base = merge(None, resolved, touched).lockfile.entry("acme")
    assert without_base is not None
    assert [call.operation_id for call in without_base.unresolved] == ["op_1"]


def test_protection_that_one_side_lifted_does_not_come_back_from_the_other() -> None:
    kept = LifecycleOptions(protect=True)
    base = lockfile({"acme": replace(entry(current("0", C)), kept=kept)})
    lifted = lockfile({"acme": entry(current("0", C))})
    touched = lockfile({"acme": replace(entry(current("0", C), pending("2", B)), kept=kept)})
    one = merge(base, lifted, touched).lockfile.entry("acme")
    assert one is not None
    assert not one.kept.protect


def test_completed_is_known_better_than_running() -> None:
    ours = lockfile({"acme": entry(current("1", A), None, superseded("0", C, "in_progress"))})
    theirs = lockfile({"acme": entry(current("1", A), None, superseded("0", C))})
    one = merge(None, ours, theirs).lockfile.entry("acme")
    assert one is not None
    assert [past.status for past in one.superseded] == [None]


def test_retired_entries_of_both_sides_are_kept_once() -> None:
    def retired(name: str, when: str) -> Retired:
        return Retired(Entry(current(name, A)), when)

    ours = EMPTY.with_retired("acme", (retired("1", EARLY),)).with_retired("blog", (retired("3", EARLY),))
    theirs = EMPTY.with_retired("acme", (retired("1", LATE), retired("2", LATE)))
    result = merge(None, ours, theirs).lockfile
    assert [one.entry.engine_ids for one in result.retired_of("acme")] == [("eng_1",), ("eng_2",)]
    assert [one.retired_at for one in result.retired_of("acme")] == [EARLY, LATE]
    assert [one.entry.engine_ids for one in result.retired_of("blog")] == [("eng_3",)]


def test_what_one_side_retired_and_the_other_replaced_is_retired_with_both_engines() -> None:
    base = lockfile({"acme": entry(current("1", A))})
    ours = lockfile({}, acme=entry(current("1", A)))
    replaced = entry(current("2", B), None, superseded("1", A))
    theirs = lockfile({"acme": replaced})
    for sides in ((ours, theirs), (theirs, ours)):  # where its file is there again, the next plan restores it
        assert merge(base, *sides).lockfile == lockfile({}, acme=replaced)


def test_a_record_with_more_in_it_is_preferred() -> None:
    bare, full = current("1", A), current("1", A, summary={"instructions": 3})
    for ours, theirs in ((bare, full), (full, bare)):
        one = merge(None, lockfile({"a": entry(ours)}), lockfile({"a": entry(theirs)})).lockfile.entry("a")
        assert one == entry(full)


def test_an_engine_without_times_can_be_merged() -> None:
    ours = lockfile({"acme": entry(replace(current("1", A), provisioned_at=None))})
    theirs = lockfile({"acme": entry(replace(current("2", A), provisioned_at=None))})
    one = merge(None, ours, theirs).lockfile.entry("acme")
    assert one is not None
    assert one.engine_ids == ("eng_2", "eng_1")
    assert one.superseded[0].replaced_at == "1970-01-01T00:00:00Z"


def test_an_engine_that_one_side_moved_serves_in_its_new_place_only() -> None:
    """A desk still has it under its old key, with a clock that is ahead; main moved it, and made that key anew."""
    desk = lockfile({"acme": entry(current("2", A, provisioned_at="2026-11-24T12:00:00Z"))})
    main = lockfile({"acme": entry(current("3", B)), "blog": entry(current("2", A))})
    for base in (None, EMPTY):
        for sides in ((desk, main), (main, desk)):
            result = merge(base, *sides).lockfile
            acme, blog = result.entry("acme"), result.entry("blog")
            assert acme is not None
            assert blog is not None
            assert acme.engine_ids == ("eng_3",)
            assert blog.engine_ids == ("eng_2",)
