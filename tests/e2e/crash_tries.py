"""Tries of the crash matrix: which world a try happens in, what is done in it, and the table that comes of it.

The cells of a test are on their own, each with its origin, clone and platform, so a few run side by side: much of one
is waiting.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.e2e.crash_cell import Cell, new_cell
from tests.e2e.crash_world import MOVE_BRANCH, REJECT_ONCE, VANISH, Runs, Template
from tests.e2e.shard_cell import SHARDED, ShardCell

SIDE_BY_SIDE = 4  # cells at once
FINE, MOVED, LOCAL = "push fine", "branch moved", "no remote"
COLUMNS = {
    FINE: {},
    "push rejected once": {"pre-receive": REJECT_ONCE},
    MOVED: {"post-receive": MOVE_BRANCH},
    "remote unreachable": {"post-receive": VANISH},
    LOCAL: {},
}
SAME, LOST = MACHINES = ("same machine", "machine lost")
LEFT = "not run again"  # what becomes of a shard, or of `collect`
APPLY = "apply"


@dataclass(frozen=True)
class Square:
    """A column and a row of the table; `dying` is the run that is killed."""

    column: str
    machine: str = SAME
    dying: str = APPLY

    def __str__(self) -> str:
        return f"{self.column} {self.machine} {self.dying}"


@dataclass
class Tries:
    """`root` is for the cells, each of which is gone when it went well."""

    template: Template
    github: Runs
    root: Path
    _steps: dict[Square, list[str]] = field(default_factory=dict)

    def cell(self, square: Square, name: str) -> AbstractContextManager[Cell]:
        """Where a machine is lost GitHub tells that its run has ended; else a person breaks the lease, unless shards
        share it, whose time would be over.
        """
        sharded = square.dying in SHARDED
        kind = partial(ShardCell, dying=square.dying, left=square.machine == LEFT) if sharded else Cell
        return new_cell(
            self.template,
            self.root / f"{square} {name}".replace(" ", "-"),
            shared=square.column != LOCAL,
            github=self.github if sharded or square.machine == LOST else None,
            hooks=COLUMNS[square.column],
            kind=kind,
        )

    def steps(self, column: str, dying: str = APPLY) -> list[str]:
        """Those of a run that nobody kills, in order, as `name#2`. What it leads to is checked like all others."""
        square = Square(column, dying=dying)
        if square not in self._steps:
            told = self.root / f"steps of {square}"
            with self.cell(square, "") as cell:
                cell.kill("", told)
                assert not cell.died, cell.told
                cell.come_back()
                cell.recover()
                cell.check()
            self._steps[square] = told.read_text().splitlines()
        return self._steps[square]

    def kill_at_steps(self, square: Square, steps: Iterable[str]) -> None:
        """One cell for each step."""
        chosen = list(steps)
        if not chosen:
            return
        with ThreadPoolExecutor(SIDE_BY_SIDE) as side_by_side:
            died = list(side_by_side.map(lambda step: self._kill_at_step(square, step), chosen))
        for step, one in zip(chosen, died, strict=True):
            assert one or not step.endswith("#1"), (
                f"not killed: {step}"
            )  # later ones may be batched otherwise
        report(square, "at a step", len(chosen), sum(died))

    def _kill_at_step(self, square: Square, step: str) -> bool:
        with self.cell(square, step) as cell:
            cell.kill(step)
            if cell.is_away and step.endswith(("1", "3", "5", "7", "9")):
                cell.fail_to_reach()
            self._go_on(square, cell)
            return cell.died

    def kill_at_times(self, square: Square, seconds: Iterable[float]) -> None:
        """One cell for each time after the start, which is a cold one."""
        chosen = list(seconds)
        with ThreadPoolExecutor(SIDE_BY_SIDE) as side_by_side:
            died = list(side_by_side.map(lambda after: self._kill_at_time(square, after), chosen))
        report(square, "at a random time", len(chosen), sum(died))

    def _kill_at_time(self, square: Square, after: float) -> bool:
        with self.cell(square, f"{after:.9f}") as cell:
            cell.kill_at_time(after)
            self._go_on(square, cell)
            return cell.died

    @staticmethod
    def _go_on(square: Square, cell: Cell) -> None:
        cell.come_back()
        if square.machine == LOST:
            cell.lose_machine()
        cell.recover()
        cell.check()


def random_times(square: Square, number: int) -> list[float]:
    """Seconds, the same in every run of the test. A start takes about 0.4, and all of an apply less than 2."""
    chance = random.Random(f"seed 20261124 {square}")
    return [chance.uniform(0.25, 1.6) for _ in range(number)]


def report(square: Square, when: str, tried: int, died: int) -> None:
    """Reached only when all converged. `died` are those that came as far as where they were to be killed."""
    where = f"{square.dying} | {square.column} | {square.machine}"
    row = f"| {where} | {when} | {died} killed, {tried} of {tried} converged |\n"
    print(row, end="")
    if os.environ.get("RECONCILE_MATRIX_FILE"):
        with Path(os.environ["RECONCILE_MATRIX_FILE"]).open("a") as file:
            file.write(row)
