"""The run and webhooks: which of several sources is believed, and what an early or a late one changes."""

from __future__ import annotations

from typing import Any

from reconciler.core.ledger.journal import Acceptance, End, JobSummary, UncertainOutcome
from reconciler.core.lockfile.model import EMPTY
from reconciler.core.platform.job import Accepted, News, Refused, Uncertain
from reconciler.core.platform.webhook import Event
from reconciler.core.run.operations import Options
from reconciler.core.run.protocol import (
    Answered,
    Delivered,
    GraceOver,
    Heard,
    Interrupted,
    ReadSummary,
    Recorded,
    SummaryRead,
    Watch,
    WatchEnded,
)
from tests.core.build import A, B, at, current, entry, lockfile
from tests.core.run_harness import ONE, RunHarness, types

SUMMARY = {"instructions": 6}


def completed(name: str = "1", **more: Any) -> Delivered:
    known: dict[str, Any] = {"engine_id": f"eng_{name}", "status": "completed", "summary": SUMMARY}
    return Delivered(Event("provisioning.completed", f"pjb_{name}", **(known | more)))


def test_a_webhook_ends_the_wait_and_its_summary_is_recorded_without_asking() -> None:
    stage = RunHarness(EMPTY, ONE, Options())
    stage.accepted()
    stage.tell(completed())
    assert stage.appended() == (End("op_acme", "completed", at(4)),)
    stage.recorded()
    assert stage.appended() == (JobSummary("op_acme", SUMMARY, at(5)),)
    one = stage.entry().current
    assert one is not None
    assert (one.engine_id, one.summary) == ("eng_1", SUMMARY)


def test_the_first_terminal_answer_wins_and_a_summary_may_come_later() -> None:
    stage = RunHarness(EMPTY, ONE, Options())
    stage.accepted()
    stage.tell(Heard(News("pjb_1", "completed")))
    stage.tell(completed())
    assert stage.appended() == (JobSummary("op_acme", SUMMARY, at(5)),)
    assert stage.tell(completed(status="failed", summary=None)) == []
    assert stage.run.result(at(9)).entry("acme") is not None


def test_a_summary_that_the_webhook_told_is_not_told_again_by_reading() -> None:
    stage = RunHarness(EMPTY, ONE, Options())
    stage.accepted()
    stage.tell(Heard(News("pjb_1", "completed")))
    assert stage.recorded() == [ReadSummary("pjb_1")]
    stage.tell(completed())
    assert types(stage.appended()) == [JobSummary]
    stage.tell(SummaryRead("pjb_1", {"instructions": 9}))
    made = stage.entry().current
    assert made is not None
    assert made.summary == SUMMARY


def test_a_webhook_that_is_quicker_than_the_answer_waits_for_it() -> None:
    stage = RunHarness(EMPTY, ONE)
    stage.called()
    assert stage.tell(completed(operation_id="op_acme")) == []
    stage.tell(Answered("op_acme", Accepted("pjb_1", "eng_1")))
    assert types(stage.appended()) == [Acceptance, End]
    stage.recorded()
    assert stage.appended() == (JobSummary("op_acme", SUMMARY, at(4)),)


def test_the_calls_own_answer_says_which_engine_it_made() -> None:
    """A path is not signed: a webhook of another job on it is no answer where there is one."""
    stage = RunHarness(EMPTY, ONE)
    stage.called()
    stage.tell(completed("9", operation_id="op_acme"))
    stage.tell(Answered("op_acme", Accepted("pjb_1", "eng_1")))
    assert stage.appended() == (Acceptance("op_acme", "pjb_1", "eng_1", at(3)),)
    stage.recorded()
    assert stage.said == [Watch("pjb_1", "acme")]


