"""What `--publish` adds to an apply of 1, 10 and 100 new engines, against a bare origin on the same disk.

The platform answers at once and the engines have no sources, so nothing is waited for: what remains is our own work,
git's processes, and the pushes. Each round is a clone of its own, with and without `--publish` in turn. Over a network
every push and every look takes the remote's time on top, which is why the pushes are counted.
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.far_platform import KEY, platform
from benchmarks.processes import RECONCILE, Command, Cost, cost_of
from benchmarks.table import Row, cost
from benchmarks.yardstick import pace

SIZES = (1, 10, 100)
ROUNDS = 3
LEDGER = "refs/reconcile/production"
_GIT = ("git", "-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.com")


def rows(quick: bool = False) -> Iterator[Row]:
    """A row for each size; the quick ones are the first two, once."""
    with platform(latency=0.0, job_seconds=0.0) as url:
        for engines in SIZES[:2] if quick else SIZES:
            yield _row(engines, url, 1 if quick else ROUNDS)


def _row(engines: int, url: str, rounds: int) -> Row:
    with_, without, pushes = [], [], 0
    for _ in range(rounds):
        with clone_with(engines) as (origin, clone):
            without.append(_apply(clone, url, "--no-publish"))
        with clone_with(engines) as (origin, clone):
            with_.append(_apply(clone, url, "--publish"))
            pushes = _pushes(origin)
    published, plain = _best(with_), _best(without)
    return Row(
        f"apply {engines} new engine{'s' if engines > 1 else ''} with --publish, {pushes} pushes",
        f"{cost(published)}, {published.seconds - plain.seconds:+.2f} s",
        f"without: {cost(plain)}; yardstick {pace():.2f} s",
        "<= 3 pushes for one wave" if engines <= 16 else "",
        ("ok" if pushes <= 3 else "MISSED") if engines <= 16 else "",
    )


def _apply(clone: Path, url: str, flag: str) -> Cost:
    variables = {"LINGO_API_URL": url, "LINGO_API_KEY": KEY}
    return cost_of(Command([RECONCILE, "apply", "--yes", flag], clone, variables))


def _best(costs: list[Cost]) -> Cost:
    return min(costs, key=lambda cost: cost.seconds)


@contextlib.contextmanager
def clone_with(engines: int) -> Iterator[tuple[Path, Path]]:
    """A bare origin with so many engine files and no lockfile, and a clone of it."""
    with tempfile.TemporaryDirectory(prefix="reconcile-bench-") as folder:
        origin, clone = Path(folder, "origin.git"), Path(folder, "clone")
        _git(Path(folder), "init", "--quiet", "--bare", "--initial-branch=main", str(origin))
        _git(Path(folder), "clone", "--quiet", str(origin), str(clone))
        (clone / "engines").mkdir()
        for number in range(engines):
            (clone / f"engines/engine-{number:03}.yaml").write_text(
                f"name: Engine {number}\nlocales: [de, fr]\n"
            )
        _git(clone, "add", ".")
        _git(clone, "commit", "--quiet", "--no-verify", "-m", "Engines")
        _git(clone, "push", "--quiet", "origin", "HEAD:main")
        # Every push is one line there.
        _git(origin, "config", "core.logAllRefUpdates", "always")
        yield origin, clone


def _pushes(origin: Path) -> int:
    """Every push moves the ledger once."""
    return len(_git(origin, "reflog", "show", LEDGER).splitlines())


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run([*_GIT, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def main() -> None:
    for row in rows():
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
