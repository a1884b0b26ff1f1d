"""The ledger and the branch's lockfile on a git remote: implements the port `Ledger`.

The ledger is a ref of its own, `refs/reconcile/<environment>`: one small commit for every batch, whose parent is the
one before, so that a push is a compare-and-swap, branch protection is not in the way, no workflow starts, and
`git log` of the ref is the audit trail.

The commit that empties the journal, since the lockfile has it all, goes out in one push with the branch. It says which
tip of the branch that was made on: whoever still finds the branch there (a remote that died between the two refs, a
branch that was set back) reads the journal from the commit before, and publishes it once more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from reconciler.adapters.git.remote import Commit, Draft, GitRemote, Update
from reconciler.adapters.storage.kill_points import step
from reconciler.core.errors import GitError
from reconciler.core.ledger import journal, lease
from reconciler.core.ledger.journal import Record
from reconciler.core.ledger.lease import Lease
from reconciler.core.ledger.remote_snapshot import RemoteSnapshot, ledger_subject, publish_message
from reconciler.core.lockfile import model as lockfile_format
from reconciler.core.lockfile.model import Lockfile

JOURNAL_FILE = "journal.jsonl"
LEASE_FILE = "lease.json"
ONTO_FILE = "published-onto"


@dataclass(slots=True)
class GitLedger:
    """`ref` is the ledger's, `branch` a branch's name, `path` the lockfile's path in the repository, `folder` the
    project's, empty at its root. `notice` is told what could not be done and stops nothing.
    """

    remote: GitRemote
    ref: str
    branch: str
    path: str
    run_url: str | None = None
    skip_ci: bool = False
    folder: str = ""
    notice: Callable[[str], object] = lambda text: None

    def look(self, unreadable: Lease | None = None) -> RemoteSnapshot:
        """See the port. Raises `JournalError` and `LockfileError` for contents that cannot be read, but for a lease
        where `unreadable` is given: that is then in its place.
        """
        tips = self.remote.fetch([self.ref, self._branch_ref])
        tip = tips.get(self._branch_ref)
        if tip is None:
            raise GitError(
                f"the remote `{self.remote.remote}` has no branch `{self.branch}`",
                hint="push it first, or name another with the setting `branch`",
            )
        ledger_tip = tips.get(self.ref)
        [content] = self.remote.read([(tip, self.path)])
        lockfile = lockfile_format.EMPTY
        if content is not None and content.strip():
            lockfile = lockfile_format.parse(content, f"{self.branch}:{self.path}")
        records, held = self._read_ledger(ledger_tip, tip, unreadable)
        return RemoteSnapshot(ledger_tip, records, held, tip, lockfile, content or b"")

    def hurry(self, seconds: float) -> None:
        """See the port."""
        self.remote.hurry(seconds)

    def _read_ledger(
        self, tip: str | None, branch_tip: str, unreadable: Lease | None
    ) -> tuple[tuple[Record, ...], Lease]:
        """The records and the lease in a commit of the ledger; none where there is no ledger yet."""
        if tip is None:
            return (), lease.FREE
        files = (JOURNAL_FILE, LEASE_FILE, ONTO_FILE)
        told, held, onto = self.remote.read([(tip, file) for file in files])
        if onto is not None and onto.decode("ascii", "replace").strip() == branch_tip:
            parent = self.remote.fetch_parent(self.ref, tip)
            [told] = self.remote.read([(parent or tip, JOURNAL_FILE)])
        return self._records(told), _lease_in(held or b"", unreadable)

    def _records(self, content: bytes | None) -> tuple[Record, ...]:
        return journal.parse(content or b"", f"{self.ref}:{JOURNAL_FILE}")[0]

    def commits(self, tip: str, limit: int) -> list[tuple[Commit, tuple[Record, ...]]]:
        """The ledger's commits, oldest first, each with the records that its journal held."""
        log = self.remote.history(tip, limit)
        contents = self.remote.read([(commit.id, JOURNAL_FILE) for commit in log])
        return [(commit, self._records(content)) for commit, content in zip(log, contents, strict=True)][::-1]

    def record(self, seen: RemoteSnapshot, records: Sequence[Record], held: Lease) -> RemoteSnapshot:
        """See the port."""
        [tip] = self.remote.commit([self._draft(seen, records, held, seen.ledger_tip)])
        step("ledger push about to leave")
        self.remote.push([self._ledger_update(seen, tip)])
        step("ledger pushed")
        return replace(seen, ledger_tip=tip, records=tuple(records), lease=held)

    def publish(
        self, seen: RemoteSnapshot, lockfile: Lockfile, told: Sequence[Record], held: Lease
    ) -> RemoteSnapshot:
        """See the port. With nothing new for the branch only the ledger moves."""
        draft = self._for_branch(seen, lockfile)
        before = self._draft(seen, told, held, seen.ledger_tip)
        after = self._draft(replace(seen, records=tuple(told)), (), held, ":1")
        content = seen.content
        drafts = [before, after]
        if draft is not None:
            after.files[ONTO_FILE] = f"{seen.branch_tip}\n".encode()
            content = draft.files.get(self.path, content)
            drafts.append(draft)
        _, tip, *branch = self.remote.commit(drafts)
        updates = [Update(self._branch_ref, branch_tip) for branch_tip in branch]
        step("publishing push about to leave")
        self.remote.push([self._ledger_update(seen, tip), *updates])
        step("lockfile published")
        return RemoteSnapshot(tip, (), held, branch[0] if branch else seen.branch_tip, lockfile, content)

    def _for_branch(self, seen: RemoteSnapshot, lockfile: Lockfile) -> Draft | None:
        """The commit on the branch; None when it has everything. Outputs that somebody changed there are set right."""
        if lockfile == seen.lockfile and not self.mends_outputs():
            return None
        message = publish_message(seen.lockfile, lockfile, self.run_url, skip_ci=self.skip_ci)
        draft = self.lockfile_draft(seen, lockfile, message)
        if lockfile == seen.lockfile:
            del draft.files[self.path]
        return draft if draft.files else None

    def mends_outputs(self) -> bool:
        """Whether outputs are put on the branch although the lockfile there is as it should be."""
        return True

    def lockfile_draft(self, seen: RemoteSnapshot, lockfile: Lockfile, message: str) -> Draft:
        """A commit on the branch's tip with the lockfile and what the outputs of its engines become with it."""
        from reconciler.adapters.git.outputs_at_tip import (
            outputs_at_tip,
        )  # only where there is something to commit

        files, executable, problems = outputs_at_tip(self.remote, seen.branch_tip, self.folder, lockfile)
        for problem in problems:
            self.notice(f"on the branch {problem}")
        files[self.path] = lockfile_format.render(lockfile)
        return Draft(seen.branch_tip, files, message, executable=executable)

    @property
    def _branch_ref(self) -> str:
        return f"refs/heads/{self.branch}"

    def _draft(
        self, seen: RemoteSnapshot, records: Sequence[Record], held: Lease, parent: str | None
    ) -> Draft:
        new = [record for record in records if record not in seen.records]
        files = {JOURNAL_FILE: journal.render(records), LEASE_FILE: lease.render(held)}
        tail = f"\n\nRun: {self.run_url}\n" if self.run_url else "\n"
        return Draft(parent, files, ledger_subject(new, held) + tail, alone=True)

    def _ledger_update(self, seen: RemoteSnapshot, tip: str) -> Update:
        return Update(self.ref, tip, compared=True, expected=seen.ledger_tip)


def _lease_in(content: bytes, unreadable: Lease | None) -> Lease:
    try:
        return lease.parse(content)
    except lease.UnreadableLease:
        if unreadable is None:
            raise
        return unreadable
