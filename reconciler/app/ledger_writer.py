"""Share a run's records through the remote while it goes on: begins before their calls, results within a second.

One pusher at a time, in the background: a push never delays a local fsync. What waits together goes together, so a run
with one wave of create calls costs three pushes: lease and begins, the answers, and the end. News of ended jobs goes
along with the next push, since the platform tells it again to whoever asks.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence

from reconciler.app.ports import Clock, Ledger
from reconciler.app.pushing import Pusher, Terms
from reconciler.core.errors import GitError, LeaseHeld, ReconcileError, RemoteUnreachable
from reconciler.core.ledger.epoch import SharedTerms
from reconciler.core.ledger.journal import (
    Acceptance,
    Record,
    Refusal,
    UncertainOutcome,
    Update,
    UpdateRefusal,
    is_begin,
)
from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
from reconciler.core.lockfile.merge import Merged
from reconciler.core.lockfile.model import Lockfile

__all__ = ["BeginNotPublished", "LedgerWriter", "Terms"]

RESULT_DELAY = 0.8  # seconds that an answer waits for others before it is pushed
FIRST_PAUSE, LAST_PAUSE = 0.2, 10.0  # seconds between tries while pushes fail
LONGEST_TURN = 4.0  # seconds that a run leaves the ledger to others between two of its pushes
MARGIN = 5.0  # seconds before the expiry of our lease from which nothing is created any more
CLOCK_LOOK = 5.0  # seconds between two looks at the clock, which may have been moved
_PROMPT = (Acceptance, Update, UpdateRefusal, Refusal, UncertainOutcome)

Waiting = tuple[tuple[Record, ...], asyncio.Future[None]]


class BeginNotPublished(ReconcileError):
    """Begins could not be brought to the remote, so nothing is called on the strength of them."""


class LedgerWriter:
    """The shared side of one run, from the lease to the last record. `seen` is what the plan was made from."""

    def __init__(
        self,
        ledger: Ledger,
        seen: RemoteSnapshot,
        terms: Terms | SharedTerms,
        clock: Clock,
        pause: Callable[[float], None],
    ) -> None:
        self._pusher = Pusher(ledger, seen, terms, clock, pause)
        self._terms = terms
        self._begins: list[Waiting] = []
        self._under_way: list[Waiting] = []
        self._result_since: float | None = None  # loop time of the first answer that waits
        self._not_before = -math.inf  # loop time of the next try after a push that failed
        self._failures = 0  # in a row
        self._wake = asyncio.Event()
        self._closing = False

    @property
    def seen(self) -> RemoteSnapshot:
        """The ledger as of the last look or push."""
        return self._pusher.seen

    @property
    def past(self) -> frozenset[str]:
        """Operations of this machine's journal that the ledger had moved past at the start."""
        return self._pusher.past

    @property
    def publishes(self) -> bool:
        """Whether the lockfile goes to the branch at the end; otherwise the facts go to the ledger, and that is all."""
        return self._pusher.publishes

    @property
    def contenders(self) -> int:
        """How many may push to the ledger at the same time."""
        return self._terms.contenders

    @property
    def pushes(self) -> tuple[int, int]:
        """How many arrived, and how many times another one was faster."""
        return self._pusher.pushes, self._pusher.overtaken

    @property
    def lost(self) -> str | None:
        """Why the lease is not ours any more."""
        return self._pusher.lost

    @property
    def ever_held(self) -> bool:
        """Whether the lease was ours at any time; before that, nothing was created."""
        return self._pusher.ever_held

    def report_loss(self, on_lost: Callable[[str], object]) -> None:
        """Who is told when the lease is lost, from whichever thread notices."""
        self._pusher.on_lost = on_lost

    def acquire(self) -> None:
        """Take the lease with a push of its own. Raises `LeaseHeld` when another run was faster."""
        self._pusher.push(())
        if self.lost is not None:
            raise LeaseHeld(self.lost, hint="wait until that run ends, or set RECONCILE_LEASE_WAIT=10m")

    def push(self) -> None:
        """Bring what was added to the remote, for those without a loop. Raises `LeaseHeld` when the lease is lost."""
        self.acquire()

    def add(self, records: Sequence[Record]) -> None:
        """These facts are durable here, and go along with the next push."""
        self._pusher.note(records)

    def bring(self, records: Sequence[Record]) -> None:
        """So do these of this machine's journal: see `Pusher.bring`."""
        self._pusher.bring(records)

    def leave(self) -> None:
        """Give the lease back; the facts stay on the ledger for the next run."""
        self._pusher.leave()

    async def announce(self, begins: Sequence[Record]) -> None:
        """Returns when these begins are on the remote. Raises `BeginNotPublished` when they may not be acted on."""
        if self.lost is not None or self._closing:
            raise BeginNotPublished(self.lost or "the run ends")
        announced: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._begins.append((tuple(begins), announced))
        self._wake.set()
        await announced

    def note(self, records: Sequence[Record]) -> None:
        """These facts are durable here, and are to reach the remote soon."""
        self._pusher.note([record for record in records if not is_begin(record)])
        if self._result_since is None and any(isinstance(record, _PROMPT) for record in records):
            self._result_since = asyncio.get_running_loop().time()
            self._wake.set()

    def may_create(self) -> bool:
        """Whether the lease is ours for certain, now."""
        if self.lost is None and self._is_late():
            self._pusher.lose("the lease expired before it could be renewed")
        return self.lost is None

    def hurry(self, seconds: float) -> None:
        """The run is to end within that time: what was not begun yet is given up, and no push takes longer."""
        self._closing = True
        self._pusher.hurry(seconds)
        self._wake.set()

    def close(self) -> None:
        """Push no more in the background; whoever still waits is told."""
        self._closing = True
        self._wake.set()

    def finish(self, ours: Lockfile, records: Sequence[Record]) -> Merged:
        """The last push: see `Pusher.finish`."""
        return self._pusher.finish(ours, records)

    def report(self, records: Sequence[Record]) -> None:
        """The last push of a run that does not publish: see `Pusher.report`."""
        self._pusher.report(records)

    # ── in the background ──────────────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Push what there is to push, until `close`."""
        try:
            while await self._work_to_do():
                self._under_way, self._begins = self._begins, []
                since, self._result_since = self._result_since, None
                begins = [record for batch, _ in self._under_way for record in batch]
                try:
                    await asyncio.to_thread(self._pusher.push, begins)
                except ReconcileError as error:
                    self._failed(error, since)
                else:
                    self._failures = 0
                    self._leave_room()
                    self._report(self._under_way, self.lost)
        finally:  # whatever ended this, nobody waits for ever
            self._report([*self._under_way, *self._begins], "the run ends")

    def _leave_room(self) -> None:
        """Where others push to the same ledger, every one gets its turn: the next push of this run waits for as long as
        theirs take. Meanwhile more comes together for it.
        """
        turns = min(1.5 * self._pusher.turns(), LONGEST_TURN)
        self._not_before = asyncio.get_running_loop().time() + turns

    def _failed(self, error: ReconcileError, since: float | None) -> None:
        """Try again after a while what may only take time; give up on the rest, and on begins when it is too late."""
        pause = min(FIRST_PAUSE * 2**self._failures, LAST_PAUSE)
        self._not_before = asyncio.get_running_loop().time() + pause
        self._failures = min(self._failures + 1, 20)
        if not isinstance(error, GitError):  # what is on the remote cannot be read, so the lease neither
            self._pusher.lose(error.message)
        elif self.ever_held and self._is_late():
            self._pusher.lose(f"the lease expired before it could be renewed: {error.message}")
        again = isinstance(error, RemoteUnreachable)
        if again and since is not None:
            self._result_since = since
        if again and self.ever_held and self.lost is None:
            self._begins = self._under_way + self._begins
        else:
            self._report(self._under_way, error.message)
        self._under_way = []

    async def _work_to_do(self) -> bool:
        """Waits until a begin waits, an answer has waited long enough, or the lease is due. False: the run ends."""
        while not self._closing:
            wait = self._wait()
            if wait <= 0:
                return True
            try:
                await asyncio.wait_for(self._wake.wait(), min(wait, CLOCK_LOOK))
            except TimeoutError:
                continue
            self._wake.clear()
        return False

    def _wait(self) -> float:
        """Seconds until there is something to push; infinite while there is nothing."""
        now = asyncio.get_running_loop().time()
        due = now if self._begins else math.inf
        if self._result_since is not None:
            due = min(due, self._result_since + RESULT_DELAY)
        if self.ever_held and self.lost is None:
            due = min(due, now + self._pusher.left() - self._terms.ttl * 2 / 3)
        return max(due, self._not_before) - now

    def _is_late(self) -> bool:
        return self._pusher.left() <= min(MARGIN, self._terms.ttl / 4)

    @staticmethod
    def _report(waiting: Sequence[Waiting], trouble: str | None) -> None:
        for _, announced in waiting:
            if announced.done():
                continue
            if trouble is None:
                announced.set_result(None)
            else:
                announced.set_exception(BeginNotPublished(trouble))
