"""What is kept of an engine file besides its spec: in the lockfile, in the journal, and from one run to the next."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.engine.spec import LifecycleOptions, Output
from reconciler.core.errors import JournalError, LockfileError
from reconciler.core.ledger import journal
from reconciler.core.ledger.fold import fold
from reconciler.core.ledger.journal import Begin
from reconciler.core.lockfile import model as lockfile_format
from reconciler.core.lockfile import transitions
from reconciler.core.lockfile.entry import Entry
from reconciler.core.lockfile.lifecycle_options import lifecycle_document, read_lifecycle
from reconciler.core.lockfile.merge import merge
from reconciler.core.lockfile.model import Lockfile
from tests.core.build import (
    A,
    B,
    accepted,
    at,
    begin,
    current,
    ended,
    entry,
    lockfile,
    pending,
    superseded,
)

OUTPUTS = (Output("i18n.json", "/engineId"), Output("web/.env", key="LINGO_ENGINE_ID"))
KEPT = LifecycleOptions(True, OUTPUTS)
SERVING = replace(entry(current("a", A)), kept=KEPT)

_outputs = st.builds(Output, st.sampled_from(["a.json", "b.yaml"]), pointer=st.sampled_from(["/a", "/b/c"]))
_keys = st.builds(Output, st.sampled_from([".env", "x.env"]), key=st.sampled_from(["A", "B"]))
kepts = st.builds(LifecycleOptions, st.booleans(), st.lists(_outputs | _keys, max_size=3).map(tuple))


def made(lock: Lockfile, key: str = "acme") -> Entry:
    found = lock.entry(key)
    assert found is not None
    return found


@given(kepts)
def test_a_document_reads_as_it_was_written(kept: LifecycleOptions) -> None:
    assert read_lifecycle(json.loads(json.dumps(lifecycle_document(kept)))) == kept


def test_the_lockfile_says_it_in_its_entry_and_nothing_where_nothing_is_kept() -> None:
    lock = lockfile({"acme": SERVING, "blog": entry(current("b", B))})
    content = lockfile_format.render(lock)
    document = json.loads(content)["engines"]
    assert document["acme"]["protect"] is True
    assert document["acme"]["outputs"] == [
        {"file": "i18n.json", "pointer": "/engineId"},
        {"file": "web/.env", "key": "LINGO_ENGINE_ID"},
    ]
    assert document["blog"].keys().isdisjoint({"protect", "outputs"})
    assert made(lockfile_format.parse(content, "engines.lock.json")) == SERVING


@pytest.mark.parametrize(
    "spoil",
    [
        {"protect": "yes"},
        {"protect": None},
        {"outputs": {}},
        {"outputs": ["i18n.json"]},
        {"outputs": [{"file": "i18n.json"}]},
        {"outputs": [{"pointer": "/a"}]},
        {"outputs": [{"file": "i18n.json", "pointer": "/a", "key": "A"}]},
        {"outputs": [{"file": "i18n.json", "pointer": 1}]},
        {"outputs": [{"file": "i18n.json", "pointer": "/a", "mode": "x"}]},
    ],
)
def test_what_nobody_could_have_written_is_one_clear_error(spoil: dict[str, Any]) -> None:
    document = {**lockfile({"acme": SERVING}).engines["acme"], **spoil}
    with pytest.raises(LockfileError, match=r"engines\.acme"):
        Lockfile({"acme": document}).entry("acme")
    line = journal.render([replace(_begin(), kept=spoil)])
    with pytest.raises(JournalError, match="line 1"):
        journal.parse(line, "journal.jsonl")


def _begin(kept: LifecycleOptions = KEPT) -> Begin:
    record = begin("b", B, 1)
    assert isinstance(record, Begin)
    return replace(record, kept=lifecycle_document(kept))


def test_a_run_that_was_killed_has_told_the_journal() -> None:
    """Else the next run would find equal blob ids, read no file, and never learn of the protection."""
    records, _ = journal.parse(journal.render([_begin(), accepted("b", 2)]), "journal.jsonl")
    lock = fold(lockfile({}), records)
    assert made(lock).kept == KEPT
    assert made(fold(lock, [*records, ended("b", 3)])).kept == KEPT


def test_a_begin_of_before_leaves_what_is_kept_as_it_is() -> None:
    lock = fold(lockfile({"acme": SERVING}), [begin("b", B, 1), accepted("b", 2), ended("b", 3)])
    assert made(lock).kept == KEPT
    assert made(lock).current is not None


def test_a_call_that_was_not_made_changes_nothing_of_it() -> None:
    refusal = journal.Refusal("op_b", "no credit", 402, False, at(2))
    lock = lockfile({"acme": SERVING})
    assert fold(lock, [_begin(LifecycleOptions()), refusal]) == lock


def test_every_transition_keeps_it() -> None:
    under_way = replace(entry(current("a", A), pending("b", B), superseded("c", B)), kept=KEPT)
    back = replace(entry(current("a", A), None, superseded("b", B)), kept=KEPT)
    after = [
        transitions.complete(under_way, at(5)),
        transitions.fail(under_way, "no"),
        transitions.drop(under_way, at(5)),
        transitions.submit(under_way, pending("d", A), at(5)),
        transitions.restore(back, "eng_b", {}, at(5)),
    ]
    assert {one.kept for one in after} == {KEPT}


def test_protection_that_either_side_knows_of_survives_a_merge() -> None:
    base = lockfile({"acme": entry(current("a", A))})
    ours = lockfile({"acme": SERVING})
    theirs = lockfile({"acme": entry(current("a", A), pending("b", B))})
    for merged in (merge(base, ours, theirs), merge(base, theirs, ours), merge(None, ours, theirs)):
        assert made(merged.lockfile).kept == KEPT
        assert made(merged.lockfile).pending == pending("b", B)


def test_lifting_it_survives_a_merge_with_a_side_that_changed_nothing() -> None:
    base = lockfile({"acme": SERVING})
    ours = lockfile({"acme": replace(SERVING, kept=LifecycleOptions())})
    assert made(merge(base, ours, base).lockfile).kept == LifecycleOptions()
