"""Every way from one recorded situation to the next."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.engine.fingerprint import fingerprint
from reconciler.core.lockfile import transitions
from reconciler.core.lockfile.entry import FAILED, IN_PROGRESS, UNCERTAIN, Entry, Pending
from tests.core.build import T0, A, B, C, at, current, entry, failed, pending, refused, superseded, uncertain
from tests.core.strategies import entries, pendings

LATER = at(30)


def open_in(one: Entry) -> set[str]:
    return {call.operation_id for call in one.unresolved}


@given(entries, pendings())
def test_no_transition_forgets_an_engine(one: Entry, new: Pending) -> None:
    before = set(one.engine_ids)
    assert set(transitions.drop(one, LATER).engine_ids) == before
    call = replace(new, status=UNCERTAIN, engine_id=None, operation_id="op_new")
    submitted = transitions.submit(one, call, LATER)
    assert set(submitted.engine_ids) == before
    assert open_in(submitted) == open_in(one) | {"op_new"}
    made = transitions.accept(submitted, "op_new", "pjb_new", "eng_new", LATER)
    assert set(made.engine_ids) == before | {"eng_new"}
    assert open_in(made) == open_in(one)
    for spec in (A, B, C):
        print_ = fingerprint(spec)
        if (found := transitions.find_superseded(one, print_, completed=True)) is not None:
            back = transitions.restore(one, found.engine_id, {}, LATER)
            assert set(back.engine_ids) == before
            assert open_in(back) == open_in(one)
        if (found := transitions.find_superseded(one, print_, completed=False)) is not None:
            back = transitions.readopt(one, found.operation_id or "", {}, LATER)
            assert set(back.engine_ids) == before
            assert open_in(back) == open_in(one)
        assert set(transitions.refile(one, print_, {"x": "y"}).engine_ids) == before


@given(entries, st.sampled_from(["answer", "end"]))
def test_the_serving_engine_changes_in_complete_and_restore_only(one: Entry, what: str) -> None:
    assert transitions.drop(one, LATER).current == one.current
    if one.pending is not None:
        assert transitions.fail(one, "x").current == one.current
    for call in one.unresolved:
        assert transitions.doubt(one, call.operation_id, "x").current == one.current
        assert transitions.accept(one, call.operation_id, "pjb", "eng", LATER).current == one.current
        assert transitions.withdraw(one, call.operation_id).current == one.current
        assert transitions.refuse(one, call.operation_id, "x", LATER).current == one.current


def test_submit_and_accept() -> None:
    new = uncertain("2", B)
    submitted = transitions.submit(None, new, LATER)
    assert submitted == entry(None, new)
    running = transitions.accept(submitted, "op_2", "pjb_2", "eng_2", LATER).pending
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
    doubtful = transitions.doubt(entry(None, uncertain("1", A)), "op_1", "lost").pending
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


def test_restore_switches_back_and_keeps_the_rest_in_order() -> None:
    one = entry(
        current("4", B),
        pending("5", C),
        superseded("1", A),
        superseded("2", A),
        superseded("3", A, IN_PROGRESS),
    )
    back = transitions.restore(one, "eng_2", {"f": "new"}, LATER)
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
    there = transitions.restore(one, "eng_1", {}, LATER)
    back = transitions.restore(there, "eng_2", {}, LATER)
    assert back.current is not None
    assert back.current.engine_id == "eng_2"
    assert [old.engine_id for old in back.superseded] == ["eng_1"]


def test_readopt_makes_an_overtaken_engine_pending_again() -> None:
    one = entry(None, pending("2", B), superseded("1", A, IN_PROGRESS, submitted_at=T0))
    back = transitions.readopt(one, "op_1", {"f": "new"}, LATER)
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


def test_a_call_without_an_answer_is_hidden_by_nothing_that_comes_later() -> None:
    one = transitions.submit(entry(current("0", C)), uncertain("1", A), LATER)
    two = transitions.submit(one, uncertain("2", B), LATER)
    assert [call.operation_id for call in two.unresolved] == ["op_1", "op_2"]
    three = transitions.accept(two, "op_2", "pjb_2", "eng_2", LATER)
    done = transitions.complete(three, LATER)
    assert [call.operation_id for call in done.unresolved] == ["op_1"]
    assert done.pending is not None
    assert done.pending.status == UNCERTAIN
    settled = transitions.withdraw(transitions.drop(done, LATER), "op_1")
    assert settled.unresolved == ()
    assert settled.current is not None
    assert settled.current.engine_id == "eng_2"


def test_a_running_job_gives_way_only_to_an_accepted_call() -> None:
    one = transitions.submit(entry(None, pending("1", A)), uncertain("2", B), LATER)
    assert one.pending == pending("1", A)
    refused_ = transitions.refuse(one, "op_2", "no", LATER)
    assert refused_ == entry(None, pending("1", A))
    made = transitions.accept(one, "op_2", "pjb_2", "eng_2", LATER)
    assert made.pending is not None
    assert made.pending.engine_id == "eng_2"
    assert [past.engine_id for past in made.superseded] == ["eng_1"]


def test_an_overtaken_call_keeps_its_engine_in_reserve() -> None:
    one = Entry(current("2", B), uncertain=(uncertain("1", A),))
    late = transitions.accept(one, "op_1", "pjb_1", "eng_1", LATER, overtaken=True)
    assert late.current == one.current
    assert late.pending is None
    assert [(past.engine_id, past.status) for past in late.superseded] == [("eng_1", IN_PROGRESS)]
    named = transitions.adopt(one, "op_1", "eng_x", LATER, overtaken=True)
    assert [(past.engine_id, past.status) for past in named.superseded] == [("eng_x", None)]
    serves = transitions.adopt(one, "op_1", "eng_x", LATER)
    assert serves.current is not None
    assert serves.current.engine_id == "eng_x"
