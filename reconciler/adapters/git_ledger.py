"""The ledger and the branch's lockfile on a git remote: implements the port `Ledger`.

The ledger is a ref of its own, `refs/reconcile/<environment>`: one small commit for every batch, whose parent is the
one before, so that a push is a compare-and-swap, branch protection is not in the way, no workflow starts, and
`git log` of the ref is the audit trail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconciler.adapters.git_remote import Commit, Draft, GitRemote, Update
from reconciler.core import journal, lease
from reconciler.core import lockfile as lockfile_format
from reconciler.core.errors import GitError
from reconciler.core.journal import Record
from reconciler.core.lease import Lease
from reconciler.core.lockfile import Lockfile
from reconciler.core.shared import Shared, ledger_subject, publish_message

JOURNAL_FILE = "journal.jsonl"
LEASE_FILE = "lease.json"


@dataclass(slots=True)
class GitLedger:
    """`ref` is the ledger's, `branch` a branch's name, `path` the lockfile's path in the repository."""

    remote: GitRemote
    ref: str
    branch: str
    path: str
    run_url: str | None = None
    skip_ci: bool = False

    def look(self) -> Shared:
        """See the port. Raises `JournalError` and `LockfileError` for contents that cannot be read."""
        tips = self.remote.fetch([self.ref, self._branch_ref])
        tip = tips.get(self._branch_ref)
        if tip is None:
            raise GitError(
                f"the remote `{self.remote.remote}` has no branch `{self.branch}`",
                hint="push it first, or name another with the setting `branch`",
            )
        content = self.remote.read(tip, self.path) or b""
        lockfile = lockfile_format.parse(content, f"{self.branch}:{self.path}") if content.strip() else None
        records, held = self.read_ledger(tips.get(self.ref))
        return Shared(tips.get(self.ref), records, held, tip, lockfile or lockfile_format.EMPTY, content)

    def read_ledger(self, tip: str | None) -> tuple[tuple[Record, ...], Lease]:
        """The records and the lease in a commit of the ledger; none where there is no ledger yet."""
        if tip is None:
            return (), lease.FREE
        name = f"{self.ref}:{JOURNAL_FILE}"
        records, _ = journal.parse(self.remote.read(tip, JOURNAL_FILE) or b"", name)
        return records, lease.parse(self.remote.read(tip, LEASE_FILE) or b"")

    def commits(self, tip: str, limit: int) -> list[tuple[Commit, tuple[Record, ...]]]:
        """The ledger's commits, oldest first, each with the records that its journal held."""
        log = self.remote.history(tip, limit)
        contents = self.remote.read_many([commit.id for commit in log], JOURNAL_FILE)
        records = [journal.parse(content, f"{self.ref}:{JOURNAL_FILE}")[0] for content in contents]
        return list(zip(log, records, strict=True))[::-1]

    def record(self, seen: Shared, records: Sequence[Record], held: Lease) -> Shared:
        """See the port."""
        [tip] = self.remote.commit([self._draft(seen, records, held, seen.ledger_tip)])
        self.remote.push([self._ledger_update(seen, tip)])
        return replace(seen, ledger_tip=tip, records=tuple(records), lease=held)

    def publish(self, seen: Shared, lockfile: Lockfile, told: Sequence[Record], held: Lease) -> Shared:
        """See the port. With nothing new for the branch only the ledger moves."""
        drafts = [self._draft(seen, told, held, seen.ledger_tip)]
        drafts.append(self._draft(replace(seen, records=tuple(told)), (), held, ":1"))
        content = seen.content
        if lockfile != seen.lockfile:
            content = lockfile_format.render(lockfile)
            message = publish_message(seen.lockfile, lockfile, self.run_url, skip_ci=self.skip_ci)
            drafts.append(Draft(seen.branch_tip, {self.path: content}, message))
        _, tip, *branch = self.remote.commit(drafts)
        updates = [Update(self._branch_ref, branch_tip) for branch_tip in branch]
        self.remote.push([self._ledger_update(seen, tip), *updates])
        return Shared(tip, (), held, branch[0] if branch else seen.branch_tip, lockfile, content)

    @property
    def _branch_ref(self) -> str:
        return f"refs/heads/{self.branch}"

    def _draft(self, seen: Shared, records: Sequence[Record], held: Lease, parent: str | None) -> Draft:
        new = [record for record in records if record not in seen.records]
        files = {JOURNAL_FILE: journal.render(records), LEASE_FILE: lease.render(held)}
        tail = f"\n\nRun: {self.run_url}\n" if self.run_url else "\n"
        return Draft(parent, files, ledger_subject(new, held) + tail, alone=True)

    def _ledger_update(self, seen: Shared, tip: str) -> Update:
        return Update(self.ref, tip, compared=True, expected=seen.ledger_tip)
