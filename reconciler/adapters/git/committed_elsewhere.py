"""A ledger whose lockfile is committed by the remote's host, so that the commit is signed: `publish_by: api`.

The host makes the commit, git pushes the ledger; so the two do not happen at once. First the ledger gets every fact,
with the lease still ours; then the host makes the commit; then the ledger is emptied and the lease given back. A run
that is killed in between leaves facts on the ledger that the branch has already, or is to get: the next run folds them,
and a fact that the lockfile has changes nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from reconciler.adapters.git.drafts import Draft
from reconciler.adapters.git.ledger import GitLedger
from reconciler.adapters.storage.kill_points import step
from reconciler.core.frozen import replace
from reconciler.core.ledger.journal import Record
from reconciler.core.ledger.lease import Lease
from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
from reconciler.core.lockfile.model import Lockfile


class Commits(Protocol):
    def commit(
        self,
        branch: str,
        expected: str,
        files: Mapping[str, bytes],
        message: str,
        until: Callable[[], float],
    ) -> str:
        """Put these files on the branch, which must be at `expected`; returns the new commit. Ends at `until`, by the
        monotonic clock. Raises `RefMoved`, `PushRefused` and `RemoteUnreachable`, as a push does."""
        ...


@dataclass(slots=True)
class HostCommittedLedger(GitLedger):
    """`host` is always given; it has a default because the fields before it have."""

    host: Commits | None = None
    _committed: bool = field(default=False, init=False)  # whether the branch has what this publishes
    _until: float = field(default=math.inf, init=False)  # by the monotonic clock

    def hurry(self, seconds: float) -> None:
        """See the port."""
        self._until = min(self._until, time.monotonic() + seconds)
        GitLedger.hurry(self, seconds)

    def _publish(
        self, seen: RemoteSnapshot, lockfile: Lockfile, told: Sequence[Record], held: Lease
    ) -> RemoteSnapshot:
        self._committed = False
        draft = self._for_branch(seen, lockfile)
        if draft is not None and self.host is not None and draft.parent is not None:
            seen = self.record(seen, told, seen.lease)
            step("commit about to be asked for")
            asked = (self.branch, draft.parent, draft.files, draft.message)
            tip = self.host.commit(*asked, lambda: self._until)
            step("lockfile committed")
            content = draft.files.get(self.path, seen.content)
            seen = replace(seen, branch_tip=tip, lockfile=lockfile, content=content, restored=None)
            self._committed = True
        return GitLedger._publish(self, seen, lockfile, told, held)

    def mends_outputs(self) -> bool:
        """Not those that were committed a moment ago."""
        return not self._committed and GitLedger.mends_outputs(self)

    def lockfile_draft(self, seen: RemoteSnapshot, lockfile: Lockfile, message: str) -> Draft:
        """Without executable files: the host would take that mark away from them."""
        draft = GitLedger.lockfile_draft(self, seen, lockfile, message)
        for file in draft.executable & draft.files.keys():
            self.notice(
                f"{file} is executable, and GitHub's API cannot commit executable files; it is not changed"
            )
        files = {path: content for path, content in draft.files.items() if path not in draft.executable}
        return replace(draft, files=files, executable=frozenset())
