"""The ledger's port over the simulated remote: compare-and-swap, and pushes that are refused, lost or half lost."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reconciler.core.engine.fingerprint import blob_id
from reconciler.core.errors import LockfileError, PushRefused, RefMoved, RemoteUnreachable
from reconciler.core.ledger import sealed
from reconciler.core.ledger.journal import Begin, Record, union
from reconciler.core.ledger.lease import Lease
from reconciler.core.ledger.published import (
    begins_lost,
    is_published,
    next_seal,
    number_of,
    set_back,
    was_before,
)
from reconciler.core.ledger.remote_snapshot import Proposal, RemoteSnapshot
from reconciler.core.ledger.sealed import Sealed, Unverified
from reconciler.core.lockfile import model as lockfile_format
from reconciler.core.lockfile.model import EMPTY, Lockfile
from tests.simulation.machine import blob_of, path_of
from tests.simulation.naming import engines_in, named
from tests.simulation.repo import MAIN, PROPOSALS, Commit, LedgerCommit, Repo, read_lock
from tests.simulation.world import Process, World

_TIMES = frozenset(("retiredAt", "replacedAt"))


@dataclass(slots=True)
class ModelLedger:
    """One process's way to the remote; what `GitLedger` does with git."""

    world: World
    process: Process

    @property
    def repo(self) -> Repo:
        return self.world.repo

    def hurry(self, seconds: float) -> None:
        pass

    def again(self, seen: RemoteSnapshot) -> RemoteSnapshot:
        return self.look()

    def look(self) -> RemoteSnapshot:
        self.process.step("looks at the remote")
        self._perhaps_unreachable()
        tip, now = self.repo.tip(), self.repo.ledger_now()
        self.process.looked_at = tip.id
        self._learn()
        lockfile = read_lock(tip.lock)
        records, unverified = sealed.sorted_out(now.lines, self.process.seal)
        seen = RemoteSnapshot(self.repo.ledger, records, now.lease, tip.id, lockfile, tip.lock, branch=MAIN)
        seen = replace(seen, unverified=unverified)
        seen = self._with_published(self._with_base(seen, tip), now)
        self._interlude()
        return seen

    def _with_base(self, seen: RemoteSnapshot, tip: Commit) -> RemoteSnapshot:
        """With what the checkout and the branch had in common, and what the branch changed since."""
        base = self.repo.merge_base(self.process.machine.head, tip.id)
        changed = {key for key in {*base.files, *tip.files} if base.files.get(key) != tip.files.get(key)}
        moved_on = {path_of(key): blob_of(tip.files.get(key)) for key in changed}
        return replace(seen, base=read_lock(base.lock), moved_on=moved_on)

    def _with_published(self, seen: RemoteSnapshot, now: LedgerCommit) -> RemoteSnapshot:
        """With what was published last, and what the branch should have where it lacks some of that."""
        if not now.published:
            return seen
        blob, seal = blob_id(now.published), self.process.seal
        seen = replace(seen, published=blob, published_seal=now.seal)
        if seen.content == now.published:
            return seen
        before = was_before(seal, blob_id(seen.content), blob, now.seal, now.seals)
        earlier = not seen.content or (seen.content in now.versions and before)
        published = read_lock(now.published)

        restored = set_back(
            published,
            seen.lockfile,
            earlier=earlier,
            former=lambda: self._published_before(seen),
        )
        if restored is None:
            return seen
        if number_of(seal, blob, now.seal) is None:
            return self._with_lost(seen, begins_lost(published, restored, seen.lockfile))
        if restored is not None:
            self.world.say(f"{self.process.name}: the branch was set back; it is put right from the ledger")
        return replace(seen, restored=restored)

    @staticmethod
    def _with_lost(seen: RemoteSnapshot, lost: tuple[Sealed, ...]) -> RemoteSnapshot:
        return replace(seen, unverified=Unverified(seen.unverified.records).also(lost)) if lost else seen

    def with_all_published(self, seen: RemoteSnapshot) -> RemoteSnapshot:
        published = blob_id(seen.content) if seen.content else None
        past = seen.past | {record.operation for record in seen.records}
        left = sealed.left_over(seen.unverified, seen.lockfile)
        seen = replace(seen, records=(), unverified=left, past=past)
        if published is None or published == seen.published:
            return seen
        return replace(
            seen,
            published=published,
            published_seal=next_seal(self.process.seal, seen.published_seal, published),
        )

    def logged(self, seen: RemoteSnapshot, operations: Iterable[str]) -> tuple[Record, ...]:
        wanted, log, tip = set(operations), [], seen.ledger_tip
        while tip is not None:
            commit = self.repo.ledger_commits[tip]
            log.append(sealed.sorted_out(commit.lines, self.process.seal)[0])
            tip = commit.parent
        return tuple(one for one in union(*reversed(log)) if one.operation in wanted)

    def former(self, seen: RemoteSnapshot) -> list[Lockfile]:
        log = sorted(self.repo.ancestors(seen.branch_tip or ""), key=lambda name: int(name[1:]), reverse=True)
        versions = dict.fromkeys(self.repo.commits[name].lock for name in log)
        return [*self._published_before(seen), *(read_lock(version) for version in versions if version)]

    def _published_before(self, seen: RemoteSnapshot) -> list[Lockfile]:
        versions, tip = [], seen.ledger_tip
        while tip is not None:
            commit = self.repo.ledger_commits[tip]
            if is_published(self.process.seal, blob_id(commit.published), self.repo.ledger_now().seals):
                versions.append(commit.published)
            tip = commit.parent
        return [read_lock(version) for version in dict.fromkeys(versions) if version]

    def _lines(self, seen: RemoteSnapshot, records: Sequence[Record]) -> tuple[Sealed, ...]:
        return (*sealed.sealed(records, self.process.seal), *self._unverified(seen, records).records)

    @staticmethod
    def _unverified(seen: RemoteSnapshot, records: Sequence[Record]) -> Unverified:
        return seen.unverified.without(one.operation for one in records if isinstance(one, Begin))

    def _add(self, seen: RemoteSnapshot, records: Sequence[Record], held: Lease) -> LedgerCommit:
        lines = self._lines(seen, records)
        return self.repo.add_ledger(seen.ledger_tip, lines, held, seen.published, seen.published_seal)

    def record(self, seen: RemoteSnapshot, records: Sequence[Record], held: Lease) -> RemoteSnapshot:
        made = self._add(seen, records, held)
        self._push(seen, made, None, f"{named_in(seen, records)}; lease {lease_of(held)}")
        unverified = self._unverified(seen, records)
        return replace(seen, ledger_tip=made.id, records=tuple(records), lease=held, unverified=unverified)

    def publish(
        self, seen: RemoteSnapshot, lockfile: Lockfile, told: Sequence[Record], held: Lease
    ) -> RemoteSnapshot:
        commit = self._commit(seen, lockfile)
        content = seen.content if commit is None else commit.lock
        published = blob_id(content) if content else seen.published
        before = self._add(seen, told, held)
        left = sealed.left_over(self._unverified(seen, told), lockfile)
        emptied = replace(seen, records=tuple(told), unverified=left)
        if published is not None and number_of(self.process.seal, published, seen.published_seal) is None:
            seal = next_seal(self.process.seal, seen.published_seal, published)
            emptied = replace(emptied, published=published, published_seal=seal)
        after = self._add(replace(emptied, ledger_tip=before.id), (), held)
        self._push(seen, after, commit, f"publishes; {named_in(seen, told)}")
        return replace(
            emptied,
            ledger_tip=after.id,
            records=(),
            lease=held,
            branch_tip=seen.branch_tip if commit is None else commit.id,
            lockfile=lockfile,
            content=content,
            restored=None,
        )

    def _commit(self, seen: RemoteSnapshot, lockfile: Lockfile) -> Commit | None:
        if lockfile == seen.lockfile:
            return None
        return self._commit_on(seen, lockfile)

    def _commit_on(self, seen: RemoteSnapshot, lockfile: Lockfile) -> Commit:
        assert seen.branch_tip is not None  # every look saw one
        files = self.repo.commits[seen.branch_tip].files
        return self.repo.add((seen.branch_tip,), files, lockfile_format.render(lockfile), "run")

    def _push(self, seen: RemoteSnapshot, made: LedgerCommit, commit: Commit | None, what: str) -> None:
        """Atomic: the ledger's ref is compared, and the branch is only moved forward."""
        process, weather = self.process, self.process.weather
        process.step(f"about to push {what}")
        self._interlude()
        self._perhaps_unreachable()
        if self.repo.ledger != seen.ledger_tip:
            raise RefMoved("the ledger has moved")
        if commit is not None:
            tip = self.repo.tip()
            if tip.id not in self.repo.ancestors(commit.id):
                raise RefMoved("the branch has moved")
            if process.lucky(weather.refused_push):
                self.world.say(f"{process.name}: push refused")
                raise PushRefused("protected")
            if process.lucky(weather.torn):
                self._tear(made, commit)
            self.repo.branches[MAIN] = commit.id
            self.world.on_commit(process, tip.id, read_lock(tip.lock), read_lock(commit.lock))
        self.repo.ledger = made.id
        self._learn(looked=commit is not None)
        process.step(f"pushed {made.id}" + (f" and {commit.id} to main" if commit else ""))
        self._interlude()
        if process.lucky(weather.dropped):
            self.world.say(f"{process.name}: the connection is lost, the push arrived")
            raise RemoteUnreachable("connection lost")

    def _tear(self, made: LedgerCommit, commit: Commit) -> None:
        """The remote dies between the two refs."""
        if self.process.lucky(0.5):
            self.repo.branches[MAIN] = commit.id
        else:
            self.repo.ledger = made.id
        tips = f"main {self.repo.branches[MAIN]}, ledger {self.repo.ledger}"
        self.world.say(f"{self.process.name}: the remote dies in the push: {tips}")
        raise RemoteUnreachable("connection lost")

    def _learn(self, *, looked: bool = True) -> None:
        """What the process can know from now on: who pushes to the ledger alone sees nothing of the branch."""
        now, seen = self.repo.ledger_now(), self.process.looked_at
        known = named(self.repo)
        if not looked and seen is not None:
            known &= engines_in(read_lock(self.repo.commits[seen].lock)) | now.engines
        self.process.knows, self.process.open = known, now.open

    def _perhaps_unreachable(self) -> None:
        if self.process.lucky(self.process.weather.unreachable):
            self.world.say(f"{self.process.name}: the remote is not reached")
            raise RemoteUnreachable("no route to host")

    def _interlude(self) -> None:
        if self.process.lucky(self.process.weather.interlude):
            self.world.interlude(self.process.rng)


