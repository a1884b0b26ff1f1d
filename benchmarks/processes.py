"""What a whole process costs: time on the clock, CPU time and peak memory, as the system counts them.

The machine is never quiet, so everything is run several times and the best of each counts, and what is compared runs
in turn: a slow minute then hits both sides. CPU time is the steadier figure of the two.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

RECONCILE = str(Path(sys.executable).parent / "reconcile")
# Bytecode is cached, as it is where the package was installed by pip; some build services switch that off.
_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
_UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds on the clock, seconds of CPU (user and system), and the peak of resident memory in MB (10^6 bytes)."""

    seconds: float
    cpu: float
    megabytes: float


@dataclass(frozen=True, slots=True)
class Command:
    """A process to measure. `variables` are added to the environment; `exit_codes` are those that count as done."""

    arguments: Sequence[str]
    folder: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    exit_codes: tuple[int, ...] = (0,)


class BenchmarkBroken(Exception):
    """The process did not do what was to be measured."""


def cost_of(command: Command) -> Cost:
    """Run it once. Its peak memory can't be less than this process's own, which the system counts in at the fork: so
    callers stay small, and leave big work to processes of their own.
    """
    start = time.perf_counter()
    with subprocess.Popen(
        command.arguments,
        cwd=command.folder,
        env={**_ENVIRONMENT, **command.variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        said = process.stderr.read() if process.stderr is not None else b""
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in command.exit_codes:
        last = said.decode(errors="replace").strip()[-500:]
        raise BenchmarkBroken(f"{' '.join(command.arguments)} ended with {process.returncode}: {last}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _UNIT / 1e6)


def in_turn(commands: Sequence[Command], rounds: int) -> list[Cost]:
    """The best cost of each command over that many rounds, in each of which all of them run."""
    return [_best(costs) for costs in _seen(commands, rounds)]


def medians_in_turn(commands: Sequence[Command], rounds: int) -> list[Cost]:
    """The same with the median of each figure, for short commands whose best is luck."""
    return [
        Cost(
            statistics.median(cost.seconds for cost in costs),
            statistics.median(cost.cpu for cost in costs),
            max(cost.megabytes for cost in costs),
        )
        for costs in _seen(commands, rounds)
    ]


def _seen(commands: Sequence[Command], rounds: int) -> list[tuple[Cost, ...]]:
    seen = [[cost_of(command) for command in commands] for _ in range(rounds)]
    return list(zip(*seen, strict=True))


def _best(costs: Sequence[Cost]) -> Cost:
    return Cost(
        min(cost.seconds for cost in costs),
        min(cost.cpu for cost in costs),
        max(cost.megabytes for cost in costs),
    )
