"""Runs whose begins are recorded on a remote: they begin ahead of their calls, and take back what is not called."""

from __future__ import annotations

from itertools import count
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.errors import ExitCode
from reconciler.core.ledger.fold import fold
from reconciler.core.ledger.journal import Acceptance, Begin, Record, Refusal
from reconciler.core.lockfile.entry import IN_PROGRESS, UNCERTAIN
from reconciler.core.lockfile.model import EMPTY
from reconciler.core.platform.job import COMPLETED, Accepted, Refused, Uncertain
from reconciler.core.run.operations import UNSENT, Options
from reconciler.core.run.outcome import Outcome, Status, outcome_of
from reconciler.core.run.protocol import (
    Answered,
    Append,
    Command,
    Create,
    DeadlinePassed,
    Fact,
    Finish,
    Interrupted,
    LeaseLost,
    Recorded,
    Unrecorded,
)
from tests.core.build import A
from tests.core.run_harness import RunHarness, kinds, types

SIX = dict.fromkeys("abcdef", A)
SHARED = Options(concurrency=2, ahead=2, shared=True, read_summaries=False, detach=True)
LOST = "another run holds the lease"
STOPS: list[Fact] = [Interrupted(), DeadlinePassed(), LeaseLost(LOST)]


def creates(commands: list[Command]) -> list[str]:
    return [command.key for command in commands if isinstance(command, Create)]


def begun(stage: RunHarness) -> list[str]:
    return [record.key for record in stage.appended() if isinstance(record, Begin)]


def refused(stage: RunHarness) -> list[str]:
    found = [record for record in stage.appended() if isinstance(record, Refusal)]
    assert {(one.message, one.status, one.final) for one in found} <= {(UNSENT, 0, False)}
    return [one.operation for one in found]


def outcome(stage: RunHarness) -> Outcome:
    return outcome_of(stage.run, stage.finish())


def answered(stage: RunHarness, key: str) -> list[Command]:
    return stage.tell(Answered(f"op_{key}", Accepted(f"pjb_{key}", f"eng_{key}", COMPLETED)))


# ── ahead ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_more_is_begun_than_is_called_so_that_no_call_waits_for_a_push() -> None:
    stage = RunHarness(EMPTY, SIX, SHARED)
    assert begun(stage) == ["a", "b", "c", "d"]
    assert creates(stage.recorded()) == ["a", "b"]
    assert begun(stage) == []
    commands = answered(stage, "a")  # the next is called at once, and one more is begun
    assert creates(commands) == ["c"]
    assert begun(stage) == ["e"]


def test_a_call_ends_for_the_next_when_it_is_answered_not_when_that_is_recorded() -> None:
    stage = RunHarness(EMPTY, SIX, SHARED)
    stage.recorded()
    for key, following in (("a", "c"), ("b", "d")):
        assert creates(answered(stage, key)) == [following]


def test_begins_that_are_recorded_one_by_one_are_called_one_by_one() -> None:
    stage = RunHarness(EMPTY, SIX, SHARED)
    called = [creates(stage.tell(Recorded((record,)))) for record in stage.appended()]
    assert called == [["a"], ["b"], [], []]


def test_without_ahead_only_what_can_be_called_is_begun() -> None:
    stage = RunHarness(EMPTY, SIX, Options(concurrency=2, shared=True))
    assert begun(stage) == ["a", "b"]


# ── turns ──────────────────────────────────────────────────────────────────────────────────────────────────────────

MANY = {f"e{number:02}": A for number in range(60)}
TURNS = Options(concurrency=2, ahead=2, most=24, shared=True, read_summaries=False, detach=True)


class _Turns:
    """A run that takes turns at recording with others."""

    def __init__(self, options: Options) -> None:
        self.stage = RunHarness(EMPTY, MANY, options)
        self.told = list(self.stage.appended())  # not recorded yet
        self.calling: list[str] = []

    def take(self, *, calls: int = len(MANY)) -> int:
        """What waits is recorded, and so many calls at most are answered. Returns how many begins those records had."""
        records, self.told = tuple(self.told), []
        commands = self.stage.tell(Recorded(records))
        while True:
            self.told += [
                one for command in commands if isinstance(command, Append) for one in command.records
            ]
            self.calling += creates(commands)
            if not self.calling or calls == 0:
                return sum(isinstance(one, Begin) for one in records)
            calls -= 1
            commands = answered(self.stage, self.calling.pop(0))


def test_a_turn_in_which_the_calls_ran_out_is_followed_by_a_longer_one_up_to_a_limit() -> None:
    run = _Turns(TURNS)
    assert [run.take() for _ in range(6)] == [4, 8, 16, 24, 8, 0]


def test_calls_that_last_until_the_next_turn_need_no_longer_one() -> None:
    run = _Turns(TURNS)
    assert [run.take(calls=2) for _ in range(5)] == [4, 2, 2, 2, 2]


