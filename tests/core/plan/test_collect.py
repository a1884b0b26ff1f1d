"""What is left to collect."""

from __future__ import annotations

from reconciler.core.plan.collect import actions_to_collect
from reconciler.core.plan.model import Condition, Kind
from tests.core.build import A, B, current, entry, failed, lockfile, pending, uncertain

LOCK = lockfile(
    {
        "done": entry(current("1", A)),
        "running": entry(current("2", A), pending("3", B)),
        "first": entry(None, pending("4", A)),
        "failed": entry(None, failed("5", A)),
        "doubtful": entry(None, uncertain("6", A)),
    }
)


def test_running_jobs_are_resumed_and_doubt_is_reported_and_nothing_else() -> None:
    actions = actions_to_collect(LOCK, lambda key: True)
    assert [(one.key, one.kind, one.job_id, one.condition) for one in actions] == [
        ("doubtful", Kind.NONE, None, Condition.UNCERTAIN),
        ("first", Kind.RESUME, "pjb_4", None),
        ("running", Kind.RESUME, "pjb_3", None),
    ]
    assert all(one.waits or one.condition for one in actions)


def test_only_what_is_selected() -> None:
    assert [one.key for one in actions_to_collect(LOCK, {"first", "done"}.__contains__)] == ["first"]
