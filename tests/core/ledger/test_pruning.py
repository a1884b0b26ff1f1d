"""Deleting engines as facts: what they do to the lockfile, in any order and however often."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.core.errors import JournalError
from reconciler.core.ledger.facts import resolutions
from reconciler.core.ledger.fold import fold
from reconciler.core.ledger.journal import Decision, Pruned, Pruning, Record, Settlement, parse, render
from reconciler.core.ledger.pruning import begun_by, prune_of, still_begun
from reconciler.core.lockfile.entry import Hold
from reconciler.core.lockfile.model import EMPTY, Lockfile
from tests.core.build import (
    T0,
    A,
    B,
    C,
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

BEGUN = "2026-11-24T11:01:00Z"
LISTED = lockfile({"acme": entry(current("2", B), None, superseded("1", A))}, blog=entry(current("3", C)))


def pruning(engine_id: str = "eng_1", since: str = T0, second: int = 60) -> Pruning:
    return Pruning(prune_of(engine_id), "acme", engine_id, since, at(second))


def pruned(engine_id: str = "eng_1", result: str = "deleted", second: int = 61) -> Pruned:
    return Pruned(prune_of(engine_id), "acme", engine_id, result, at(second), at(60))


def marks(lock: Lockfile, key: str = "acme") -> dict[str, str]:
    found = lock.entry(key)
    return dict(found.pruning) if found is not None else {}


def test_a_deletion_is_begun_by_facts_until_one_ends_it() -> None:
    again = pruning(second=70)
    cases: list[tuple[list[Record], tuple[Pruning, ...]]] = [
        ([], ()),
        ([pruning()], (pruning(),)),
        ([pruned(), pruning()], ()),  # in any order
        ([pruning(), pruned(result="kept")], ()),
        ([pruning(), pruned(result="kept"), again], (again,)),
    ]
    for records, open_ in cases:
        assert begun_by(records) == open_
    decided = Decision("d", "blog", "delete", at(60), engine_id="eng_3")
    assert [(one.engine_id, one.key) for one in begun_by([decided])] == [("eng_3", "blog")]
    retired = fold(LISTED, [decided])
    assert fold(retired, begun_by([decided])) == retired  # it says the same as the decision
    assert begun_by([replace(decided, kind="retire")]) == ()


def test_it_is_kept_as_long_as_the_lockfile_has_its_mark() -> None:
    assert still_begun([pruning(), pruning()], fold(LISTED, [pruning()])) == (pruning(),)
    assert still_begun([pruning()], LISTED) == ()


def test_an_engine_is_marked_before_the_call_and_gone_after_it() -> None:
    begun = fold(LISTED, [pruning()])
    assert marks(begun) == {"eng_1": BEGUN}
    assert fold(begun, [pruned()]) == fold(LISTED, [pruning(), pruned()]) == fold(LISTED, [pruned()])
    assert fold(begun, [pruned()]).entry("acme") == entry(current("2", B))


def test_a_retired_key_goes_with_its_last_engine() -> None:
    begun = fold(LISTED, [pruning("eng_3")])
    assert begun.retired_of("blog")[0].entry.pruning == {"eng_3": BEGUN}
    assert fold(begun, [pruned("eng_3")]).retired == {}


def test_an_engine_that_is_kept_after_all_is_as_it_was() -> None:
    assert fold(LISTED, [pruning(), pruned(result="kept")]) == LISTED
    later = fold(LISTED, [pruning(), pruned(result="kept"), pruning(second=90)])
    assert marks(later) == {"eng_1": "2026-11-24T11:01:30Z"}
    assert fold(later, [pruning(), pruned(result="kept")]) == later


@pytest.mark.parametrize(
    "place",
    [
        entry(current("1", A), None, superseded("2", B)),
        entry(current("2", B), pending("1", A)),
        entry(current("2", B), None, superseded("1", A, replaced_at="2026-11-25T00:00:00Z")),
    ],
    ids=["serves again", "is waited for again", "was in use since"],
)
def test_an_engine_that_came_back_into_use_is_not_marked(place: object) -> None:
    lock = lockfile({"acme": place})  # type: ignore[dict-item]
    assert fold(lock, [pruning()]) == lock


def test_an_engine_in_use_stays_though_it_is_known_to_be_deleted() -> None:
    lock = lockfile({"acme": entry(current("1", A), None, superseded("2", B))})
    assert fold(lock, [pruned()]) == lock


def test_it_is_taken_out_wherever_it_is_listed() -> None:
    both = lockfile(
        {
            "acme": entry(current("2", B), None, superseded("1", A)),
            "shop": entry(None, None, superseded("1", A)),
        },
        blog=entry(current("3", C), None, superseded("1", A)),
    )
    after = fold(both, [pruned()])
    assert "eng_1" not in str(after)
    assert "shop" not in after.engines
    assert after.retired_of("blog")[0].entry == entry(current("3", C))


RESTORE = Decision("d-1", "acme", "restore", at(62), "eng_1", instead_of="eng_2")
ROLLBACK = replace(RESTORE, kind="rollback", fingerprint="v1:x", spec={"name": "Acme"}, by="Ada")


@pytest.mark.parametrize("decision", [RESTORE, ROLLBACK], ids=["restore", "rollback"])
def test_between_the_two_facts_nothing_switches_back_and_before_them_it_does(decision: Decision) -> None:
    begun = fold(LISTED, [pruning()])
    assert fold(begun, [decision]) == begun
    first = fold(LISTED, [decision, pruning()])
    [serving] = [one.current for one in [first.entry("acme")] if one is not None]
    assert serving is not None
    assert serving.engine_id == "eng_1"
    assert marks(first) == {}


def test_a_job_of_an_engine_that_is_being_deleted_is_not_waited_for_again() -> None:
    lock = lockfile({"acme": entry(current("2", B), None, superseded("1", A, "in_progress"))})
    begun = fold(lock, [pruning()])
    resumed = Decision("d-1", "acme", "resume", at(62), "eng_1", about="op_1")
    after = fold(begun, [resumed]).entry("acme")
    assert after is not None
    assert after.pending is None


def test_a_deleted_engine_does_not_come_back_with_the_facts_of_its_create_call() -> None:
    made = [
        begin("1", A, 0),
        accepted("1", 1),
        ended("1", 2),
        begin("2", B, 10),
        accepted("2", 11),
        ended("2", 12),
    ]
    records: list[Record] = [*made, pruning(since="2026-11-24T11:00:12Z"), pruned()]
    once = fold(EMPTY, records)
    assert "eng_1" not in str(once)
    assert fold(once, records) == once
    retired: list[Record] = [*made[:3], Decision("d-1", "acme", "delete", at(20), "eng_1")]
    begun = fold(EMPTY, retired)
    assert begun.retired_of("acme")[0].entry.pruning == {"eng_1": "2026-11-24T11:00:20Z"}
    assert fold(begun, retired) == begun
    gone = fold(EMPTY, [*retired, pruned()])
    assert gone == EMPTY == fold(gone, [*retired, pruned()])


def test_a_hold_and_a_mark_outlive_a_second_fold() -> None:
    hold = Hold("d-1", "v1:x", {"name": "Acme"}, "Ada", T0)
    held = lockfile({"acme": replace(entry(current("2", B), None, superseded("1", A)), hold=hold)})
    once = fold(held, [pruning()])
    assert fold(once, [pruning()]) == once


def test_what_is_kept_for_later_runs_has_no_resolution_of_a_deleted_engine() -> None:
    named = [begin("1", A, 0), Settlement("op_1", "engine", at(1), "eng_1")]
    assert resolutions(named) == tuple(named)
    assert resolutions([*named, pruning(), pruned()]) == (pruning(), pruned())


def test_the_facts_have_a_version_that_older_programs_refuse() -> None:
    lines = render([pruning(), pruned(), begin("1", A, 0)])
    assert [b'"v":2' in line for line in lines.splitlines()] == [True, True, False]
    assert list(parse(lines, "j")[0]) == [pruning(), pruned(), begin("1", A, 0)]
    for line, said in (
        (
            b'{"v":1,"type":"pruned","operation":"p","key":"k","engineId":"e","result":"completed"',
            "unknown result",
        ),
        (b'{"v":2,"type":"ended","operation":"p","result":"deleted"', "unknown result"),
        (
            b'{"v":2,"type":"pruning","operation":"p","key":"k","engineId":"../x","since":"2026-11-24T11:00:00Z"',
            "ID",
        ),
    ):
        with pytest.raises(JournalError, match=said):
            parse(line + b',"at":"2026-11-24T11:00:00Z"}\n', "j")
