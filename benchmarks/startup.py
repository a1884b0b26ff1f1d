"""What a command costs with one engine, the whole process: a plan with nothing to do, with an edit, with a new engine,
and the commands that scripts and hooks call.

The baseline is what any command with click pays, `python -c "import click"`. What is above it is ours: reading a few
files, git where it is asked, and the modules that the path imports. A module too many shows here at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.corpus import LOCKFILE, edited, project
from benchmarks.processes import RECONCILE, Command, Cost, medians_in_turn
from benchmarks.table import Row, cost, verdict

READS = 1.4  # times the baseline, for what reads only what is recorded or finds it unchanged
PARSES = 2.3  # the same where an engine file is read and checked
ROUNDS = 30
QUICK_ROUNDS = 8

_KEY = "team-000/engine-00000"
_FILE = f"engines/{_KEY}.yaml"
_AS_RECORDED: tuple[tuple[str, tuple[str, ...], float | None], ...] = (
    ("--dry-run, 1 engine, unchanged in a clone", ("--dry-run",), READS),
    (f"get {_KEY}", ("get", _KEY), READS),
    ("status", ("status",), None),
    ("export --format env", ("export", "--format", "env"), None),
    ("--version", ("--version",), None),
)
_AS_WRITTEN_HERE = (("--dry-run, 1 engine, unchanged since our run", ("--dry-run",), READS),)
_AS_EDITED = (
    ("--dry-run, 1 engine, edited", ("--dry-run",), PARSES),
    ("validate FILE, as a hook does", ("validate", _FILE), PARSES),
)
_AS_ADDED = (("--dry-run, 1 engine and a new one", ("--dry-run",), PARSES),)


def rows(quick: bool) -> Iterator[Row]:
    with project(1) as root:
        yield from _rows(root, _AS_RECORDED, quick)
        with edited(root, 1.0):
            yield from _rows(root, _AS_EDITED, quick)
        with _added(root):
            yield from _rows(root, _AS_ADDED, quick)
        _note_what_is_written(root)
        yield from _rows(root, _AS_WRITTEN_HERE, quick)


def _rows(
    root: Path, measured: tuple[tuple[str, tuple[str, ...], float | None], ...], quick: bool
) -> Iterator[Row]:
    commands = [Command([sys.executable, "-c", "import click"], root)]
    commands += [Command([RECONCILE, *words], root) for _, words, _ in measured]
    click, *costs = medians_in_turn(commands, QUICK_ROUNDS if quick else ROUNDS)
    for (what, _, target), ours in zip(measured, costs, strict=True):
        yield _row(f"reconcile {what}", ours, click, target)


def _row(what: str, ours: Cost, click: Cost, target: float | None) -> Row:
    ratio, cpu_ratio = ours.seconds / click.seconds, ours.cpu / click.cpu
    baseline = (
        f"import click: {click.seconds:.3f} s, CPU {click.cpu:.3f} s; {ratio:.2f} x, CPU {cpu_ratio:.2f} x"
    )
    if target is None:
        return Row(what, cost(ours), baseline, "", "")
    return Row(what, cost(ours), baseline, f"<= {target} x", verdict(ratio, cpu_ratio, target))


@contextlib.contextmanager
def _added(root: Path) -> Iterator[None]:
    """A second engine, that the lockfile does not know."""
    new = (root / _FILE).with_name("new.yaml")
    text = (root / _FILE).read_text(encoding="utf-8")
    new.write_text(text.replace("name: Engine", "name: New engine"), encoding="utf-8")
    try:
        yield
    finally:
        new.unlink()


def _note_what_is_written(root: Path) -> None:
    """As after an apply on this machine: git need not be asked who wrote the lockfile."""
    folder = root / ".git" / "reconcile"
    folder.mkdir()
    digest = hashlib.sha256((root / LOCKFILE).read_bytes()).hexdigest()
    (folder / "lockfile.sha256").write_text(f"sha256:{digest}", encoding="ascii")
