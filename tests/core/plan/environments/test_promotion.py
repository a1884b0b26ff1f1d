from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.core.errors import ExitCode
from reconciler.core.lockfile.entry import Entry, Hold
from reconciler.core.plan.environments.promotion import refusal
from tests.core.build import A, B, current, entry, failed, pending, uncertain, wanted

SERVES = current("1", A)
HOLD = Hold("op", "v1:x", {"name": "x"}, "Ada", "2026-11-24T11:08:13Z")


@pytest.mark.parametrize(
    ("recorded", "words", "code"),
    [
        (None, "not recorded in staging", ExitCode.GUARD),
        (Entry(), "not recorded in staging", ExitCode.GUARD),
        (entry(SERVES, uncertain("2", B)), "outcome of a create call is unknown", ExitCode.UNCERTAIN),
        (replace(entry(SERVES), hold=HOLD), "rolled back by Ada", ExitCode.GUARD),
        (entry(SERVES, failed("2", B)), "its job failed", ExitCode.FAILED),
        (entry(SERVES, pending("2", B)), "has not completed", ExitCode.RUNNING),
        (entry(replace(SERVES, updating=(1,))), "has not completed", ExitCode.RUNNING),
        (entry(current("1", B)), "its files differ", ExitCode.GUARD),
        (entry(SERVES), None, ExitCode.OK),
    ],
)
def test_only_what_completed_and_is_still_asked_for_was_tested(
    recorded: Entry | None, words: str | None, code: ExitCode
) -> None:
    found = refusal(recorded, wanted("acme", A), "staging", doubtful=False)
    if found is None or words is None:
        assert (found, words) == (None, None)
        return
    assert words in found.reason
    assert found.code is code
    assert "reconcile " in found.hint


def test_a_call_in_doubt_has_tested_nothing() -> None:
    found = refusal(entry(SERVES), wanted("acme", A), "staging", doubtful=True)
    assert found is not None
    assert found.code is ExitCode.UNCERTAIN