@dataclass(slots=True)
class ModelProposingLedger(ModelLedger):
    """What `ProposingLedger` does with git: the lockfile goes to a branch of our own."""

    def look(self) -> RemoteSnapshot:
        seen = ModelLedger.look(self)
        tip = self.world.proposal
        return seen if tip is None else replace(seen, proposal=Proposal(tip, self._lockfile_at(tip)))

    def publish(
        self, seen: RemoteSnapshot, lockfile: Lockfile, told: Sequence[Record], held: Lease
    ) -> RemoteSnapshot:
        if lockfile == seen.lockfile:
            done = ModelLedger.publish(self, seen, lockfile, told, held)
            self._withdraw(seen)
            return replace(done, proposal=None)
        kept = self._add(seen, told, held)
        tip = self.world.proposal
        if tip is not None and self._is_up_to_date(tip, seen, lockfile):
            self._push(seen, kept, None, "proposes the same")
        else:
            made = self._commit_on(seen, lockfile)
            self._push_proposal(seen, kept, tip, made)
            tip = made.id
        proposal = Proposal(tip, lockfile)
        unverified = self._unverified(seen, told)
        return replace(
            seen,
            ledger_tip=kept.id,
            records=tuple(told),
            unverified=unverified,
            lease=held,
            proposal=proposal,
        )

    def _push_proposal(
        self, seen: RemoteSnapshot, kept: LedgerCommit, expected: str | None, made: Commit
    ) -> None:
        """The ledger's push moves the proposals' branch along, or neither."""
        self.process.step(f"about to propose {made.id}")
        self._interlude()
        if self.world.proposal != expected:
            raise RefMoved("the branch of proposals has moved")
        before = self.repo.ledger
        self._push(seen, kept, None, f"proposes {made.id}")
        assert self.repo.ledger != before
        self.repo.branches[PROPOSALS] = made.id

    def _withdraw(self, seen: RemoteSnapshot) -> None:
        proposal = seen.proposal
        if proposal is None or proposal.lockfile == seen.lockfile:
            return
        if self.repo.is_ancestor(proposal.tip, self.repo.branches[MAIN]):
            return
        if self.world.proposal == proposal.tip:
            del self.repo.branches[PROPOSALS]
            self.process.step("withdrew its proposal")

    def _is_up_to_date(self, tip: str, seen: RemoteSnapshot, lockfile: Lockfile) -> bool:
        commit = self.repo.commits[tip]
        if commit.parents != (seen.branch_tip,) or commit.by != "run":
            return False
        return bool(_timeless(self._lockfile_at(tip)) == _timeless(lockfile))

    def _lockfile_at(self, tip: str) -> Lockfile:
        try:
            return read_lock(self.repo.commits[tip].lock)
        except LockfileError:
            return EMPTY


def _timeless(lockfile: Lockfile) -> Any:
    return _without_times(json.loads(lockfile_format.render(lockfile)))


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_times(part) for name, part in value.items() if name not in _TIMES}
    return [_without_times(part) for part in value] if isinstance(value, list) else value


def named_in(seen: RemoteSnapshot, records: Sequence[Record]) -> str:
    new = [f"{one.type} {one.operation}" for one in records if one not in seen.records]
    return ", ".join(new) or "nothing new"


def lease_of(held: Lease) -> str:
    if held.epoch is not None:
        return f"of shards {[one.shard for one in held.epoch.places]} of {held.epoch.shards}"
    return str(held.holder) if held.holder is not None else "free"
