"""How a run ends early: interrupts, deadlines, a lost lease, detaching, and a journal that cannot be written."""

from __future__ import annotations

import pytest

from reconciler.core.ledger.journal import Acceptance, Refusal, UncertainOutcome
from reconciler.core.lockfile.entry import IN_PROGRESS, UNCERTAIN
from reconciler.core.lockfile.model import EMPTY
from reconciler.core.platform.job import Accepted, News, Refused, Uncertain
from reconciler.core.run.machine import CUT_OFF
from reconciler.core.run.operations import UNSENT, Options
from reconciler.core.run.protocol import (
    Abandon,
    Answered,
    Append,
    Create,
    DeadlinePassed,
    Finish,
    GraceOver,
    Heard,
    Interrupted,
    LeaseLost,
    ReadSummary,
    Recorded,
    SummaryRead,
    Unrecorded,
    Watch,
)
from tests.core.build import A, at, entry, lockfile, pending
from tests.core.run_harness import ONE, QUIET, THREE, RunHarness, kinds

# ── interrupts, deadlines, detaching ───────────────────────────────────────────────────────────────────────────


def test_after_an_interrupt_what_was_begun_is_not_called() -> None:
    stage = RunHarness(EMPTY, THREE, Options(concurrency=2))
    begins = stage.appended()
    assert stage.tell(Interrupted()) == []
    stage.tell(Recorded(begins))
    refusals = stage.appended()
    assert [one.message for one in refusals if isinstance(one, Refusal)] == [UNSENT, UNSENT]
    stage.recorded()
    assert stage.finish() == EMPTY


def test_after_an_interrupt_an_answer_that_still_comes_is_recorded_and_nothing_is_watched() -> None:
    stage = RunHarness(EMPTY, ONE)
    stage.called()
    assert stage.tell(Interrupted()) == []
    stage.tell(Answered("op_acme", Accepted("pjb_1", "eng_1")))
    stage.recorded()
    assert kinds(stage.said) == [Finish]
    one = stage.entry().pending
    assert one is not None
    assert (one.status, one.engine_id) == (IN_PROGRESS, "eng_1")


def test_when_the_grace_is_over_what_has_no_answer_is_uncertain() -> None:
    stage = RunHarness(EMPTY, ONE)
    stage.called()
    stage.tell(Interrupted())
    stage.tell(GraceOver())
    assert stage.said == [Append((UncertainOutcome("op_acme", CUT_OFF, at(3)),)), Abandon(("op_acme",))]
    assert stage.tell(GraceOver()) == []
    stage.tell(Recorded((UncertainOutcome("op_acme", CUT_OFF, at(3)),)))
    one = stage.entry().pending
    assert one is not None
    assert (one.status, one.error) == (UNCERTAIN, CUT_OFF)


@pytest.mark.parametrize("status", [IN_PROGRESS, "completed"])
@pytest.mark.parametrize("doubt_first", [True, False])
def test_an_answer_after_the_grace_still_counts_when_it_comes_in_time(status: str, doubt_first: bool) -> None:
    lock = lockfile({"z": entry(None, pending("9", A))})
    stage = RunHarness(lock, {"acme": A, "z": A})
    stage.called()
    stage.tell(GraceOver())
    doubt = stage.appended()
    if doubt_first:
        stage.tell(Recorded(doubt))
    stage.tell(Answered("op_acme", Accepted("pjb_1", "eng_1", status)))
    acceptance = stage.appended()
    assert isinstance(acceptance[0], Acceptance)
    if not doubt_first:
        stage.tell(Recorded(doubt))
    stage.tell(Recorded(acceptance))
    stage.tell(DeadlinePassed())
    one = stage.entry()
    assert one.engine_ids == ("eng_1",)
    assert (one.current is not None) == (status == "completed")


def test_a_refusal_after_the_grace_outweighs_the_doubt() -> None:
    stage = RunHarness(lockfile({"z": entry(None, pending("9", A))}), {"acme": A, "z": A})
    stage.called()
    stage.tell(GraceOver())
    stage.recorded()
    stage.tell(Answered("op_acme", Refused("no credit", 402)))
    stage.recorded()
    stage.tell(Interrupted())
    assert list(stage.finish().engines) == ["z"]


def test_at_the_deadline_running_jobs_stay_in_progress() -> None:
    stage = RunHarness(
        lockfile({"z": entry(None, pending("9", A))}), {"acme": A, "z": A}, Options(concurrency=1)
    )
    stage.called()
    assert stage.tell(DeadlinePassed()) == []  # the call under way is answered first
    stage.tell(Answered("op_acme", Accepted("pjb_1", "eng_1")))
    stage.recorded()
    for key in ("acme", "z"):
        one = stage.entry(key).pending
        assert one is not None
        assert one.status == IN_PROGRESS


