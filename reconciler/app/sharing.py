"""Share a run's records through the remote while it goes on: begins before their calls, results within a second.

One pusher at a time, in the background: a push never delays a local fsync. What waits together goes together, so a run
with one wave of create calls costs three pushes: lease and begins, the answers, and the end. News of ended jobs goes
along with the next push, since the platform tells it again to whoever asks.

The lease rides on every push. When the ref has moved, this looks again: is the lease still ours, both sides' facts are
united and the push repeated; is it not, no begin is announced any more, but what is known still gets there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reconciler.app.ports import Clock, Ledger
from reconciler.core.errors import (
    GitError,
    LeaseHeld,
    Outrun,
    PushRefused,
    ReconcileError,
    RemoteUnreachable,
)
from reconciler.core.fold import fold
from reconciler.core.journal import Acceptance, Begin, Doubt, Record, Refusal, union
from reconciler.core.lease import Holder, Lease, give_back, renew, seconds_left, take
from reconciler.core.lockfile import Lockfile
from reconciler.core.merge import Merged, merge
from reconciler.core.shared import Shared

RESULT_DELAY = 0.8  # seconds that an answer waits for others before it is pushed
FIRST_PAUSE, LAST_PAUSE = 0.2, 10.0  # seconds between tries while the remote cannot be reached
PUSH_TRIES = PUBLISH_TRIES = 12
MARGIN = 5.0  # seconds before the expiry of our lease from which nothing is created any more
_PROMPT = (Acceptance, Refusal, Doubt)


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms the lease is held. `ttl` is in seconds; `token` is random, one for each run."""

    holder: Holder
    token: str
    ttl: float


class Unannounced(ReconcileError):
    """Begins could not be brought to the remote, so nothing is called on the strength of them."""


