"""One row of `measured.json`: what a project of so many engines costs here, in processes of their own.

`python -m benchmarks.scale.measure 1000 10000 100000` measures one size after the other and prints the rows as JSON;
the largest takes ten minutes and 2 GB of disk. Times are CPU times, the best of a few rounds: the machine is shared.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.corpus import LOCKFILE, edited, project
from benchmarks.edits import apply, copy, edit, published
from benchmarks.far_platform import platform
from benchmarks.processes import RECONCILE, Command, Cost, in_turn
from benchmarks.publish import LEDGER, clone_with
from benchmarks.yardstick import pace

ROUNDS = 3
# Commits of the lockfile, each with one other entry, that git then packs.
HISTORY = 5
# New engines in one run, each call answered after 0.1 s, eight at a time.
NEW = 1_000
LATENCY = 0.1
_GIT = ("git", "-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.com")


def measured(engines: int, url: str) -> dict[str, Any]:
    with project(engines) as root:
        lockfile = (root / LOCKFILE).stat().st_size
        plan = [RECONCILE, "--dry-run"]
        click, unchanged, first = in_turn(
            [
                Command([sys.executable, "-c", "import click"], root),
                Command(plan, root),
                Command(plan, root, {"RECONCILE_LOCKFILE": "none-yet.lock.json"}),
            ],
            ROUNDS,
        )
        with edited(root, 1 / engines):
            (one,) = in_turn([Command(plan, root)], ROUNDS)
        publishing, sent = _published(root, url)
        return {
            "engines": engines,
            "lockfile_bytes": lockfile,
            "lockfile_stored_bytes": int(
                _git(root, "cat-file", "--batch-check=%(objectsize:disk)", stdin=f"HEAD:{LOCKFILE}\n")
            ),
            "history_bytes_each": _history(root),
            "unchanged": dataclasses.asdict(unchanged),
            "first": dataclasses.asdict(first),
            "one_edited": dataclasses.asdict(one),
            "publish_one": dataclasses.asdict(publishing),
            "publish_one_sends": sent,
            "click_cpu": click.cpu,
            "pace": pace(),
        }


def _published(root: Path, url: str) -> tuple[Cost, str]:
    """An apply of one edited engine, and what it pushed, after a first one that sent the whole lockfile."""
    with copy(root) as (origin, clone):
        edit(origin, clone, 6)
        apply(clone, url, "--publish")
        before = _git(origin, "rev-parse", LEDGER).strip()
        _git(clone, "fetch", "--quiet", "origin")
        _git(clone, "reset", "--quiet", "--hard", "@{upstream}")
        edit(origin, clone, 7)
        return apply(clone, url, "--publish"), published(origin, before)


def _history(root: Path) -> int:
    """Bytes that one more commit of the lockfile keeps in a repository that git has packed."""
    with copy(root) as (_, clone):
        before = _packed(clone)
        file = clone / LOCKFILE
        text = file.read_text(encoding="utf-8")
        for number in range(HISTORY):
            text = text.replace(f'"eng_{number * 37:016x}"', f'"eng_{number:015x}f"')
            file.write_text(text, encoding="utf-8")
            _git(clone, "commit", "--quiet", "--no-verify", "--message", "Record", LOCKFILE)
        return (_packed(clone) - before) // HISTORY


def _packed(clone: Path) -> int:
    _git(clone, "gc", "--quiet")
    sizes = dict(line.split(": ") for line in _git(clone, "count-objects", "-v").splitlines())
    return int(sizes["size-pack"]) * 1024


def many_new(engines: int = NEW) -> dict[str, Any]:
    """A first run that creates so many, with `--publish`."""
    with platform(latency=LATENCY, job_seconds=0.0) as url, clone_with(engines) as (origin, clone):
        cost = apply(clone, url, "--publish")
        pushes = len(_git(origin, "reflog", "show", LEDGER).splitlines())
        ledger = _ledger_bytes(origin)
        _git(origin, "gc", "--quiet")
        packed = _ledger_bytes(origin)
    return {
        "engines": engines,
        "latency": LATENCY,
        **dataclasses.asdict(cost),
        "pushes": pushes,
        "ledger_bytes": ledger,
        "ledger_packed_bytes": packed,
    }


def _ledger_bytes(origin: Path) -> int:
    return int(_git(origin, "rev-list", "--disk-usage", "--objects", LEDGER))


def _git(folder: Path, *arguments: str, stdin: str = "") -> str:
    done = subprocess.run(
        [*_GIT, *arguments], cwd=folder, check=True, capture_output=True, text=True, input=stdin
    )
    return done.stdout


def main() -> None:
    with platform(latency=0.0, job_seconds=0.1) as url:
        for engines in map(int, sys.argv[1:]):
            print(json.dumps(measured(engines, url)), flush=True)
    print(json.dumps(many_new()), flush=True)


if __name__ == "__main__":
    main()
