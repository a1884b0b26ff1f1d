"""The machine with a clock that tests turn: when it looks, when it runs, and who of two replicas does."""

from __future__ import annotations

import itertools
import math

import pytest

from reconciler.core.watch.machine import (
    GAP,
    LAST_PAUSE,
    RECHECK,
    End,
    Held,
    Look,
    Machine,
    Pace,
    Run,
    Tips,
    Trouble,
    Verdict,
    Wait,
)

T1, T2, T3 = Tips("a", "l1"), Tips("b", "l1"), Tips("b", "l2")
DOWN = Trouble("remote", "no answer")
DIRTY = Trouble("dirty", "changes", needs_person=True)


def machine(refresh: float | None = None) -> Machine:
    return Machine(Pace(60.0, refresh), lambda: 0.5)


def settled(tips: Tips = T1, now: float = 0.0) -> Machine:
    """One that has run for these, and found nothing to do."""
    made = machine()
    made.looked(now, tips, None)
    assert made.next(now) == Run()
    made.ran(now, Run(), Verdict.CONVERGED)
    made.looked(now, tips, None)
    return made


def pause(made: Machine, now: float) -> float:
    command = made.next(now)
    assert isinstance(command, Wait), command
    return command.seconds


def test_it_looks_first_and_runs_once() -> None:
    made = machine()
    assert made.next(0.0) == Look()
    made.looked(0.0, T1, None)
    assert made.next(0.0) == Run()
    made.ran(5.0, Run(), Verdict.CONVERGED, acted=True)
    assert made.next(5.0) == Look()  # what it published has moved the branch
    made.looked(5.0, T1, None)
    assert pause(made, 5.0) == 60.0


@pytest.mark.parametrize("tips", [T2, T3])
def test_what_moved_is_run(tips: Tips) -> None:
    made = settled()
    made.looked(60.0, tips, None)
    assert made.next(60.0) == Run()


def test_an_interval_is_spread() -> None:
    for chance, expected in ((0.0, 54.0), (0.5, 60.0), (1.0, 66.0)):
        made = Machine(Pace(60.0), lambda chance=chance: chance)  # type: ignore[misc]
        made.looked(0.0, T1, None)
        made.ran(0.0, Run(), Verdict.CONVERGED)
        made.looked(0.0, T1, None)
        assert pause(made, 0.0) == pytest.approx(expected)


def test_a_webhook_brings_the_next_look_nearer_and_a_flood_no_more() -> None:
    made = settled()
    made.nudged(30.0)
    assert made.next(30.0) == Look()
    made.looked(30.0, T1, None)
    for _ in range(1000):
        made.nudged(30.1)
    assert pause(made, 30.1) == pytest.approx(GAP - 0.1)


def test_what_fails_is_tried_more_and_more_rarely() -> None:
    made, now, pauses = machine(), 0.0, []
    made.looked(now, T1, None)
    for _ in range(12):
        made.ran(now, Run(), Verdict.RETRY)
        made.looked(now, T1, None)
        waited = 0.0
        while isinstance(command := made.next(now), Wait | Look):
            if isinstance(command, Look):
                made.looked(now, T1, None)
                continue
            waited, now = waited + command.seconds, now + command.seconds
        pauses.append(waited)
    assert pauses[:4] == [5.0, 10.0, 20.0, 40.0]
    assert pauses[-1] == LAST_PAUSE


def test_a_remote_that_cannot_be_read_is_looked_at_more_and_more_rarely() -> None:
    made, now, pauses = settled(), 60.0, []
    for _ in range(10):
        made.not_looked(now, DOWN)
        pauses.append(pause(made, now))
        now += pauses[-1]
    assert pauses[:3] == [5.0, 10.0, 20.0]
    assert pauses[-1] == LAST_PAUSE
    made.looked(now, T2, None)
    assert made.next(now) == Run()
    made.not_looked(now, DOWN)
    assert pause(made, now) == 5.0


def test_nothing_runs_while_something_is_in_the_way() -> None:
    made = settled()
    made.looked(60.0, T2, None, DIRTY)
    assert pause(made, 60.0) == 60.0
    made.looked(120.0, T2, None, DIRTY)
    made.looked(180.0, T2, None)
    assert made.next(180.0) == Run()


@pytest.mark.parametrize(
    ("verdict", "again"),
    [(Verdict.ATTENTION, RECHECK), (Verdict.RUNNING, 60.0), (Verdict.CONVERGED, math.inf)],
)
def test_when_an_unchanged_branch_is_run_again(verdict: Verdict, again: float) -> None:
    made, now = machine(), 0.0
    made.looked(now, T1, None)
    made.ran(now, Run(), verdict)
    while now < 2 * RECHECK:
        match made.next(now):
            case Look():
                made.looked(now, T1, None)
            case Wait(seconds):
                now += seconds
            case command:
                assert command == Run()
                assert now == again
                return
    assert again == math.inf


