"""When a watch looks at the remote and when it runs: facts in, one command out. No clock, no chance of its own.

It is level-triggered: what counts are the commits that branch and ledger are at. A run is due while they are not those
of the last run that had nothing left to do. A webhook only makes the next look come sooner.

Replicas share no channel but the ledger. Whoever loses the race for the lease stands by: it leaves new work to the
other one for a while, and does it only when nobody else has. A lease that expired is taken over at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

FIRST_PAUSE, LAST_PAUSE = 5.0, 300.0  # seconds between tries, while what fails may heal
GAP = 2.0  # seconds between two looks, however many webhooks come in
RECHECK = 600.0  # seconds until an unfinished state is looked at again, though nothing changed
IN_A_ROW = 3  # runs without a pause; more of them means that runs answer each other
SPREAD = 0.1  # part of the interval by which looks of several replicas are spread


class Pace(NamedTuple):
    """Seconds. `refresh` is None where drift is not looked for."""

    interval: float
    refresh: float | None = None


class Tips(NamedTuple):
    """What the branch and the ledger are at; the ledger may not be there yet, or not be shared."""

    branch: str
    ledger: str | None = None


class Held(NamedTuple):
    """Another run has the lease. `free_in` is in seconds; 0 or less once it has expired without being given back."""

    by: str
    free_in: float


class Trouble(NamedTuple):
    """What is in the way. `kind` is one word, for a metric; `needs_person` where waiting does not heal it."""

    kind: str
    message: str
    hint: str | None = None
    needs_person: bool = False


class Verdict(StrEnum):
    """What a run means for the next one."""

    CONVERGED = "converged"  # nothing is left to do
    RUNNING = "running"  # jobs go on; the next run resumes them
    ATTENTION = "attention"  # what is left needs an edit or a decision
    HELD = "held"  # another run has the lease
    RETRY = "retry"  # it may succeed later without a change


class Look(NamedTuple):
    """Command: look at the remote, and bring the clone to its branch."""


class Run(NamedTuple):
    """Command: apply. With `refresh`, engines are looked up on the platform."""

    refresh: bool = False


class Wait(NamedTuple):
    """Command: wait so many seconds for a fact."""

    seconds: float


class End(NamedTuple):
    """Command: end in order."""


Command = Look | Run | Wait | End


class Machine:
    """`chance` gives numbers from 0 up to 1. Every `now` is in seconds of one steady clock."""

    def __init__(self, pace: Pace, chance: Callable[[], float], now: float = 0.0) -> None:
        self.standby = False
        self.trouble: Trouble | None = None  # why nothing can be run
        self.tips: Tips | None = None
        self.held: Held | None = None
        self._pace = pace
        self._chance = chance
        self._settled: Tips | None = None  # of the last run that left nothing to do
        self._work_since = -math.inf
        self._looked_at = -math.inf
        self._look_at = -math.inf
        self._retry_at = -math.inf
        self._recheck_at = math.inf
        self._free_at = -math.inf
        self._refresh_at = math.inf if pace.refresh is None else now + pace.refresh * chance()
        self._failed_looks = self._failed_runs = self._in_a_row = 0
        self._ended = False

    def next(self, now: float) -> Command:
        """What to do now."""
        if self._ended:
            return End()
        if now >= self._look_at:
            return Look()
        due = self._run_due()
        if now >= due:
            return Run(refresh=now >= self._refresh_due())
        return Wait(max(0.0, min(self._look_at, due) - now))

    @property
    def waits_for(self) -> str | None:
        """Who has the lease while there is work here, as of the last look."""
        if self.held is None or self.held.free_in <= 0 or self.trouble is not None:
            return None
        return self.held.by if self.tips != self._settled else None

    def _run_due(self) -> float:
        """When the next run is due; infinite where none is."""
        if self.tips is None or self.trouble is not None:
            return math.inf
        work = math.inf if self.tips == self._settled else self._work_since
        patience = self._standby_delay() if self.standby and not self._expired() else 0.0
        due = min(min(work, self._recheck_at) + patience, self._refresh_due())
        return max(due, self._retry_at, self._free_at)

    def _refresh_due(self) -> float:
        """Who stands by looks for drift half as often: the other one may not be there any more."""
        return self._refresh_at + (self._pace.refresh or 0.0 if self.standby else 0.0)

    def _expired(self) -> bool:
        return self.held is not None and self.held.free_in <= 0

    def _standby_delay(self) -> float:
        """The other one looks once an interval, and needs a moment to take the lease."""
        return self._pace.interval * (1 + SPREAD) + FIRST_PAUSE

    # ── facts ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def stop(self) -> None:
        """Everything is to end."""
        self._ended = True

    def nudged(self, now: float) -> None:
        """A push webhook came, or somebody asked to look."""
        self._look_at = min(self._look_at, max(now, self._looked_at + GAP))

    def looked(self, now: float, tips: Tips, held: Held | None, trouble: Trouble | None = None) -> None:
        """The remote was read; with `trouble` the clone could not be brought to its branch."""
        before, self.tips = self.tips, tips
        self._looked_at, self._failed_looks = now, 0
        self.trouble, self.held = trouble, held
        if tips != self._settled and (
            before == self._settled or before is None or before.ledger != tips.ledger
        ):
            self._work_since = now  # what moves the ledger is another one at work
        self._free_at = -math.inf if held is None else now + held.free_in
        self._look_at = now + self._pace.interval * (1 - SPREAD + 2 * SPREAD * self._chance())
        if held is not None and held.free_in > 0:
            self._look_at = min(self._look_at, self._free_at)

    def not_looked(self, now: float, trouble: Trouble) -> None:
        """The remote could not be read."""
        self._looked_at = now
        self._failed_looks += 1
        self.trouble = trouble
        self._look_at = now + self.pause(self._failed_looks)

    def ran(self, now: float, run: Run, verdict: Verdict, *, acted: bool = False) -> None:
        """A run has ended; `acted` where it did anything, and so had the lease."""
        self._recheck_at, self._retry_at = math.inf, -math.inf
        if verdict is Verdict.HELD:
            self.standby, self._work_since = True, now
        elif acted:
            self.standby = False
        if verdict in (Verdict.RETRY, Verdict.HELD):
            self._settled = None
        else:
            self._settled = self.tips
        self._failed_runs = self._failed_runs + 1 if verdict is Verdict.RETRY else 0
        if verdict is Verdict.RETRY:
            self._retry_at = now + self.pause(self._failed_runs)
        elif run.refresh and self._pace.refresh is not None and verdict is not Verdict.HELD:
            self._refresh_at = now + self._pace.refresh
        if verdict is Verdict.RUNNING:
            self._recheck_at = now + self._pace.interval
        if verdict is Verdict.ATTENTION:
            self._recheck_at = now + RECHECK
        self._in_a_row = self._in_a_row + 1 if acted else 0
        if self._in_a_row >= IN_A_ROW:
            self._in_a_row = 0
            self._retry_at = max(self._retry_at, now + self._pace.interval)
        self._look_at = now  # a run that published has moved the branch

    def pause(self, failures: int) -> float:
        """Before the next try, after so many in a row failed: longer every time, and never the same."""
        longest = min(FIRST_PAUSE * 2.0 ** min(failures - 1, 20), LAST_PAUSE)
        return longest * (0.75 + 0.5 * self._chance())
