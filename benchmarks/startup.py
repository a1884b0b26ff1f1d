"""What the command costs when there is nothing to do: one engine, unchanged, the whole process.

The baseline is what any command with click pays, `python -c "import click"`. What is above it is ours: reading a few
files, and the modules that this path imports. A module too many shows here at once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from benchmarks.corpus import project
from benchmarks.processes import RECONCILE, Command, in_turn
from benchmarks.table import Row, cost, verdict

TARGET = 2.5  # times the baseline
ROUNDS = 30
QUICK_ROUNDS = 8


def rows(quick: bool) -> Iterator[Row]:
    with project(1) as root:
        baseline = Command([sys.executable, "-c", "import click"], root)
        command = Command([RECONCILE, "--dry-run"], root)
        click, ours = in_turn([baseline, command], QUICK_ROUNDS if quick else ROUNDS)
    ratio, cpu_ratio = ours.seconds / click.seconds, ours.cpu / click.cpu
    yield Row(
        "reconcile --dry-run, 1 engine, unchanged",
        cost(ours),
        f"import click: {click.seconds:.3f} s, CPU {click.cpu:.3f} s; {ratio:.2f} x, CPU {cpu_ratio:.2f} x",
        f"<= {TARGET} x",
        verdict(ratio, cpu_ratio, TARGET),
    )
