"""Entries: which engines they answer for."""

from __future__ import annotations

from reconciler.core.lockfile.entry import Entry
from tests.core.build import A, B, current, entry, pending, superseded, uncertain


def test_an_entry_answers_for_every_engine_in_it() -> None:
    one = entry(current("2", B), pending("3", A), superseded("0", A), superseded("1", A))
    assert one.engine_ids == ("eng_2", "eng_3", "eng_0", "eng_1")
    assert entry(None, uncertain("1", A)).engine_ids == ()


def test_only_an_entry_without_any_part_is_empty() -> None:
    assert Entry().empty
    assert not entry(current("1", A)).empty
    assert not entry(None, uncertain("1", A)).empty
    assert not entry(None, None, superseded("1", A)).empty
