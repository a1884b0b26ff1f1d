"""What a run came to, from its exit code and its JSON."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.core.watch.machine import Verdict
from reconciler.core.watch.results import result_of


def document(*results: tuple[str, str], unchanged: int = 0, **more: Any) -> dict[str, Any]:
    listed = [{"key": key, "action": "create", "status": status} for key, status in results]
    outcome = {"results": listed, "counts": {"unchanged": unchanged}, "wrote": False, **more}
    return {"actions": [], "diagnostics": [], "outcome": outcome}


@pytest.mark.parametrize(
    ("code", "found", "verdict"),
    [
        (0, document(unchanged=3), Verdict.CONVERGED),
        (0, document(("a", "done")), Verdict.CONVERGED),
        (1, document(("a", "failed")), Verdict.ATTENTION),
        (1, document(("a", "failed"), ("b", "not_started")), Verdict.RETRY),
        (1, document(("a", "not_started"), halted="the key was refused"), Verdict.RETRY),
        (1, document(("a", "done"), unpublished="protected"), Verdict.RETRY),
        (6, document(("a", "guarded")), Verdict.ATTENTION),
        (6, document(("a", "guarded"), ("b", "not_started"), halted="down"), Verdict.RETRY),
        (7, document(("a", "uncertain")), Verdict.ATTENTION),
        (4, document(("a", "running")), Verdict.RUNNING),
        (5, document(("a", "not_started")), Verdict.HELD),
        (5, {"actions": [], "error": {"message": "another run"}}, Verdict.HELD),
        (3, {"actions": [], "diagnostics": [{"severity": "error", "message": "bad"}]}, Verdict.ATTENTION),
        (1, {"actions": [], "error": {"message": "git refused"}}, Verdict.RETRY),
        (70, {"actions": [], "error": {"message": "bug"}}, Verdict.RETRY),
        (130, document(("a", "uncertain")), Verdict.RETRY),
        (-9, None, Verdict.RETRY),
        (99, {"actions": [], "error": {"message": "?"}}, Verdict.RETRY),
    ],
)
def test_what_a_run_means_for_the_next_one(code: int, found: dict[str, Any] | None, verdict: Verdict) -> None:
    assert result_of(code, found).verdict is verdict


def test_engines_are_counted_by_state() -> None:
    found = result_of(6, document(("a", "done"), ("b", "guarded"), ("c", "running"), unchanged=5))
    assert found.states is not None
    assert {name: count for name, count in found.states.items() if count} == {
        "up_to_date": 6,
        "held_back": 1,
        "running": 1,
    }
    assert ([one.key for one in found.done], [one.key for one in found.left]) == (["a", "c"], ["b"])


def test_the_first_finding_is_told_with_its_place() -> None:
    findings = [
        {"severity": "warning", "message": "old"},
        {"severity": "error", "message": "no name", "file": "engines/a.yaml", "line": 2, "col": 1},
        {"severity": "error", "message": "more"},
    ]
    trouble = result_of(3, {"actions": [], "diagnostics": findings}).trouble
    assert trouble is not None
    assert trouble.message == "engines/a.yaml:2:1: no name (and 1 more)"
    assert trouble.needs_person