def test_half_of_what_may_be_on_record_goes_together() -> None:
    stage = RunHarness(EMPTY, MANY, TURNS)
    stage.recorded()
    answered(stage, "e00")
    assert begun(stage) == []
    answered(stage, "e01")
    assert begun(stage) == ["e04", "e05"]


def test_a_run_that_takes_no_turns_never_announces_more() -> None:
    run = _Turns(SHARED)
    assert {run.take() for _ in range(15)} == {4}


# ── withdrawn ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: type(stop).__name__)
def test_what_was_begun_ahead_is_taken_back_when_the_run_stops(stop: Fact) -> None:
    stage = RunHarness(EMPTY, SIX, SHARED)
    stage.recorded()
    commands = stage.tell(stop)
    assert creates(commands) == []
    assert refused(stage) == ["op_c", "op_d"]
    stage.recorded()
    for key in "ab":
        assert creates(answered(stage, key)) == []
        stage.recorded()
    assert list(stage.finish().engines) == ["a", "b"]


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: type(stop).__name__)
def test_begins_on_their_way_to_the_remote_are_taken_back_when_they_have_arrived(stop: Fact) -> None:
    stage = RunHarness(EMPTY, SIX, SHARED)
    begins = stage.appended()
    assert stage.tell(stop) == []
    stage.tell(Recorded(begins))
    assert refused(stage) == ["op_a", "op_b", "op_c", "op_d"]
    stage.recorded()
    assert stage.finish() == EMPTY


def test_a_refusal_that_would_hit_every_call_takes_back_what_was_begun_ahead() -> None:
    stage = RunHarness(EMPTY, SIX, SHARED)
    stage.recorded()
    stage.tell(Answered("op_a", Refused("credit limit", 402)))
    assert [one.operation for one in stage.appended()] == ["op_a", "op_c", "op_d"]
    stage.recorded()
    answered(stage, "b")
    stage.recorded()
    result = outcome(stage)
    assert result.halted == "credit limit"
    assert result.exit_code is ExitCode.FAILED
    assert [one.status for one in result.results] == [Status.NOT_STARTED, Status.DONE] + [
        Status.NOT_STARTED
    ] * 4


def test_what_was_taken_back_is_planned_again_by_the_next_run() -> None:
    stage = RunHarness(EMPTY, SIX, SHARED)
    stage.recorded()
    stage.tell(LeaseLost(LOST))
    stage.recorded()
    for key in "ab":
        answered(stage, key)
        stage.recorded()
    again = RunHarness(fold(EMPTY, stage.run.records), SIX, SHARED)
    assert begun(again) == ["c", "d", "e", "f"]


# ── begins that did not get there, or may have ─────────────────────────────────────────────────────────────────────


def test_a_begin_that_may_be_on_the_remote_is_followed_by_a_refusal() -> None:
    stage = RunHarness(EMPTY, SIX, SHARED)
    begins = stage.appended()
    commands = stage.tell(Unrecorded(begins, "the remote is gone"))
    assert refused(stage) == ["op_a", "op_b", "op_c", "op_d"]
    assert kinds(commands)[-1] is Finish
    assert stage.finish() == EMPTY
    everything = [*begins, *stage.run.records]  # as the ledger has it if the push arrived after all
    assert fold(EMPTY, everything) == EMPTY
    result = outcome(stage)
    assert (result.halted, result.exit_code) == ("the remote is gone", ExitCode.FAILED)
    assert {one.status for one in result.results} == {Status.NOT_STARTED}


def test_where_the_journal_is_only_here_nothing_is_taken_back() -> None:
    stage = RunHarness(EMPTY, SIX, Options(concurrency=2, ahead=2))
    stage.tell(Unrecorded(stage.appended(), "disk full"))
    assert kinds(stage.said) == [Finish]
    assert stage.run.records == []


def test_some_begins_are_recorded_and_some_are_not() -> None:
    stage = RunHarness(EMPTY, SIX, SHARED)
    begins = stage.appended()
    assert creates(stage.tell(Recorded(begins[:1]))) == ["a"]
    stage.tell(Unrecorded(begins[1:], "the remote is gone"))
    assert refused(stage) == ["op_b", "op_c", "op_d"]
    stage.tell(Recorded(stage.appended()))
    answered(stage, "a")
    stage.recorded()
    assert list(stage.finish().engines) == ["a"]


def test_a_taking_back_that_is_not_recorded_either_ends_the_run_all_the_same() -> None:
    stage = RunHarness(EMPTY, SIX, SHARED)
    stage.recorded()
    stage.tell(LeaseLost(LOST))
    withdrawn = stage.appended()
    stage.tell(Unrecorded(withdrawn, "the remote is gone"))
    for key in "ab":
        answered(stage, key)
        stage.tell(Unrecorded(stage.appended(), "the remote is gone"))
    assert list(stage.finish().engines) == ["a", "b"]
    assert all(record in stage.run.records for record in withdrawn)


