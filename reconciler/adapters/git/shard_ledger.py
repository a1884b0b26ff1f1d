"""The ledger as one shard of a plan writes it: a file of its own, beside those of the other shards.

Eight shards that push to one ref overtake each other all the time. So a push costs what this shard recorded, and not
what all of them did; and after a push that was overtaken only the lease is read, since nobody else writes the file of a
shard that is in its place. Where that is not so any more, everything is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.adapters.git.drafts import Draft
from reconciler.adapters.git.ledger import GitLedger
from reconciler.adapters.git.refs import LEASE_FILE, shard_file
from reconciler.adapters.project.places import object_id_length
from reconciler.adapters.storage.kill_points import step
from reconciler.core.engine.fingerprint import blob_id
from reconciler.core.frozen import replace
from reconciler.core.ledger import journal, lease, sealed
from reconciler.core.ledger.journal import Record, canonical
from reconciler.core.ledger.lease import Lease
from reconciler.core.ledger.remote_snapshot import RemoteSnapshot


@dataclass(slots=True, kw_only=True)
class ShardLedger(GitLedger):
    """`shard` is the number of the one that writes."""

    shard: int
    _elsewhere: set[str] = field(default_factory=set, init=False)  # what other files of the ledger have
    _carried: tuple[sealed.Sealed, ...] = field(default=(), init=False)  # of our file, what does not verify
    _blob: str | None = field(default=None, init=False)  # our file, as the remote has it

    def _note(self, journals: Mapping[str, bytes | None]) -> None:
        name = shard_file(self.shard)
        others = (content for file, content in journals.items() if file != name)
        lines = (line for content in others for line in self._log.lines(content))
        self._elsewhere = {canonical(one.record) for one in lines}
        ours = journals.get(name)
        _, unverified = sealed.sorted_out(self._log.lines(ours), self.seal)
        self._carried = unverified.records
        self._blob = None if ours is None else blob_id(ours, self._id_length)

    def again(self, seen: RemoteSnapshot) -> RemoteSnapshot:
        """See the port."""
        tip = self.remote.fetch([self.ref]).get(self.ref)
        if tip is None:
            return self.look()
        held, ours = self.remote.read([(tip, LEASE_FILE), (tip, shard_file(self.shard))])
        if (None if ours is None else blob_id(ours, self._id_length)) != self._blob:
            return self.look()
        return replace(seen, ledger_tip=tip, lease=lease.parse(held or b"", self.seal))

    def record(self, seen: RemoteSnapshot, records: Sequence[Record], held: Lease) -> RemoteSnapshot:
        """See the port. Without the lease that shards share, there are no files of shards."""
        if held.epoch is None:
            return GitLedger.record(self, seen, records, held)
        own = [one for one in records if canonical(one) not in self._elsewhere]
        files = {LEASE_FILE: lease.render(held, self._seal())}
        if own or self._blob is not None:
            lines = (*sealed.sealed(own, self._seal()), *self._carried)
            files[shard_file(self.shard)] = sealed.render(lines)
        new = journal.new_in(own, seen.records)
        [tip] = self.remote.commit([Draft(seen.ledger_tip, files, self._message(new, held))])
        step("ledger push about to leave")
        self.remote.push([self._ledger_update(seen, tip)])
        step("ledger pushed")
        content = files.get(shard_file(self.shard))
        self._blob = None if content is None else blob_id(content, len(tip))
        return replace(seen, ledger_tip=tip, records=tuple(records), lease=held)

    @property
    def _id_length(self) -> int:
        """Of the repository's object ids, in hex digits."""
        return object_id_length(self.remote.root)
