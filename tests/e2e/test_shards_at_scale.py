"""Five thousand engines over eight shards, and shards that are killed at random; with RECONCILE_FULL_SHARDS=1 only.

The ideal is what one shard takes alone, or the processor time of all of them over the processors that are left beside
what else runs on this machine, whichever is more: eight shards on two processors cannot be as fast as on sixteen.
"""

from __future__ import annotations

import os
import random
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.e2e.actors import LOCKFILE, Actors
from tests.e2e.far_ends import LINK, Process, Project

pytestmark = pytest.mark.skipif(
    not os.environ.get("RECONCILE_FULL_SHARDS"), reason="RECONCILE_FULL_SHARDS=1 runs it"
)
ENGINES, SHARDS = 5000, 8
SLACK = 1.3
KILLS = 12


def busy() -> float:
    """Seconds that all processors of this machine were at work."""
    fields = [int(one) for one in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def used() -> float:
    """Seconds of that which this process and those that it waited for used."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)


def many(root: Path, platform: SandboxServer, count: int) -> Actors:
    """An origin with so many engines."""
    actors = Actors(root, platform, "e00000")
    first = actors.clones[0]
    for number in range(count):
        first.engine(f"e{number:05}", f"name: e{number:05}\nlocales: [de]\n{LINK}")
    first.commit()
    first.git("push", "--quiet", "origin", "main")
    first.run("plan", "--shards", str(SHARDS), "--out", str(root / "plan")).ended(0, f"{count:,} engines")
    return actors


def start(actors: Actors, machine: Project, shard: int, *words: str) -> Process:
    how = ("--shard", f"{shard}/{SHARDS}", "--yes", "--publish", "--log-level", "info", *words)
    command = [sys.executable, "-m", "reconciler", "apply", str(actors.root / "plan"), *how]
    env = machine.environment()
    with (machine.root.parent / f"{machine.root.name}.log").open("ab") as log:
        return subprocess.Popen(command, cwd=machine.root, env=env, stdout=log, stderr=log)


@pytest.mark.parametrize("job_seconds", [60.0])
def test_five_thousand_engines_over_eight_shards(tmp_path: Path, platform: SandboxServer) -> None:
    alone = many(tmp_path / "alone", platform, ENGINES)
    began = time.monotonic()
    assert start(alone, alone.clone(), 1).wait() == 0
    single = time.monotonic() - began
    made = platform.create_calls()

    actors = many(tmp_path / "all", platform, ENGINES)
    machines = [actors.clone() for _ in range(SHARDS)]
    began, before, ours = time.monotonic(), busy(), used()
    running = [start(actors, machine, number) for number, machine in enumerate(machines, start=1)]
    assert [one.wait() for one in running] == [0] * SHARDS
    wall, cpu = time.monotonic() - began, used() - ours
    others = max(busy() - before - cpu, 0.0)
    free = (os.cpu_count() or 1) - others / wall
    ideal = max(single, cpu / free)
    logs = "".join((one.root.parent / f"{one.root.name}.log").read_text() for one in machines)
    pushes = [
        (int(a), int(b))
        for a, b in re.findall(r"pushed to the ledger (\d+) times.*others were faster (\d+)", logs)
    ]
    print(
        f"\nalone {single:.1f} s; together {wall:.1f} s, {cpu:.1f} s of processor time, {free:.2f} processors free: "
        f"ideal {ideal:.1f} s, ratio {wall / ideal:.2f}; pushes and retries {pushes}"
    )
    closing = actors.clone()
    closing.run("collect", str(actors.root / "plan"), "--publish").ended(0)
    assert platform.create_calls() - made == ENGINES
    check_made_once(actors, ENGINES)
    assert len(pushes) == SHARDS
    assert max(tried for _, tried in pushes) <= 20 * max(done for done, _ in pushes)  # none starves
    assert wall <= SLACK * ideal


def check_made_once(actors: Actors, count: int) -> None:
    """The branch names an engine of its own for every key, of that name."""
    names = {str(one["id"]): str(one["name"]) for one in actors.platform.engines()}
    served = {key: entry["engineId"] for key, entry in actors.lock()["engines"].items()}
    assert {key: names[engine] for key, engine in served.items()} == {
        f"e{number:05}": f"e{number:05}" for number in range(count)
    }
    assert len(set(served.values())) == count
    assert len(actors.git("log", "--format=%h", "main", "--", LOCKFILE).split()) == 1


@pytest.mark.parametrize("job_seconds", [3.0])
@pytest.mark.parametrize("seed", [1])
def test_shards_that_are_killed_at_random(tmp_path: Path, platform: SandboxServer, seed: int) -> None:
    """Whatever dies is started again, on a machine of its own; what is in doubt then a person looks up."""
    rng, count = random.Random(seed), 400
    actors = many(tmp_path / "killed", platform, count)
    plan = str(actors.root / "plan")
    running = {number: start(actors, actors.clone(), number, *WAIT) for number in range(1, SHARDS + 1)}
    kills = 0
    while running:
        time.sleep(rng.uniform(0.2, 1.5))  # the point of this: no moment is chosen
        number = rng.choice(sorted(running))
        process = running[number]
        if process.poll() is None and kills < KILLS:
            process.kill()
            process.wait()
            kills += 1
            running[number] = start(actors, actors.clone(), number, *WAIT)
        for other in [one for one in running if running[one].poll() is not None]:
            assert running.pop(other).wait() in (0, 7)
    assert kills > 0
    ran = actors.clone().run("collect", plan, "--publish", "--lease-wait", "2m")
    assert ran.code in (0, 7), ran.out + ran.err
    names = [str(one["name"]) for one in platform.engines()]
    assert len(set(names)) == len(names), "made twice"
    settle(actors)
    assert sorted(str(one["name"]) for one in platform.engines()) == [f"e{one:05}" for one in range(count)]
    served = {key: entry["engineId"] for key, entry in actors.lock()["engines"].items()}
    known = {str(one["id"]): str(one["name"]) for one in platform.engines()}
    assert {key: known[engine] for key, engine in served.items()} == {
        f"e{n:05}": f"e{n:05}" for n in range(count)
    }


WAIT = ("--lease-ttl", "10s", "--lease-wait", "5m", "--concurrency", "4")


def settle(actors: Actors) -> None:
    """A person looks for the engine of each call in doubt, and tells the truth."""
    desk = actors.clone()
    desk.run("fetch").ended(0)
    names = {str(one["name"]): str(one["id"]) for one in actors.platform.engines()}
    for key, entry in sorted(actors.lock()["engines"].items()):
        if entry.get("pending", {}).get("status") != "uncertain":
            continue
        what = ("--engine-id", names[key]) if key in names else ("--retry",)
        desk.run("resolve", key, *what, "--no-publish").ended(0)
    actors.publish(desk).ended(0)