class Sharer:
    """The shared side of one run, from the lease to the last record. `seen` is what the plan was made from."""

    def __init__(
        self, ledger: Ledger, seen: Shared, terms: Terms, clock: Clock, pause: Callable[[int], None]
    ) -> None:
        self.seen = self._start = seen
        self.lost: str | None = None  # why the lease is not ours any more
        self.on_lost: Callable[[str], object] = lambda reason: None
        self._ledger = ledger
        self._terms = terms
        self._clock = clock
        self._pause = pause  # sleeps a little, longer with every attempt, and never the same
        self._lease: Lease | None = None  # as the remote has it from us
        self._mine: list[Record] = []  # every fact of this run that is durable somewhere
        self._begins: list[tuple[tuple[Record, ...], asyncio.Future[None]]] = []
        self._result_since: float | None = None  # loop time of the first answer that waits
        self._wake = asyncio.Event()
        self._closing = False

    @property
    def ever_held(self) -> bool:
        """Whether the lease was ours at any time; before that, nothing was created."""
        return self._lease is not None

    def acquire(self) -> None:
        """Take the lease with a push of its own. Raises `LeaseHeld` when another run was faster."""
        self._push(())
        if self.lost is not None:
            raise LeaseHeld(self.lost, hint="wait until that run has ended, or give --lease-wait 10m")

    async def announce(self, begins: Sequence[Record]) -> None:
        """Returns when these begins are on the remote. Raises `Unannounced` when they may not be acted on."""
        if self.lost is not None or self._closing:
            raise Unannounced(self.lost or "the run ends")
        announced: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._begins.append((tuple(begins), announced))
        self._wake.set()
        await announced

    def note(self, records: Sequence[Record]) -> None:
        """These facts are durable here, and are to reach the remote soon."""
        self._mine += [record for record in records if not isinstance(record, Begin)]
        if self._result_since is None and any(isinstance(record, _PROMPT) for record in records):
            self._result_since = asyncio.get_running_loop().time()
            self._wake.set()

    def may_create(self) -> bool:
        """Whether the lease is ours for certain, now."""
        if self.lost is None and self._left() <= MARGIN:
            self._lose("the lease ran out before it could be renewed")
        return self.lost is None

    async def run(self) -> None:
        """Push what there is to push, until `close`."""
        pause = FIRST_PAUSE
        while await self._work_to_do():
            begins, self._begins = self._begins, []
            since, self._result_since = self._result_since, None
            try:
                await asyncio.to_thread(self._push, [record for batch, _ in begins for record in batch])
                pause = FIRST_PAUSE
                self._tell(begins, self.lost)
            except RemoteUnreachable as error:
                self._result_since = since if since is not None else self._result_since
                self._begins = begins + self._begins
                self._give_up_when_late(error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LAST_PAUSE)
            except GitError as error:
                self._tell(begins, error.message)
        self._tell(self._begins, "the run ends")
        self._begins = []

    def close(self) -> None:
        """Push no more in the background; whoever still waits is told."""
        self._closing = True
        self._wake.set()

    async def _work_to_do(self) -> bool:
        """Waits until a begin waits, an answer has waited long enough, or the lease is due. False: the run ends."""
        loop = asyncio.get_running_loop()
        while not self._closing:
            if self._begins:
                return True
            wait = (
                self._left() - self._terms.ttl * 2 / 3
                if self._lease is not None and self.lost is None
                else 3600
            )
            if self._result_since is not None:
                wait = min(wait, self._result_since + RESULT_DELAY - loop.time())
            if wait <= 0:
                return True
            try:
                await asyncio.wait_for(self._wake.wait(), wait)
            except TimeoutError:
                continue
            self._wake.clear()
        return False

    def _left(self) -> float:
        return self._terms.ttl if self._lease is None else seconds_left(self._lease, self._clock.now())

    def _give_up_when_late(self, error: RemoteUnreachable) -> None:
        if self._lease is not None and self._left() <= MARGIN:
            self._lose(f"the lease ran out before it could be renewed: {error.message}")
        if self._lease is None or self.lost is not None:
            self._tell(self._begins, error.message)
            self._begins = []

    @staticmethod
    def _tell(waiting: list[tuple[tuple[Record, ...], asyncio.Future[None]]], trouble: str | None) -> None:
        for _, announced in waiting:
            if announced.done():
                continue
            if trouble is None:
                announced.set_result(None)
            else:
                announced.set_exception(Unannounced(trouble))

    # ── one push; in a thread, one at a time ───────────────────────────────────────────────────────────────────────

    def _push(self, begins: Sequence[Record]) -> None:
        """Bring everything of ours to the remote, and the lease. Afterwards `lost` says whether it is ours."""
        for _ in range(PUSH_TRIES):
            lease = self._next_lease()
            mine = [*self._mine, *(begins if self.lost is None else ())]
            try:
                self.seen = self._ledger.record(self.seen, union(self.seen.records, mine), lease)
            except Outrun:
                self._look_again()
                continue
            if self.lost is None:
                self._lease = lease
                self._mine += begins  # notes may have come meanwhile, so nothing is put in its place
            return
        raise RemoteUnreachable("the ledger moves too fast: every push was overtaken")

    def _next_lease(self) -> Lease:
        now = self._clock.now()
        if self.lost is not None:
            return self.seen.lease
        if self._lease is not None:
            return renew(self._lease, now, self._terms.ttl)
        return take(self.seen.lease, self._terms.holder, self._terms.token, now, self._terms.ttl)

    def _look_again(self) -> None:
        self.seen = self._ledger.look()
        if self.seen.lease.belongs_to(self._terms.token):
            self._lease = self.seen.lease
            return
        # Whoever pushed may have created what our plan creates, or may be about to.
        if self.lost is None:
            held = self.seen.lease.holder
            self._lose(f"another run has the lease: {held}" if held else "another run came in between")

    def _lose(self, reason: str) -> None:
        self.lost = reason
        self.on_lost(reason)

    # ── the end ────────────────────────────────────────────────────────────────────────────────────────────────────

    def finish(self, ours: Lockfile, records: Sequence[Record]) -> Merged:
        """Put the lockfile on the branch, compact the ledger and give the lease back, in one push.

        `ours` came from what was seen at the start; `records` are all facts of this run. Returns the lockfile as it is
        on the branch now. Raises `GitError` when that cannot be done; the facts are then on the ledger, if that could
        be reached. A run that lost the lease only leaves its facts there.
        """
        base = self._start.lockfile
        self._mine = list(union(self._mine, records))
        for attempt in range(PUBLISH_TRIES):
            if self.lost is not None:
                self._push(())
                return Merged(ours)
            try:
                return self._publish(base, ours)
            except Outrun:
                self._pause(attempt)
                self._look_again()
            except PushRefused:
                self._leave(give_back(self._lease or self.seen.lease))
                raise
        self._leave(give_back(self._lease or self.seen.lease))
        raise Outrun("the branch moves too fast: every push was overtaken", hint="run again")

    def _publish(self, base: Lockfile, ours: Lockfile) -> Merged:
        told = union(self.seen.records, self._mine)
        merged = merge(base, fold(ours, told), self.seen.lockfile)
        free = give_back(self._lease or self.seen.lease)
        self.seen = self._ledger.publish(self.seen, merged.lockfile, told, free)
        return merged

    def _leave(self, lease: Lease) -> None:
        """The facts stay on the ledger for the next run."""
        for attempt in range(PUSH_TRIES):
            try:
                self.seen = self._ledger.record(self.seen, union(self.seen.records, self._mine), lease)
            except Outrun:
                self._pause(attempt)
                self._look_again()
            else:
                return
