"""Merging lockfiles that grew from one, as real ones do: each side knows more of some engines (see `branches`)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.errors import LockfileError
from reconciler.core.lockfile.entry import Retired
from reconciler.core.lockfile.merge import Doubled, merge
from reconciler.core.lockfile.model import Lockfile, parse, render
from reconciler.core.lockfile.names import out_of_use, used_in
from tests.core.branches import three, three_and_pruned
from tests.core.build import A, B, C, current, entry, failed, lockfile, pending, superseded, uncertain
from tests.core.world import entries_of

seeds = st.integers(0, 2**32 - 1)
LATER = "2026-11-24T12:00:00Z"


def merged(base: Lockfile | None, ours: Lockfile, theirs: Lockfile) -> Lockfile | None:
    """None where two uncertain operations of a key need a person first; a side that is not taken is not lost."""
    try:
        return merge(base, ours, theirs).lockfile
    except LockfileError as error:
        if "both sides have an uncertain operation" in error.message:
            return None
        raise


def engines(lock: Lockfile) -> list[str]:
    return [engine for _, one in entries_of(lock) for engine in one.engine_ids]


def uncertain_in(lock: Lockfile) -> set[str]:
    return {call.operation_id for _, one in entries_of(lock) for call in one.unresolved}


def operations(lock: Lockfile) -> set[str | None]:
    return {
        part.operation_id
        for _, one in entries_of(lock)
        for part in (one.current, one.pending, *one.uncertain, *one.superseded)
        if part is not None
    }


@given(seeds, st.booleans())
@settings(max_examples=100)
def test_every_engine_and_every_open_question_of_both_sides_is_there(seed: int, with_base: bool) -> None:
    (base, ours, theirs), pruned = three_and_pruned(seed)
    result = merged(base if with_base else None, ours, theirs)
    if result is None:
        return
    assert {*engines(ours), *engines(theirs)} - pruned <= set(engines(result))
    for side, other in ((ours, theirs), (theirs, ours)):
        settled = (operations(base) | operations(other)) - uncertain_in(other)
        assert uncertain_in(side) - settled <= operations(result)


@given(seeds)
@settings(max_examples=200)
def test_what_one_side_deleted_comes_back_only_where_the_other_side_uses_it(seed: int) -> None:
    (base, ours, theirs), pruned = three_and_pruned(seed)
    result = merge(base, ours, theirs)
    used = {engine for one in result.lockfile.engines.values() for engine in used_in(one)}
    back = pruned & out_of_use(base) & set(engines(result.lockfile))
    assert back <= used
    assert back == {one.engine_id for one in result.revived}


@given(seeds, st.booleans())
@settings(max_examples=100)
def test_no_side_comes_first(seed: int, with_base: bool) -> None:
    base, ours, theirs = three(seed)
    before = base if with_base else None
    assert merged(before, ours, theirs) == merged(before, theirs, ours)


@given(seeds, st.booleans())
def test_a_merge_can_be_written_read_and_merged_again(seed: int, with_base: bool) -> None:
    base, ours, theirs = three(seed)
    before = base if with_base else None
    result = merged(before, ours, theirs)
    if result is None:
        return
    assert parse(render(result), "engines.lock.json") == result
    again = merged(before, merged(before, result, ours) or result, theirs)
    assert again is None or set(engines(again)) == set(engines(result))


@given(seeds)
@settings(max_examples=100)
def test_an_engine_is_in_the_past_of_no_entry_while_another_one_uses_it(seed: int) -> None:
    """Whoever cleans up what was replaced must not delete what serves elsewhere."""
    base, ours, theirs = three(seed)
    result = merged(base, ours, theirs)
    entries = [] if result is None else [(key, result.entry(key)) for key in result.engines]
    now = {
        part.engine_id: key
        for key, one in entries
        if one is not None
        for part in (one.current, one.pending)
        if part is not None
    }
    for key, one in entries:
        assert one is not None
        assert [past.engine_id for past in one.superseded if now.get(past.engine_id, key) != key] == []


@given(st.lists(seeds, min_size=1, max_size=4))
def test_a_chain_of_merges_names_what_all_named(many: list[int]) -> None:
    lock: Lockfile | None = Lockfile()
    named: set[str] = set()
    for number, seed in enumerate(many):
        _, side, _ = three(seed)
        side = Lockfile({f"{number}/{key}": document for key, document in side.engines.items()})
        side = parse(render(side).replace(b"eng_", f"eng_{number}_".encode()), "side")
        assert lock is not None
        lock = merged(None, lock, side)
        named |= set(engines(side))
    assert lock is not None
    assert set(engines(lock)) == named


# ── entries that moved, were retired, or were restored ─────────────────────────────────────────────────────────────

ONE = lockfile({"a": entry(current("1", A))})


@pytest.mark.parametrize("swapped", [False, True])
def test_what_one_side_moved_and_the_other_replaced_is_one_entry_at_the_new_key(swapped: bool) -> None:
    moved = lockfile({"b": entry(current("1", A))})
    replaced = lockfile({"a": entry(current("2", B), None, superseded("1", A))})
    sides = (replaced, moved) if swapped else (moved, replaced)
    assert merge(ONE, *sides).lockfile == lockfile({"b": entry(current("2", B), None, superseded("1", A))})


def test_what_both_sides_moved_is_in_one_of_the_places() -> None:
    sides = (lockfile({key: entry(current("1", A))}) for key in ("b", "c"))
    assert merge(ONE, *sides).lockfile == lockfile({"b": entry(current("1", A))})


def test_a_key_that_was_moved_away_and_taken_anew_stays_two_entries() -> None:
    ours = lockfile({"a": entry(current("2", C, provisioned_at=LATER)), "b": entry(current("1", A))})
    theirs = lockfile({"a": entry(current("1", A), pending("3", B))})
    result = merge(ONE, ours, theirs).lockfile
    assert result.entry("b") == entry(current("1", A))
    taken = result.entry("a")
    assert taken is not None
    assert (taken.current, taken.pending) == (current("2", C, provisioned_at=LATER), None)
    assert taken.engine_ids == (
        "eng_2",
        "eng_3",
    )  # what began before it came to serve must not take its place


def test_what_one_side_retired_and_the_other_went_on_with_is_one_retired_entry() -> None:
    gone = entry(current("2", B), None, superseded("1", A))
    busy = lockfile({"a": entry(current("1", A), pending("3", C))})
    for ours, theirs in ((lockfile({}, a=gone), busy), (busy, lockfile({}, a=gone))):
        result = merge(ONE, ours, theirs).lockfile
        assert result == lockfile({}, a=entry(current("2", B), pending("3", C), superseded("1", A)))


def test_what_both_sides_retired_is_retired_once_with_all_that_either_knows() -> None:
    ours = lockfile({}, a=entry(current("1", A), pending("2", B)))
    theirs = lockfile({}).with_retired("a", (Retired(entry(current("1", A), failed("3", C)), LATER),))
    [one] = merge(ONE, ours, theirs).lockfile.retired_of("a")
    assert sorted(one.entry.engine_ids) == ["eng_1", "eng_2", "eng_3"]
    assert one.retired_at == "2026-11-24T11:00:00Z"


def test_an_engine_that_was_overtaken_here_and_completed_there_serves() -> None:
    before = lockfile({"a": entry(current("1", A), pending("2", B))})
    overtaken = lockfile({"a": entry(current("1", A), uncertain("3", C), superseded("2", B, "in_progress"))})
    completed = lockfile({"a": entry(current("2", B), None, superseded("1", A))})
    for ours, theirs in ((overtaken, completed), (completed, overtaken)):
        result = merge(before, ours, theirs)
        assert result.lockfile == lockfile(
            {"a": entry(current("2", B), uncertain("3", C), superseded("1", A))}
        )
        assert result.doubled == ()


def test_two_switches_in_one_second_end_alike_on_both_sides() -> None:
    ours = lockfile({"a": entry(current("1", A), None, superseded("2", B))})
    theirs = lockfile({"a": entry(current("2", B), None, superseded("1", A))})
    assert merge(None, ours, theirs) == merge(None, theirs, ours)


@pytest.mark.parametrize("status", ["in_progress", "failed"])
def test_two_engines_that_people_named_for_one_operation_are_both_kept(status: str) -> None:
    before = lockfile({"a": entry(None, uncertain("1", A))})
    ours = lockfile({"a": entry(pending=pending("1", A, engine_id="eng_x", job_id="pjb_x"))})
    there = current("1", A, engine_id="eng_y") if status == "in_progress" else None
    theirs = lockfile({"a": entry(there, None if there else failed("1", A, engine_id="eng_y"))})
    result = merge(before, ours, theirs)
    assert set(engines(result.lockfile)) == {"eng_x", "eng_y"}
    assert merge(before, theirs, ours) == result


def test_an_engine_made_by_each_side_for_a_pending_key_is_reported_when_both_serve() -> None:
    before = lockfile({"a": entry(None, failed("0", A))})
    ours = lockfile({"a": entry(current("1", A), None, superseded("0", A, "failed"))})
    theirs = lockfile({"a": entry(current("2", B, provisioned_at=LATER), None, superseded("0", A, "failed"))})
    assert merge(before, ours, theirs).doubled == (Doubled("a", "eng_2", "eng_1"),)
