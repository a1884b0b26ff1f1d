"""Bring a run's facts, its lease and its lockfile to the ledger, one push after another.

The lease rides on every push. When the ref has moved, this looks again: is the lease still ours, both sides' facts are
united and the push repeated; is it not, no begin is announced any more, but what is known still gets there.

Everything here blocks, and is called from one thread at a time; only `note`, `left` and `hurry` come from another.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from reconciler.app.ports import Clock, Ledger
from reconciler.core.errors import InvalidInput, PushRefused, RefMoved, RemoteUnreachable
from reconciler.core.frozen import dataclass, replace
from reconciler.core.ledger.epoch import SharedTerms
from reconciler.core.ledger.fold import fold
from reconciler.core.ledger.journal import Decision, Record, is_begin, new_in, union
from reconciler.core.ledger.lease import Holder, Lease, give_back, renew, seconds_left, take
from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
from reconciler.core.lockfile.merge import Merged, merge
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.outdated import overtaken

PUSH_TRIES = PUBLISH_TRIES = 12
SHARED_TRIES = 40  # where the shards of a plan push to one ledger
OVERTAKEN = "the ledger moves too fast: every push was overtaken"
UNREACHABLE_TRIES = 5  # for the last push, whose facts nobody else may have
FIRST_PAUSE, LAST_PAUSE = 0.2, 5.0  # seconds at most before a push is tried again


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms a run holds the lease by itself. `ttl` is in seconds; `token` is random, one for each run."""

    holder: Holder
    token: str
    ttl: float

    @property
    def contenders(self) -> int:
        """How many may push to the ledger at the same time."""
        return 1

    def others(self, lease: Lease, now: str) -> int:
        """How many others are at work under the same lease."""
        return 0

    @property
    def publishes(self) -> bool:
        """Whether the lockfile goes to the branch at the end."""
        return True

    def taken(self, lease: Lease, now: str) -> Lease:
        return take(lease, self.holder, self.token, now, self.ttl)

    def renewed(self, lease: Lease, now: str) -> Lease:
        return renew(lease, now, self.ttl)

    def given_back(self, lease: Lease, now: str) -> Lease:
        return give_back(lease)

    def holds(self, lease: Lease) -> bool:
        return lease.belongs_to(self.token)

    def may_begin(self, lease: Lease, now: str) -> bool:
        """Whoever pushed since the plan was made may have created what it creates, or may be about to."""
        return False

    def goes_on(self, before: Lease, now: Lease) -> bool:
        """Whether others let us join what they hold."""
        return False

    def seconds_left(self, lease: Lease, now: str) -> float:
        return seconds_left(lease, now)

    def rival(self, lease: Lease) -> Holder | None:
        """Who has it instead."""
        return lease.holder


