"""Shards that hold one lease together: who may join, who is kept out, and when it is over."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.errors import ExitCode, JournalError, LeaseHeld
from reconciler.core.ledger.epoch import (
    EpochOver,
    SharedTerms,
    Sharing,
    alive_in,
    is_of,
    refuse_if_held,
    refuse_if_working,
    without_ended,
)
from reconciler.core.ledger.lease import FREE, REMEMBERED, Holder, Lease, give_back, parse, render, take
from reconciler.core.ledger.seal import seal_for

ME = Holder("runner-1", 4711)
YOU = Holder("runner-2", 12, "https://github.com/acme/web/actions/runs/1")
NOW, SOON, LATER = "2026-11-24T11:00:00.000Z", "2026-11-24T11:02:00.000Z", "2026-11-24T12:00:00.000Z"
SEAL = seal_for("key", "/x", "refs/reconcile/production")
PLAN = Sharing("sha256:" + "a" * 64, "run-1", 3)


def shard(number: int, own: str = "", sharing: Sharing = PLAN, holder: Holder = ME) -> SharedTerms:
    return SharedTerms(sharing, number, holder, own or f"process-{number}", 300.0)


FIRST = shard(1).taken(FREE, NOW)


def test_the_first_opens_it_and_the_others_join_under_the_same_number() -> None:
    both = shard(2).taken(FIRST, SOON)
    assert (FIRST.fencing, both.fencing) == (1, 1)
    assert both.token == FIRST.token == PLAN.token
    assert [one.shard for one in alive_in(both, SOON)] == [1, 2]
    assert shard(1).holds(both)
    assert shard(2).holds(both)
    assert not shard(3).holds(both)


def test_a_shard_that_runs_keeps_a_second_process_out_and_not_the_others() -> None:
    with pytest.raises(
        LeaseHeld, match=r"shard 1 of 3 is already running.*process 4711 on runner-1"
    ) as caught:
        shard(1, "copy", holder=YOU).taken(FIRST, SOON)
    assert "--lease-wait" in (caught.value.hint or "")
    assert shard(1, "copy").may_begin(FIRST, LATER)  # its place has expired by then
    assert not shard(1, "copy").may_begin(FIRST, SOON)
    taken = shard(1, "copy").taken(FIRST, LATER)
    assert not shard(1).holds(taken)
    assert shard(1).rival(taken) == ME
    assert shard(2).rival(taken) is None


def test_a_shard_that_ended_gives_its_place_to_another_process() -> None:
    ended = shard(1).given_back(FIRST, SOON)
    assert alive_in(ended, SOON) == ()
    assert shard(1, "again").taken(ended, SOON).fencing == 1
    assert shard(1).given_back(ended, SOON) == ended


def test_between_two_shards_the_lease_is_still_theirs() -> None:
    ended = shard(1).given_back(FIRST, SOON)
    with pytest.raises(LeaseHeld, match="another run holds the lease"):
        refuse_if_held(ended, SOON)
    refuse_if_held(ended, LATER)
    refuse_if_working(PLAN, ended, SOON)  # but the run that closes it need not wait
    with pytest.raises(LeaseHeld, match="shard 1 of 3 holds the lease until 2026-11-24T11:05"):
        refuse_if_working(PLAN, FIRST, SOON)
    with pytest.raises(LeaseHeld, match="shards 1, 2 of 3 hold the lease"):
        refuse_if_held(shard(2).taken(FIRST, SOON), SOON)


def test_the_shards_of_another_plan_are_kept_out_like_any_run() -> None:
    other = shard(1, "x", Sharing(PLAN.plan, "run-2", 3))
    with pytest.raises(LeaseHeld, match="another run holds the lease"):
        other.taken(FIRST, SOON)
    with pytest.raises(LeaseHeld):
        refuse_if_working(other.sharing, shard(1).given_back(FIRST, SOON), SOON)
    assert not is_of(FIRST, other.sharing)


@pytest.mark.parametrize("over", [give_back(FIRST), take(FIRST, YOU, "foreign", LATER, 300.0)])
def test_once_over_it_is_never_opened_again(over: Lease) -> None:
    for now in (LATER, "2026-11-24T18:00:00.000Z"):
        with pytest.raises(EpochOver, match="collected, or its lease was broken or taken over") as caught:
            shard(2).taken(over, now)
        assert caught.value.exit_code is ExitCode.GUARD
        assert "reconcile plan --shards 3 --out shards" in (caught.value.hint or "")
    assert not shard(2).may_begin(over, LATER)
    assert shard(2, sharing=Sharing(PLAN.plan, "run-2", 3)).taken(give_back(over), LATER).closed == (
        PLAN.token,
    )


def test_a_few_of_those_that_are_over_are_remembered() -> None:
    lease = FREE
    for number in range(REMEMBERED + 4):
        lease = give_back(shard(1, sharing=Sharing(PLAN.plan, f"run-{number}", 3)).taken(lease, NOW))
    assert len(lease.closed) == REMEMBERED
    assert parse(render(lease, SEAL), SEAL) == lease


def test_places_of_runs_that_ended_for_certain_are_free() -> None:
    both = shard(2, holder=YOU).taken(FIRST, SOON)
    assert [one.shard for one in alive_in(without_ended(both, YOU.__eq__), SOON)] == [1]
    assert without_ended(both, lambda holder: False) == both
    assert without_ended(FREE, lambda holder: True) == FREE
    alone = take(FREE, ME, "token", NOW, 300.0)
    assert without_ended(alone, ME.__eq__) == give_back(alone)


@pytest.mark.parametrize("left", [FIRST, shard(1).given_back(FIRST, SOON)])
def test_where_all_runs_have_ended_others_may_begin_and_the_shards_go_on(left: Lease) -> None:
    """A shard in another workflow run comes after the first one's has ended: the plan is not over for that."""
    known = without_ended(left, ME.__eq__)
    refuse_if_held(known, SOON)
    refuse_if_working(PLAN, known, SOON)
    for number in (1, 2):
        again = shard(number, "again", holder=YOU).taken(known, SOON)
        assert [one.shard for one in alive_in(again, SOON)] == [number]
        assert again.fencing == FIRST.fencing
    other = take(known, YOU, "token", SOON, 300.0)
    with pytest.raises(EpochOver):
        shard(2).taken(other, SOON)


