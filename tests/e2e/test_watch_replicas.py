"""Two replicas of a watch, and the one that holds the lease is killed in the middle of an apply.

The suite kills two: one watch with all that it has started, as a pod dies, and one watch alone, whose run then ends in
order. With RECONCILE_FULL_WATCH=1 fifty are killed at random moments, and RECONCILE_WATCH_FILE names a file for how
long each take-over took.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.e2e.actors import LOCKFILE, Actors
from tests.e2e.far_ends import Project, wait_until
from tests.e2e.watching import Watch

FULL = bool(os.environ.get("RECONCILE_FULL_WATCH"))
KILLS = 50 if FULL else 2
TTL = 6.0  # seconds of the lease
SKEW = 20.0  # seconds that a lease is respected longer
SLACK = 15.0  # seconds for looks and a run on a busy machine


class Replicas:
    """Two clones, each with its disk, which a killed one finds again."""

    def __init__(self, actors: Actors) -> None:
        self.actors = actors
        self.clones = [actors.clone("replica"), actors.clone("replica")]
        self.watches = [self._start(clone) for clone in self.clones]
        self.edits = 0

    def _start(self, clone: Project) -> Watch:
        return Watch(clone, "--lease-ttl", f"{TTL:.0f}s", "--refresh-interval", "off").listening()

    def edit(self) -> str:
        self.edits += 1
        name = f"Edit {self.edits}"
        self.actors.edit("acme", name, running=True)
        return name

    def holder(self, marks: list[int]) -> int | None:
        """The replica that has begun an apply since these numbers of events."""
        for number, watch in enumerate(self.watches):
            if any("to create" in one.get("line", "") for one in watch.events[marks[number] :]):
                return number
        return None

    def marks(self) -> list[int]:
        return [len(watch.events) for watch in self.watches]

    def restart(self, number: int) -> None:
        self.watches[number] = self._start(self.clones[number])

    def end(self) -> None:
        for watch in self.watches:
            if watch.process.poll() is None:
                assert watch.end() == 0, watch.events

    def kill(self) -> None:
        for watch in self.watches:
            if watch.process.poll() is None:
                watch.kill()

    # ── what is recorded ───────────────────────────────────────────────────────────────────────────────────────────

    def serves(self, name: str) -> bool:
        if not self.actors.git("ls-tree", "main", LOCKFILE):
            return False
        entry: dict[str, Any] = self.actors.lock()["engines"].get("acme", {})
        return bool(entry.get("spec", {}).get("name") == name and not entry.keys() & {"pending", "uncertain"})

    def resolve(self, name: str) -> bool:
        """What a person does about a create call that nobody knows the answer of; whether there was one."""
        desk = self.actors.clone("desk")
        actions = desk.run("plan", "--fetch", "--format", "json").json["actions"]
        asked = [one["operationId"] for one in actions if one.get("condition") == "uncertain"]
        for operation in asked:
            lock = self.actors.git("show", f"main:{LOCKFILE}")
            made = [one["id"] for one in self.actors.platform.engines() if one["name"] == name]
            lost = [str(engine) for engine in made if f'"{engine}"' not in lock]
            answer = ("--engine-id", lost[0]) if lost else ("--retry",)
            desk.run("resolve", "acme", *answer, "--operation", operation, "--publish").ended(0)
        return bool(asked)


def take_over(replicas: Replicas, *, whole: bool, after: float) -> tuple[float, bool]:
    """Kill the holder so many seconds into its apply. How long it took until the other one had done it all, and whether
    a call had to be resolved."""
    marks, name = replicas.marks(), replicas.edit()
    wait_until(lambda: replicas.holder(marks) is not None, "a replica applies")
    number = replicas.holder(marks)
    assert number is not None
    time.sleep(after)  # chance: the moment of the kill
    watch = replicas.watches[number]
    if whole:
        watch.kill()
    else:
        os.kill(watch.process.pid, signal.SIGKILL)
        watch.process.wait()
    killed = time.monotonic()
    other = replicas.watches[1 - number]
    before = len(other.said("engine uncertain"))
    wait_until(
        lambda: replicas.serves(name) or len(other.said("engine uncertain")) > before,
        "the other takes over",
        120,
    )
    took = time.monotonic() - killed
    resolved = not replicas.serves(name) and replicas.resolve(name)
    wait_until(lambda: replicas.serves(name), "all is done", 120)
    replicas.restart(number)
    return took, resolved


def check_nothing_is_pushed(replicas: Replicas) -> None:
    """Both look on, and the remote stays as it is."""

    def looks() -> list[float]:
        return [watch.metric("reconcile_watch_looks_total") or 0.0 for watch in replicas.watches]

    def refs() -> str:
        return replicas.actors.git("for-each-ref", "--format=%(refname) %(objectname)")

    wait_until(lambda: all(watch.get("/readyz")[0] == 200 for watch in replicas.watches), "both are ready")
    seen = [one + 3 for one in looks()]
    wait_until(lambda: all(now > then for now, then in zip(looks(), seen, strict=True)), "both have settled")
    before, seen = refs(), [one + 3 for one in looks()]
    wait_until(lambda: all(now > then for now, then in zip(looks(), seen, strict=True)), "both look on")
    assert refs() == before


@pytest.mark.parametrize("job_seconds", [1.5])
def test_a_holder_is_killed_and_the_other_takes_over(tmp_path: Path, platform: SandboxServer) -> None:
    replicas = Replicas(Actors(tmp_path, platform, "acme"))
    chance = random.Random(17)
    lines = []
    try:
        wait_until(lambda: replicas.serves("acme"), "the first engine")
        for kill in range(KILLS):
            whole = kill % 4 != 1
            took, resolved = take_over(replicas, whole=whole, after=chance.uniform(0.0, 2.0) if FULL else 0.3)
            assert took < TTL + SKEW + SLACK
            lines.append({"kill": kill, "whole": whole, "seconds": round(took, 1), "resolved": resolved})
            if (file := os.environ.get("RECONCILE_WATCH_FILE")) is not None:
                Path(file).write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        check_nothing_is_pushed(replicas)
        replicas.end()
    except AssertionError:
        for watch in replicas.watches:
            print(*watch.events[-30:], sep="\n")
        raise
    finally:
        replicas.kill()
    names = [engine["name"] for engine in platform.engines()]
    assert sorted(names) == sorted(["acme", *(f"Edit {number + 1}" for number in range(KILLS))])
    recorded = replicas.actors.git("show", f"main:{LOCKFILE}")
    assert [engine for engine in replicas.actors.engines() if recorded.count(f'"{engine}"') != 1] == []