def test_a_lost_answer_heals_whether_the_webhook_comes_before_or_after() -> None:
    before = RunHarness(EMPTY, ONE)
    before.called()
    before.tell(completed(operation_id="op_acme"))
    before.tell(Answered("op_acme", Uncertain("no answer came")))
    assert types(before.appended()) == [Acceptance, End]

    after = RunHarness(EMPTY, {"acme": A, "web": A})
    after.recorded()
    after.tell(Answered("op_acme", Uncertain("no answer came")))
    assert after.appended() == (UncertainOutcome("op_acme", "no answer came", at(2)),)
    after.recorded()
    after.tell(completed(operation_id="op_acme"))
    assert types(after.appended()) == [Acceptance, End]
    for stage in (before, after):
        one = stage.run.result(at(9)).entry("acme")
        assert one is not None
        assert one.current is not None
        assert one.current.engine_id == "eng_1"


def test_an_answer_that_comes_while_the_doubt_is_being_recorded_is_waited_for() -> None:
    stage = RunHarness(EMPTY, ONE)
    stage.called()
    stage.tell(Answered("op_acme", Uncertain("no answer came")))
    doubt = stage.appended()
    stage.tell(Delivered(Event("provisioning.started", "pjb_1", "eng_1", None, operation_id="op_acme")))
    acceptance = stage.appended()
    stage.said = []
    stage.tell(Recorded(doubt))
    assert stage.tell(Recorded(acceptance)) == [Watch("pjb_1", "acme")]


def test_an_engine_that_is_known_already_is_not_taken_for_a_lost_answer() -> None:
    lock = lockfile({"web": entry(current("7", B))})
    stage = RunHarness(lock, {"acme": A, "web": B})
    stage.recorded()
    stage.tell(Answered("op_acme", Uncertain("no answer came")))
    stage.recorded()
    assert stage.run.finished
    stage = RunHarness(lock, {"acme": A, "web": B})
    stage.recorded()
    stage.tell(completed("9", engine_id="eng_7", operation_id="op_acme"))
    stage.tell(Answered("op_acme", Uncertain("no answer came")))
    assert types(stage.appended()) == [UncertainOutcome]


def test_a_refused_call_made_nothing_whatever_a_webhook_says() -> None:
    stage = RunHarness(EMPTY, ONE)
    stage.called()
    stage.tell(Answered("op_acme", Refused("no such locale", 400)))
    stage.recorded()
    assert stage.run.finished
    assert stage.tell(completed(operation_id="op_acme")) == []


def test_a_wait_that_the_platform_refused_is_ended_by_the_webhook() -> None:
    stage = RunHarness(EMPTY, {"acme": A, "web": A}, Options(read_summaries=False))
    stage.recorded()
    stage.tell(Answered("op_acme", Accepted("pjb_1", "eng_1")))
    stage.recorded()
    stage.tell(WatchEnded("pjb_1", "the key has no access"))
    operation = stage.run.operation_of("acme")
    assert operation is not None
    assert operation.note == "the key has no access"
    stage.tell(completed(summary=None))
    assert stage.appended() == (End("op_acme", "completed", at(5)),)
    assert operation.note is None


def test_an_interrupted_call_whose_webhook_comes_in_the_grace_is_recorded() -> None:
    stage = RunHarness(EMPTY, ONE)
    stage.called()
    stage.tell(Interrupted())
    stage.tell(GraceOver())
    stage.tell(completed(operation_id="op_acme"))
    assert types(stage.appended()) == [Acceptance, End]


def test_what_is_not_ours_changes_nothing() -> None:
    stage = RunHarness(EMPTY, ONE)
    stage.called()
    for event in (
        Event(None, None, None, None),
        Event("x", "pjb_5", None, None),
        Event("provisioning.completed", "pjb_5", "eng_5", "completed", operation_id="op_other"),
    ):
        assert stage.tell(Delivered(event)) == []
    stage.tell(Answered("op_acme", Accepted("pjb_1", "eng_1", "completed")))
    assert types(stage.appended()) == [Acceptance, End]
