"""An engine that the platform no longer has: another one is made in its place, and the plan never forgets why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.core.engine.fingerprint import fingerprint
from reconciler.core.engine.spec import LifecycleOptions, record_of
from reconciler.core.ledger.fold import fold
from reconciler.core.ledger.journal import Begin, Refusal
from reconciler.core.lockfile.entry import IN_PROGRESS, Entry, Hold
from reconciler.core.lockfile.model import Lockfile, parse, render
from reconciler.core.plan.guards import guarded
from reconciler.core.plan.limits import Limit, Policy
from reconciler.core.plan.model import Action, Condition, Kind
from reconciler.core.run.local_actions import perform_all
from tests.core.build import (
    T0,
    A,
    B,
    accepted,
    at,
    begin,
    current,
    ended,
    entry,
    failed,
    lockfile,
    pending,
    plan_of,
    refused,
    superseded,
    uncertain,
)

GONE = {"eng_1"}
IN_ITS_PLACE = {"instead_of": "eng_1"}


def only_action(one: Entry, spec: object = A, **how: object) -> Action:
    (action,) = plan_of(lockfile({"acme": one}), {"acme": spec}, **how)  # type: ignore[dict-item,arg-type]
    return action


def test_it_is_recreated_with_everything_that_is_sent() -> None:
    action = only_action(entry(current("1", A)), gone=GONE)
    assert action.kind is Kind.RECREATE
    assert (action.engine_id, action.instead_of, action.spec) == ("eng_1", "eng_1", A)
    assert action.reason == "drift: the platform no longer has eng_1"
    assert action.creates
    assert action.submission is not None
    assert action.submission.instead_of == "eng_1"


@pytest.mark.parametrize(
    ("recorded", "spec", "kind"),
    [
        (entry(current("1", A)), B, Kind.REPLACE),  # its file changed as well: one job does for both
        (entry(current("1", A), pending("2", B)), A, Kind.RECREATE),  # a replacement that gives way
        (entry(current("1", A), pending("2", A, **IN_ITS_PLACE)), A, Kind.RESUME),
        (entry(current("1", A), None, superseded("0", A)), A, Kind.RESTORE),  # nobody pays twice
        (entry(current("1", A), None, superseded("0", A, IN_PROGRESS)), A, Kind.RESUME),
        (entry(current("1", A), failed("2", A, **IN_ITS_PLACE)), A, Kind.NONE),
        (entry(current("1", A), uncertain("2", A)), A, Kind.NONE),
        (entry(current("1", A)), None, Kind.RETIRE),
    ],
)
def test_what_is_done_where_it_is_gone(recorded: Entry, spec: object, kind: Kind) -> None:
    files = {} if spec is None else {"acme": spec}
    (action,) = plan_of(lockfile({"acme": recorded}), files, gone=GONE)  # type: ignore[arg-type]
    assert action.kind is kind


def test_an_earlier_engine_that_is_gone_too_is_not_restored() -> None:
    one = entry(current("1", A), None, superseded("0", A))
    assert only_action(one, gone={"eng_1", "eng_0"}).kind is Kind.RECREATE
    assert only_action(entry(current("2", B), None, superseded("1", A)), gone=GONE).kind is Kind.REPLACE
    retired = lockfile({}, acme=entry(current("1", A)))
    assert [one.kind for one in plan_of(retired, {"acme": A}, gone=GONE)] == [Kind.CREATE]


# ── what stands in for it ──────────────────────────────────────────────────────────────────────────────────────


def test_a_later_plan_that_asks_nobody_waits_for_it() -> None:
    action = only_action(entry(current("1", A), pending("2", A, **IN_ITS_PLACE)))
    assert action.kind is Kind.RESUME
    assert (action.engine_id, action.job_id) == ("eng_2", "pjb_2")


def test_one_that_failed_is_reported_and_tried_again() -> None:
    for one in (failed("2", A, **IN_ITS_PLACE), replace(refused("2", A), instead_of="eng_1")):
        there = entry(current("1", A), one)
        action = only_action(there)
        assert (action.kind, action.condition) == (Kind.NONE, Condition.FAILED)
        assert "no longer has eng_1" in action.reason
        assert "--retry-failed" in (action.hint or "")
        again = only_action(there, retry_failed=True)
        assert (again.kind, again.instead_of) == (Kind.RECREATE, "eng_1")


def test_one_that_failed_is_over_when_the_engine_is_there_after_all() -> None:
    there = entry(current("1", A), failed("2", A, **IN_ITS_PLACE))
    assert only_action(there, alive=GONE).kind is Kind.DISCARD
    running = entry(current("1", A), pending("2", A, **IN_ITS_PLACE))
    assert only_action(running, alive=GONE).kind is Kind.RESUME  # it is paid for


def test_what_replaces_it_or_is_held_back_says_that_it_is_gone() -> None:
    assert "no longer has eng_1" in only_action(entry(current("1", A)), B, gone=GONE).reason
    hold = Hold("d-1", fingerprint(B), record_of(B), "Ada", T0)
    rolled_back = replace(entry(current("1", A), None, superseded("2", B)), hold=hold)
    for gone, peaceful in ((GONE, False), ((), True)):
        action = only_action(rolled_back, B, gone=gone)
        assert (action.guard is not None, action.rolled_back) == (True, peaceful)
        assert ("no longer has eng_1" in action.reason) is not peaceful


def test_it_stands_in_for_the_serving_engine_and_for_no_other() -> None:
    other = entry(current("3", A), pending("2", A, **IN_ITS_PLACE), superseded("1", B))
    assert only_action(other).kind is Kind.DISCARD


def test_a_change_of_the_file_overtakes_it() -> None:
    there = entry(current("1", A), pending("2", A, **IN_ITS_PLACE))
    assert only_action(there, B).kind is Kind.REPLACE


def test_it_moves_with_its_file() -> None:
    lock = lockfile({"acme": entry(current("1", A), pending("2", A, **IN_ITS_PLACE))})
    actions = plan_of(lock, {"shop": A})
    (action,) = actions
    assert (action.kind, action.from_key, action.job_id) == (Kind.MOVE, "acme", "pjb_2")
    moved = perform_all(lock, actions, T0).entry("shop")
    assert moved is not None
    assert moved.standing_in is not None


def test_a_superseded_job_that_is_taken_up_again_stands_in() -> None:
    lock = lockfile({"acme": entry(current("1", A), None, superseded("0", A, IN_PROGRESS))})
    actions = plan_of(lock, {"acme": A}, gone=GONE)
    after = perform_all(lock, actions, T0)
    assert perform_all(after, actions, T0) == after
    (action,) = plan_of(after, {"acme": A})
    assert (action.kind, action.job_id) == (Kind.RESUME, "pjb_0")


# ── guards ─────────────────────────────────────────────────────────────────────────────────────────────────────


def held(lock: Lockfile, policy: Policy) -> list[str]:
    keys = dict.fromkeys(lock.engines, A)
    gone = [f"eng_{key}" for key in lock.engines]
    return [one.key for one in guarded(plan_of(lock, keys, gone=gone), lock, policy) if one.guard is not None]


def test_it_is_guarded_like_a_replacement() -> None:
    lock = lockfile({key: entry(current(key, A)) for key in "abc"})
    assert held(lock, Policy(max_replace=Limit(2))) == ["a", "b", "c"]
    assert held(lock, Policy(max_replace=Limit(3))) == []
    assert held(lock, Policy(max_replace=Limit(2), allow_replace=frozenset("b"))) == []
    protected = lock.with_entry("a", replace(entry(current("a", A)), kept=LifecycleOptions(True)))
    assert held(protected, Policy()) == ["a"]
    assert held(protected, Policy(allow_replace=frozenset("a"))) == []


# ── the journal and the lockfile ───────────────────────────────────────────────────────────────────────────────

BEGIN = begin("2", A, 1)
assert isinstance(BEGIN, Begin)
RECREATING = replace(BEGIN, instead_of="eng_1")
SERVES = lockfile({"acme": entry(current("1", A))})


def test_the_engine_id_changes_only_when_it_completed() -> None:
    for records in (
        [RECREATING],
        [RECREATING, accepted("2", 2)],
        [RECREATING, accepted("2", 2), ended("2", 3, "failed")],
    ):
        there = fold(SERVES, records).entry("acme")
        assert there is not None
        assert there.standing_in is not None
        assert there.current is not None
        assert there.current.engine_id == "eng_1"
    done = fold(SERVES, [RECREATING, accepted("2", 2), ended("2", 3)]).entry("acme")
    assert done is not None
    assert done.current is not None
    assert (done.current.engine_id, done.pending) == ("eng_2", None)
    assert [one.engine_id for one in done.superseded] == ["eng_1"]


def test_one_that_was_refused_for_reasons_outside_the_spec_leaves_no_trace() -> None:
    assert fold(SERVES, [RECREATING, Refusal("op_2", "no credit", 402, False, at(2))]) == SERVES


def test_an_older_program_refuses_the_lockfile_while_it_lasts() -> None:
    for records in ([RECREATING], [RECREATING, accepted("2", 2)]):
        content = render(fold(SERVES, records))
        assert b'"version": 2' in content
        assert b'"insteadOf": "eng_1"' in content
        assert parse(content, "lock") == fold(SERVES, records)
    done = render(fold(SERVES, [RECREATING, accepted("2", 2), ended("2", 3)]))
    assert b'"version": 1' in done
    assert b"insteadOf" not in done
