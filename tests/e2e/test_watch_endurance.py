"""Memory, descriptors, processes and git's objects of a watch stay as they are, however long it looks and applies.

The suite sees some dozen cycles. With RECONCILE_FULL_WATCH=1 it is 10,000 without a change and 300 with one, and
RECONCILE_WATCH_FILE names a file for what was measured.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.e2e.actors import Actors
from tests.e2e.far_ends import wait_until
from tests.e2e.watching import Watch, children_of

FULL = bool(os.environ.get("RECONCILE_FULL_WATCH"))
IDLE, CHANGES = (10_000, 300) if FULL else (15, 1)
GROWTH = 4 << 10  # KB of resident memory that may come on top once it is warm


class Measured:
    """What one watch takes, from outside."""

    def __init__(self, watch: Watch, clone: Path) -> None:
        self._watch = watch
        self._clone = clone
        self.lines: list[dict[str, object]] = []

    def looks(self) -> float:
        return self._watch.metric("reconcile_watch_looks_total") or 0.0

    def take(self, phase: str) -> dict[str, float]:
        process = Path(f"/proc/{self._watch.process.pid}")
        status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        used = (process / "stat").read_text().rpartition(")")[2].split()
        ticks = os.sysconf("SC_CLK_TCK")
        found = {
            "looks": self.looks(),
            "rss_kb": float(status["VmRSS"].split()[0]),
            "threads": float(status["Threads"]),
            "descriptors": float(min(self._open() for _ in range(100))),
            "cpu_seconds": (int(used[11]) + int(used[12])) / ticks,
            "cpu_seconds_with_git": sum(int(one) for one in used[11:15]) / ticks,
            "loose_objects": float(sum(1 for _ in (self._clone / ".git/objects").glob("??/*"))),
        }
        self.lines.append({"phase": phase, **found})
        if (file := os.environ.get("RECONCILE_WATCH_FILE")) is not None:
            Path(file).write_text("".join(f"{json.dumps(line)}\n" for line in self.lines))
        return found

    def _open(self) -> int:
        """Descriptors now; while a git runs there are some more, so that the least of many counts."""
        time.sleep(0.005)
        return len(os.listdir(f"/proc/{self._watch.process.pid}/fd"))

    def until(self, looks: float, phase: str) -> dict[str, float]:
        step = max(1.0, (looks - self.looks()) / 10)
        while (now := self.looks()) < looks:
            wait_until(lambda now=now: self.looks() >= min(looks, now + step), "looks", 600)  # type: ignore[misc]
            found = self.take(phase)
        return found


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_nothing_grows(tmp_path: Path, platform: SandboxServer) -> None:
    actors = Actors(tmp_path, platform, "acme", "other")
    clone = actors.clone()
    here = str(Path(__file__).resolve().parents[2])
    watch = Watch(clone, "--interval", "10ms", program="tests.e2e.watch_cycles", env={"PYTHONPATH": here})
    try:
        watch.listening()
        watch.until("moved")
        measured = Measured(watch, clone.root)
        warm = measured.until(measured.looks() + IDLE / 10, "warm")
        idle = measured.until(measured.looks() + IDLE, "idle")
        for number in range(CHANGES):
            actors.edit("acme", f"Edit {number}")
            watch.until("engine done", times=3 + number)
            if number % 10 == 0:
                measured.take("changes")
        wait_until(lambda: not children_of(watch.process.pid), "no process is left")
        last = measured.take("end")
        assert watch.end() == 0
    finally:
        if watch.process.poll() is None:
            watch.kill()
    assert idle["rss_kb"] <= warm["rss_kb"] + GROWTH
    assert last["rss_kb"] <= warm["rss_kb"] + 2 * GROWTH
    assert {idle["threads"], last["threads"]} <= {warm["threads"], warm["threads"] + 1}
    assert max(idle["descriptors"], last["descriptors"]) <= warm["descriptors"] + 2
    assert last["loose_objects"] < 10_000
    assert actors.made == 2 + CHANGES