class Pusher:
    """One run's side of the ledger. `seen` is the ledger as of the last look or push."""

    def __init__(
        self,
        ledger: Ledger,
        seen: RemoteSnapshot,
        terms: Terms | SharedTerms,
        clock: Clock,
        pause: Callable[[float], None],
    ) -> None:
        self.seen = self._start = seen
        self.lost: str | None = None  # why the lease is not ours any more
        self.on_lost: Callable[[str], object] = lambda reason: None
        self._ledger = ledger
        self._terms = terms
        self._clock = clock
        self._pause = pause  # sleeps so many seconds at most, and never the same
        self._lease: Lease | None = None  # as the remote has it from us
        self._mine: list[Record] = []  # every fact of this run that is durable somewhere
        self._unsure = False  # whether a push may have arrived whose answer did not
        self._took = 0.0  # seconds, the last push
        self._hurried = False
        self.publishes = terms.publishes  # the lockfile, to the branch, at the end
        self._tries_at_most = PUSH_TRIES if terms.contenders == 1 else SHARED_TRIES
        self.pushes = 0  # that arrived
        self.overtaken = 0  # that another one was faster than

    @property
    def past(self) -> frozenset[str]:
        """Operations of this machine's journal that the ledger had moved past at the start."""
        return self._start.past

    @property
    def ever_held(self) -> bool:
        """Whether the lease was ours at any time; before that, nothing was created."""
        return self._lease is not None

    def left(self) -> float:
        """Seconds until our lease runs out; all of them before it is taken."""
        if self._lease is None:
            return self._terms.ttl
        return self._terms.seconds_left(self._lease, self._clock.now())

    def turns(self) -> float:
        """Seconds that the others who push to the ledger now need for a push each, if theirs take as long as ours."""
        others = self._terms.others(self.seen.lease, self._clock.now())
        return min(self._took * others, self._terms.ttl / 10)

    def note(self, records: Sequence[Record]) -> None:
        """These facts are durable here, and go along with the next push."""
        self._mine += records

    def bring(self, records: Sequence[Record]) -> None:
        """The same for all of this machine's journal, but for what the ledger has moved past, and for decisions: those
        go with the lockfile that they are in.
        """
        past = self._start.past
        told = [one for one in records if one.operation not in past and not isinstance(one, Decision)]
        self._mine = list(union(self._mine, told))

    def hurry(self, seconds: float) -> None:
        """Everything ends within that time."""
        self._hurried = True
        self._ledger.hurry(seconds)

    def lose(self, reason: str) -> None:
        """From now on the lease counts as lost, whatever the ref says."""
        if self.lost is None:
            self.lost = reason
            self.on_lost(reason)

    def push(self, begins: Sequence[Record]) -> None:
        """Bring everything of ours to the remote, and the lease. Afterwards `lost` says whether it is ours."""
        self._look_first()
        for attempt in range(self._tries_at_most):
            lease = self._next_lease()
            mine = [*self._mine, *(begins if self.lost is None else ())]
            try:
                self._record(mine, lease)
            except RefMoved:
                self._lose_if_told(self._look_again(attempt))
                continue
            if self.lost is None:
                self._lease = lease
                self._mine += begins  # notes may have come meanwhile, so nothing is put in its place
            return
        raise RemoteUnreachable(OVERTAKEN)

    def _record(self, mine: Sequence[Record], lease: Lease) -> None:
        """Puts the facts of both sides on the ledger, where that makes a difference."""
        records = union(self.seen.records, self._news(mine))
        if self.lost is not None and (records, lease) == (self.seen.records, self.seen.lease):
            return
        began = time.monotonic()
        try:
            self.seen = self._ledger.record(self.seen, records, lease)
        except RemoteUnreachable:
            self._unsure = True
            raise
        except RefMoved:
            self.overtaken += 1
            raise
        finally:
            self._took = time.monotonic() - began
        self.pushes += 1

    def _news(self, mine: Sequence[Record]) -> Sequence[Record]:
        """Ours without calls that were announced and not made: once the lease is lost they never are, and where the
        ledger does not have them any more, somebody resolved them.
        """
        if self.lost is None:
            return mine
        told = {one.operation for one in self.seen.records}
        told |= {one.operation for one in mine if not is_begin(one)}
        return [one for one in mine if one.operation in told]

    def _next_lease(self) -> Lease:
        now = self._clock.now()
        if self.lost is not None:
            ours = self._terms.holds(self.seen.lease)
            return self._terms.given_back(self.seen.lease, now) if ours else self.seen.lease
        if self._lease is not None:
            return self._terms.renewed(self._now_ours, now)
        return self._terms.taken(self.seen.lease, now)

    @property
    def _now_ours(self) -> Lease:
        """Our lease, with what others who hold it with us wrote in it since."""
        seen = self.seen.lease
        return seen if self._lease is None or self._terms.holds(seen) else self._lease

    def _lose_if_told(self, reason: str | None) -> None:
        if reason is not None:
            self.lose(reason)

    def _look_again(self, attempt: int) -> str | None:
        """After a push that was overtaken: why the lease is not ours any more, if it is not."""
        self._rest(attempt)
        return self._look()

    def _look_first(self) -> None:
        """Where others push as well, what was seen is old by now, and a push on top of it would be for nothing."""
        if self.lost is None and self.ever_held and self.turns() and not self._hurried:
            self._lose_if_told(self._look())

    def _look(self) -> str | None:
        """Why the lease is not ours any more, if it is not."""
        before, self.seen = self.seen, self._newest()
        if self._terms.holds(self.seen.lease):
            self._lease = self.seen.lease
            return None
        if self.seen.ledger_tip is None:
            # What it held is put back.
            self.seen = replace(self.seen, records=before.records, unverified=before.unverified)
        if not self.ever_held and self._terms.may_begin(self.seen.lease, self._clock.now()):
            return None
        return self._why_lost(before)

    def _rest(self, attempt: int) -> None:
        """So that those who were overtaken do not all try again at once. How many shards push is known; of other runs
        it is not, so the pauses grow.
        """
        if self._hurried:
            self._pause(FIRST_PAUSE)
        elif turns := self.turns():
            self._pause(turns)
        elif attempt > 0:
            self._pause(_growing(attempt))

    def _newest(self) -> RemoteSnapshot:
        """The ledger as it is now; of one that shards share no more than is needed, as long as our place is ours, or
        the shards have it that had it when we looked.

        Where another run may have come and gone since we looked, all of it counts.
        """
        before, terms = self.seen.lease, self._terms
        if terms.contenders > 1 and self.lost is None and (self.ever_held or terms.goes_on(before, before)):
            seen = self._ledger.again(self.seen)
            if terms.holds(seen.lease) if self.ever_held else terms.goes_on(before, seen.lease):
                return seen
        return self._ledger.look()

    def _why_lost(self, before: RemoteSnapshot) -> str:
        holder = self._terms.rival(self.seen.lease)
        if holder is not None:
            return f"another run holds the lease: {holder}"
        if self.seen.ledger_tip is None and before.ledger_tip is not None:
            return "the ledger's ref on the remote was deleted"
        return "the lease was taken away" if self.ever_held else "another run took it in the meantime"

    # ── the end ────────────────────────────────────────────────────────────────────────────────────────────────────

    def finish(self, ours: Lockfile, records: Sequence[Record]) -> Merged:
        """Put the lockfile on the branch, compact the ledger and give the lease back, in one push.

        `ours` came from what was seen at the start; `records` are all facts of this run. Returns the lockfile as it is
        on the branch now. Raises `GitError` or `InvalidInput` when that cannot be done; the facts are then on the
        ledger, if that could be reached. A run that lost the lease only leaves its facts there.
        """
        open_ = [one for one in records if one.operation not in self._start.past]
        decisions = [one for one in open_ if isinstance(one, Decision)]
        self._mine = list(union(self._mine, [one for one in open_ if not isinstance(one, Decision)]))
        unreachable = 0
        for attempt in range(PUBLISH_TRIES):
            if self.lost is not None:
                if self.ever_held or self._unsure:
                    self.push(())
                return Merged(ours)
            try:
                return self._publish(ours, decisions)
            except RefMoved:
                lost = self._look_again(attempt + 1)
                # With the lease still ours the end did not arrive, or only the half of it that is no push.
                if unreachable and lost and (arrived := self._arrived(ours)) is not None:
                    return Merged(arrived)
                self._lose_if_told(lost)
            except RemoteUnreachable:
                unreachable += 1
                self._unsure = True
                if unreachable == UNREACHABLE_TRIES or self._hurried:
                    raise
                self._pause(_growing(attempt))
            except (PushRefused, InvalidInput):
                self.leave()
                raise
        self.leave()
        raise RefMoved("the branch moves too fast: every push was overtaken", hint="run again")

    def _publish(self, ours: Lockfile, decisions: Sequence[Decision]) -> Merged:
        """Decisions go with the lockfile that they are in, or not at all: who does not publish decides nothing."""
        start, seen = self._start, self.seen
        if keys := overtaken(decisions, start.recorded, start.moved_on, seen.moved_on):
            named = ", ".join(f"`{key}`" for key in keys)
            raise PushRefused(
                f"`{seen.branch}` has changed since, and conflicts for {named}",
                hint="run again on the newest commit; nothing is lost",
            )
        told = union(self.seen.records, self._mine, decisions)
        merged = self._merged(ours, told)
        self.seen = self._ledger.publish(self.seen, merged.lockfile, told, self._free())
        return merged

    def _merged(self, ours: Lockfile, told: Sequence[Record]) -> Merged:
        return merge(self._start.recorded, fold(ours, told, self._start.past), self.seen.recorded)

    def _arrived(self, ours: Lockfile) -> Lockfile | None:
        """What we would publish, if it is there: an earlier push arrived, though its answer did not."""
        wanted = self._merged(ours, self._mine).lockfile
        proposal = self.seen.proposal
        there = wanted == self.seen.lockfile or (proposal is not None and wanted == proposal.lockfile)
        return wanted if there else None

    def _free(self) -> Lease:
        return self._terms.given_back(self._now_ours, self._clock.now())

    def report(self, records: Sequence[Record]) -> None:
        """The end of a run that does not publish: its facts are on the ledger, and others hold the lease or take it.

        Raises `GitError` where they could not be brought there. Decisions without a call are for those who publish.
        """
        self.bring(records)
        self._look_first()
        unreachable = 0
        for attempt in range(self._tries_at_most):
            try:
                self._record(self._mine, self._free() if self.lost is None else self._next_lease())
            except RefMoved:
                lost = self._look_again(attempt + 1)
                if unreachable and lost and not new_in(self._mine, self.seen.records):
                    return  # an earlier push arrived, though its answer did not
                self._lose_if_told(lost)
            except RemoteUnreachable:
                unreachable += 1
                if unreachable == UNREACHABLE_TRIES or self._hurried:
                    raise
                self._pause(_growing(attempt))
            else:
                return
        raise RemoteUnreachable(OVERTAKEN)

    def leave(self) -> None:
        """The facts stay on the ledger for the next run, and the lease is given back."""
        for attempt in range(PUSH_TRIES):
            lease = self._free() if self.lost is None else self._next_lease()
            try:
                self._record(self._mine, lease)
            except RefMoved:
                self._lose_if_told(self._look_again(attempt + 1))
            else:
                return


def _growing(attempt: int) -> float:
    return min(FIRST_PAUSE * 2.0**attempt, LAST_PAUSE)
