"""What more engines cost: lines through what was measured at 1,000 and 10,000 engines, which the row of 100,000 then
checks, and a simulation of a first run, in which create calls and pushes wait for each other.

`python -m benchmarks.scale` prints the tables of docs/scale.md.
"""

from __future__ import annotations

import heapq
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

MEASURED: dict[str, Any] = json.loads(Path(__file__).with_name("measured.json").read_text(encoding="utf-8"))
SIZES = (1_000, 10_000, 100_000, 1_000_000)

# What a figure is of a measured row.
FIGURES: dict[str, Callable[[dict[str, Any]], float]] = {
    "lockfile": lambda row: row["lockfile_bytes"],
    "stored": lambda row: row["lockfile_stored_bytes"],
    "history": lambda row: row["history_bytes_each"],
    "unchanged cpu": lambda row: row["unchanged"]["cpu"],
    "unchanged memory": lambda row: row["unchanged"]["megabytes"],
    "first cpu": lambda row: row["first"]["cpu"],
    "first memory": lambda row: row["first"]["megabytes"],
    "publish cpu": lambda row: row["publish_one"]["cpu"],
    "publish memory": lambda row: row["publish_one"]["megabytes"],
}


def measured(figure: str, engines: int) -> float | None:
    rows = [row for row in MEASURED["sizes"] if row["engines"] == engines]
    return FIGURES[figure](rows[0]) if rows else None


def predicted(figure: str, engines: int) -> float:
    """By a line through the two smaller rows."""
    (few, low), (many, high) = ((int(row["engines"]), FIGURES[figure](row)) for row in MEASURED["sizes"][:2])
    each: float = (high - low) / (many - few)
    return low + each * (engines - few)


class FirstRun(NamedTuple):
    """A run that creates all engines of a project."""

    seconds: float
    pushes: int
    engines: int

    @property
    def per_second(self) -> float:
        return self.engines / self.seconds

    def loose_bytes(self) -> float:
        """What git keeps of the ledger on the runner before it packs: each push stores the run's journal so far."""
        return self.pushes * self.engines / 2 * LOOSE_BYTES


AT_ONCE = 8  # as `concurrency` is by default
SPREAD = 0.2
STEADY = 10_000  # engines
GATHERED = 0.01  # seconds within which answers come together


def _loose_bytes() -> float:
    rows = MEASURED["created"]
    return float(sum(row["ledger_bytes"] / (row["pushes"] * row["engines"] / 2) for row in rows) / len(rows))


# Bytes of one engine's records in the ledger's journal while a run goes on: measured with 60 of the corpus.
JOURNAL_BYTES = 1433
# Bytes, compressed, of one engine's records in one push.
LOOSE_BYTES = _loose_bytes()


def first_run(
    engines: int, at_once: int, call_seconds: float, push_seconds: float, spread: float = SPREAD
) -> FirstRun:
    """`at_once` workers: each announces an operation, waits until a push has brought that to the remote, and calls. One
    push at a time takes along all that waits. Calls take their time give or take `spread`.
    """
    if engines > STEADY:  # it has been going on as before for long
        run = first_run(STEADY, at_once, call_seconds, push_seconds, spread)
        return FirstRun(run.seconds * engines / STEADY, round(run.pushes * engines / STEADY), engines)
    chance = random.Random(1)
    calls: list[float] = []  # when calls that are under way will be answered
    waiting, left, now, pushes = min(at_once, engines), max(0, engines - at_once), 0.0, 0
    while waiting or calls:
        if not waiting:
            now = max(now, calls[0]) + GATHERED
        else:
            begun, waiting, pushes, now = waiting, 0, pushes + 1, now + push_seconds
            for _ in range(begun):
                heapq.heappush(calls, now + call_seconds * chance.uniform(1 - spread, 1 + spread))
        while calls and calls[0] <= now:
            heapq.heappop(calls)
            if left:
                waiting, left = waiting + 1, left - 1
    return FirstRun(now + push_seconds, pushes + 1, engines)  # the last push brings the lockfile


def bounds(row: dict[str, Any]) -> tuple[FirstRun, FirstRun]:
    """The same run as one that was measured, if answers always come together, and if they never do: in the first case
    each push is followed by a call, in the second one push follows another.
    """
    each = row["seconds"] / row["pushes"]
    together = first_run(row["engines"], AT_ONCE, row["latency"], each - row["latency"], 0.0)
    return together, first_run(row["engines"], AT_ONCE, row["latency"], each)


def reached(figure: str, limit: float) -> int:
    """How many engines bring a figure to its limit, to two digits."""
    few, many = 1_000, 1_000_000
    low, high = predicted(figure, few), predicted(figure, many)
    engines = few + (limit - low) / ((high - low) / (many - few))
    return int(float(f"{engines:.1e}"))
