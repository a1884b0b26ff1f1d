"""The run, step by step: which commands follow from which facts.

The laws over all schedules are in `test_run_world`.
"""

from __future__ import annotations

import pytest

from reconciler.core.ledger.journal import Acceptance, Begin, End, JobSummary, Refusal, UncertainOutcome
from reconciler.core.lockfile.entry import FAILED, IN_PROGRESS, UNCERTAIN
from reconciler.core.lockfile.model import EMPTY
from reconciler.core.platform.job import Accepted, News, Refused, Uncertain
from reconciler.core.run.operations import Options
from reconciler.core.run.protocol import (
    Answered,
    Append,
    Create,
    Heard,
    Interrupted,
    ReadSummary,
    Recorded,
    SummaryRead,
    Watch,
    WatchEnded,
)
from tests.core.build import A, B, at, current, entry, lockfile, pending, superseded
from tests.core.run_harness import ONE, THREE, RunHarness, kinds, types

# ── the straight way ───────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_to_do_finishes_at_once_with_the_same_lockfile() -> None:
    lock = lockfile({"acme": entry(current("1", A))})
    stage = RunHarness(lock, ONE)
    assert stage.finish() is lock
    assert stage.tell(Interrupted()) == []


def test_each_step_follows_only_when_the_one_before_it_is_durable() -> None:
    stage = RunHarness(EMPTY, ONE, Options())
    assert kinds(stage.said) == [Append]
    assert types(stage.appended()) == [Begin]
    assert stage.recorded() == [Create("op_acme", "acme", A)]
    stage.tell(Answered("op_acme", Accepted("pjb_1", "eng_1")))
    assert stage.appended() == (Acceptance("op_acme", "pjb_1", "eng_1", at(2)),)
    assert stage.recorded() == [Watch("pjb_1", "acme")]
    stage.tell(Heard(News("pjb_1", "completed")))
    assert stage.appended() == (End("op_acme", "completed", at(4)),)
    assert stage.recorded() == [ReadSummary("pjb_1")]
    stage.tell(SummaryRead("pjb_1", {"instructions": 6}))
    assert stage.appended() == (JobSummary("op_acme", {"instructions": 6}, at(6)),)
    one = stage.entry()
    assert one.current is not None
    assert (one.current.engine_id, one.current.summary) == ("eng_1", {"instructions": 6})
    assert stage.run.operation_of("acme") is not None
    assert stage.run.operation_of("nobody") is None


def test_a_begin_tells_everything_needed_to_know_the_engine_again() -> None:
    (begin,) = RunHarness(EMPTY, ONE).appended()
    assert isinstance(begin, Begin)
    assert (begin.operation, begin.key, begin.at) == ("op_acme", "acme", at(0))
    assert begin.spec["name"] == "Acme"
    assert begin.files == {"engines/acme.yaml": "b10b" * 10}


def test_an_engine_that_is_complete_at_once_is_not_waited_for() -> None:
    stage = RunHarness(EMPTY, ONE)
    stage.called()
    stage.tell(Answered("op_acme", Accepted("pjb_1", "eng_1", "completed")))
    assert types(stage.appended()) == [Acceptance, End]
    stage.recorded()
    assert stage.entry().current is not None


def test_a_failed_job_is_recorded_with_its_reason_and_not_read_for_a_summary() -> None:
    stage = RunHarness(EMPTY, ONE, Options())
    stage.accepted()
    stage.tell(Heard(News("pjb_1", "failed", "it broke")))
    stage.recorded()
    one = stage.entry().pending
    assert one is not None
    assert (one.status, one.error) == (FAILED, "it broke")


def test_a_platform_that_tells_no_summary_is_no_trouble() -> None:
    stage = RunHarness(EMPTY, ONE, Options())
    stage.accepted("completed")
    assert stage.said == [ReadSummary("pjb_1")]
    stage.tell(SummaryRead("pjb_1", None))
    assert stage.appended() == ()
    assert stage.entry().current is not None


def test_a_resume_watches_at_once_and_needs_no_begin() -> None:
    stage = RunHarness(lockfile({"acme": entry(None, pending("1", A))}), ONE)
    assert stage.said == [Watch("pjb_1", "acme")]
    stage.tell(Heard(News("pjb_1", "completed")))
    stage.recorded()
    assert stage.entry().current is not None


