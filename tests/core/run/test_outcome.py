"""What a run came to, read off the lockfile it ended with; results add up to one exit code."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.core.engine.spec import Spec
from reconciler.core.errors import ExitCode
from reconciler.core.lockfile.entry import IN_PROGRESS
from reconciler.core.lockfile.model import EMPTY, Lockfile
from reconciler.core.plan.model import Action, Kind, Plan
from reconciler.core.platform.job import Accepted, Answer, News, Refused, Uncertain
from reconciler.core.run.machine import Run
from reconciler.core.run.operations import Options
from reconciler.core.run.outcome import Outcome, Result, Status, outcome_of, outcome_of_plan
from reconciler.core.run.protocol import (
    Answered,
    Append,
    Command,
    Create,
    DeadlinePassed,
    Fact,
    Finish,
    Heard,
    Interrupted,
    ReadSummary,
    Recorded,
    SummaryRead,
    Unrecorded,
    Watch,
)
from tests.core.build import (
    A,
    B,
    at,
    current,
    entry,
    failed,
    lockfile,
    pending,
    planned,
    refused,
    superseded,
    uncertain,
)

ACCEPTED, ONE_BY_ONE = Accepted("pjb_n", "eng_n"), Options(concurrency=1)


def outcome(
    lock: Lockfile,
    files: dict[str, Spec],
    answer: Answer = ACCEPTED,
    *,
    news: News | None = None,
    options: Options = ONE_BY_ONE,
    first: tuple[Fact, ...] = (),
    full_disk: bool = False,
    retry_failed: bool = False,
) -> Outcome:
    """A run in which every call gets this answer and every watched job this news; `first` comes before all."""
    plan = planned(lock, files, retry_failed=retry_failed)
    run = Run(plan, lock, {one.key: f"op_{one.key}" for one in plan.actions if one.creates}, options)

    def react(command: Command) -> Fact | None:
        match command:
            case Append(records):
                return Unrecorded(records, "disk full") if full_disk else Recorded(records)
            case Create(operation):
                return Answered(operation, answer)
            case Watch(job_id):
                return Heard(news._replace(job_id=job_id)) if news else DeadlinePassed()
            case ReadSummary(job_id):
                return SummaryRead(job_id, {"instructions": 6})
        return None

    commands = run.start(at(0))
    facts = [*first]
    for second in range(1, 200):
        for command in commands:
            if isinstance(command, Finish):
                return outcome_of(run, command.lockfile)
            fact = react(command)
            if fact is not None:
                facts.append(fact)
        commands = run.handle(facts.pop(0), at(second)) if facts else []
    raise AssertionError("the run does not end")


def one(result: Outcome) -> Result:
    (only,) = result.results
    return only


DONE, BROKEN = News("", "completed"), News("", "failed", "it broke")
SERVING = lockfile({"acme": entry(current("1", A))})


def test_a_created_engine() -> None:
    result = one(outcome(EMPTY, {"acme": A}, news=DONE))
    assert result == Result(
        "acme",
        Kind.CREATE,
        Status.DONE,
        engine_id="eng_n",
        job_id="pjb_n",
        operation_id="op_acme",
        file="engines/acme.yaml",
        summary={"instructions": 6},
        seconds=4.0,
    )


def test_a_replaced_engine_names_the_one_before_it() -> None:
    result = one(outcome(SERVING, {"acme": B}, news=DONE))
    assert (result.status, result.engine_id, result.previous) == (Status.DONE, "eng_n", "eng_1")


def test_a_failed_job_leaves_the_one_before_it_serving() -> None:
    result = one(outcome(SERVING, {"acme": B}, news=BROKEN))
    assert (result.status, result.error, result.engine_id, result.previous) == (
        Status.FAILED,
        "it broke",
        "eng_n",
        "eng_1",
    )


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        (Refused("bad locale", 400), Status.FAILED, "bad locale"),
        (Refused("no credit", 402), Status.NOT_STARTED, "no credit"),
        (Uncertain("the answer was lost"), Status.UNCERTAIN, "the answer was lost"),
    ],
)
def test_answers_other_than_accepted(answer: Answer, status: Status, error: str) -> None:
    result = one(outcome(EMPTY, {"acme": A}, answer))
    assert (result.status, result.error) == (status, error)
    assert ("reconcile resolve acme" in (result.hint or "")) == (status is Status.UNCERTAIN)


def test_what_comes_after_a_halt_is_not_started() -> None:
    whole = outcome(EMPTY, {"a": A, "b": A}, Refused("no credit", 402))
    assert [one.status for one in whole.results] == [Status.NOT_STARTED, Status.NOT_STARTED]
    assert whole.results[1].error == "stopped before its turn: no credit"
    assert (whole.halted, whole.exit_code) == ("no credit", ExitCode.FAILED)


def test_a_job_that_still_runs_at_the_deadline() -> None:
    whole = outcome(EMPTY, {"a": A, "b": A}, options=Options(concurrency=1))
    assert [one.status for one in whole.results] == [Status.RUNNING, Status.RUNNING]
    assert (whole.timed_out, whole.exit_code) == (True, ExitCode.RUNNING)


def test_what_the_deadline_kept_from_starting() -> None:
    whole = outcome(EMPTY, {"a": A, "b": A}, first=(DeadlinePassed(),))
    assert [one.error for one in whole.results] == ["the deadline was reached before its turn"] * 2
    assert whole.exit_code is ExitCode.RUNNING


def test_what_an_interrupt_kept_from_starting() -> None:
    whole = outcome(EMPTY, {"a": A, "b": A}, first=(Interrupted(),))
    assert [one.status for one in whole.results] == [Status.NOT_STARTED] * 2
    assert {one.error for one in whole.results} == {"the run was interrupted before its turn"}
    assert (whole.interrupted, whole.exit_code) == (True, ExitCode.INTERRUPTED)


def test_a_full_disk_is_told_as_the_reason() -> None:
    whole = outcome(EMPTY, {"a": A, "b": A}, full_disk=True)
    assert [one.error for one in whole.results] == ["disk full", "stopped before its turn: disk full"]
    assert whole.exit_code is ExitCode.FAILED


def test_a_resumed_job() -> None:
    lock = lockfile({"acme": entry(None, pending("1", A))})
    result = one(outcome(lock, {"acme": A}, news=DONE))
    assert (result.kind, result.status, result.engine_id) == (Kind.RESUME, Status.DONE, "eng_1")
    running = one(outcome(lock, {"acme": A}))
    assert (running.status, running.job_id) == (Status.RUNNING, "pjb_1")
    broken = one(outcome(lock, {"acme": A}, news=BROKEN))
    assert (broken.status, broken.error) == (Status.FAILED, "it broke")


def test_an_overtaken_job_that_was_taken_up_again() -> None:
    lock = lockfile({"acme": entry(current("2", B), None, superseded("1", A, IN_PROGRESS))})
    assert one(outcome(lock, {"acme": A}, news=DONE)).status is Status.DONE
    assert one(outcome(lock, {"acme": A})).status is Status.RUNNING


def test_what_was_reported_only() -> None:
    lock = lockfile({"f": entry(None, failed("1", A)), "u": entry(None, uncertain("2", A))})
    whole = outcome(lock, {"f": A, "u": A})
    assert [(one.kind, one.status) for one in whole.results] == [
        (Kind.NONE, Status.FAILED),
        (Kind.NONE, Status.UNCERTAIN),
    ]
    assert all(one.hint for one in whole.results)
    assert whole.exit_code is ExitCode.UNCERTAIN


def test_a_plan_with_nothing_to_do_comes_to_what_it_reports() -> None:
    lock = lockfile({"f": entry(None, failed("1", A)), "u": entry(None, uncertain("2", A))})
    files = {"f": A, "u": A}
    assert outcome_of_plan(planned(lock, files)).results == outcome(lock, files).results
    assert [one.key for one in outcome_of_plan(planned(lock, {"u": A})).results] == ["u"]


def test_what_needed_no_platform_is_done() -> None:
    lock = lockfile(
        {
            "discard": entry(current("1", A), pending("2", B)),
            "gone": entry(current("3", B)),
            "restore": entry(current("4", B), None, superseded("5", A)),
        }
    )
    whole = outcome(lock, {"discard": A, "restore": A})
    assert {one.status for one in whole.results} == {Status.DONE}
    assert whole.exit_code is ExitCode.OK


def test_a_retry_that_was_refused_for_other_reasons_is_not_started_and_the_failure_stays() -> None:
    lock = lockfile({"acme": entry(None, refused("1", A))})
    result = one(outcome(lock, {"acme": A}, Refused("no credit", 402), retry_failed=True))
    assert (result.status, result.error) == (Status.NOT_STARTED, "no credit")


def test_detached_is_no_reason_for_a_code() -> None:
    whole = outcome(EMPTY, {"acme": A}, options=Options(detach=True))
    assert one(whole).status is Status.RUNNING
    assert (whole.detached, whole.exit_code) == (True, ExitCode.OK)


def test_unchanged_engines_are_counted() -> None:
    plan = planned(SERVING, {"acme": A})
    run = Run(plan, SERVING, {})
    run.start(at(0))
    assert outcome_of(run, SERVING) == Outcome()


def made_of(*statuses: Status, **more: Any) -> Outcome:
    return Outcome(tuple(Result(f"k{i}", Kind.CREATE, status) for i, status in enumerate(statuses)), **more)


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (made_of(), ExitCode.OK),
        (made_of(Status.DONE), ExitCode.OK),
        (made_of(Status.DONE, Status.RUNNING), ExitCode.RUNNING),
        (made_of(Status.RUNNING, Status.FAILED), ExitCode.FAILED),
        (made_of(Status.NOT_STARTED), ExitCode.FAILED),
        (made_of(Status.FAILED, Status.UNCERTAIN, Status.RUNNING), ExitCode.UNCERTAIN),
        (made_of(Status.UNCERTAIN, interrupted=True), ExitCode.INTERRUPTED),
        (made_of(Status.DONE, halted="no credit"), ExitCode.FAILED),
        (made_of(Status.DONE, unwritten="disk full"), ExitCode.FAILED),
        (made_of(Status.UNCERTAIN, halted="taken over", lease_lost=True), ExitCode.LEASE),
        (made_of(Status.DONE, lease_lost=True, interrupted=True), ExitCode.INTERRUPTED),
        (made_of(Status.RUNNING, Status.DONE, detached=True), ExitCode.OK),
        (made_of(Status.RUNNING, Status.FAILED, detached=True), ExitCode.FAILED),
        (made_of(Status.NOT_STARTED, Status.DONE, timed_out=True), ExitCode.RUNNING),
        (made_of(Status.NOT_STARTED, Status.FAILED, timed_out=True), ExitCode.FAILED),
        (made_of(Status.NOT_STARTED, timed_out=True, halted="no credit"), ExitCode.FAILED),
        (made_of(Status.RUNNING, timed_out=True), ExitCode.RUNNING),
    ],
)
def test_the_exit_code(made: Outcome, code: ExitCode) -> None:
    assert made.exit_code is code


def test_every_status_is_counted() -> None:
    assert made_of(Status.DONE, Status.DONE, Status.FAILED).counts() == {
        "done": 2,
        "running": 0,
        "failed": 1,
        "uncertain": 0,
        "drifted": 0,
        "guarded": 0,
        "not_started": 0,
    }


def test_an_action_that_lacks_what_to_send_does_not_look_done() -> None:
    waits = Action(
        "b", Kind.RESUME, "its job runs", engine_id="eng_b", operation_id="op_b", fingerprint="v1:b"
    )
    plan = Plan("production", (Action("a", Kind.CREATE, "new"), waits))
    run = Run(plan, lockfile({"b": entry(pending=pending("b", B))}), {"a": "op_a"})
    (finish,) = run.start(at(0))
    assert isinstance(finish, Finish)
    made = outcome_of(run, finish.lockfile)
    assert [one.status for one in made.results] == [Status.NOT_STARTED, Status.NOT_STARTED]
    assert made.exit_code is ExitCode.FAILED
