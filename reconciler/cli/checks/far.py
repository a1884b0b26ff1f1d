"""The checks of `reconcile doctor` that look at something far away: the platform and the git remote, side by side."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from reconciler.adapters.project.places import find_git
from reconciler.adapters.system.clock import UtcClock
from reconciler.adapters.system.timeouts import run_bounded
from reconciler.cli.wiring.publishing import shares, target_of
from reconciler.core.checkup import (
    Finding,
    Verdict,
    from_error,
    judge_address,
    judge_clock,
    judge_key,
    judge_lease,
    ok,
    problem,
    warning,
)
from reconciler.core.errors import ReconcileError
from reconciler.core.settings.model import Settings
from reconciler.core.settings.trust import check_inbox, check_lookup_host

_LOOKS_AT_REMOTE = 4  # one after the other, each with its own time
_SPARE = 1.0  # seconds


def check_far(root: Path, settings: Settings, key: str | None, seconds: float) -> list[Finding]:
    """Every finding; `seconds` bound each single look."""
    calls: list[Callable[[], list[Finding]]] = [
        lambda: _platform(settings, key, seconds),
        lambda: _lookup(settings, key, seconds),
        lambda: _remote(root, settings, seconds),
        lambda: _inbox(root, settings),
    ]
    results = run_bounded(calls, _LOOKS_AT_REMOTE * seconds + _SPARE)
    names = ("platform", "lookup", "remote", "inbox")
    return [
        one
        for name, found in zip(names, results, strict=True)
        for one in (found if found is not None else [problem(name, "it timed out")])
    ]


def _platform(settings: Settings, key: str | None, seconds: float) -> list[Finding]:
    from reconciler.adapters.platform.endpoint import parse_endpoint
    from reconciler.adapters.platform.probe import look_at_platform

    try:
        seen = look_at_platform(settings.api_url, key, seconds)
        place = parse_endpoint(settings.api_url).http()
    except ReconcileError as error:
        return [from_error("platform", error)]
    findings = [judge_address(seen.status, place)]
    if key is not None:
        findings.append(judge_key(seen.status))
    return [*findings, judge_clock(seen.theirs, seen.ours)]


def _inbox(root: Path, settings: Settings) -> list[Finding]:
    """The receiver's inbox, where runs read it themselves."""
    if settings.inbox is None:
        return []
    from reconciler.adapters.inbox.stores import store_at
    from reconciler.cli.runs.completion_sources import inbox_of

    try:
        check_inbox(settings)
        with closing(store_at(inbox_of(root, settings))) as store, store.existing() as inbox:
            sizes = inbox.sizes()
            warnings = [warning("inbox", one) for one in store.warnings()]
    except ReconcileError as error:
        return [from_error("inbox", error)]
    return [ok("inbox", f"{store.name}, {sizes.events:,} events, {sizes.unclaimed:,} unclaimed"), *warnings]


def _lookup(settings: Settings, key: str | None, seconds: float) -> list[Finding]:
    """Whether lost answers can be looked up. That they cannot stops no run."""
    if settings.lookup == "off":
        return [ok("lookup", "off; nothing is looked up after a lost answer")]
    if settings.listed_at is None:
        return [ok("lookup", "no `mcp_url` is set for this platform, so nothing is looked up")]
    if key is None:
        return []
    from reconciler.adapters.platform.mcp import list_engines

    try:
        check_lookup_host(settings)
        listing = list_engines(settings.listed_at, key, seconds)
    except ReconcileError as error:
        return [from_error("lookup", error, Verdict.WARNING)]
    number = len(listing.engines)
    return [ok("lookup", f"the platform lists {number:,} engine{'s' if number != 1 else ''}")]


def _remote(root: Path, settings: Settings, seconds: float) -> list[Finding]:
    """Remote, right to push, and lease. Where runs do not share from here, a trouble with them is a warning only."""
    if settings.publish is False:
        return [ok("remote", "publishing is off, so none is needed")]
    verdict = Verdict.PROBLEM if shares(settings) else Verdict.WARNING
    if find_git(root) is None:
        return [Finding("remote", verdict, "there is none outside git", "publishing needs a git repository")]
    try:
        ledger = target_of(root, settings).ledger()
        ledger.remote.timeout = seconds
        branch = f"refs/heads/{ledger.branch}"
        tips = ledger.remote.tips([ledger.ref, branch])
    except ReconcileError as error:
        return [from_error("remote", error, verdict)]
    findings = [ok("remote", f"`{settings.remote}` is reachable")]
    if branch not in tips:
        said = f"the remote has no branch `{ledger.branch}`"
        findings = [
            Finding(
                "remote", verdict, said, "push it first, or choose another branch with the setting `branch`"
            )
        ]
    from reconciler.adapters.checkout.probe import check_push, read_lease

    findings.append(
        _checked("push", lambda: check_push(ledger, seconds), "the ledger can be pushed", verdict)
    )
    try:
        lease = read_lease(ledger, tips.get(ledger.ref))
    except ReconcileError as error:
        return [*findings, from_error("lease", error, verdict)]
    return [*findings, judge_lease(lease, UtcClock().now())]


def _checked(check: str, call: Callable[[], None], said: str, verdict: Verdict) -> Finding:
    try:
        call()
    except ReconcileError as error:
        return from_error(check, error, verdict)
    return ok(check, said)
