"""Outcomes after a look at the platform's list of engines."""

from __future__ import annotations

from reconciler.core.errors import ExitCode
from reconciler.core.lockfile.entry import Entry
from reconciler.core.plan.lookup import Candidate, Found
from reconciler.core.plan.model import Action, Condition, Kind, Plan
from reconciler.core.platform.listing import ListedEngine
from reconciler.core.run.lookup_results import adopted, ended_later, with_found, with_hints_of
from reconciler.core.run.outcome import Outcome, Result, Status
from tests.core.build import A, B, current, entry, failed, pending, uncertain

LOST = Result("acme", Kind.CREATE, Status.UNCERTAIN, operation_id="op_x", error="no answer", hint="look")
OTHER = Result("blog", Kind.CREATE, Status.DONE, engine_id="eng_b", operation_id="op_b")
FOUND = Found(A.name, (Candidate(ListedEngine("eng_x", A.name), exact=True),))


def test_a_result_has_what_was_found_and_a_hint_with_its_command() -> None:
    result = with_found(LOST, [uncertain("x", A)], {"op_x": FOUND})
    assert [one.engine.engine_id for one in result.found] == ["eng_x"]
    assert "reconcile resolve acme --engine-id eng_x" in (result.hint or "")
    assert (result.status, result.error) == (Status.UNCERTAIN, "no answer")


def became(now: Entry | None, result: Result = LOST) -> tuple[Status, Kind, str | None]:
    made = adopted(result, now)
    assert (made.looked_up, made.hint, made.found) == (True, None, ())
    return made.status, made.kind, made.engine_id


def test_what_an_adopted_engine_is_stands_in_the_lockfile() -> None:
    assert became(entry(current("x", A))) == (Status.DONE, Kind.CREATE, "eng_x")
    assert became(entry(current("w", B), pending("x", A))) == (Status.RUNNING, Kind.CREATE, "eng_x")
    assert became(entry(None, failed("x", A))) == (Status.FAILED, Kind.CREATE, "eng_x")
    assert became(None) == (Status.NOT_STARTED, Kind.CREATE, None)
    assert became(entry(current("w", B))) == (Status.NOT_STARTED, Kind.CREATE, None)


def test_a_call_of_an_earlier_run_is_completed() -> None:
    reported = Result("acme", Kind.NONE, Status.UNCERTAIN, operation_id="op_x")
    assert became(entry(current("x", A)), reported) == (Status.DONE, Kind.RESUME, "eng_x")


def test_the_end_of_an_adopted_job_is_the_result() -> None:
    running = adopted(LOST, entry(None, pending("x", A)))
    end = Result("acme", Kind.RESUME, Status.DONE, engine_id="eng_x", summary={"brandVoices": 1})
    made = ended_later(
        Outcome((running, OTHER), wrote=True), Outcome((end,), timed_out=True, outputs_failed=("a",))
    )
    assert [(one.kind, one.status, one.looked_up) for one in made.results] == [
        (Kind.CREATE, Status.DONE, True),
        (Kind.CREATE, Status.DONE, False),
    ]
    assert made.results[0].summary == {"brandVoices": 1}
    assert (made.wrote, made.timed_out, made.outputs_failed, made.adopts) == (True, True, ("a",), True)
    assert Outcome((made.results[0],)).exit_code is ExitCode.OK


def test_a_plan_shows_the_hints_and_leaves_out_what_was_adopted() -> None:
    lost = Action("acme", Kind.NONE, "no answer", condition=Condition.UNCERTAIN, hint="old")
    failure = Action("blog", Kind.NONE, "failed", condition=Condition.FAILED, hint="edit")
    plan = Plan("production", (lost, failure))
    told = Result("acme", Kind.NONE, Status.UNCERTAIN, hint="new")
    assert [one.hint for one in with_hints_of(plan, Outcome((told,))).actions] == ["new", "edit"]
    made = adopted(told, None)
    assert [one.key for one in with_hints_of(plan, Outcome((made,))).actions] == ["blog"]
