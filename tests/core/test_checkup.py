"""How bad things are, and the limits of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler.core import checkup
from reconciler.core.checkup import Finding, Verdict
from reconciler.core.errors import Diagnostic, ExitCode, InvalidInput, LeaseHeld
from reconciler.core.ledger.lease import FREE, Holder, Lease, take

OK, WARNING, PROBLEM = Verdict.OK, Verdict.WARNING, Verdict.PROBLEM
NOW = "2026-11-24T11:00:00.000Z"


@pytest.mark.parametrize(
    ("off", "verdict", "said"),
    [
        (0, OK, "within"),
        (59, OK, "within"),
        (-59, OK, "within"),
        (70, WARNING, "behind"),
        (-290, WARNING, "ahead of"),
        (310, PROBLEM, "5m 10s behind"),
        (-86400, PROBLEM, "ahead of"),
    ],
)
def test_the_clock(off: float, verdict: Verdict, said: str) -> None:
    """`off` is how much later it is on the platform."""
    ours = 1_790_000_000.5
    finding = checkup.judge_clock(ours - 0.5 + off, ours)
    assert finding.verdict is verdict
    assert said in finding.said
    assert (finding.hint is None) == (verdict is OK)


def test_a_platform_without_a_clock() -> None:
    assert checkup.judge_clock(None, 0.0).verdict is WARNING


@pytest.mark.parametrize(
    ("status", "key", "address"),
    [
        (200, OK, OK),
        (204, OK, OK),
        (401, PROBLEM, OK),
        (403, PROBLEM, OK),
        (404, WARNING, OK),
        (405, WARNING, OK),
        (501, WARNING, OK),
        (429, WARNING, OK),
        (503, WARNING, WARNING),
        (302, WARNING, PROBLEM),
    ],
)
def test_what_a_status_says(status: int, key: Verdict, address: Verdict) -> None:
    assert checkup.judge_key(status).verdict is key
    assert checkup.judge_address(status, "https://api.example").verdict is address


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ("git version 2.39.5", OK),
        ("git version 2.30.0.windows.1", OK),
        ("git version 2.29.2", PROBLEM),
        ("git version 1.8.3.1", PROBLEM),
        ("git version 10.0 (Apple Git-1)", OK),
        ("hello", WARNING),
    ],
)
def test_git(said: str, verdict: Verdict) -> None:
    assert checkup.judge_git(said).verdict is verdict


def test_python() -> None:
    assert checkup.judge_python((3, 10, 9)).verdict is PROBLEM
    assert checkup.judge_python((3, 11, 0)).verdict is OK
    assert checkup.judge_python((4, 0, 0)).verdict is OK


def test_variables_that_have_no_effect() -> None:
    names = ["RECONCILE_TIMOUT", "RECONCILE_TIMEOUT", "RECONCILE_ZZZZZZ", "LINGO_API_KEY", "PATH"]
    typo, unknown = checkup.judge_variables(names)
    assert "RECONCILE_TIMOUT" in typo.said
    assert typo.hint == "did you mean RECONCILE_TIMEOUT?"
    assert "RECONCILE_ZZZZZZ" in unknown.said
    assert {typo.verdict, unknown.verdict} == {WARNING}


def test_every_variable_that_the_program_reads_is_known() -> None:
    sources = Path(checkup.__file__).parent.parent.rglob("*.py")
    text = "\n".join(file.read_text(encoding="utf-8") for file in sources if file.name != "checkup.py")
    named = set(re.findall(r'"(RECONCILE_[A-Z_]*[A-Z])"', text))
    assert named
    assert checkup.judge_variables(named) == []


def test_the_lease() -> None:
    held = take(FREE, Holder("host", 7, "https://ci.example/7"), "t", NOW, 300)
    assert checkup.judge_lease(FREE, NOW).verdict is OK
    assert checkup.judge_lease(held, NOW).verdict is WARNING
    assert "https://ci.example/7" in checkup.judge_lease(held, NOW).said
    assert checkup.judge_lease(held, "2026-11-24T12:00:00.000Z").verdict is OK
    assert checkup.judge_lease(Lease(7), NOW).verdict is OK


def test_the_exit_code() -> None:
    fine, careful = checkup.ok("a", "x"), checkup.warning("b", "x")
    bad = checkup.problem("c", "x")
    invalid = Finding("d", PROBLEM, "x", invalid=True)
    assert checkup.exit_code_of([]) == ExitCode.OK
    assert checkup.exit_code_of([fine, careful]) == ExitCode.OK
    assert checkup.exit_code_of([fine, bad]) == ExitCode.FAILED
    assert checkup.exit_code_of([bad, invalid]) == ExitCode.INVALID


def test_an_error_as_a_finding() -> None:
    wrong = InvalidInput("settings", hint="h", diagnostics=[Diagnostic("bad", "reconcile.yaml", 1, 2)])
    found = checkup.from_error("settings", wrong)
    assert (found.invalid, found.hint, len(found.diagnostics)) == (True, "h", 1)
    assert not checkup.from_error("lease", LeaseHeld("held")).invalid