def test_a_summary_is_not_waited_for_after_the_deadline() -> None:
    stage = RunHarness(EMPTY, ONE, Options())
    stage.accepted("completed")
    assert kinds(stage.said) == [ReadSummary]
    stage.tell(DeadlinePassed())
    assert stage.entry().current is not None


def test_an_end_heard_after_the_deadline_is_recorded_without_a_summary() -> None:
    stage = RunHarness(EMPTY, ONE, Options())
    stage.called()
    stage.tell(DeadlinePassed())
    stage.tell(Answered("op_acme", Accepted("pjb_1", "eng_1", "completed")))
    stage.recorded()
    assert kinds(stage.said) == [Finish]
    assert stage.entry().current is not None


def test_detached_nothing_is_watched_and_no_summary_read() -> None:
    lock = lockfile({"z": entry(None, pending("9", A))})
    stage = RunHarness(lock, {"acme": A, "z": A}, Options(detach=True))
    stage.called()
    stage.tell(Answered("op_acme", Accepted("pjb_1", "eng_1")))
    stage.recorded()
    assert kinds(stage.said) == [Finish]
    assert [stage.entry(key).pending is not None for key in ("acme", "z")] == [True, True]


def test_detached_what_is_complete_at_once_is_recorded_as_that() -> None:
    stage = RunHarness(EMPTY, ONE, Options(detach=True))
    stage.accepted("completed")
    assert stage.entry().current is not None


def test_without_the_lease_nothing_more_is_created_and_what_is_learned_is_recorded() -> None:
    stage = RunHarness(EMPTY, THREE, Options(concurrency=1))
    stage.recorded()
    assert stage.tell(LeaseLost("taken over by another run")) == []
    stage.tell(Answered("op_a", Accepted("pjb_a", "eng_a")))
    assert kinds(stage.said) == [Append]
    assert stage.recorded() == [Watch("pjb_a", "a")]
    stage.tell(Heard(News("pjb_a", "completed")))
    stage.tell(Recorded(stage.appended()))
    stage.tell(SummaryRead("pjb_a", None))
    assert list(stage.finish().engines) == ["a"]
    assert stage.run.stops.lease_lost
    assert stage.run.stops.halted == "taken over by another run"


# ── a journal that cannot be written ───────────────────────────────────────────────────────────────────────────


def test_a_begin_that_is_not_durable_is_not_called() -> None:
    stage = RunHarness(EMPTY, THREE, Options(concurrency=2))
    stage.tell(Unrecorded(stage.appended(), "disk full"))
    assert stage.run.stops.halted == "disk full"
    assert stage.finish() == EMPTY
    assert stage.run.records == []


def test_on_a_shared_journal_a_begin_that_may_have_got_there_is_taken_back() -> None:
    stage = RunHarness(EMPTY, ONE, Options(shared=True))
    stage.tell(Unrecorded(stage.appended(), "push refused"))
    assert stage.appended() == (Refusal("op_acme", UNSENT, 0, False, at(1)),)
    assert stage.finish() == EMPTY


@pytest.mark.parametrize(
    ("answer", "engines"),
    [
        (Accepted("pjb_1", "eng_1", "completed"), ("eng_1",)),
        (Uncertain("500"), ()),
        (Refused("bad", 400), ()),
    ],
)
def test_an_answer_that_is_not_durable_still_reaches_the_lockfile(
    answer: Accepted | Uncertain | Refused, engines: tuple[str, ...]
) -> None:
    stage = RunHarness(EMPTY, ONE, QUIET)
    stage.called()
    stage.tell(Answered("op_acme", answer))
    stage.tell(Unrecorded(stage.appended(), "disk full"))
    assert stage.entry().engine_ids == engines


def test_an_accepted_engine_is_waited_for_though_the_disk_is_full() -> None:
    stage = RunHarness(EMPTY, ONE)
    stage.called()
    stage.tell(Answered("op_acme", Accepted("pjb_1", "eng_1")))
    assert stage.tell(Unrecorded(stage.appended(), "disk full")) == [Watch("pjb_1", "acme")]
    stage.tell(Heard(News("pjb_1", "completed")))
    stage.tell(Unrecorded(stage.appended(), "disk full"))
    assert stage.entry().current is not None


def test_records_that_are_confirmed_twice_are_acted_on_once() -> None:
    stage = RunHarness(EMPTY, ONE)
    begins = stage.appended()
    assert kinds(stage.tell(Recorded(begins))) == [Create]
    assert stage.tell(Recorded(begins)) == []
