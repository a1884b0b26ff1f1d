"""The way of a change in place: begin, call, answer, each only when what comes before it is durable."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.core.engine.fingerprint import fingerprint
from reconciler.core.engine.spec import Spec
from reconciler.core.ledger.journal import Begin, Record, Update, UpdateBegin, UpdateRefusal
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.diff import PlanInput, actions_for
from reconciler.core.plan.model import Plan
from reconciler.core.platform.update import NO_UPDATES, NotUpdated, Reach, Unconfirmed, Updated
from reconciler.core.run.machine import CUT_OFF, Run
from reconciler.core.run.operations import UNSENT, Options
from reconciler.core.run.outcome import Result, Status, outcome_of
from reconciler.core.run.protocol import (
    Abandon,
    Append,
    Command,
    Create,
    DeadlinePassed,
    Fact,
    Finish,
    GraceOver,
    Interrupted,
    LeaseLost,
    Recorded,
    Unrecorded,
    UpdateAnswered,
    UpdateEngine,
)
from tests.core.build import A, B, C, at, current, entry, lockfile, wanted

ONE = lockfile({"acme": entry(current("acme", A))})
THREE = lockfile({key: entry(current(key, A)) for key in ("a", "b", "c")})


class Going:
    """A run over engines that are all to be changed to B, or as `files` say."""

    def __init__(
        self, lock: Lockfile = ONE, files: dict[str, Spec] | None = None, **options: int | bool
    ) -> None:
        asked = files if files is not None else dict.fromkeys(lock.engines, B)
        desired = {key: wanted(key, spec) for key, spec in asked.items()}
        plan = Plan("production", actions_for(PlanInput(lock, desired, desired.keys(), in_place=True)))
        self.run = Run(plan, lock, {one.key: f"op_{one.key}" for one in plan.actions}, Options(**options))  # type: ignore[arg-type]
        self.said: list[Command] = self.run.start(at(0))

    def tell(self, fact: Fact) -> list[Command]:
        self.said = self.run.handle(fact, at(1))
        return self.said

    def appended(self) -> tuple[Record, ...]:
        return tuple(record for one in self.said if isinstance(one, Append) for record in one.records)

    def recorded(self) -> list[Command]:
        return self.tell(Recorded(self.appended()))

    def result(self, key: str = "acme") -> Result:
        [finish] = [one for one in self.said if isinstance(one, Finish)]
        return next(one for one in outcome_of(self.run, finish.lockfile).results if one.key == key)


def test_nothing_is_called_before_its_begin_is_durable() -> None:
    going = Going()
    [begun] = going.appended()
    assert isinstance(begun, UpdateBegin)
    assert (begun.engine_id, begun.number) == ("eng_acme", 1)
    assert not any(isinstance(one, UpdateEngine) for one in going.said)
    assert going.recorded() == [UpdateEngine("op_acme", "acme", "eng_acme", B, False)]


def test_an_answer_is_recorded_before_the_run_ends() -> None:
    going = Going()
    going.recorded()
    going.tell(UpdateAnswered("op_acme", Updated("eng_acme")))
    [done] = going.appended()
    assert isinstance(done, Update)
    assert (done.engine_id, done.number, done.fingerprint) == ("eng_acme", 1, fingerprint(B))
    assert going.tell(UpdateAnswered("op_acme", Unconfirmed("late"))) == []
    going.tell(Recorded((done,)))
    result = going.result()
    assert (result.status, result.engine_id, result.previous, result.error) == (
        Status.DONE,
        "eng_acme",
        None,
        None,
    )


@pytest.mark.parametrize(
    ("answer", "status", "words", "hint"),
    [
        (NotUpdated("bad name", 400), Status.FAILED, "bad name", "edit engines/acme.yaml"),
        (NotUpdated("no", 409), Status.FAILED, "no", "reconcile apply"),
        (
            NotUpdated("none", 404),
            Status.FAILED,
            "the platform knows no engine eng_acme",
            "reconcile plan --refresh",
        ),
        (
            NotUpdated(NO_UPDATES, 405, Reach.UPDATES),
            Status.FAILED,
            NO_UPDATES,
            "metadata_changes: reprovision",
        ),
        (NotUpdated("no key", 401, Reach.RUN), Status.NOT_STARTED, "no key", ""),
    ],
)
def test_a_refusal_leaves_the_entry_alone(answer: NotUpdated, status: Status, words: str, hint: str) -> None:
    going = Going()
    going.recorded()
    going.tell(UpdateAnswered("op_acme", answer))
    assert isinstance(going.appended()[0], UpdateRefusal)
    going.recorded()
    result = going.result()
    assert (result.status, result.error) == (status, words)
    assert hint in (result.hint or "")
    [finish] = [one for one in going.said if isinstance(one, Finish)]
    assert finish.lockfile == ONE


def test_what_is_not_known_stays_marked_and_blocks_nothing() -> None:
    going = Going()
    going.recorded()
    going.tell(UpdateAnswered("op_acme", Unconfirmed("no answer came")))
    result = going.result()
    assert result.status is Status.FAILED
    assert "no answer came" in (result.error or "")
    [finish] = [one for one in going.said if isinstance(one, Finish)]
    again = Going(finish.lockfile)
    assert again.recorded() == [UpdateEngine("op_acme", "acme", "eng_acme", B, True)]


def test_a_platform_without_the_endpoint_is_asked_once() -> None:
    """The create call beside them goes on."""
    going = Going(THREE, {"a": B, "b": B, "c": B, "d": C}, concurrency=1, ahead=1)
    going.recorded()
    going.tell(UpdateAnswered("op_a", NotUpdated(NO_UPDATES, 405, Reach.UPDATES)))
    going.recorded()
    assert [type(one) for one in going.run.records if isinstance(one, Begin | UpdateBegin)][-1] is Begin
    assert [one for one in going.said if isinstance(one, Create)] == [Create("op_d", "d", C)]
    unsent = [one for one in going.run.records if isinstance(one, UpdateRefusal) and one.message == UNSENT]
    assert [one.operation for one in unsent] == ["op_b"]


def test_a_key_that_is_refused_ends_all_calls() -> None:
    going = Going(THREE, concurrency=1)
    going.recorded()
    going.tell(UpdateAnswered("op_a", NotUpdated("no key", 401, Reach.RUN)))
    going.recorded()
    assert (going.run.stops.halted, going.run.stops.status) == ("no key", 401)
    assert going.result("c").error == "stopped before its turn: no key"


def test_a_begin_that_cannot_be_recorded_is_not_called() -> None:
    going = Going(shared=True)
    begun = going.appended()
    going.tell(Unrecorded(begun, "no space left"))
    assert [type(one) for one in going.appended()] == [UpdateRefusal]  # it may have got there all the same
    assert (going.result().status, going.result().error) == (Status.NOT_STARTED, "no space left")


@pytest.mark.parametrize("stop", [Interrupted(), DeadlinePassed(), LeaseLost("another run has it")])
def test_what_was_not_sent_yet_is_withdrawn(stop: Fact) -> None:
    going = Going()
    begun = going.appended()
    going.tell(stop)
    going.tell(Recorded(begun))
    assert [type(one) for one in going.appended()] == [UpdateRefusal]
    going.recorded()
    assert going.result().status is Status.NOT_STARTED


def test_an_interrupt_gives_up_on_an_answer_and_keeps_the_mark() -> None:
    going = Going()
    going.recorded()
    assert going.tell(Interrupted()) == []
    going.tell(GraceOver())
    assert going.said[0] == Abandon(("op_acme",))
    going.said = going.said[1:] or going.tell(Interrupted())
    result = going.result()
    assert (result.status, CUT_OFF in (result.error or "")) == (Status.FAILED, True)
    [finish] = [one for one in going.said if isinstance(one, Finish)]
    found = finish.lockfile.entry("acme")
    assert found is not None
    assert found.current is not None
    assert found.current.updating == (1,)


def test_an_engine_that_does_not_serve_any_more_is_not_changed() -> None:
    plan = Going().run.plan
    other = lockfile({"acme": entry(current("other", A))})
    run = Run(plan, other, {"acme": "op_acme"})
    [finish] = run.start(at(0))
    assert isinstance(finish, Finish)
    assert outcome_of(run, finish.lockfile).results[0].status is Status.NOT_STARTED
    assert replace(plan.actions[0], guard="held").updates is False
