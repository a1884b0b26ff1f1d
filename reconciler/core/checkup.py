"""What `reconcile doctor` finds, as values: one finding for each thing that a run depends on, and how bad it is.

Judging is here and looking is elsewhere, so that the limits (how far a clock may be off, which status says what of a
key) stand in one place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum

from reconciler.core.commands import key_variable, reconcile
from reconciler.core.duration import format_duration
from reconciler.core.errors import Diagnostic, ExitCode, ReconcileError, most_severe
from reconciler.core.frozen import dataclass
from reconciler.core.ledger.lease import Lease
from reconciler.core.settings.model import SETTINGS
from reconciler.core.suggest import did_you_mean

OLDEST_PYTHON = (3, 11)
OLDEST_GIT = (2, 30)  # `fetch --no-write-fetch-head` came with 2.29, `rev-parse --end-of-options` with 2.30
CLOCK_WARNING = 60.0  # seconds
CLOCK_PROBLEM = 300.0  # webhooks older, or younger, than this are refused (docs/platform.md)
NOT_OFFERED = frozenset({404, 405, 501})
# Variables that are no settings.
_OTHER_VARIABLES = frozenset(
    (
        "RECONCILE_INBOX_TOKEN",
        "RECONCILE_PUSH_SECRET",
        "RECONCILE_RELAY_TOKEN",
        "RECONCILE_RELAY_APP_ID",
        "RECONCILE_RELAY_APP_KEY_FILE",
        "RECONCILE_RELAY_INSTALLATION_ID",
        "RECONCILE_TEST_KILL_AFTER_STEP",
        "RECONCILE_TEST_STEPS_FILE",
    )
)


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"  # a run works, or may work, but somebody should know
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's result. `invalid` is for files and settings, which end with another code than the rest."""

    check: str
    verdict: Verdict
    said: str
    hint: str | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    invalid: bool = False


def ok(check: str, said: str) -> Finding:
    return Finding(check, Verdict.OK, said)


def warning(check: str, said: str, hint: str | None = None) -> Finding:
    return Finding(check, Verdict.WARNING, said, hint)


def problem(check: str, said: str, hint: str | None = None) -> Finding:
    return Finding(check, Verdict.PROBLEM, said, hint)


def from_error(check: str, error: ReconcileError, verdict: Verdict = Verdict.PROBLEM) -> Finding:
    """What an error says, as a finding; an invalid file stays one."""
    invalid = error.exit_code is ExitCode.INVALID and bool(error.diagnostics)
    return Finding(check, verdict, error.message, error.hint, error.diagnostics, invalid)


def exit_code_of(findings: Iterable[Finding]) -> ExitCode:
    """0 without a problem, 3 for invalid files or settings, else 1."""
    problems = [one for one in findings if one.verdict is Verdict.PROBLEM]
    return most_severe(ExitCode.INVALID if one.invalid else ExitCode.FAILED for one in problems)


def judge_python(version: Sequence[int]) -> Finding:
    shown = ".".join(str(part) for part in version[:3])
    if tuple(version[:2]) < OLDEST_PYTHON:
        return problem("python", f"Python {shown} is too old", "install Python 3.11 or newer")
    return ok("python", f"Python {shown}")


def judge_git(said: str) -> Finding:
    """From what `git --version` printed."""
    found = re.search(r"(\d+)\.(\d+)[\w.]*", said)
    if found is None:
        return warning(
            "git", "git does not report its version", "install git 2.30 or newer; publishing needs it"
        )
    if (int(found[1]), int(found[2])) < OLDEST_GIT:
        return problem("git", f"git {found[0]} is too old for publishing", "install git 2.30 or newer")
    return ok("git", f"git {found[0]}")


def judge_variables(names: Iterable[str]) -> list[Finding]:
    """Variables that look like settings and are none: somebody thinks that they have an effect."""
    known = {setting.variable for setting in SETTINGS.values()} | _OTHER_VARIABLES
    findings = []
    for name in sorted(names):
        if name.startswith("RECONCILE_") and name not in known:
            guess = did_you_mean(name, known)
            hint = f"did you mean {guess}?" if guess else "remove it; docs/settings.md lists all variables"
            findings.append(warning("settings", f"the variable {name} has no effect", hint))
    return findings


def judge_clock(theirs: float | None, ours: float) -> Finding:
    """From the platform's `Date` and our time at that moment, both in seconds. A `Date` has whole seconds."""
    if theirs is None:
        return warning("clock", "the platform does not report its time, so the clock is not checked")
    off = abs(theirs + 0.5 - ours)
    if off <= CLOCK_WARNING:
        return ok("clock", f"within {max(1, round(off))} s of the platform's")
    side = "behind" if ours < theirs else "ahead of"
    said = f"this machine's clock is {format_duration(round(off))} {side} the platform's"
    hint = "synchronize it with NTP: "
    if off > CLOCK_PROBLEM:
        return problem("clock", said, hint + "webhooks are refused if clocks differ by more than 5 minutes")
    return warning("clock", said, hint + "leases and webhooks depend on it")


def judge_lease(lease: Lease, now: str) -> Finding:
    """The lease that runs share through the remote."""
    if lease.holder is None:
        return ok("lease", "free")
    if not lease.held_at(now):
        return ok("lease", f"free: the lease of {lease.holder} expired at {lease.expires_at}")
    said = f"held by {lease.holder} until {lease.expires_at}"
    return warning("lease", said, f"wait for that run; if it is dead, run `{reconcile('lease break')}`")


def judge_address(status: int, place: str) -> Finding:
    """Whether something answers there as a platform does."""
    if 300 <= status < 400:
        return problem(
            "platform",
            f"{place} redirects elsewhere ({status})",
            "set LINGO_API_URL to the redirect's target",
        )
    if status >= 500 and status not in NOT_OFFERED:
        return warning("platform", f"{place} is reachable, but answers {status}", "try again later")
    return ok("platform", f"{place} is reachable")


def judge_key(status: int) -> Finding:
    """From the answer to `GET /users/me`, which a platform need not offer."""
    if 200 <= status < 300:
        return ok("key", "the platform accepts the API key")
    if status in (401, 403):
        return problem("key", f"the platform refuses the API key ({status})", f"check {key_variable()}")
    if status in NOT_OFFERED:
        return warning("key", f"cannot determine whether the API key is valid: no /users/me there ({status})")
    return warning("key", f"cannot determine whether the API key is valid: the platform answers {status}")
