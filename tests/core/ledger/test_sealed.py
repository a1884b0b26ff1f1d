"""What counts of a ledger that anybody may have written to."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.errors import JournalError
from reconciler.core.ledger.fold import fold
from reconciler.core.ledger.journal import (
    Begin,
    Decision,
    JobSummary,
    Record,
    Refusal,
    Settlement,
    canonical,
)
from reconciler.core.ledger.seal import RECORD, seal_for
from reconciler.core.ledger.sealed import (
    ALL_VERIFIED,
    NO_KEY,
    OTHER_KEY,
    Sealed,
    Unverified,
    begin_in,
    doubts,
    left_over,
    parse,
    render,
    sealed,
    sorted_out,
    to_keep,
    told_of,
)
from reconciler.core.lockfile.entry import UNCERTAIN
from reconciler.core.lockfile.model import EMPTY
from tests.core.build import A, B, accepted, at, begin, current, ended, entry, lockfile, uncertain

LEDGER = "refs/reconcile/production"
OURS = seal_for("key", "/x", LEDGER)
ROTATED = seal_for("rotated", "/x", LEDGER)
FACTS: tuple[Record, ...] = (begin("x", A, 1), accepted("x", 2), ended("x", 3))
RETIRE = Decision("d1", "acme", "retire", at(4), engine_id="eng_x")


def test_what_our_key_sealed_verifies_and_comes_back_as_it_was_written() -> None:
    lines = sealed(FACTS, OURS)
    assert parse(render(lines), "journal") == lines
    assert sorted_out(lines, OURS) == (FACTS, ALL_VERIFIED)
    assert not ALL_VERIFIED
    assert b"key" not in render(lines).replace(b'"key"', b"")


@pytest.mark.parametrize(
    "other",
    [
        None,
        ROTATED,
        seal_for("key", "/y", LEDGER),
        seal_for("key", "/x", "refs/reconcile/staging"),
        seal_for("key", "/x", f"{LEDGER}+sub"),
    ],
)
def test_nothing_verifies_elsewhere(other: Any) -> None:
    records, unverified = sorted_out(sealed(FACTS, OURS), other)
    assert records == ()
    assert [one.record for one in unverified.records] == [*FACTS]
    assert unverified.has_key is (other is not None)


_OTHER = {"fingerprint": "v1:other", "at": "2026-11-25T00:00:00Z", "result": "failed"}


@pytest.mark.parametrize("name", ["operation", "key", "fingerprint", "at", "engineId", "jobId", "result"])
def test_no_word_of_it_can_be_changed(name: str) -> None:
    changed = 0
    for line in render(sealed(FACTS, OURS)).splitlines():
        document = json.loads(line)
        if name in document:
            document[name] = _OTHER.get(name, "other")
            [one] = parse(json.dumps(document).encode() + b"\n", "journal")
            assert sorted_out([one], OURS)[0] == ()
            changed += 1
    assert changed > 0


def test_what_has_no_seal_or_a_strange_one_does_not_verify() -> None:
    bare = parse(render(Sealed(one, None) for one in FACTS), "journal")
    assert sorted_out(bare, OURS)[0] == ()
    odd = json.loads(canonical(FACTS[0])) | {"seal": {"a": 1}}
    assert sorted_out(parse(json.dumps(odd).encode() + b"\n", "journal"), OURS)[0] == ()
    with pytest.raises(JournalError):
        parse(b"garbage\n", "journal")


def test_a_record_that_is_there_with_a_seal_is_not_unverified_for_being_there_without() -> None:
    both = (*(Sealed(one, None) for one in FACTS), *sealed(FACTS, OURS))
    assert sorted_out(both, OURS) == (FACTS, ALL_VERIFIED)


def of_others(*records: Record) -> Unverified:
    return sorted_out(sealed(records, ROTATED), OURS)[1]


def test_a_call_that_only_they_tell_of_is_in_doubt_and_nothing_else_of_them_counts() -> None:
    found = doubts(EMPTY, (), of_others(*FACTS, RETIRE))
    [call] = found["acme"]
    assert (call.status, call.operation_id, call.engine_id) == (UNCERTAIN, "op_x", None)
    assert call.error == OTHER_KEY
    nobody = sorted_out(sealed(FACTS, OURS), None)[1]
    assert doubts(EMPTY, (), nobody)["acme"][0].error == NO_KEY


def test_what_the_lockfile_or_our_records_know_is_not_in_doubt() -> None:
    told = of_others(*FACTS)
    assert doubts(lockfile({"acme": entry(current("x", A))}), (), told) == {}
    assert doubts(fold(EMPTY, FACTS[:1]), FACTS[:1], told) == {}
    settled = (FACTS[0], Settlement("op_x", "retry", at(9)))
    assert doubts(fold(EMPTY, settled), settled, told) == {}
    assert doubts(EMPTY, (), of_others(accepted("x", 2))) == {}


def test_an_answer_without_its_begin_settles_no_doubt() -> None:
    """A run may add the summary of a job that it read of in the lockfile, and the lockfile be set back after that."""
    told = of_others(*FACTS)
    for alone in (JobSummary("op_x", {"instructions": 2}, at(9)), accepted("x", 2)):
        assert [call.operation_id for call in doubts(EMPTY, (alone,), told)["acme"]] == ["op_x"]
    assert doubts(EMPTY, (Refusal("op_x", "not sent", 0, False, at(9)),), told) == {}


def test_a_person_can_resolve_it_from_what_the_begin_tells_and_its_extras_are_not_believed() -> None:
    original = FACTS[0]
    assert isinstance(original, Begin)
    told = of_others(replace(original, kept={"protect": True}))
    again = begin_in(doubts(EMPTY, (), told), "op_x")
    assert again is not None
    assert (again.key, again.spec, again.kept) == ("acme", original.spec, None)
    assert again.files == {}  # so the next plan reads the file, and sees what it says beside its spec
    assert begin_in(doubts(EMPTY, (), told), "op_y") is None


def test_once_it_is_on_record_with_our_seal_it_is_not_carried_along() -> None:
    told = of_others(*FACTS, begin("y", B, 4))
    assert [one.record.operation for one in told.without(["op_x"]).records] == ["op_y"]
    assert told.without(["op_x", "op_y"]) == ALL_VERIFIED
    assert told.also(sealed([begin("y", A, 9), begin("z", A, 9)], ROTATED)).records[len(told.records) :] == (
        sealed([begin("z", A, 9)], ROTATED)
    )


def test_what_the_published_lockfile_answers_need_not_be_kept_and_decisions_neither() -> None:
    told = of_others(*FACTS, begin("y", B, 4), accepted("z", 5), RETIRE)
    published = lockfile({"acme": entry(current("x", A))})
    assert [one.record.operation for one in left_over(told, published).records] == ["op_y", "op_z"]
    open_ = lockfile({"acme": entry(None, uncertain("x", A))})
    assert "op_x" in {one.record.operation for one in left_over(told, open_).records}


def test_what_is_kept_here_tells_what_verified_from_what_did_not() -> None:
    unsealed = Sealed(begin("z", A, 9), None)
    others = Unverified((*of_others(begin("y", B, 4)).records, unsealed))
    kept = parse(to_keep(FACTS, others), "fetched")
    assert [one.record for one in kept if one.seal is None] == [*FACTS]
    left = [one for one in kept if one.seal is not None]
    assert [one.seal == "" for one in left] == [False, True]
    assert sorted_out(left, ROTATED)[0] == (begin("y", B, 4),)


def test_they_are_named_in_a_line() -> None:
    assert told_of(of_others(*FACTS, RETIRE)) == (
        "4 unverified records on the remote (1 answer, 1 begin, 1 decision, 1 other fact): "
        "they are ignored, and cannot be verified with this API key"
    )
    one = Unverified((Sealed(Settlement("op_x", "retry", at(9)), None),), has_key=False)
    assert told_of(one) == (
        "1 unverified record on the remote (1 decision): "
        "it is ignored, and cannot be verified without the API key"
    )


def test_half_a_pair_is_sealed_like_any_text_and_read_by_nobody() -> None:
    odd = replace(RETIRE, key="\ud800")
    assert OURS.of(RECORD, canonical(odd)) != OURS.of(RECORD, canonical(RETIRE))
    with pytest.raises(JournalError):
        parse(render(sealed([odd], OURS)), "journal")