def test_drift_has_an_interval_of_its_own() -> None:
    made, now, refreshes = machine(refresh=600.0), 0.0, []
    while now < 3600.0:
        match made.next(now):
            case Look():
                made.looked(now, T1, None)
            case Wait(seconds):
                now += max(seconds, 0.001)
            case Run(refresh) as run:
                refreshes += [now] if refresh else []
                made.ran(now, run, Verdict.CONVERGED)
    assert len(refreshes) == 6
    assert refreshes[0] == pytest.approx(300.0)
    assert [b - a for a, b in itertools.pairwise(refreshes)] == pytest.approx([600.0] * 5)


# ── several replicas ──


def standing_by(now: float = 0.0, free_in: float = 300.0) -> Machine:
    made = machine()
    made.looked(now, T1, None)
    made.ran(now, Run(), Verdict.HELD)
    assert made.next(now) == Look()
    made.looked(now, T1, Held("process 7 on other", free_in))
    return made


def test_who_loses_the_lease_runs_nothing_while_it_is_held() -> None:
    made, now = standing_by(), 0.0
    for _ in range(4):
        assert made.standby
        now += pause(made, now)
        assert made.next(now) == Look()
        made.looked(now, T1, Held("process 7 on other", 300.0))
    assert now == 240.0


def test_a_lease_that_expires_is_taken_over_at_once() -> None:
    made = standing_by(free_in=50.0)
    assert pause(made, 0.0) == 50.0
    assert made.next(50.0) == Look()
    made.looked(50.0, T1, Held("process 7 on other", 0.0))
    assert made.next(50.0) == Run()
    made.ran(60.0, Run(), Verdict.CONVERGED, acted=True)
    assert not made.standby


def test_new_work_is_left_to_the_other_one_and_done_if_nobody_does_it() -> None:
    made = standing_by()
    made.looked(60.0, T3, None)  # the other one has published
    made.ran(60.0, Run(), Verdict.CONVERGED)
    made.looked(60.0, T3, None)
    made.looked(120.0, Tips("c", "l2"), None)  # somebody pushed
    now = 120.0
    while not isinstance(command := made.next(now), Run):
        if isinstance(command, Look):
            made.looked(now, Tips("c", "l2"), None)
        else:
            assert isinstance(command, Wait)
            now += command.seconds
    assert now == pytest.approx(120.0 + 71.0)


def test_the_other_ones_work_is_not_done_again() -> None:
    made = standing_by()
    for now, ledger in ((60.0, "l2"), (120.0, "l3"), (180.0, "l4")):
        made.looked(now, Tips("a", ledger), None)
        assert isinstance(made.next(now), Wait)


def test_runs_that_answer_each_other_do_not_spin() -> None:
    made, now, runs = machine(), 0.0, 0
    while now < 600.0:
        match made.next(now):
            case Look():
                made.looked(now, Tips("a", f"l{runs}"), None)
            case Run() as run:
                runs += 1
                made.ran(now, run, Verdict.CONVERGED, acted=True)
            case Wait(seconds):
                now += seconds
    assert runs <= 33


def test_the_end_comes_before_everything() -> None:
    made = machine()
    made.stop()
    assert made.next(0.0) == End()


def test_who_stands_by_looks_for_drift_half_as_often() -> None:
    """The other one may have been a person's run, after which nobody else is there."""
    made, now, refreshes = machine(refresh=600.0), 0.0, []
    made.looked(now, T1, None)
    made.ran(now, Run(), Verdict.HELD)
    made.looked(now, T2, None)
    while now < 3600.0:
        match made.next(now):
            case Look():
                made.looked(now, T2, None)
            case Wait(seconds):
                now += max(seconds, 0.001)
            case Run(refresh) as run:
                refreshes += [now] if refresh else []
                made.ran(now, run, Verdict.CONVERGED)
    assert made.standby
    assert refreshes == pytest.approx([900.0, 2100.0, 3300.0])


def test_it_waits_for_who_holds_the_lease_only_while_there_is_work() -> None:
    made = settled()
    busy = Held("other", 30.0)
    made.looked(60.0, T1, busy)
    assert made.waits_for is None  # nothing is to be done here
    made.looked(120.0, T2, busy)
    assert made.waits_for == "other"
    assert pause(made, 120.0) > 0
    made.looked(121.0, T2, busy, DIRTY)
    assert made.waits_for is None
    made.looked(150.0, T2, Held("other", 0.0))
    assert made.waits_for is None
    assert made.next(150.0) == Run()
