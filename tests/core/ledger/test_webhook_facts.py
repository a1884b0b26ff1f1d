"""What webhooks teach: which facts follow from which events, and that nothing follows from all others."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.core.ledger.fold import fold
from reconciler.core.ledger.journal import Acceptance, End, JobSummary
from reconciler.core.ledger.webhook_facts import concerns, known_in, learn
from reconciler.core.lockfile.entry import FAILED, IN_PROGRESS, UNCERTAIN
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.platform.webhook import Event
from tests.core.build import A, B, at, current, entry, lockfile, pending, superseded

NOW = at(90)
SUMMARY = {"instructions": 6}


def completed(name: str, **more: Any) -> Event:
    known = {"engine_id": f"eng_{name}", "status": "completed", "summary": SUMMARY}
    return Event("provisioning.completed", f"pjb_{name}", **(known | more))


def failed(name: str, **more: Any) -> Event:
    return Event("provisioning.failed", f"pjb_{name}", f"eng_{name}", "failed", "it broke", **more)


def uncertain(name: str, status: str = UNCERTAIN) -> Lockfile:
    return lockfile({"acme": entry(pending=pending(name, A, status, job_id=None, engine_id=None))})


def test_a_job_that_was_running_ends() -> None:
    lock = lockfile({"acme": entry(current("1", A), pending("2", B))})
    facts = learn(lock, [completed("2")], NOW)
    assert facts == (End("op_2", "completed", NOW), JobSummary("op_2", SUMMARY, NOW))
    after = fold(lock, facts).entry("acme")
    assert after is not None
    assert after.current is not None
    assert (after.current.engine_id, after.current.summary) == ("eng_2", SUMMARY)
    assert learn(lock, [failed("2")], NOW) == (End("op_2", "failed", NOW, "it broke"),)


def test_the_first_terminal_answer_wins() -> None:
    lock = lockfile({"acme": entry(pending=pending("1", A))})
    assert learn(lock, [failed("1"), completed("1")], NOW) == (End("op_1", "failed", NOW, "it broke"),)


def test_a_lost_answer_is_found_through_the_operation_in_the_path() -> None:
    lock = uncertain("1")
    facts = learn(lock, [completed("9", operation_id="op_1")], NOW)
    assert facts == (
        Acceptance("op_1", "pjb_9", "eng_9", NOW),
        End("op_1", "completed", NOW),
        JobSummary("op_1", SUMMARY, NOW),
    )
    after = fold(lock, facts)
    one = after.entry("acme")
    assert one is not None
    assert one.current is not None
    assert one.current.engine_id == "eng_9"
    assert learn(after, [completed("9", operation_id="op_1")], NOW) == ()


def test_what_was_forgotten_by_hand_is_found_all_the_same() -> None:
    facts = learn(uncertain("1", FAILED), [failed("9", operation_id="op_1")], NOW)
    assert [fact.type for fact in facts] == ["accepted", "ended"]


def test_a_webhook_of_an_unknown_type_names_the_engine_and_ends_nothing() -> None:
    news = Event("provisioning.started", "pjb_9", "eng_9", None, operation_id="op_1")
    assert learn(uncertain("1"), [news], NOW) == (Acceptance("op_1", "pjb_9", "eng_9", NOW),)


@pytest.mark.parametrize(
    "event",
    [
        completed("9"),  # no operation in its path
        completed("9", operation_id="op_other"),
        completed("9", operation_id="op_1", engine_id=None),
        completed("7", operation_id="op_1"),  # a job that another entry has
        completed("9", operation_id="op_1", engine_id="eng_7"),  # and an engine
        Event("provisioning.completed", None, "eng_9", "completed", operation_id="op_1"),
    ],
)
def test_an_answer_is_taken_only_where_it_can_be_the_one(event: Event) -> None:
    lock = lockfile(
        {
            "acme": entry(pending=pending("1", A, UNCERTAIN, job_id=None, engine_id=None)),
            "web": entry(current("7", A, summary=SUMMARY)),
        }
    )
    assert learn(lock, [event], NOW) == ()


def test_an_operation_takes_one_engine_only() -> None:
    events = [completed("8", operation_id="op_1"), completed("9", operation_id="op_1")]
    facts = learn(uncertain("1"), events, NOW)
    assert [fact for fact in facts if isinstance(fact, Acceptance)] == [
        Acceptance("op_1", "pjb_8", "eng_8", NOW)
    ]


def test_a_replaced_engine_whose_job_still_ran_is_told_of_too() -> None:
    lock = lockfile({"acme": entry(current("2", B), None, superseded("1", A, status=IN_PROGRESS))})
    assert learn(lock, [failed("1")], NOW) == (End("op_1", "failed", NOW, "it broke"),)


def test_a_summary_is_taken_once_for_what_completed_without_one() -> None:
    lock = lockfile({"acme": entry(current("1", A))})
    facts = learn(lock, [completed("1")], NOW)
    assert facts == (JobSummary("op_1", SUMMARY, NOW),)
    assert learn(fold(lock, facts), [completed("1")], NOW) == ()
    assert learn(lock, [failed("1"), completed("1", summary=None)], NOW) == ()


def test_nothing_follows_for_what_is_retired_or_unknown() -> None:
    lock = lockfile({}, old=entry(pending=pending("1", A)))
    assert learn(lock, [completed("1"), completed("5"), Event(None, None, None, None)], NOW) == ()


def test_which_events_are_ours() -> None:
    lock = lockfile({"acme": entry(current("1", A), pending("2", B))}, old=entry(current("3", A)))
    known = known_in(lock)
    assert all(concerns(known, completed(name)) for name in "123")
    assert concerns(known, completed("9", operation_id="op_2"))
    assert not concerns(known, completed("9", operation_id="op_9"))
    assert not concerns(known, Event(None, None, None, None))
