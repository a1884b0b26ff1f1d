"""The tables of docs/scale.md, from what was measured and the model. A figure of the model ends with `*`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cache

from benchmarks.scale.model import JOURNAL_BYTES, SIZES, first_run, measured, predicted, reached

MIB = 1 << 20
# Of a remote far away, and of a platform: assumptions, since neither was measured.
PUSH_SECONDS, CALL_SECONDS = 1.5, 1.0
# Seconds until a hosted runner has checked out and installed: an assumption, too.
PREPARED = 30


@cache
def tables() -> dict[str, str]:
    return {
        "plan": _table(
            ("engines", "unchanged", "all new, or no lockfile"),
            ((_count(n), _both("unchanged", n), _both("first", n)) for n in SIZES),
        ),
        "lockfile": _table(
            ("engines", "lockfile", "compressed in git", "each later commit of it, packed"),
            ((_count(n), _size("lockfile", n), _size("stored", n), _size("history", n)) for n in SIZES),
        ),
        "publish": _table(("engines", "CPU time, memory"), ((_count(n), _both("publish", n)) for n in SIZES)),
        "first run": _table(
            (
                "engines",
                "`concurrency`",
                "time",
                "pushes",
                "webhooks a second",
                "ledger on the runner",
            ),
            _first_runs(),
        ),
        "minutes": _table(
            ("engines", "plan in a pull request", "apply of one change", "first run, `concurrency: 64`"),
            _minutes(),
        ),
        "limits": _table(
            ("what", "at about"),
            (
                ("lockfile of 50 MiB: GitHub warns", f"{_count(reached('lockfile', 50 * MIB))} engines"),
                (
                    "lockfile of 100 MiB: GitHub refuses the push",
                    f"{_count(reached('lockfile', 100 * MIB))} engines",
                ),
                (
                    "journal of 100 MiB on the ledger: GitHub refuses the push",
                    f"{_count(int(float(f'{100 * MIB / JOURNAL_BYTES:.1e}')))} new engines in one run",
                ),
                (
                    "512 MB of memory for an apply with `--publish`",
                    f"{_count(reached('publish memory', 512))} engines",
                ),
                ("7 GB of memory for it", f"{_count(reached('publish memory', 7_000))} engines"),
                (
                    "a plan of 10 s of CPU time, nothing changed",
                    f"{_count(reached('unchanged cpu', 10))} engines",
                ),
            ),
        ),
    }


def _first_runs() -> Iterator[Sequence[str]]:
    for engines in SIZES:
        for at_once in (8, 64):
            run = first_run(engines, at_once, CALL_SECONDS, PUSH_SECONDS)
            yield (
                _count(engines),
                str(at_once),
                _time(run.seconds),
                f"{run.pushes:,}",
                f"{run.per_second:.0f}",
                _bytes(run.loose_bytes()),
            )


def _minutes() -> Iterator[Sequence[str]]:
    for engines in SIZES:
        plan, apply = (predicted(name, engines) for name in ("unchanged cpu", "publish cpu"))
        first = first_run(engines, 64, CALL_SECONDS, PUSH_SECONDS).seconds
        yield (
            _count(engines),
            *(f"{math.ceil((PREPARED + seconds) / 60):,}" for seconds in (plan, apply, first)),
        )


def _both(name: str, engines: int) -> str:
    return f"{_figure(f'{name} cpu', engines, _seconds)}, {_figure(f'{name} memory', engines, _megabytes)}"


def _size(figure: str, engines: int) -> str:
    return _figure(figure, engines, _bytes)


def _figure(figure: str, engines: int, shown: Callable[[float], str]) -> str:
    found = measured(figure, engines)
    return shown(found) if found is not None else f"{shown(predicted(figure, engines))}\\*"


def _seconds(seconds: float) -> str:
    return f"{seconds:.2g} s"


def _megabytes(megabytes: float) -> str:
    return f"{megabytes:.0f} MB" if megabytes < 1000 else f"{megabytes / 1000:.1f} GB"


def _bytes(number: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if number >= size:
            return f"{number / size:.2g} {unit}" if number < 10 * size else f"{number / size:.0f} {unit}"
    return f"{number:.0f} bytes"


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def _count(engines: int) -> str:
    return f"{engines:,}"


def _table(head: Sequence[str], rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
