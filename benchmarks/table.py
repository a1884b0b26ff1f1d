"""One table for all benchmarks: what was measured, beside what, against which target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.processes import Cost


class Row(NamedTuple):
    what: str
    measured: str
    baseline: str
    target: str
    verdict: str  # "ok" and how, "over", or empty where there is no target


HEAD = Row("what", "measured", "baseline, in turn with it", "target", "")


def rendered(rows: Sequence[Row]) -> str:
    """The table in Markdown, its columns aligned so that it can be read in a terminal."""
    table = [HEAD, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [_line(row, widths) for row in table]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def row_in(line: str) -> Row:
    """The row in a line of Markdown, as the benchmarks over sockets print it."""
    return Row(*(cell.strip() for cell in line.strip().strip("|").split("|")))


def cost(of: Cost) -> str:
    return f"{of.seconds:.3f} s, CPU {of.cpu:.3f} s, {of.megabytes:.0f} MB"


def verdict(seconds: float, cpu: float, limit: float) -> str:
    """Against a limit in seconds (or a ratio). A process of one thread that had to wait for a busy machine is judged
    by its CPU time, and the verdict says so.
    """
    if seconds <= limit:
        return "ok"
    return "ok by CPU time" if cpu <= limit else "over"


def _line(row: Row, widths: Sequence[int]) -> str:
    return "| " + " | ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) + " |"
