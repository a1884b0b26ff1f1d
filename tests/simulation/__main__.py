"""`python -m tests.simulation SEEDS [FIRST]`: many schedules over all cores; what breaks a law is shrunk and printed.

With `--processes`, few of those with real processes.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.e2e.far_ends import Project, end_what_runs
from tests.e2e.warm_start import WarmStart
from tests.simulation.real_world import RealWorld
from tests.simulation.shrinking import shrunk, simulate

Found = tuple[str, str]  # the law that is broken, and how


def check(seed: int) -> Found | None:
    """One schedule; None when it breaks no law."""
    broken = simulate(seed)
    if broken is None:
        return None
    best = shrunk(broken)
    return best.violation.law, str(best)


def check_processes(seed: int) -> Found | None:
    """The same with real processes."""
    with WarmStart() as warm, tempfile.TemporaryDirectory(prefix="simulation-") as root:
        Project.warm = warm
        try:
            RealWorld.play(seed, Path(root))
        except AssertionError as error:
            return str(error).splitlines()[0][:60], f"seed {seed}: {error}"
        finally:
            end_what_runs()
    return None


def main(words: list[str]) -> int:
    processes = "--processes" in words
    numbers = [int(word) for word in words if word != "--processes"]
    seeds, first = (*numbers, *(100, 0)[len(numbers) :])
    one: Callable[[int], Found | None] = check_processes if processes else check
    started = time.monotonic()
    broken: Counter[str] = Counter()
    workers = int(os.environ.get("SIMULATION_WORKERS", os.cpu_count() or 1))
    with ProcessPoolExecutor(workers) as pool:
        for found in pool.map(one, range(first, first + seeds), chunksize=1 if processes else 16):
            if found is not None:
                broken[found[0]] += 1
                print(f"{found[1]}\n{'═' * 100}", flush=True)
    took = time.monotonic() - started
    print(f"{seeds} seeds from {first} in {took:.0f} s: {sum(broken.values())} broke a law {dict(broken)}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
