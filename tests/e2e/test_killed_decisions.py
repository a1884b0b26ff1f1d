"""What a person decides, in a command that is killed right after any of its durable steps: typed again, it comes to the
same, no engine is lost, and none is made.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.sandbox.server import SandboxServer
from tests import plain_http
from tests.e2e.far_ends import KEY, Project

KILLED = -9


@dataclass
class World:
    """A copy of a clone and its origin. `publish` is for the commands that have it."""

    root: Path
    url: str
    publish: list[str]

    @property
    def project(self) -> Project:
        return Project(self.root / "work", self.url)

    def copy(self, root: Path) -> World:
        shutil.copytree(self.root, root, symlinks=True)
        made = World(root, self.url, self.publish)
        made.project.git("remote", "set-url", "origin", str(root / "origin.git"))
        return made

    def run(self, *words: str, **env: str) -> tuple[int, str]:
        """How it ended, and what it said."""
        ran = self.project.finish(self.project.start(*words, *self.publish, env=env), killed=True)
        return ran.code, ran.out + ran.err

    def entry(self) -> dict[str, Any]:
        """As it counts: on the branch, where that is published."""
        text = self.project.lockfile.read_text() if self.project.lockfile.exists() else '{"engines": {}}'
        if "--publish" in self.publish:
            self.project.git("fetch", "--quiet")
            text = self.project.git("show", "origin/main:engines.lock.json")
        found: dict[str, Any] = json.loads(text)["engines"].get("acme", {})
        return found

    def creates(self) -> int:
        return int(plain_http.get(f"{self.url}/sandbox").json()["createCalls"])


def steps_of(world: World, root: Path, *words: str) -> list[str]:
    """Those of a command that nobody kills."""
    told = root / "steps"
    code, said = world.copy(root / "whole").run(*words, RECONCILE_TEST_STEPS_FILE=str(told))
    assert code == 0, said
    return told.read_text().splitlines()


def killed_at_every_step(world: World, root: Path, *words: str) -> Iterator[tuple[World, str]]:
    """A world for each step, in which the command was killed and then typed again."""
    steps = steps_of(world, root, *words)
    assert steps
    for number, step in enumerate(steps):
        one = world.copy(root / str(number))
        assert one.run(*words, RECONCILE_TEST_KILL_AFTER_STEP=step)[0] == KILLED, step
        if "--publish" in world.publish:  # nobody knows that it is dead
            Project(one.root / "work", one.url).run("lease", "break", "--yes")
        code, said = one.run(*words)
        assert code in (0, 64), f"{step}\n{said}"  # 64: it is done already
        yield one, step


@pytest.fixture(params=["--no-publish", "--publish"])
def replaced(tmp_path: Path, platform: SandboxServer, request: pytest.FixtureRequest) -> World:
    """A clone whose engine was replaced once."""
    root = tmp_path / "template"
    made = World(root, platform.url, [request.param])
    root.mkdir()
    empty = ["--quiet", "--bare", "--initial-branch=main", "--template="]
    subprocess.run(["git", "init", *empty, str(root / "origin.git")], check=True)
    project = made.project
    project.git("init", "--quiet", "--initial-branch=main", "--template=")
    project.git("remote", "add", "origin", str(root / "origin.git"))
    for name in ("One", "Two"):
        project.engine("acme", f"name: {name}\n")
        project.commit()
        project.git("push", "--quiet", "--set-upstream", "origin", "main")
        project.apply("--publish").ended(0)
        project.git("add", "engines.lock.json")
        project.git("pull", "--quiet", "--ff-only")
    return made


def test_a_rollback(replaced: World, tmp_path: Path) -> None:
    before, creates = replaced.entry(), replaced.creates()
    two, one = before["engineId"], before["superseded"][-1]["engineId"]
    for world, step in killed_at_every_step(replaced, tmp_path, "rollback", "acme", "--to", one, "--yes"):
        entry = world.entry()
        assert (entry["engineId"], [each["engineId"] for each in entry["superseded"]]) == (one, [two]), step
        assert entry["hold"], step
        assert world.run("apply", "--yes")[0] == 0, step
        assert world.entry() == entry, step
    assert replaced.creates() == creates


def test_a_release(replaced: World, tmp_path: Path) -> None:
    two, creates = replaced.entry()["engineId"], replaced.creates()
    assert replaced.run("rollback", "acme", "--yes")[0] == 0
    for world, step in killed_at_every_step(replaced, tmp_path, "release", "acme"):
        assert "hold" not in world.entry(), step
        assert world.run("apply", "--yes")[0] == 0, step
        assert world.entry()["engineId"] == two, step
    assert replaced.creates() == creates


@pytest.mark.parametrize("own_file", [False, True], ids=["starter file", "own file"])
def test_an_import(tmp_path: Path, platform: SandboxServer, own_file: bool) -> None:
    world = World(tmp_path / "template", platform.url, [])
    project = world.project
    project.git("init", "--quiet", "--initial-branch=main", "--template=")
    project.git("remote", "add", "origin", "nowhere")
    body = {"engine": {"name": "Old", "description": "Made in the dashboard"}, "locales": ["de"]}
    made = plain_http.post(f"{platform.url}/jobs/provisioning", headers={"X-API-Key": KEY}, json=body)
    engine, creates = made.raise_for_status().json()["engineId"], world.creates()
    if own_file:
        project.engine("acme", "name: Mine\n")
    more = ["--as-is"] if own_file else []
    for one, step in killed_at_every_step(world, tmp_path, "import", "acme", engine, *more):
        assert one.entry()["engineId"] == engine, step
        assert one.run("plan", "--detailed-exitcode")[0] == 0, step
    assert world.creates() == creates


@pytest.mark.parametrize(("publish", "decision"), [("--publish", "--forget"), ("--no-publish", "--retry")])
def test_a_resolution(tmp_path: Path, platform: SandboxServer, publish: str, decision: str) -> None:
    root = tmp_path / "template"
    world = World(root, platform.url, [publish])
    root.mkdir()
    empty = ["--quiet", "--bare", "--initial-branch=main", "--template="]
    subprocess.run(["git", "init", *empty, str(root / "origin.git")], check=True)
    project = world.project
    project.git("init", "--quiet", "--initial-branch=main", "--template=")
    project.git("remote", "add", "origin", str(root / "origin.git"))
    project.engine("acme", "name: Acme\ndescription: '[sandbox: lost-answer]'\n")
    project.commit()
    project.git("push", "--quiet", "--set-upstream", "origin", "main")
    assert world.run("apply", "--yes")[0] == 7
    if publish == "--publish":
        project.git("add", "engines.lock.json")
        project.git("pull", "--quiet", "--ff-only")
    assert world.entry()["pending"]["status"] == "uncertain"
    creates = world.creates()
    for one, step in killed_at_every_step(world, tmp_path, "resolve", "acme", decision):
        pending = one.entry().get("pending", {"status": "retried"})
        assert pending["status"] == ("failed" if decision == "--forget" else "retried"), step
    assert world.creates() == creates
