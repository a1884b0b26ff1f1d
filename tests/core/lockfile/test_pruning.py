"""Marks of engines that are being deleted: nothing switches back to them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.core.engine.fingerprint import fingerprint
from reconciler.core.errors import LockfileError
from reconciler.core.lockfile import pruning, transitions
from reconciler.core.lockfile.entry import Entry, Retired
from reconciler.core.lockfile.entry_format import entry_document, read_entry
from reconciler.core.lockfile.merge_entry import merge_entries
from tests.core.build import T0, A, B, C, current, entry, failed, superseded

LATER = "2026-11-24T12:00:00Z"
REPLACED = entry(current("2", B), None, superseded("1", A))
MARKED = pruning.marked(REPLACED, "eng_1", LATER)


def test_a_marked_engine_is_not_found_restored_or_served_again() -> None:
    assert transitions.find_superseded(REPLACED, fingerprint(A), completed=True) is not None
    assert transitions.find_superseded(MARKED, fingerprint(A), completed=True) is None
    with pytest.raises(KeyError):
        transitions.restore(MARKED, "eng_1", {}, T0)
    assert transitions.step_down(MARKED, "eng_1").current is None


def test_a_mark_stays_as_it_was_made_and_goes_only_with_its_own_end() -> None:
    assert pruning.marked(MARKED, "eng_1", T0) == MARKED
    assert pruning.unmarked(MARKED, "eng_1", T0) == MARKED
    assert pruning.unmarked(MARKED, "eng_1", LATER) == REPLACED
    assert pruning.unmarked(MARKED, "eng_1") == REPLACED


def test_a_deleted_engine_leaves_its_entry_but_not_the_place_where_it_serves() -> None:
    assert pruning.without_superseded(MARKED, "eng_1") == entry(current("2", B))
    assert pruning.without_superseded(REPLACED, "eng_2") == REPLACED


def test_a_retired_entry_vanishes_with_its_last_engine() -> None:
    retired: Retired | None = Retired(entry(current("3", C), failed("4", B), superseded("1", A)), T0)
    for engine_id in ("eng_3", "eng_4"):
        assert retired is not None
        retired = pruning.without_engine(retired, engine_id)
    assert retired == Retired(entry(None, None, superseded("1", A)), T0)
    assert retired is not None
    assert pruning.without_engine(retired, "eng_1") is None


def test_what_is_brought_back_does_not_serve_with_an_engine_that_is_being_deleted() -> None:
    retired = Retired(pruning.marked(entry(current("2", B), None, superseded("1", A)), "eng_2", LATER), T0)
    back = pruning.brought_back(retired).entry
    assert back.current is None
    assert [one.engine_id for one in back.superseded] == ["eng_1", "eng_2"]
    joined = transitions.join(retired, entry(current("3", C)))
    assert joined.pruning == {"eng_2": LATER}
    unmarked = Retired(REPLACED, T0)
    assert pruning.brought_back(unmarked) == unmarked


def test_a_mark_is_written_and_read_and_anything_else_is_refused() -> None:
    document = entry_document(MARKED)
    assert document["pruning"] == {"eng_1": LATER}
    assert read_entry(document, "engines.acme") == MARKED
    for wrong in (["eng_1"], {"eng_1": "yesterday"}, {"../x": LATER}, {"eng_1": None}):
        with pytest.raises(LockfileError, match="pruning"):
            read_entry({**document, "pruning": wrong}, "engines.acme")


@pytest.mark.parametrize("swapped", [False, True])
def test_merged_marks_follow_the_side_that_changed_them(swapped: bool) -> None:
    def both(one: Entry, two: Entry, base: Entry | None) -> Entry:
        return merge_entries("a", *((two, one) if swapped else (one, two)), base)[0]

    assert both(MARKED, REPLACED, REPLACED) == MARKED
    assert both(REPLACED, MARKED, MARKED) == REPLACED
    assert both(MARKED, REPLACED, None) == MARKED
    used = entry(current("1", A), None, superseded("2", B))
    assert both(MARKED, used, REPLACED).pruning == {}
    earlier = replace(MARKED, pruning={"eng_1": T0})
    assert both(MARKED, earlier, None) == MARKED
