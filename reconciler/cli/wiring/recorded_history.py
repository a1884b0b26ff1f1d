"""What `reconcile history` reads, for every view that shows what was done with engines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters.checkout.lockfile_log import lockfile_versions
from reconciler.app.history import LedgerCommit, LockfileCommit
from reconciler.cli.stderr import warn
from reconciler.cli.wiring.publishing import target_of
from reconciler.core.errors import LockfileError
from reconciler.core.lockfile import model as lockfile_format
from reconciler.core.patterns import lazy_pattern
from reconciler.core.settings.model import Settings

if TYPE_CHECKING:
    from reconciler.adapters.git.ledger import GitLedger

_RUN = lazy_pattern(r"^Run: (\S+)$", re.MULTILINE)


def newest_of_ledger(root: Path, settings: Settings, limit: int) -> list[LedgerCommit]:
    """The last commits of the remote's ledger, oldest first. Raises `GitError`."""
    ledger = target_of(root, settings).ledger()
    return commits_of_ledger(ledger, ledger.look().ledger_tip, limit)


def commits_of_ledger(ledger: GitLedger, tip: str | None, limit: int) -> list[LedgerCommit]:
    """Those up to a tip that has been fetched. Raises `GitError`."""
    found = [] if tip is None else ledger.commits(tip, limit)
    return [
        LedgerCommit(commit.id, commit.author, _run(commit.message), records, unverified)
        for commit, records, unverified in found
    ]


def versions_of_lockfile(root: Path, name: str, limit: int) -> Iterator[LockfileCommit]:
    """The lockfile's versions that can be read: a conflict that somebody committed was mended since."""
    for one in lockfile_versions(root, name, limit):
        if not one.content.strip():
            continue
        try:
            lockfile = lockfile_format.parse(one.content, name)
        except LockfileError:
            warn(f"{name} in {one.commit[:10]} cannot be read")
            continue
        yield LockfileCommit(one.commit, one.at, one.by, _run(one.message), lockfile)


def _run(message: str) -> str | None:
    found = _RUN.search(message)
    return found[1] if found else None
