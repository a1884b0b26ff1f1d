"""A prune that is killed right after each of its durable steps: the next run ends it, and nothing in use is touched."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from reconciler.core.engine.fingerprint import blob_id, fingerprint
from reconciler.core.engine.spec import Spec, record_of
from reconciler.core.lockfile.entry import Entry, Provisioned, Retired, Superseded
from reconciler.core.lockfile.model import EMPTY, render
from reconciler.sandbox.server import SandboxServer
from tests import plain_http
from tests.e2e.far_ends import KEY, Project

KILLED = -9


@dataclass
class World:
    """A project whose lockfile lists engines as out of use: `idle` are to be deleted, `kept` are not."""

    project: Project
    publish: str
    kept: set[str]
    idle: set[str]
    said: str = ""

    def run(self, *words: str, **env: str) -> int:
        """How a command ended that may be killed."""
        process = self.project.start(*words, "--yes", self.publish, env=env)
        ran = self.project.finish(process, killed=True)
        self.said = ran.out + ran.err
        return ran.code

    def there(self) -> set[str]:
        engines = {
            one["id"] for one in plain_http.get(f"{self.project.url}/sandbox/engines").json()["engines"]
        }
        return engines & (self.kept | self.idle)

    def recorded(self) -> str:
        """The lockfile that counts."""
        if self.publish == "--no-publish":
            return self.project.lockfile.read_text()
        self.project.git("fetch", "--quiet")
        return self.project.git("show", "origin/main:engines.lock.json")


def made(project: Project) -> str:
    answer = plain_http.post(
        f"{project.url}/jobs/provisioning", json={"engine": {"name": "acme"}}, headers={"X-API-Key": KEY}
    )
    engine: str = answer.raise_for_status().json()["engineId"]
    return engine


def world(root: Path, platform: SandboxServer, publish: str) -> World:
    project = Project(root / "work", platform.url)
    project.git("init", "--quiet", "--initial-branch=main", "--template=")
    file = project.engine("acme", "name: acme\n")
    spec = Spec("acme")
    serving, *idle = (made(project) for _ in range(4))
    current = Provisioned(
        serving,
        fingerprint(spec),
        record_of(spec),
        {"engines/acme.yaml": blob_id(file.read_bytes(), 40)},
        provisioned_at="2026-11-24T11:00:00Z",
    )
    past = [Superseded(one, "v1:x", record_of(spec), "2026-11-24T11:00:00Z") for one in idle[:2]]
    gone = Retired(Entry(replace(current, engine_id=idle[2], fingerprint="v1:y")), "2026-11-24T11:00:00Z")
    lock = EMPTY.with_entry("acme", Entry(current, superseded=tuple(past))).with_retired("old", (gone,))
    project.lockfile.write_bytes(render(lock))
    project.commit()
    if publish == "--publish":
        subprocess.run(
            ["git", "init", "--quiet", "--bare", "--initial-branch=main", "--template=", root / "origin.git"],
            check=True,
        )
        project.git("remote", "add", "origin", str(root / "origin.git"))
        project.git("push", "--quiet", "--set-upstream", "origin", "main")
    return World(project, publish, {serving}, set(idle))


def steps_of(root: Path, platform: SandboxServer, publish: str) -> list[str]:
    told = root / "steps"
    whole = world(root / "whole", platform, publish)
    assert whole.run("prune", "--keep", "0", RECONCILE_TEST_STEPS_FILE=str(told)) == 0
    assert whole.there() == whole.kept
    return told.read_text().splitlines()


def check(one: World, after: str) -> None:
    """Whatever is gone is not in use, and whatever is in use is there."""
    assert one.kept <= one.there(), after
    lock = one.recorded()
    for engine in one.kept:
        assert engine in lock, after


@pytest.mark.parametrize("ended_by", ["apply", "prune"])
@pytest.mark.parametrize("publish", ["--no-publish", "--publish"])
def test_a_prune_that_is_killed_at_any_step_is_ended_by_the_next_run(
    tmp_path: Path, platform: SandboxServer, publish: str, ended_by: str
) -> None:
    steps = steps_of(tmp_path, platform, publish)
    assert "journal appended#1" in steps
    assert "engine to be deleted#3" in steps
    # With publishing, each way to end it gets every other step: together they are all of them.
    mine = steps if publish == "--no-publish" else steps[ended_by == "apply" :: 2]
    for number, step in enumerate(mine):
        one = world(tmp_path / str(number), platform, publish)
        code = one.run("prune", "--keep", "0", RECONCILE_TEST_KILL_AFTER_STEP=step)
        assert code in (KILLED, 0), step
        check(one, step)
        begun = one.idle - one.there()
        if publish == "--publish":  # nobody knows that it is dead
            one.project.run("lease", "break", "--yes")
        again = ("apply",) if ended_by == "apply" else ("prune", "--older-than", "9999d")
        assert one.run(*again) == 0, f"{step}\n{one.said}"
        check(one, step)
        lock = one.recorded()
        assert "pruning" not in lock, step
        assert {engine for engine in one.idle if engine not in lock} == one.idle - one.there(), step
        assert begun <= one.idle - one.there(), step
        assert one.run("prune", "--keep", "0") == 0, step
        assert one.there() == one.kept, step
        assert not any(engine in one.recorded() for engine in one.idle), step


@pytest.fixture(autouse=True)
def no_key_left(tmp_path: Path) -> Iterator[None]:
    yield
    for file in tmp_path.glob("*/work/**/*"):
        if file.is_file():
            assert KEY.encode() not in file.read_bytes(), file
