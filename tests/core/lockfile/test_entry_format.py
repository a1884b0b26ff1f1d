"""Entries as documents: strict reading, with the place of what is wrong."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.errors import LockfileError
from reconciler.core.lockfile.entry import Entry, Retired
from reconciler.core.lockfile.entry_format import entry_document, read_entry, read_retired, retired_document
from tests.core.build import A, B, C, current, entry, failed, pending, refused, superseded, uncertain
from tests.core.strategies import entries, retired

FULL = entry(current("2", B, summary={"instructions": 6}), pending("3", C), superseded("1", A))


@given(entries)
def test_entries_come_back_as_they_were(one: Entry) -> None:
    assert read_entry(entry_document(one), "engines.acme") == one


@given(retired)
def test_retired_entries_come_back_as_they_were(one: Retired) -> None:
    assert read_retired(retired_document(one), "retired.acme") == one


def test_no_empty_value_is_written() -> None:
    document = entry_document(entry(None, failed("1", A, error="", files={})))
    assert "error" not in document["pending"]
    assert "files" not in document["pending"]
    assert read_entry(document, "x").pending is not None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"engineId": None}, "`engines.acme` cannot be read: `engineId` is missing"),
        ({"engineId": ""}, "`engineId` must be an ID of letters"),
        ({"engineId": 7}, "`engineId` must be an ID"),
        ({"fingerprint": None}, "`fingerprint` is missing"),
        ({"colour": "red"}, "unknown key `colour`"),
        ({"status": "failed"}, "unknown key `status`"),
        ({"spec": "Acme"}, "`spec`: it must be an object"),
        ({"spec__name": None}, "`spec`: `name` must be one line"),
        ({"spec__name": ["Acme"]}, "`name` must be one line"),
        ({"spec__description": 5}, "`description` must be a text"),
        ({"spec__locales": "de"}, "`locales` must be a list"),
        ({"spec__locales": [1]}, "must be a BCP-47 locale"),
        ({"spec__sources": {}}, "`sources` must be a list"),
        ({"spec__sources": ["https://acme.com"]}, "`sources` must be a list"),
        ({"spec__sources": [{"type": "feed", "payload": "x"}]}, "`sources` must be a list"),
        ({"spec__sources": [{"type": ["link"], "payload": "x"}]}, "`sources` must be a list"),
        ({"spec__sources": [{"type": "link", "digest": "x"}]}, "unknown key `digest` of a source"),
        ({"spec__sources": [{"type": "content", "payload": "x"}]}, "unknown key `payload` of a source"),
        ({"files": ["engines/acme.yaml"]}, "`files` must map"),
        ({"files": {"engines/acme.yaml": 1}}, "`files` must map"),
        ({"summary": 12}, "`summary` must map"),
        ({"pending": "eng_3"}, "engines.acme.pending"),
        ({"pending": {}}, "`operationId` is missing"),
        ({"pending__operationId": None}, "`operationId` is missing"),
        ({"pending__status": "running"}, "unknown status `running`"),
        ({"pending__engineId": None}, "must have a job ID and an engine ID"),
        ({"pending__jobId": None}, "must have a job ID and an engine ID"),
        ({"pending__provisionedAt": "2026"}, "unknown key `provisionedAt`"),
        ({"superseded": "eng_1"}, "engines.acme.superseded` cannot be read: it must be a list"),
        ({"superseded": ["eng_1"]}, "engines.acme.superseded[0]"),
        ({"superseded__0__replacedAt": None}, "`replacedAt` is missing"),
        ({"superseded__0__status": "completed"}, "unknown status `completed`"),
    ],
)
def test_an_entry_edited_by_hand_is_refused_with_its_place(changes: dict[str, Any], said: str) -> None:
    document = deepcopy(entry_document(FULL))
    assert read_entry(document, "engines.acme") == FULL
    with pytest.raises(LockfileError) as caught:
        read_entry(_changed(changes), "engines.acme")
    assert said in caught.value.message
    assert caught.value.hint


def _changed(changes: dict[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = deepcopy(entry_document(FULL))
    for path, value in changes.items():
        target: Any = document
        *parents, last = path.split("__")
        for parent in parents:
            target = target[int(parent) if parent.isdecimal() else parent]
        if value is None:
            del target[last]
        else:
            target[last] = value
    return document


@pytest.mark.parametrize("document", [{}, {"superseded": []}, [], "eng_1"])
def test_what_is_no_entry_at_all_is_refused(document: Any) -> None:
    with pytest.raises(LockfileError):
        read_entry(document, "engines.acme")


@pytest.mark.parametrize("document", [{"engineId": "eng_1"}, [], {"retiredAt": 5}, {"retiredAt": "2026"}])
def test_a_retired_entry_needs_its_time_and_its_entry(document: Any) -> None:
    with pytest.raises(LockfileError):
        read_retired(document, "retired.acme")


def test_pending_without_an_engine_is_fine_unless_it_runs() -> None:
    for one in (refused("1", A), uncertain("1", A)):
        assert read_entry(entry_document(entry(None, one)), "x").pending == one


NAMES = ["engineId", "fingerprint", "spec", "pending", "superseded", "files", "name", "sources", "type"]
documents = st.recursive(
    st.none() | st.booleans() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=8,
)


@given(documents)
def test_no_document_is_more_than_an_error_of_ours(document: Any) -> None:
    message = "an entry at engines.acme"
    try:
        read_entry(document, "engines.acme")
    except LockfileError as error:
        message = error.message
    assert "engines.acme" in message
