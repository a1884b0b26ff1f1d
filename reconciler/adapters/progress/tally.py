"""What is known of a run while it goes on: which engines are under way, in which steps, and how many ended how.

Both displays keep their book here, so that the numbers on a terminal and in a log are the same.
"""

from __future__ import annotations

import re
import threading
from bisect import insort
from collections import Counter
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Literal

Ending = Literal["completed", "failed", "uncertain"]

MANY = 10  # engines: from here on they are counted by step, and only those that stand out are named
NAMED = 5  # failures that a run of many names one by one on a terminal; the report at the end has all of them
_SLOW = 10.0  # seconds under way before which no engine is called slow, however quick the others were
_TYPICAL = 5  # engines that must have ended before it is known how long one takes
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def humanized(step: str) -> str:
    """A step's name as words: `crawling_sources` and `crawlingSources` are `crawling sources`."""
    if " " in step.strip():
        return step
    return " ".join(_HUMP.sub(" ", step).replace("_", " ").split()).lower() or step


@dataclass(slots=True)
class Row:
    """An engine under way. `began` is in seconds of the display's clock."""

    key: str
    began: float
    engine_id: str | None = None
    job_id: str | None = None
    step: str | None = None  # as words
    detail: str | None = None
    steps: int = 0

    @property
    def phase(self) -> str:
        """What goes on, in words that are the same for all engines in the same step."""
        return self.step or ("creating" if self.job_id is None else "waiting")

    @property
    def doing(self) -> str:
        """The same with what is particular to this one."""
        if self.step is None:
            return self.phase if self.job_id is None else f"waiting for job {self.job_id}"
        return self.step if self.detail is None else f"{self.step}: {self.detail}"


@dataclass(slots=True)
class Tally:
    """Engines by what became of them. `expected` is how many the run is about. The run writes, and a thread that shows
    it reads.
    """

    expected: int = 0
    began: float = 0.0
    counts: Counter[Ending] = field(default_factory=Counter)
    _active: dict[str, Row] = field(default_factory=dict)  # the longest under way first
    _ended: dict[str, Ending] = field(default_factory=dict)
    _took: list[float] = field(default_factory=list)  # seconds, sorted
    _phases: dict[str, None] = field(default_factory=dict)  # in the order in which they first came
    _turn: threading.RLock = field(default_factory=threading.RLock)

    @property
    def many(self) -> bool:
        return self.expected >= MANY

    @property
    def ended(self) -> int:
        return len(self._ended)

    @property
    def queued(self) -> int:
        """Engines whose turn has not come yet."""
        return max(0, self.expected - self.ended - len(self._active))

    @property
    def creating(self) -> bool:
        """Whether there are create calls to make, or to be answered."""
        return self.queued > 0 or any(row.job_id is None for row in self.under_way())

    def under_way(self) -> tuple[Row, ...]:
        """The longest under way first."""
        with self._turn:
            return tuple(self._active.values())

    def get(self, key: str) -> Row | None:
        """The engine's row, while it is under way."""
        return self._active.get(key)

    def row(self, key: str, now: float) -> Row:
        """The engine's row, made anew when it is not under way: an answer can come after it was given up on."""
        with self._turn:
            before = self._ended.pop(key, None)
            if before is not None:
                self.counts[before] -= 1
            return self._active.setdefault(key, Row(key, now))

    def end(self, key: str, ending: Ending, now: float) -> Row | None:
        """Take the engine off the rows and count it; None when its end is known already."""
        with self._turn:
            if self._ended.get(key, "uncertain") != "uncertain":
                return None
            row = self.row(key, now)
            del self._active[key]
            self._ended[key] = ending
            self.counts[ending] += 1
            if ending == "completed":
                insort(self._took, now - row.began)
            return row

    def phases(self) -> list[tuple[int, str]]:
        """How many engines are in which step, in the order in which the run came to the steps."""
        with self._turn:
            counts = Counter(row.phase for row in self.under_way())
            known = [phase for phase in self._phases if phase in counts]  # only those: the names are not ours
            self._phases = dict.fromkeys([*known, *counts])
            found = [(counts[phase], phase) for phase in self._phases]
            return found + [(self.queued, "queued")] * bool(self.queued)

    def slow(self, now: float) -> list[Row]:
        """Engines under way for more than twice as long as others took, the longest first."""
        with self._turn:
            if len(self._took) < _TYPICAL:
                return []
            limit = max(_SLOW, 2 * self._took[len(self._took) // 2])
            return list(takewhile(lambda row: now - row.began > limit, self._active.values()))

    def sentence(self) -> str:
        """`12/40 engines, 3 failed`."""
        parts = [f"{self.ended:,}/{max(self.expected, self.ended):,} engines"]
        parts += [f"{self.counts[name]:,} {name}" for name in ("failed", "uncertain") if self.counts[name]]
        return ", ".join(parts)
