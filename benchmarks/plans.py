"""Plans over ten thousand engine files: unchanged, a few changed, and none recorded yet; and how the cost grows.

The unchanged plan reads the lockfile and hashes every file; the second also parses what changed, and asks git for the
old texts; the last parses and validates everything. Files are in the page cache, as they are after a checkout.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.corpus import edited, one_overlay_edited, project
from benchmarks.processes import RECONCILE, Command, Cost, in_turn
from benchmarks.table import Row, cost, verdict

ENGINES = 10_000
QUICK_ENGINES = 1_000
SHARE_CHANGED = 0.01
WITHOUT_FAST_READER = 1_000  # engines: the reference reads thirty times slower
SIZES = (100, 1_000, 10_000, 100_000)
QUICK_SIZES = (100, 1_000)
ROUNDS = 5

QUIET_CLICK = 0.044  # seconds that `import click` takes on the undisturbed 2-core runner the targets are for

_NO_LOCKFILE = {"RECONCILE_LOCKFILE": "none-yet.lock.json"}


@dataclass(frozen=True, slots=True)
class Target:
    """Seconds and MB (10^6 bytes) that the plan may take; None where nothing is asked."""

    seconds: float | None = None
    megabytes: float | None = None


UNCHANGED = Target(0.30, 60)
CHANGED = Target(0.45)
NONE_RECORDED = Target(1.2)
OF_SIZE = {10_000: UNCHANGED, 100_000: Target(2.0, 250)}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured, and beside what."""

    what: str
    root: Path
    target: Target = field(default_factory=Target)
    arguments: tuple[str, ...] = ("--dry-run",)
    variables: Mapping[str, str] = field(default_factory=dict)


def rows(quick: bool) -> Iterator[Row]:
    engines = QUICK_ENGINES if quick else ENGINES
    with project(engines) as root:
        with edited(root, SHARE_CHANGED) as changed:
            yield _row(Plan(f"plan, {engines:,} engines, {changed:,} changed", root, CHANGED), quick)
        none = f"plan, {engines:,} engines, no lockfile"
        yield _row(Plan(none, root, NONE_RECORDED, variables=_NO_LOCKFILE), quick)
        as_json = ("plan", "--format", "json")
        yield _row(Plan(f"{none}, JSON", root, NONE_RECORDED, as_json, _NO_LOCKFILE), quick)
    yield from with_overlays(engines, quick)
    yield from growth(quick)
    yield without_fast_reader()


def with_overlays(engines: int, quick: bool) -> Iterator[Row]:
    """A tenth of the engines has an overlay: nothing changed, and one of the overlays did."""
    with project(engines, engines // 10) as root:
        what = f"plan, {engines:,} engines, {engines // 10:,} overlays"
        yield _row(Plan(f"{what}, unchanged", root, UNCHANGED), quick)
        with one_overlay_edited(root):
            yield _row(Plan(f"{what}, one changed", root, CHANGED), quick)


def growth(quick: bool) -> Iterator[Row]:
    """Unchanged plans of ten times as many engines each time, and what one more engine costs."""
    sizes = QUICK_SIZES if quick else SIZES
    measured: list[tuple[int, Cost]] = []
    for engines in sizes:
        with project(engines) as root:
            plan = Plan(f"plan, {engines:,} engines, unchanged", root, OF_SIZE.get(engines, Target()))
            ours, row = _measured(plan, quick)
            measured.append((engines, ours))
            yield row
    (few, least), (many, most) = measured[0], measured[-1]
    each, bytes_each = (
        (getattr(most, of) - getattr(least, of)) / (many - few) for of in ("cpu", "megabytes")
    )
    steps = ", ".join(f"{engines:,}: {one.cpu:.3f} s" for engines, one in measured)
    yield Row(
        "plan, one more unchanged engine",
        f"CPU {each * 1e6:.0f} µs, {bytes_each * 1e3:.1f} KB",
        steps,
        "",
        "",
    )


def without_fast_reader(engines: int = WITHOUT_FAST_READER) -> Row:
    """The same where yaml-rs has no wheel: everything goes through ruamel.yaml. For information, without a target."""
    with project(engines) as root, tempfile.TemporaryDirectory() as hiding:
        Path(hiding, "yaml_rs.py").write_text("raise ImportError('hidden by the benchmark')\n")
        what = f"plan, {engines:,} engines, no lockfile, without yaml-rs"
        return _row(Plan(what, root, variables={**_NO_LOCKFILE, "PYTHONPATH": hiding}), False)


def _row(plan: Plan, quick: bool) -> Row:
    return _measured(plan, quick)[1]


def _measured(plan: Plan, quick: bool) -> tuple[Cost, Row]:
    click, ours, status = in_turn(
        [
            Command([sys.executable, "-c", "import click"], plan.root),
            Command([RECONCILE, *plan.arguments], plan.root, plan.variables),
            Command(["git", "status", "--porcelain"], plan.root),
        ],
        ROUNDS,
    )
    baseline = f"import click: CPU {click.cpu:.3f} s, {ours.cpu / click.cpu:.1f} x"
    baseline += f"; git status: CPU {status.cpu:.3f} s, {ours.cpu / status.cpu:.1f} x"
    if plan.target.seconds is None:
        return ours, Row(plan.what, cost(ours), baseline, "", "")
    limit = f"<= {plan.target.seconds} s" + (
        f", {plan.target.megabytes:.0f} MB" if plan.target.megabytes else ""
    )
    limit += " at 10,000" * quick
    return ours, Row(
        plan.what, cost(ours), baseline, limit, "" if quick else _verdict(ours, click, plan.target)
    )


def _verdict(ours: Cost, click: Cost, target: Target) -> str:
    """The targets are for an undisturbed machine. When this one is slow, what click costs tells by how much."""
    if target.seconds is None or (target.megabytes is not None and ours.megabytes > target.megabytes):
        return "over"
    said = verdict(ours.seconds, ours.cpu, target.seconds)
    slow = said == "over" and ours.cpu * QUIET_CLICK / click.cpu <= target.seconds
    return "ok at a quiet pace" if slow else said