def test_an_overtaken_job_is_taken_up_again() -> None:
    stage = RunHarness(lockfile({"acme": entry(current("2", B), None, superseded("1", A, IN_PROGRESS))}), ONE)
    assert stage.said == [Watch("pjb_1", "acme")]
    stage.tell(Heard(News("pjb_1", "completed")))
    stage.recorded()
    one = stage.entry()
    assert one.current is not None
    assert one.current.engine_id == "eng_1"
    assert [old.engine_id for old in one.superseded] == ["eng_2"]


def test_a_moved_job_is_waited_for_under_its_new_name() -> None:
    stage = RunHarness(lockfile({"old": entry(None, pending("1", A))}), ONE)
    assert stage.said == [Watch("pjb_1", "acme")]
    stage.tell(Heard(News("pjb_1", "completed")))
    stage.recorded()
    assert stage.entry().current is not None
    assert list(stage.finish().engines) == ["acme"]


def test_what_needs_no_platform_is_done_at_the_end() -> None:
    lock = lockfile({"acme": entry(current("1", A), pending("2", B)), "gone": entry(current("3", A))})
    stage = RunHarness(lock, {"acme": A})
    assert stage.entry().pending is None
    assert "gone" in stage.finish().retired


# ── answers ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("answer", "record", "status"),
    [
        (Refused("bad locale", 400), Refusal, FAILED),
        (Refused("no credit", 402), Refusal, None),
        (Refused("not reached"), Refusal, None),
        (Uncertain("500"), UncertainOutcome, UNCERTAIN),
    ],
)
def test_an_answer_is_recorded_before_anything_else(
    answer: Refused | Uncertain, record: type, status: str | None
) -> None:
    stage = RunHarness(EMPTY, ONE)
    stage.called()
    stage.tell(Answered("op_acme", answer))
    assert types(stage.appended()) == [record]
    assert not stage.run.finished
    stage.recorded()
    one = stage.finish().entry("acme")
    assert (one and one.pending and one.pending.status) == status


@pytest.mark.parametrize("status", [401, 402, 403, 429, 503, None])
def test_a_halting_answer_stops_creating_and_the_waits_go_on(status: int | None) -> None:
    lock = lockfile({"z": entry(None, pending("9", A))})
    stage = RunHarness(lock, THREE | {"z": A}, Options(concurrency=1, read_summaries=False))
    stage.recorded()
    stage.tell(Answered("op_a", Refused("no", status)))
    assert stage.run.stops.halted == "no"
    assert stage.recorded() == []
    assert not stage.run.finished
    stage.tell(Heard(News("pjb_9", "completed")))
    stage.recorded()
    done = stage.entry("z")
    assert done.current is not None
    assert list(stage.finish().engines) == ["z"]


def test_a_refusal_of_one_spec_stops_nobody_else() -> None:
    stage = RunHarness(EMPTY, {"a": A, "b": A}, Options(concurrency=1))
    stage.recorded()
    stage.tell(Answered("op_a", Refused("bad locale", 400)))
    assert stage.run.stops.halted is None
    assert types(stage.appended()) == [Refusal, Begin]


def test_the_first_reason_to_halt_is_the_one_that_is_told() -> None:
    stage = RunHarness(EMPTY, THREE)
    stage.recorded()
    stage.tell(Answered("op_a", Refused("first", 402)))
    stage.tell(Answered("op_b", Refused("second", 401)))
    assert stage.run.stops.halted == "first"


def test_answers_that_are_repeated_or_not_ours_change_nothing() -> None:
    stage = RunHarness(EMPTY, ONE)
    assert stage.tell(Answered("op_acme", Accepted("pjb_1", "eng_1"))) == []  # before the call
    stage = RunHarness(EMPTY, ONE)
    stage.called()
    assert stage.tell(Answered("op_x", Accepted("pjb_1", "eng_1"))) == []
    stage.tell(Answered("op_acme", Accepted("pjb_1", "eng_1")))
    assert stage.tell(Answered("op_acme", Accepted("pjb_2", "eng_2"))) == []
    assert stage.tell(Answered("op_acme", Refused("no", 402))) == []
    assert stage.run.stops.halted is None


# ── concurrency ────────────────────────────────────────────────────────────────────────────────────────────────


