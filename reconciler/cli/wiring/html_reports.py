"""Plans, results and the status as HTML: what the pages show besides, and the files they go to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters.project.places import find_git
from reconciler.adapters.system.clock import UtcClock
from reconciler.app.history import Change, LedgerCommit, history
from reconciler.app.recorded import RecordedState
from reconciler.cli.pull_requests.plan_comment import occasion_of
from reconciler.cli.wiring.recorded_history import commits_of_ledger, versions_of_lockfile
from reconciler.cli.wiring.written_files import check_written
from reconciler.core.duration import format_duration
from reconciler.core.errors import GitError, ReconcileError
from reconciler.core.plan.model import Plan
from reconciler.core.settings.model import Settings
from reconciler.render.text.history import HistoryRow

if TYPE_CHECKING:
    from reconciler.core.plan.drift import Actual
    from reconciler.core.run.outcome import Outcome

_COMMITS = 100  # of the lockfile, and of the ledger where it is known
_BYTES = 16_000_000  # of all versions of the lockfile together
_ROWS = 50  # of one engine


def plan_html(
    root: Path, settings: Settings, plan: Plan, recorded: RecordedState, only: tuple[str, ...]
) -> str:
    """The page. Raises `UsageError`."""
    from reconciler.render.html.plan import render_plan_html

    told = _history(root, settings, recorded)
    return render_plan_html(plan, occasion_of(root, None, only), now=UtcClock().now(), history=told)


def outcome_html(
    root: Path,
    settings: Settings,
    plan: Plan,
    outcome: Outcome,
    recorded: RecordedState,
    command: str,
    elapsed: float,
    record: str | None,
) -> str:
    """The page. Raises `UsageError`."""
    from reconciler.render.html.outcome import RunFacts, render_outcome_html

    facts = RunFacts(command, UtcClock().now(), elapsed, record)
    told = _history(root, settings, recorded)
    return render_outcome_html(plan, outcome, occasion_of(root, None), facts, history=told)


def status_html(
    root: Path,
    settings: Settings,
    recorded: RecordedState,
    keys: Callable[[str], bool],
    actual: Actual | None = None,
) -> str:
    """The page. Raises `UsageError`, `LockfileError`."""
    from reconciler.render.html.status import render_status_html

    return render_status_html(
        recorded.folded,
        occasion_of(root, None),
        now=UtcClock().now(),
        environment=settings.environment,
        keys=keys,
        actual=actual,
        history=_history(root, settings, recorded),
    )


def check_place(root: Path, settings: Settings, name: str) -> None:
    """Looked at before a run: whether a page can be made, and may be in this place. Raises `UsageError` where the
    template library is missing or the file cannot be written, `InvalidInput` where a link leads it out of the project.
    """
    from reconciler.render.html.page import check_library

    check_library()
    check_written(root, settings, "--report-html", name, Path(name))


def write_page(name: str, page: str) -> None:
    """Raises `StorageError`."""
    from reconciler.adapters.storage.durable_files import replace_file

    replace_file(Path(name), page.encode(), name)


def _history(root: Path, settings: Settings, recorded: RecordedState) -> dict[str, list[HistoryRow]]:
    """What was done with each engine, newest first, as far as it is known here without the network. What cannot be read
    is missing from the page, and no reason to have none.
    """
    told: dict[str, list[HistoryRow]] = {}
    for one in _changes(root, settings, recorded):
        rows = told.setdefault(one.key, [])
        if len(rows) < _ROWS:
            rows.append(_row(one))
    return told


def _changes(root: Path, settings: Settings, recorded: RecordedState) -> Iterable[Change]:
    standing = recorded.folded
    if find_git(root) is None:
        return history([], [], standing=standing)
    limit = max(1, min(_COMMITS, _BYTES // max(recorded.size, 1)))
    try:
        versions = list(versions_of_lockfile(root, settings.lockfile, limit))
    except GitError:
        versions = []
    return history(_ledger(root, settings, recorded), versions, standing=standing)


def _ledger(root: Path, settings: Settings, recorded: RecordedState) -> list[LedgerCommit]:
    """As it was seen last in this run; nothing where this run looked at no remote."""
    if recorded.shared is None:
        return []
    from reconciler.cli.wiring.publishing import target_of

    try:
        return commits_of_ledger(target_of(root, settings).ledger(), recorded.shared.ledger_tip, _COMMITS)
    except ReconcileError:
        return []


def _row(one: Change) -> HistoryRow:
    took = "" if one.took is None else format_duration(one.took)
    return HistoryRow(one.at, one.key, one.status, one.engine_id, one.by, one.run, took)
