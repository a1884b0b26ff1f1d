"""Every way from one recorded situation to the next."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.engine.fingerprint import fingerprint
from reconciler.core.lockfile import transitions
from reconciler.core.lockfile.entry import FAILED, IN_PROGRESS, UNCERTAIN, Entry, Pending
from tests.core.build import T0, A, B, C, at, current, entry, failed, pending, refused, superseded, uncertain
from tests.core.strategies import entries, pendings

LATER = at(30)


@given(entries, pendings())
def test_no_transition_forgets_an_engine(one: Entry, new: Pending) -> None:
    before = set(one.engine_ids)
    assert set(transitions.drop(one, LATER).engine_ids) == before
    assert set(transitions.submit(one, new, LATER).engine_ids) == before | ({new.engine_id} - {None})
    for spec in (A, B, C):
        print_ = fingerprint(spec)
        if transitions.find_superseded(one, print_, completed=True) is not None:
            assert set(transitions.restore(one, print_, {}, LATER).engine_ids) == before
        if transitions.find_superseded(one, print_, completed=False) is not None:
            assert set(transitions.readopt(one, print_, {}, LATER).engine_ids) == before
        assert set(transitions.refile(one, print_, {"x": "y"}).engine_ids) == before


@given(entries, st.sampled_from(["answer", "end"]))
def test_the_serving_engine_changes_in_complete_and_restore_only(one: Entry, what: str) -> None:
    assert transitions.drop(one, LATER).current == one.current
    if one.pending is not None:
        assert transitions.fail(one, "x").current == one.current
        assert transitions.doubt(one, "x").current == one.current
        assert transitions.accept(one, "pjb", "eng").current == one.current


def test_submit_and_accept() -> None:
    new = uncertain("2", B)
    submitted = transitions.submit(None, new, LATER)
    assert submitted == entry(None, new)
    running = transitions.accept(submitted, "pjb_2", "eng_2").pending
    assert running is not None
    assert (running.status, running.engine_id, running.job_id, running.error) == (
        IN_PROGRESS,
        "eng_2",
        "pjb_2",
        None,
    )


def test_complete_promotes_and_keeps_the_one_before() -> None:
    one = entry(current("1", A, summary={"x": 1}), pending("2", B, files={"f": "b"}), superseded("0", C))
    done = transitions.complete(one, LATER, {"instructions": 6})
    assert done.pending is None
    assert done.current == current(
        "2", B, files={"f": "b"}, summary={"instructions": 6}, provisioned_at="2026-11-24T11:00:30Z"
    )
    assert [old.engine_id for old in done.superseded] == ["eng_0", "eng_1"]
    old = done.superseded[-1]
    assert (old.status, old.provisioned_at, old.replaced_at, old.summary) == (
        None,
        T0,
        "2026-11-24T11:00:30Z",
        {"x": 1},
    )


def test_fail_and_doubt_say_why() -> None:
    broken = transitions.fail(entry(None, pending("1", A)), "it broke").pending
    assert broken is not None
    assert (broken.status, broken.error, broken.engine_id) == (FAILED, "it broke", "eng_1")
    doubtful = transitions.doubt(entry(None, uncertain("1", A)), "lost").pending
    assert doubtful is not None
    assert (doubtful.status, doubtful.error) == (UNCERTAIN, "lost")


def test_drop_keeps_what_was_made_with_how_it_stood() -> None:
    running = transitions.drop(entry(None, pending("1", A)), LATER).superseded[0]
    assert (running.engine_id, running.status, running.submitted_at) == ("eng_1", IN_PROGRESS, T0)
    broken = transitions.drop(entry(None, failed("1", A)), LATER).superseded[0]
    assert (broken.status, broken.error) == (FAILED, "it went wrong")
    assert transitions.drop(entry(None, refused("1", A)), LATER).empty
    same = entry(current("1", A))
    assert transitions.drop(same, LATER) is same


def test_restore_takes_the_newest_completed_of_that_meaning() -> None:
    one = entry(
        current("4", B),
        pending("5", C),
        superseded("1", A),
        superseded("2", A),
        superseded("3", A, IN_PROGRESS),
    )
    back = transitions.restore(one, fingerprint(A), {"f": "new"}, LATER)
    assert back.current is not None
    assert (back.current.engine_id, back.current.files) == ("eng_2", {"f": "new"})
    assert back.pending is None
    assert [(old.engine_id, old.status) for old in back.superseded] == [
        ("eng_1", None),
        ("eng_3", IN_PROGRESS),
        ("eng_5", IN_PROGRESS),
        ("eng_4", None),
    ]


def test_there_and_back_again_is_the_same_engine() -> None:
    one = entry(current("2", B), None, superseded("1", A))
    there = transitions.restore(one, fingerprint(A), {}, LATER)
    back = transitions.restore(there, fingerprint(B), {}, LATER)
    assert back.current is not None
    assert back.current.engine_id == "eng_2"
    assert [old.engine_id for old in back.superseded] == ["eng_1"]


def test_readopt_makes_an_overtaken_engine_pending_again() -> None:
    one = entry(None, pending("2", B), superseded("1", A, IN_PROGRESS, submitted_at=T0))
    back = transitions.readopt(one, fingerprint(A), {"f": "new"}, LATER)
    assert back.pending == pending("1", A, files={"f": "new"})
    assert [(old.engine_id, old.status) for old in back.superseded] == [("eng_2", IN_PROGRESS)]


def test_an_engine_of_an_older_fingerprint_version_is_found_by_its_spec() -> None:
    old = superseded("1", A, fingerprint="v0:old")
    one = entry(current("2", B), None, old)
    assert transitions.find_superseded(one, fingerprint(A), completed=True) is old
    assert transitions.find_superseded(one, fingerprint(C), completed=True) is None
    assert transitions.find_superseded(one, fingerprint(A), completed=False) is None


def test_refile_touches_only_what_was_made_for_this() -> None:
    one = entry(current("1", A), pending("2", B))
    moved = transitions.refile(one, fingerprint(A), {"new": "id"})
    assert moved.current == current("1", A, files={"new": "id"})
    assert moved.pending == one.pending
    other = transitions.refile(one, fingerprint(B), {"new": "id"})
    assert other.current == one.current
    assert other.pending == pending("2", B, files={"new": "id"})
    assert transitions.refile(entry(), fingerprint(A), {}) == entry()
