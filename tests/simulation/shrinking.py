"""Makes a schedule that breaks a law as short as it can be: steps go as long as the law stays broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.simulation.acts import Acts
from tests.simulation.rest import rest
from tests.simulation.schedule import Setting, Step, schedule_of
from tests.simulation.stage import Stage
from tests.simulation.world import Violation


@dataclass(frozen=True, slots=True)
class Broken:
    """A schedule that breaks a law, and what happened in it."""

    seed: int
    setting: Setting
    steps: tuple[Step, ...]
    violation: Violation
    trace: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"seed {self.seed}: {self.violation}", str(self.setting), *map(str, self.steps), ""]
        return "\n".join([*lines, *self.trace])


def attempt(seed: int, setting: Setting, steps: Sequence[Step]) -> Broken | None:
    stage = Stage(setting)
    acts = Acts(stage)
    try:
        for step in steps:
            acts.take(step)
        rest(stage)
    except Violation as violation:
        return Broken(seed, setting, tuple(steps), violation, tuple(stage.world.trace))
    return None


def simulate(seed: int) -> Broken | None:
    """One seed; None when every law holds."""
    return attempt(seed, *schedule_of(seed))


def shrunk(broken: Broken) -> Broken:
    """The same law broken with fewer steps, and fewer troubles in them."""
    best, smaller = broken, True
    while smaller:
        smaller = False
        for size in (8, 4, 2, 1):
            start = 0
            while start < len(best.steps):
                found = _same(best, (*best.steps[:start], *best.steps[start + size :]))
                if found is not None:
                    best, smaller = found, True
                else:
                    start += size
        for index, step in enumerate(best.steps):
            if not step.calm:
                found = _same(best, (*best.steps[:index], step.calmed(), *best.steps[index + 1 :]))
                if found is not None:
                    best, smaller = found, True
    return best


def _same(best: Broken, steps: Sequence[Step]) -> Broken | None:
    found = attempt(best.seed, best.setting, steps)
    return found if found is not None and found.violation.law == best.violation.law else None
