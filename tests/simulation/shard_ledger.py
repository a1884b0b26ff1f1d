"""The ledger as one shard writes it over the simulated remote: what `ShardLedger` does with git."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from reconciler.core.engine.fingerprint import blob_id
from reconciler.core.ledger import sealed
from reconciler.core.ledger.journal import Record, canonical
from reconciler.core.ledger.lease import Lease
from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
from reconciler.core.ledger.sealed import Sealed
from tests.simulation.ledger import ModelLedger, lease_of, named_in


@dataclass(slots=True)
class ModelShardLedger(ModelLedger):
    """A file of its own beside those of the other shards; after a push that was overtaken only the lease is read."""

    shard: int = 1
    _elsewhere: set[str] = field(default_factory=set)
    _carried: tuple[Sealed, ...] = ()
    _own: tuple[Sealed, ...] | None = None  # our file, as the remote has it

    def look(self) -> RemoteSnapshot:
        now = self.repo.ledger_now()
        others = (part for number, part in now.shards.items() if number != self.shard)
        self._elsewhere = {canonical(one.record) for part in (now.journal, *others) for one in part}
        self._own = now.shards.get(self.shard)
        self._carried = sealed.sorted_out(self._own or (), self.process.seal)[1].records
        return ModelLedger.look(self)

    def again(self, seen: RemoteSnapshot) -> RemoteSnapshot:
        self.process.step("looks at the lease")
        self._perhaps_unreachable()
        now = self.repo.ledger_now()
        if self.repo.ledger is None or now.shards.get(self.shard) != self._own:
            planned_at = self.process.looked_at
            newest = self.look()
            self.process.looked_at = planned_at  # it has its place, and makes no plan any more
            return newest
        return replace(seen, ledger_tip=self.repo.ledger, lease=now.lease)

    def record(self, seen: RemoteSnapshot, records: Sequence[Record], held: Lease) -> RemoteSnapshot:
        if held.epoch is None:
            return ModelLedger.record(self, seen, records, held)
        own = [one for one in records if canonical(one) not in self._elsewhere]
        before = None if seen.ledger_tip is None else self.repo.ledger_commits[seen.ledger_tip]
        journal, shards = ((), {}) if before is None else (before.journal, dict(before.shards))
        if own or self._own is not None:
            shards[self.shard] = (*sealed.sealed(own, self.process.seal), *self._carried)
        published = blob_id(before.published) if before is not None and before.published else None
        seal = "" if before is None else before.seal
        made = self.repo.add_ledger(seen.ledger_tip, journal, held, published, seal, shards)
        self._push(seen, made, None, f"{named_in(seen, records)}; lease {lease_of(held)}")
        self._own = shards.get(self.shard)
        return replace(seen, ledger_tip=made.id, records=tuple(records), lease=held)