def test_no_more_calls_than_allowed_and_the_next_begins_when_one_is_answered() -> None:
    stage = RunHarness(EMPTY, THREE, Options(concurrency=2, read_summaries=False))
    assert [one.key for one in stage.appended() if isinstance(one, Begin)] == ["a", "b"]
    assert kinds(stage.recorded()) == [Create, Create]
    stage.tell(Answered("op_b", Accepted("pjb_b", "eng_b")))
    assert [type(one) for one in stage.appended()] == [Acceptance, Begin]
    assert kinds(stage.recorded()) == [Watch, Create]


def test_begins_may_go_on_record_ahead_of_their_calls() -> None:
    stage = RunHarness(EMPTY, THREE | {"d": A}, Options(concurrency=1, ahead=2, read_summaries=False))
    assert [one.operation for one in stage.appended()] == ["op_a", "op_b", "op_c"]
    assert stage.recorded() == [Create("op_a", "a", A)]
    stage.tell(Answered("op_a", Accepted("pjb_a", "eng_a")))
    assert kinds(stage.said) == [Append, Create, Append]
    assert stage.said[1] == Create("op_b", "b", A)
    assert [one.operation for one in stage.appended() if isinstance(one, Begin)] == ["op_d"]


def test_what_went_on_record_ahead_is_withdrawn_when_the_run_stops() -> None:
    stage = RunHarness(EMPTY, THREE, Options(concurrency=1, ahead=2))
    stage.recorded()
    stage.tell(Answered("op_a", Refused("no credit", 402)))
    withdrawn = [one for one in stage.appended() if isinstance(one, Refusal)]
    assert [(one.operation, one.final, one.status) for one in withdrawn] == [
        ("op_a", False, 402),
        ("op_b", False, 0),
        ("op_c", False, 0),
    ]
    stage.recorded()
    assert stage.finish() == EMPTY


# ── news ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_news_that_is_not_terminal_unknown_or_repeated_changes_nothing() -> None:
    stage = RunHarness(EMPTY, ONE)
    stage.accepted()
    for news in (News("pjb_1", "in_progress"), News("pjb_1", "napping"), News("pjb_9", "completed")):
        assert stage.tell(Heard(news)) == []
    stage.tell(Heard(News("pjb_1", "completed")))
    assert stage.tell(Heard(News("pjb_1", "failed", "forged"))) == []
    assert stage.tell(Heard(News("pjb_1", "completed"))) == []
    stage.tell(Recorded((End("op_acme", "completed", at(4)),)))
    assert stage.entry().current is not None


def test_news_may_come_before_the_acceptance_is_durable() -> None:
    stage = RunHarness(EMPTY, ONE)
    stage.called()
    stage.tell(Answered("op_acme", Accepted("pjb_1", "eng_1")))
    acceptance = stage.appended()
    stage.tell(Heard(News("pjb_1", "completed")))
    end = stage.appended()
    assert stage.tell(Recorded(acceptance)) == []
    stage.tell(Recorded(end))
    assert stage.entry().current is not None


def test_news_may_come_before_the_answer_and_is_then_heard_again() -> None:
    stage = RunHarness(EMPTY, ONE)
    stage.called()
    assert stage.tell(Heard(News("pjb_1", "completed"))) == []
    stage.tell(Answered("op_acme", Accepted("pjb_1", "eng_1")))
    assert stage.recorded() == [Watch("pjb_1", "acme")]


def test_a_wait_that_the_platform_ends_leaves_the_engine_pending() -> None:
    stage = RunHarness(EMPTY, ONE)
    stage.accepted()
    stage.tell(WatchEnded("pjb_1", "no such job"))
    one = stage.entry().pending
    assert one is not None
    assert one.status == IN_PROGRESS
    operation = stage.run.operation_of("acme")
    assert operation is not None
    assert operation.note == "no such job"


def test_a_wait_that_ended_for_a_stranger_or_too_early_changes_nothing() -> None:
    stage = RunHarness(EMPTY, ONE)
    stage.called()
    assert stage.tell(WatchEnded("pjb_9", "?")) == []
    stage.tell(Answered("op_acme", Accepted("pjb_1", "eng_1")))
    acceptance = stage.appended()
    assert stage.tell(WatchEnded("pjb_1", "?")) == []
    assert stage.tell(Recorded(acceptance)) == [Watch("pjb_1", "acme")]


def test_a_summary_nobody_asked_for_changes_nothing() -> None:
    stage = RunHarness(EMPTY, ONE)
    stage.accepted()
    assert stage.tell(SummaryRead("pjb_1", {"instructions": 6})) == []