# ── the lease ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_after_the_loss_of_the_lease_nothing_is_created_and_the_run_ends_with_5() -> None:
    stage = RunHarness(EMPTY, SIX, SHARED)
    stage.recorded()
    stage.tell(LeaseLost(LOST))
    stage.recorded()
    stage.tell(Answered("op_a", Accepted("pjb_a", "eng_a", IN_PROGRESS)))
    assert types(stage.appended()) == [Acceptance]
    stage.recorded()
    stage.tell(Answered("op_b", Uncertain("500")))
    stage.recorded()
    lock = stage.finish()
    a, b = lock.entry("a"), lock.entry("b")
    assert a is not None and b is not None  # noqa: PT018 - for the type checker
    assert a.pending is not None and b.pending is not None  # noqa: PT018 - for the type checker
    assert (a.pending.engine_id, b.pending.status) == ("eng_a", UNCERTAIN)
    result = outcome(stage)
    assert (result.lease_lost, result.halted, result.exit_code) == (True, LOST, ExitCode.LEASE)


def test_the_lease_outweighs_a_failure_but_not_an_interrupt() -> None:
    stage = RunHarness(EMPTY, SIX, SHARED)
    stage.tell(Unrecorded(stage.appended(), "the remote is gone"))
    failed = outcome(stage)
    assert failed.exit_code is ExitCode.FAILED
    expected: list[tuple[list[Fact], ExitCode]] = [
        ([LeaseLost(LOST)], ExitCode.LEASE),
        (STOPS, ExitCode.INTERRUPTED),
    ]
    for facts, code in expected:
        stage = RunHarness(EMPTY, SIX, SHARED)
        begins = stage.appended()
        for fact in facts:
            stage.tell(fact)
        stage.tell(Recorded(begins))
        stage.recorded()
        assert outcome(stage).exit_code is code


def test_a_lease_that_is_lost_twice_says_why_it_was_first() -> None:
    stage = RunHarness(EMPTY, SIX, SHARED)
    begins = stage.appended()
    stage.tell(LeaseLost(LOST))
    stage.tell(LeaseLost("somebody deleted the ref"))
    stage.tell(Recorded(begins))
    stage.recorded()
    assert outcome(stage).halted == LOST


# ── in any order ───────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.integers(0, 2**32 - 1))
def test_in_any_order_calls_follow_their_begins_within_bounds(seed: int) -> None:
    """Records become durable in their order, answers come in any; at some point the lease may be lost."""
    rng = Random(seed)
    how = Options(rng.randint(1, 3), rng.randint(0, 3), shared=True, detach=True, read_summaries=False)
    stage = RunHarness(EMPTY, dict.fromkeys("abcdefgh", A), how)
    play = _Play(stage, rng, lost_at=rng.choice([None, 0, 1, 3, 8, 15]))
    play.to_the_end()
    lock = stage.finish()
    for key in play.called:
        entry = lock.entry(key)
        assert entry is not None
        assert entry.current is not None
    assert set(lock.engines) == set(play.called)
    assert fold(EMPTY, play.durable) == lock
    if not play.lost:
        assert len(play.called) == 8
    assert outcome(stage).exit_code is (ExitCode.LEASE if play.lost else ExitCode.OK)


class _Play:
    """Plays the far ends of a run, checking every reaction."""

    def __init__(self, stage: RunHarness, rng: Random, lost_at: int | None) -> None:
        self.stage, self.rng, self.lost_at = stage, rng, lost_at
        self.durable: list[Record] = []
        self.waiting: list[Record] = []
        self.calling: list[str] = []
        self.called: list[str] = []
        self.lost = False

    def to_the_end(self) -> None:
        for step in count():
            self._look()
            if self.stage.run.finished and not self.waiting:
                return
            if step == self.lost_at and not self.stage.run.finished:
                self.lost = True
                self.stage.tell(LeaseLost(LOST))
            else:
                self._happen()

    def _look(self) -> None:
        how = self.stage.run.options
        for command in self.stage.said:
            match command:
                case Append(records):
                    assert not (self.lost and any(isinstance(one, Begin) for one in records))
                    self.waiting += records
                case Create(operation, key, _):
                    assert not self.lost
                    assert operation in {one.operation for one in self.durable if isinstance(one, Begin)}
                    self.calling.append(key)
                    self.called.append(key)
        self.stage.said = [command for command in self.stage.said if isinstance(command, Finish)]
        assert len(self.calling) <= how.concurrency
        begins = sum(isinstance(one, Begin) for one in (*self.durable, *self.waiting))
        withdrawn = sum(isinstance(one, Refusal) for one in (*self.durable, *self.waiting))
        answered = len(self.called) - len(self.calling)
        assert begins - answered - withdrawn <= how.concurrency + how.ahead

    def _happen(self) -> None:
        if self.calling and (not self.waiting or self.rng.random() < 0.5):
            key = self.calling.pop(self.rng.randrange(len(self.calling)))
            answered(self.stage, key)
            return
        number = self.rng.randint(1, len(self.waiting))
        records, self.waiting = tuple(self.waiting[:number]), self.waiting[number:]
        self.durable += records
        if not self.stage.run.finished:
            self.stage.tell(Recorded(records))
