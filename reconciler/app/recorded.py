"""Where things stand: the lockfile here, the journal, and what was seen of the remote, folded."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from reconciler.core.frozen import dataclass, field, replace
from reconciler.core.lockfile.model import digest_of

if TYPE_CHECKING:  # only named here: a plan that finds nothing to do imports little of it
    from reconciler.app.ports import Journal, LockfileStore
    from reconciler.core.ledger.journal import Record
    from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
    from reconciler.core.ledger.sealed import Unverified
    from reconciler.core.lockfile.entry import Pending
    from reconciler.core.lockfile.model import Lockfile


@dataclass(frozen=True, slots=True)
class RecordedState:
    """Where things stand: the lockfile as it is on disk, the journal, and the two folded.

    Where runs share through a remote, `shared` is what was seen there, and all that verifies is folded in. Of what is
    `unverified`, only `doubts` count: create calls by key that may have made an engine.
    """

    on_disk: Lockfile
    records: tuple[Record, ...]
    folded: Lockfile
    digest: str
    shared: RemoteSnapshot | None = None
    unverified: Unverified | None = None
    doubts: Mapping[str, tuple[Pending, ...]] = field(default_factory=dict)
    size: int = 0  # bytes of the lockfile: the larger one, where runs share

    @property
    def unwritten(self) -> int:
        """How many entries are known of that the lockfile does not have yet: that on the branch, where runs share.

        A resolution counts, too, as long as it is only on this machine, and the ledger still has the question.
        """
        written = self.on_disk if self.shared is None else self.shared.lockfile
        if self.folded is written:
            return self._unshared
        before, after = written, self.folded
        changed = {
            key
            for one, two in ((before.engines, after.engines), (before.retired, after.retired))
            for key in one.keys() | two.keys()
            if one.get(key) != two.get(key)
        }
        return len(changed) or self._unshared

    @property
    def _unshared(self) -> int:
        if self.shared is None or len(self.records) == len(self.shared.records):
            return 0
        from reconciler.core.ledger.journal import Settlement
        from reconciler.core.lockfile.names import unresolved_in

        known = {record.operation for record in self.shared.records}
        known |= {one.record.operation for one in self.shared.unverified.records}
        if self.shared.restored is not None:  # the branch lacks a question that the ledger still has
            known |= unresolved_in(self.shared.restored)
        there = [record for record in self.shared.records if isinstance(record, Settlement)]
        ours = [record for record in self.records if isinstance(record, Settlement) and record not in there]
        return len({record.operation for record in ours if record.operation in known})


def read_lockfile(lockfile: LockfileStore, journal: Journal) -> Lockfile:
    """What is recorded here, for those who only read it. Raises `LockfileError`, `JournalError`, `StorageError`."""
    on_disk, _ = lockfile.read()
    return _folded(on_disk, journal.read()[0])


def read_recorded_state(
    lockfile: LockfileStore, journal: Journal, shared: RemoteSnapshot | None = None
) -> RecordedState:
    """Where things stand. Raises `LockfileError`, `JournalError`, `StorageError`."""
    on_disk, content = lockfile.read()
    records, journalled = journal.read()
    if shared is not None:
        return _shared_state(on_disk, content, records, shared)
    folded = _folded(on_disk, records)
    digest = _digest(on_disk, content, folded, journalled)
    recorded = RecordedState(on_disk, records, folded, digest, size=len(content))
    return _with_doubts(recorded, journal.unverified())


def _shared_state(
    on_disk: Lockfile, content: bytes, records: tuple[Record, ...], shared: RemoteSnapshot
) -> RecordedState:
    from reconciler.core.ledger import journal
    from reconciler.core.lockfile.leading import with_serving_of
    from reconciler.core.lockfile.merge import merge
    from reconciler.core.lockfile.names import engines_of

    everything = journal.union(shared.logged, shared.records, records)
    newest = shared.recorded
    if content:  # what the checkout has unchanged adds nothing to what the branch says by now
        newest = merge(shared.base, on_disk, newest).lockfile
    if newest is not shared.recorded and not engines_of(shared.recorded) <= engines_of(newest):
        newest = merge(None, newest, shared.recorded).lockfile  # an entry that was cut out by hand comes back
    if newest is not shared.recorded:
        facts = _folded(shared.recorded, everything, shared.past)
        newest = with_serving_of(
            shared.recorded, newest, {record.operation for record in shared.records}, facts
        )
    folded = _folded(newest, everything, shared.past)
    digest = _digest(on_disk, content, folded, shared.content, journal.render(everything))
    size = max(len(content), len(shared.content))
    recorded = RecordedState(on_disk, everything, folded, digest, shared, size=size)
    return _with_doubts(recorded, shared.unverified)


def _with_doubts(recorded: RecordedState, unverified: Unverified | None) -> RecordedState:
    if not unverified:
        return recorded
    from reconciler.core.ledger.sealed import doubts

    found = doubts(recorded.folded, recorded.records, unverified)
    return replace(recorded, unverified=unverified, doubts=found)


def _digest(on_disk: Lockfile, content: bytes, folded: Lockfile, *more: bytes) -> str:
    """That of the lockfile alone while `more` (journal, ledger) says nothing else: then a plan that sees no more than
    the checkout, as in a pull request, has the digest that the apply will show."""
    if folded is not on_disk and folded != on_disk:
        return digest_of(b"\0".join((content, *more)))
    return digest_of(content) if content else "absent"


def _folded(on_disk: Lockfile, records: tuple[Record, ...], past: Collection[str] = ()) -> Lockfile:
    if not records:
        return on_disk
    from reconciler.core.ledger.fold import fold

    return fold(on_disk, records, past)
