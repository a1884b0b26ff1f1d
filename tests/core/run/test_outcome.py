"""Results add up to one exit code."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.core.errors import ExitCode
from reconciler.core.plan.model import Kind
from reconciler.core.run.outcome import Outcome, Result, Status


def outcome(*statuses: Status, **more: Any) -> Outcome:
    return Outcome(tuple(Result(f"k{i}", Kind.CREATE, status) for i, status in enumerate(statuses)), **more)


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (outcome(), ExitCode.OK),
        (outcome(Status.DONE), ExitCode.OK),
        (outcome(Status.DONE, Status.RUNNING), ExitCode.RUNNING),
        (outcome(Status.RUNNING, Status.FAILED), ExitCode.FAILED),
        (outcome(Status.NOT_STARTED), ExitCode.FAILED),
        (outcome(Status.FAILED, Status.UNCERTAIN, Status.RUNNING), ExitCode.UNCERTAIN),
        (outcome(Status.UNCERTAIN, interrupted=True), ExitCode.INTERRUPTED),
        (outcome(Status.DONE, halted="no credit"), ExitCode.FAILED),
        (outcome(Status.DONE, unwritten="disk full"), ExitCode.FAILED),
        (outcome(Status.UNCERTAIN, halted="taken over", lease_lost=True), ExitCode.LEASE),
        (outcome(Status.DONE, lease_lost=True, interrupted=True), ExitCode.INTERRUPTED),
        (outcome(Status.RUNNING, Status.DONE, detached=True), ExitCode.OK),
        (outcome(Status.RUNNING, Status.FAILED, detached=True), ExitCode.FAILED),
        (outcome(Status.NOT_STARTED, Status.DONE, timed_out=True), ExitCode.RUNNING),
        (outcome(Status.NOT_STARTED, Status.FAILED, timed_out=True), ExitCode.FAILED),
        (outcome(Status.NOT_STARTED, timed_out=True, halted="no credit"), ExitCode.FAILED),
        (outcome(Status.RUNNING, timed_out=True), ExitCode.RUNNING),
    ],
)
def test_the_exit_code(made: Outcome, code: ExitCode) -> None:
    assert made.exit_code is code


def test_every_status_is_counted() -> None:
    assert outcome(Status.DONE, Status.DONE, Status.FAILED).counts() == {
        "done": 2,
        "running": 0,
        "failed": 1,
        "uncertain": 0,
        "guarded": 0,
        "not_started": 0,
    }
