"""The ledger and the branch's lockfile on a git remote: implements the port `Ledger`.

The ledger is a ref of its own, `refs/reconcile/<environment>`: one small commit for every batch, whose parent is the
one before, so that a push is a compare-and-swap, branch protection is not in the way, no workflow starts, and
`git log` of the ref is the audit trail.

The commit that empties the journal, since the lockfile has it all, goes out in one push with the branch. From then on
every commit of the ledger holds the lockfile that was published last. A branch that lacks what is in it was set back,
or its half of a push was lost: what was published is put back.

While shards work on one plan, each records in a file of its own beside the journal (shard_ledger.py). Whoever else
writes puts everything into the journal.

Whoever may push may write to it. So all of it is sealed (core/ledger/seal); what does not verify stays there as it is,
and counts for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.adapters.git.beside import Beside, file_beside
from reconciler.adapters.git.drafts import Draft
from reconciler.adapters.git.ledger_log import LedgerLog, text_of
from reconciler.adapters.git.refs import (
    JOURNAL_FILE,
    LEASE_FILE,
    PUBLISHED_FILE,
    PUBLISHED_SEAL_FILE,
    SHARDS,
)
from reconciler.adapters.git.remote import Commit, GitRemote, Update
from reconciler.adapters.storage.kill_points import step
from reconciler.core.commands import key_variable
from reconciler.core.engine.fingerprint import blob_id
from reconciler.core.errors import GitError, InvalidInput, LockfileError, PushRefused
from reconciler.core.frozen import replace
from reconciler.core.ledger import journal, lease, sealed
from reconciler.core.ledger.commit_messages import ledger_subject, publish_message
from reconciler.core.ledger.journal import Record, is_begin
from reconciler.core.ledger.lease import Lease
from reconciler.core.ledger.pruning import still_begun
from reconciler.core.ledger.published import (
    begins_lost,
    next_seal,
    number_of,
    set_back,
    was_before,
)
from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
from reconciler.core.ledger.seal import Seal
from reconciler.core.ledger.sealed import Unverified
from reconciler.core.lockfile import model as lockfile_format
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.outputs.rules import DEFAULT_RULES, OutputRules

_READ = (LEASE_FILE, PUBLISHED_SEAL_FILE, JOURNAL_FILE)


@dataclass(slots=True)
class GitLedger:
    """`ref` is the ledger's, `branch` a branch's name, `path` the lockfile's path in the repository, `folder` the
    project's, empty at its root. `notice` is told what could not be done and stops nothing. Without a `seal` nothing
    verifies, and nothing can be written but what is there already. What is `beside` the lockfile goes with it.
    """

    remote: GitRemote
    ref: str
    branch: str
    path: str
    run_url: str | None = None
    skip_ci: bool = False
    folder: str = ""
    notice: Callable[[str], object] = lambda text: None
    output_rules: OutputRules = DEFAULT_RULES
    seal: Seal | None = None
    beside: Beside | None = None
    _outputs: bool = field(default=False, init=False)  # whether the last commit for the branch holds outputs
    _outputs_refused: str = field(default="", init=False)  # why none are put there any more

    def look(self, unreadable: Lease | None = None) -> RemoteSnapshot:
        """See the port. Raises `JournalError` and `LockfileError` for contents that cannot be read, but for a lease
        where `unreadable` is given: that is then in its place.
        """
        tips = self.remote.fetch([self.ref, self._branch_ref])
        tip = tips.get(self._branch_ref)
        if tip is None:
            raise GitError(
                f"the remote `{self.remote.remote}` has no branch `{self.branch}`",
                hint="push it first, or choose another branch with the setting `branch`",
            )
        ledger_tip = tips.get(self.ref)
        ledger = () if ledger_tip is None else ((ledger_tip, PUBLISHED_FILE), (ledger_tip, SHARDS))
        blob, published, shards, *_ = (*self.remote.ids([(tip, self.path), *ledger]), None, None)
        content = self.remote.checked_out(self.path.removeprefix(f"{self.folder}/"), blob)
        if content is None:
            [content] = self.remote.read([(tip, self.path)])
        lockfile = lockfile_format.EMPTY
        if content is not None and content.strip():
            lockfile = lockfile_format.parse(content, f"{self.branch}:{self.path}")
            content = lockfile_format.content_of(lockfile) or content  # most often that of the work tree
        records, unverified, held, seal = self._read_ledger(ledger_tip, unreadable, shards is not None)
        seen = RemoteSnapshot(ledger_tip, records, held, tip, lockfile, content or b"", branch=self.branch)
        seen = replace(
            seen, published=published, published_seal=seal if published else "", unverified=unverified
        )
        return self._with_published(self._with_base(seen, tip), blob)

    def _with_base(self, seen: RemoteSnapshot, tip: str) -> RemoteSnapshot:
        """With what the checkout and the branch had in common, and what the branch changed since."""
        base = self.remote.base_of(tip)
        if base == tip:
            return replace(seen, base=seen.lockfile)
        since = base or self.remote.head()
        if since is None:
            return seen
        # Where nothing is known to be in common, whatever differs from the checkout may have been changed there.
        prefix = f"{self.folder}/" if self.folder else ""
        changed = self.remote.changed(since, tip, self.folder)
        moved_on = {path.removeprefix(prefix): blob for path, blob in changed.items()}
        return replace(seen, base=self._lockfile_at(base) if base else None, moved_on=moved_on)

    def _lockfile_at(self, commit: str) -> Lockfile | None:
        """None for one that cannot be read: then nothing of it is known to be in common."""
        [content] = self.remote.read([(commit, self.path)])
        try:
            return lockfile_format.parse(content, self.path) if content else lockfile_format.EMPTY
        except LockfileError:
            return None

    def _with_published(self, seen: RemoteSnapshot, blob: str | None) -> RemoteSnapshot:
        """With what the branch, whose lockfile is this blob, should have where it lacks some of what was published."""
        ledger_tip, published = seen.ledger_tip, seen.published
        if ledger_tip is None or published is None or published == blob:
            return seen
        [content] = self.remote.contents([published])
        lockfile = lockfile_format.parse(content or b"", f"{self.ref}:{PUBLISHED_FILE}")
        log = self._log
        former = set(log.published(ledger_tip)) - {published}
        earlier = blob is None or (
            blob in former
            and was_before(self.seal, blob, published, seen.published_seal, log.seals(ledger_tip))
        )
        restored = set_back(
            lockfile,
            seen.lockfile,
            earlier=earlier,
            former=lambda: log.lockfiles(log.published_by_us(ledger_tip)),
        )
        if restored is None:
            return seen
        if number_of(self.seal, published, seen.published_seal) is None:
            lost = begins_lost(lockfile, restored, seen.lockfile)
            unverified = Unverified(seen.unverified.records, self.seal is not None).also(lost)
            return replace(seen, unverified=unverified) if lost else seen
        self.notice(f"`{self.branch}` lost engines that were recorded there; restoring them from {self.ref}")
        return replace(seen, restored=restored)

    def with_all_published(self, seen: RemoteSnapshot) -> RemoteSnapshot:
        """For a branch that has everything that the ledger holds: nothing is left to tell, and what the branch has is
        what was published last. An old journal of this machine may still have some of it; that is past.
        """
        tip = seen.branch_tip
        published = self.remote.blob_at(tip, self.path) if tip is not None else None
        kept = still_begun(seen.records, seen.lockfile)
        past = seen.past | {record.operation for record in seen.records} - {one.operation for one in kept}
        left = sealed.left_over(seen.unverified, seen.lockfile)
        seen = replace(seen, records=kept, unverified=left, past=past)
        if published is None or published == seen.published:
            return seen
        seal = next_seal(self._seal(), seen.published_seal, published)
        return replace(seen, published=published, published_seal=seal)

    def logged(self, seen: RemoteSnapshot, operations: Iterable[str]) -> tuple[Record, ...]:
        """See the port."""
        return () if seen.ledger_tip is None else self._log.told_of(seen.ledger_tip, operations)

    def former(self, seen: RemoteSnapshot) -> list[Lockfile]:
        """See the port. The branch's own log counts as well: what another key published has no seal of ours."""
        return self._log.former(seen.ledger_tip, seen.branch_tip)

    def commits(self, tip: str, limit: int) -> list[tuple[Commit, tuple[Record, ...], frozenset[str]]]:
        """See `LedgerLog.commits`."""
        return self._log.commits(tip, limit)

    @property
    def _log(self) -> LedgerLog:
        return LedgerLog(self.remote, self.ref, self._branch_ref, self.path, self.seal)

    def hurry(self, seconds: float) -> None:
        """See the port."""
        self.remote.hurry(seconds)

    def _read_ledger(
        self, tip: str | None, unreadable: Lease | None, in_shards: bool
    ) -> tuple[tuple[Record, ...], Unverified, Lease, str]:
        """The records, the lease and the seal on what was published; none where there is no ledger yet."""
        if tip is None:
            self._note({})
            return (), sealed.ALL_VERIFIED, lease.FREE, ""
        shards = sorted(self.remote.modes(tip, [f"{SHARDS}/"])) if in_shards else []
        held, seal, *journals = self.remote.read([(tip, name) for name in (*_READ, *shards)])
        told = dict(zip((JOURNAL_FILE, *shards), journals, strict=True))
        self._note(told)
        lines = (line for content in told.values() for line in self._log.lines(content))
        records, unverified = sealed.sorted_out(lines, self.seal)
        return records, unverified, self._lease_in(held or b"", unreadable), text_of(seal)

    def _note(self, journals: Mapping[str, bytes | None]) -> None:
        """What the files of the ledger hold, for those who write one of them alone."""

    def again(self, seen: RemoteSnapshot) -> RemoteSnapshot:
        """See the port."""
        return self.look()

    def _lease_in(self, content: bytes, unreadable: Lease | None) -> Lease:
        try:
            return lease.parse(content, self.seal)
        except lease.UnreadableLease:
            if unreadable is None:
                raise
            return unreadable

    def record(self, seen: RemoteSnapshot, records: Sequence[Record], held: Lease) -> RemoteSnapshot:
        """See the port."""
        [tip] = self.remote.commit([self._draft(seen, records, held, seen.ledger_tip)])
        step("ledger push about to leave")
        self.remote.push([self._ledger_update(seen, tip)])
        step("ledger pushed")
        unverified = self._unverified(seen, records)
        return replace(seen, ledger_tip=tip, records=tuple(records), lease=held, unverified=unverified)

    def publish(
        self, seen: RemoteSnapshot, lockfile: Lockfile, told: Sequence[Record], held: Lease
    ) -> RemoteSnapshot:
        """See the port. An application's file must not keep the lockfile from the branch: where the remote refuses
        both together, the lockfile goes by itself.
        """
        try:
            done = self._publish(seen, lockfile, told, held)
        except PushRefused as error:
            if not self._outputs:
                raise
            self._outputs_refused = error.message
            done = self._publish(seen, lockfile, told, held)
        if not self._outputs_refused:
            return done
        problem = f"only the lockfile is published, not the outputs: {self._outputs_refused}"
        return replace(done, outputs_failed=(problem,))

    def _publish(
        self, seen: RemoteSnapshot, lockfile: Lockfile, told: Sequence[Record], held: Lease
    ) -> RemoteSnapshot:
        """With nothing new for the branch only the ledger moves."""
        draft = self._for_branch(seen, lockfile)
        content = seen.content if draft is None else draft.files.get(self.path, seen.content)
        before = self._draft(seen, told, held, seen.ledger_tip)
        kept = still_begun(told, lockfile)
        emptied = replace(
            seen, records=(*told, *kept), unverified=sealed.left_over(self._unverified(seen, told), lockfile)
        )
        published = blob_id(content, len(seen.branch_tip or "")) if content else seen.published
        if published is not None and number_of(self.seal, published, seen.published_seal) is None:
            seal = next_seal(self._seal(), seen.published_seal, published)
            emptied = replace(emptied, published=published, published_seal=seal)
        after = self._draft(emptied, kept, held, ":1")
        if content:
            after.blobs.pop(PUBLISHED_FILE, None)
            after.files[PUBLISHED_FILE] = content
        drafts = [before, after] if draft is None else [before, after, draft]
        _, tip, *branch = self.remote.commit(drafts)
        updates = [Update(self._branch_ref, branch_tip) for branch_tip in branch]
        step("publishing push about to leave")
        self.remote.push([self._ledger_update(seen, tip), *updates])
        step("lockfile published")
        branch_tip = branch[0] if branch else seen.branch_tip
        return replace(
            emptied,
            ledger_tip=tip,
            records=kept,
            lease=held,
            branch_tip=branch_tip,
            lockfile=lockfile,
            content=content,
            restored=None,
        )

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
        return not self._outputs_refused

    def lockfile_draft(self, seen: RemoteSnapshot, lockfile: Lockfile, message: str) -> Draft:
        """A commit on the branch's tip with the lockfile and what the outputs of its engines become with it."""
        document = {self.path: lockfile_format.render(lockfile)}
        if self.beside is not None and seen.branch_tip is not None:
            tip, folder = seen.branch_tip, self.folder
            document |= file_beside(self.beside, self.remote, tip, folder, lockfile, self.notice)
        self._outputs = False
        if self._outputs_refused:
            return Draft(seen.branch_tip, document, message, for_branch=True)
        from reconciler.adapters.git.outputs_at_tip import (
            outputs_at_tip,
        )  # only where there is something to commit

        found = outputs_at_tip(self.remote, seen.branch_tip, self.folder, lockfile, self.output_rules)
        for problem in found.problems:
            self.notice(f"on the branch {problem}")
        for file in found.ignored:
            self.notice(
                f"{file} is ignored by git on `{self.branch}`, so it is written here but not committed"
            )
        self._outputs = bool(found.files)
        return Draft(
            seen.branch_tip, found.files | document, message, executable=found.executable, for_branch=True
        )

    @property
    def _branch_ref(self) -> str:
        return f"refs/heads/{self.branch}"

    def _draft(
        self, seen: RemoteSnapshot, records: Sequence[Record], held: Lease, parent: str | None
    ) -> Draft:
        """Without a key to seal with it must hold nothing that needs one."""
        new = journal.new_in(records, seen.records)
        ours = sealed.sealed(records, self._seal()) if records else ()
        lines = (*ours, *self._unverified(seen, records).records)
        files = {
            JOURNAL_FILE: sealed.render(lines),
            LEASE_FILE: lease.render(held, self._seal() if held.holder is not None else None),
        }
        blobs = {PUBLISHED_FILE: seen.published} if seen.published is not None else {}
        if seen.published is not None and seen.published_seal:
            files[PUBLISHED_SEAL_FILE] = f"{seen.published_seal}\n".encode()
        return Draft(parent, files, self._message(new, held), alone=True, blobs=blobs)

    def _message(self, new: Sequence[Record], held: Lease) -> str:
        tail = f"\n\nRun: {self.run_url}\n" if self.run_url else "\n"
        return ledger_subject(new, held) + tail

    @staticmethod
    def _unverified(seen: RemoteSnapshot, records: Iterable[Record]) -> Unverified:
        """What is carried along as it is: of an operation that is on record with our seal, nothing."""
        begun = [record.operation for record in records if is_begin(record)]
        return seen.unverified.without(begun)

    def _seal(self) -> Seal:
        if self.seal is None:
            raise InvalidInput(
                f"no API key, so nothing can be written to {self.ref}",
                hint=f"set {key_variable()}, which signs what runs write there",
            )
        return self.seal

    def _ledger_update(self, seen: RemoteSnapshot, tip: str) -> Update:
        return Update(self.ref, tip, compared=True, expected=seen.ledger_tip)