def test_the_time_left_is_that_of_the_own_place() -> None:
    both = shard(2).taken(FIRST, SOON)
    assert shard(1).seconds_left(both, SOON) == 180.0
    assert shard(2).seconds_left(both, SOON) == 300.0
    assert shard(3).seconds_left(both, SOON) == 0.0
    assert shard(2).others(both, SOON) == 1


def test_nobody_is_deceived_by_a_lease_without_our_seal() -> None:
    forged = parse(render(FIRST, seal_for("other key", "/x", "refs/reconcile/production")), SEAL)
    assert not forged.verified
    assert not shard(1).holds(forged)
    with pytest.raises(LeaseHeld):
        shard(2).taken(forged, SOON)
    with pytest.raises(LeaseHeld):
        refuse_if_working(PLAN, forged, SOON)


# ── as a file ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_older_program_refuses_it_while_shards_hold_it_and_reads_it_afterwards() -> None:
    assert json.loads(render(FIRST, SEAL))["version"] == 2
    assert json.loads(render(give_back(FIRST), SEAL))["version"] == 1
    taken = take(FIRST, YOU, "foreign", LATER, 300.0)
    assert json.loads(render(taken, SEAL))["version"] == 1
    assert parse(render(taken, SEAL), SEAL) == taken


@pytest.mark.parametrize(
    "change",
    [
        {"epoch": None},
        {"epoch": {"plan": "x"}},
        {"closed": ["a b"]},
        {"closed": ["a"] * (REMEMBERED + 1)},
        {"closed": "abc"},
        {"plan": "sha256:x"},
        {"run": "a b"},
        {"shards": 0},
        {"shards": 10**6},
        {"shards": True},
        {"places": {}},
        {"places": ["x"]},
        {"place": {"shard": 4}},
        {"place": {"shard": "1"}},
        {"place": {"token": ""}},
        {"place": {"holder": {"pid": 1}}},
        {"place": {"expiresAt": "tomorrow"}},
        {"place": {"renewedAt": None}},
        {"double": True},
    ],
)
def test_what_is_not_one_is_an_error_with_a_way_out(change: dict[str, object]) -> None:
    document = json.loads(render(FIRST))
    [(name, value)] = change.items()
    if name == "place":
        document["epoch"]["places"][0] |= value
    elif name == "double":
        document["epoch"]["places"] *= 2
    else:
        (document if name in ("epoch", "closed") else document["epoch"])[name] = value
    with pytest.raises(JournalError, match="cannot be read") as caught:
        parse(json.dumps(document).encode())
    assert "reconcile lease break" in (caught.value.hint or "")


# ── whatever happens ───────────────────────────────────────────────────────────────────────────────────────────────

_steps = st.lists(
    st.tuples(
        st.sampled_from(["join", "leave", "renew", "foreign", "break", "close"]),
        st.integers(1, 3),
        st.sampled_from(["a", "b"]),
        st.integers(0, 400),
    ),
    max_size=25,
)


@given(_steps)
def test_no_shard_is_held_twice_and_nothing_beside_a_foreign_run(
    steps: list[tuple[str, int, str, int]],
) -> None:
    """Every step is a compare-and-swap of the whole lease, as on the remote. Who thinks to hold it always does."""
    lease, now, working, ever_over = FREE, datetime.fromisoformat(NOW), set[tuple[int, str]](), False
    for step, number, own, seconds in steps:
        now += timedelta(seconds=seconds)
        at = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        terms, before = shard(number, own), lease
        try:
            if step == "join":
                lease = terms.taken(lease, at)
                assert not ever_over
            elif step == "renew" and terms.holds(lease):
                lease = terms.renewed(lease, at)
            elif step == "leave":
                lease = terms.given_back(lease, at)
            elif step == "foreign":
                refuse_if_held(lease, at)
                lease = take(lease, YOU, "foreign", at, 100.0)
            elif step == "close":
                refuse_if_working(PLAN, lease, at)
                lease = take(lease, YOU, "closing", at, 100.0)
            elif step == "break":
                lease = give_back(lease)
        except (LeaseHeld, EpochOver):
            continue
        ever_over = ever_over or (before.epoch is not None and lease.epoch is None)
        working = {(n, o) for n in (1, 2, 3) for o in "ab" if shard(n, o).holds(lease)}
        assert len({n for n, _ in working}) == len(working)
        assert not working or lease.token == PLAN.token
        assert lease.fencing >= before.fencing
        assert parse(render(lease, SEAL), SEAL) == replace(lease, seal=None)
        if lease.epoch is not None and before.epoch is not None:
            assert lease.fencing == before.fencing  # one number for all of them
