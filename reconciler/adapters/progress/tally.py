"""What is known of a run while it goes on: which engines are under way, and how many ended how.

Both displays keep their book here, so that the numbers on a terminal and in a log are the same.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

Ending = Literal["completed", "failed", "uncertain"]

FEW = 20  # engines: up to here each one's steps are told, and with more only what goes wrong
TOLD = 20  # failures that are told one by one in a run of many; the report at the end has the rest


@dataclass(slots=True)
class Row:
    """An engine under way. `began` is in seconds of the display's clock."""

    key: str
    began: float
    engine_id: str | None = None
    job_id: str | None = None
    step: str | None = None
    detail: str | None = None
    steps: int = 0

    @property
    def doing(self) -> str:
        """What goes on, in a few words."""
        if self.step is not None:
            return self.step if self.detail is None else f"{self.step}: {self.detail}"
        return "submitting" if self.job_id is None else f"waiting for job {self.job_id}"


@dataclass(slots=True)
class Tally:
    """Engines by what became of them. `expected` is how many the run is about."""

    expected: int = 0
    began: float = 0.0
    active: dict[str, Row] = field(default_factory=dict)  # the longest under way first
    counts: Counter[Ending] = field(default_factory=Counter)
    _ended: dict[str, Ending] = field(default_factory=dict)
    _told: int = 0

    @property
    def many(self) -> bool:
        return self.expected > FEW

    @property
    def ended(self) -> int:
        return len(self._ended)

    def row(self, key: str, now: float) -> Row:
        """The engine's row, made anew when it is not under way: an answer can come after it was given up on."""
        before = self._ended.pop(key, None)
        if before is not None:
            self.counts[before] -= 1
        return self.active.setdefault(key, Row(key, now))

    def end(self, key: str, ending: Ending, now: float) -> Row | None:
        """Take the engine off the rows and count it; None when its end is known already."""
        if self._ended.get(key, "uncertain") != "uncertain":
            return None
        row = self.row(key, now)
        del self.active[key]
        self._ended[key] = ending
        self.counts[ending] += 1
        return row

    def tells(self) -> bool:
        """Whether one more failure is told one by one."""
        self._told += 1
        return not self.many or self._told <= TOLD

    @property
    def told_last(self) -> bool:
        """Whether the failure just asked about was the last one to be told."""
        return self.many and self._told == TOLD

    def sentence(self) -> str:
        """`12/40 engines, 3 failed`."""
        parts = [f"{self.ended:,}/{max(self.expected, self.ended):,} engines"]
        parts += [f"{self.counts[name]:,} {name}" for name in ("failed", "uncertain") if self.counts[name]]
        return ", ".join(parts)


ONLY_COUNTED = "further failures are only counted here; the report at the end has them"
