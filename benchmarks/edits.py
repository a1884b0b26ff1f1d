"""An apply of one edited engine among ten thousand, with and without `--publish`, and what it puts on the remote.

The platform answers at once, and the job takes 0.1 s. The origin is a bare repository on the same disk, so the CPU time
of git's processes on both sides is in the figures; over a network the pushes count, and the bytes that they send.
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.corpus import project
from benchmarks.far_platform import KEY, platform
from benchmarks.processes import RECONCILE, Command, Cost, cost_of
from benchmarks.publish import LEDGER
from benchmarks.table import Row, cost, verdict

ENGINES = 10_000
QUICK_ENGINES = 1_000
ROUNDS = 3
TARGETS = {"--publish": 1.2, "--no-publish": 0.8}  # seconds
MOST_MEMORY = 120.0  # MB
_GIT = ("git", "-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.com")


def rows(quick: bool) -> Iterator[Row]:
    engines = QUICK_ENGINES if quick else ENGINES
    with platform(latency=0.0, job_seconds=0.1) as url, project(engines) as root, copy(root) as first:
        edit(*first, 6)
        apply(
            first[1], url, "--publish"
        )  # the very first run has no ledger to go on from, and sends the whole file
        costs: dict[str, list[Cost]] = {flag: [] for flag in TARGETS}
        sent = ""
        for _ in range(1 if quick else ROUNDS):
            for flag, seen in costs.items():
                with copy(first[0]) as (origin, clone):
                    before = _git(origin, "rev-parse", LEDGER).strip()
                    edit(origin, clone, 7)
                    seen.append(apply(clone, url, flag))
                    sent = published(origin, before) if flag == "--publish" else sent
    for flag, target in TARGETS.items():
        yield _row(engines, flag, costs[flag], target, sent if flag == "--publish" else "", quick)


def apply(clone: Path, url: str, flag: str) -> Cost:
    variables = {"LINGO_API_URL": url, "LINGO_API_KEY": KEY}
    return cost_of(Command([RECONCILE, "apply", "--yes", flag], clone, variables))


def _row(engines: int, flag: str, costs: list[Cost], target: float, beside: str, quick: bool) -> Row:
    best = min(costs, key=lambda one: one.seconds)
    said = "over" if best.megabytes > MOST_MEMORY else verdict(best.seconds, best.cpu, target)
    limit = f"<= {target} s, {MOST_MEMORY:.0f} MB" + " at 10,000" * quick
    what = f"apply {flag}, 1 of {engines:,} engines edited"
    return Row(what, cost(best), beside, limit, "" if quick else said)


@contextlib.contextmanager
def copy(repository: Path) -> Iterator[tuple[Path, Path]]:
    """A bare origin with all that the repository has, and a clone of it."""
    with tempfile.TemporaryDirectory(prefix="reconcile-bench-", ignore_cleanup_errors=True) as folder:
        origin, clone = Path(folder, "origin.git"), Path(folder, "clone")
        _git(Path(folder), "clone", "--quiet", "--mirror", str(repository), str(origin))
        _git(origin, "config", "core.logAllRefUpdates", "always")  # every push is one line there
        _git(Path(folder), "clone", "--quiet", str(origin), str(clone))
        for one in (origin, clone):  # git would still be tidying up when the folder goes
            _git(one, "config", "gc.auto", "0")
            _git(one, "config", "maintenance.auto", "false")
        yield origin, clone


def edit(origin: Path, clone: Path, number: int) -> None:
    file = clone / f"engines/team-000/engine-{number:05}.yaml"
    file.write_text(file.read_text().replace("locales: [", "locales: [nl, "))
    _git(clone, "commit", "--quiet", "--all", "--no-verify", "-m", "Edit")
    _git(clone, "push", "--quiet", str(origin), "HEAD")


def published(origin: Path, before: str) -> str:
    """What the run pushed: how often, how many commits, and how many bytes a thin pack of them has."""
    pushes = _git(origin, "reflog", "show", LEDGER).splitlines()
    new = (LEDGER, "HEAD", f"^{before}", "^HEAD~1")
    commits = _git(origin, "rev-list", "--count", *new).strip()
    pack = subprocess.run(
        ["git", "pack-objects", "--revs", "--thin", "--stdout", "-q"],
        cwd=origin,
        input="".join(f"{one}\n" for one in new).encode(),
        check=True,
        capture_output=True,
    )
    return f"{len(pushes)} pushes, {commits} commits, {len(pack.stdout):,} bytes"


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run([*_GIT, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout
