"""Plans over ten thousand engine files: unchanged, a few changed, and none recorded yet.

The unchanged plan reads the lockfile and hashes every file; the second also parses what changed, and asks git for the
old texts; the last parses and validates everything. Files are in the page cache, as they are after a checkout.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.corpus import edited, project
from benchmarks.processes import RECONCILE, Command, Cost, in_turn
from benchmarks.table import Row, cost, verdict

ENGINES = 10_000
QUICK_ENGINES = 1_000
SHARE_CHANGED = 0.01
WITHOUT_FAST_READER = 1_000  # engines: the reference reads thirty times slower
ROUNDS = 5
MOST_MEMORY = 150.0  # MB


# Seconds, for ten thousand.
UNCHANGED = 0.5
CHANGED = 1.0
NONE_RECORDED = 2.0

QUIET_CLICK = 0.044  # seconds that `import click` takes on the undisturbed 2-core runner the targets are for

_NO_LOCKFILE = {"RECONCILE_LOCKFILE": "none-yet.lock.json"}


def rows(quick: bool) -> Iterator[Row]:
    engines = QUICK_ENGINES if quick else ENGINES
    with project(engines) as root:
        yield _row(f"plan, {engines:,} engines, unchanged", root, UNCHANGED, quick, git_status=True)
        with edited(root, SHARE_CHANGED) as changed:
            yield _row(f"plan, {engines:,} engines, {changed:,} changed", root, CHANGED, quick)
        none = f"plan, {engines:,} engines, no lockfile"
        yield _row(none, root, NONE_RECORDED, quick, _NO_LOCKFILE)
    yield without_fast_reader()


def without_fast_reader(engines: int = WITHOUT_FAST_READER) -> Row:
    """The same where yaml-rs has no wheel: everything goes through ruamel.yaml. For information, without a target."""
    with project(engines) as root, tempfile.TemporaryDirectory() as hiding:
        Path(hiding, "yaml_rs.py").write_text("raise ImportError('hidden by the benchmark')\n")
        what = f"plan, {engines:,} engines, no lockfile, without yaml-rs"
        return _row(what, root, None, False, {**_NO_LOCKFILE, "PYTHONPATH": hiding})


def _row(
    what: str,
    root: Path,
    target: float | None,
    quick: bool,
    variables: Mapping[str, str] | None = None,
    git_status: bool = False,
) -> Row:
    commands = [
        Command([sys.executable, "-c", "import click"], root),
        Command([RECONCILE, "--dry-run"], root, variables or {}),
        Command(["git", "status", "--porcelain"], root),
    ]
    click, ours, *others = in_turn(commands if git_status else commands[:2], ROUNDS)
    baseline = f"import click: CPU {click.cpu:.3f} s, {ours.cpu / click.cpu:.1f} x"
    baseline += "".join(f"; git status: CPU {other.cpu:.3f} s" for other in others)
    if target is None:
        return Row(what, cost(ours), baseline, "", "")
    limit = f"<= {target} s, {MOST_MEMORY:.0f} MB" + " at 10,000" * quick
    return Row(what, cost(ours), baseline, limit, "" if quick else _verdict(ours, click, target))


def _verdict(ours: Cost, click: Cost, target: float) -> str:
    """The targets are for an undisturbed machine. When this one is slow, what click costs tells by how much."""
    if ours.megabytes > MOST_MEMORY:
        return "over"
    said = verdict(ours.seconds, ours.cpu, target)
    return "ok at a quiet pace" if said == "over" and ours.cpu * QUIET_CLICK / click.cpu <= target else said
