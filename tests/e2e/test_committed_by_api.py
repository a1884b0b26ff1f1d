"""`publish_by: api`: GitHub commits the lockfile to a branch that takes signed commits alone; git pushes the ledger."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.e2e.far_ends import Project, Ran
from tests.github_commits_fake import VERIFIED, FakeCommits
from tests.github_fake import REPOSITORY, TOKEN, Trouble

LEDGER = "refs/reconcile/production"
SIGNED_ONLY = """#!/bin/sh
case "$1" in refs/heads/*) echo "Commits must have verified signatures." >&2; exit 1 ;; esac
"""
OUTPUT = "name: Acme\nlocales: [de]\noutputs: [{file: i18n.json, pointer: /id}]\n"


@dataclass
class Scene:
    """`main` of the origin takes no push. Every apply is that of a fresh runner."""

    origin: Path
    github: FakeCommits
    platform: SandboxServer
    runners: int = 0

    def clone(self) -> Project:
        self.runners += 1
        runner = Project(self.origin.parent / f"runner{self.runners}", self.platform.url)
        runner.git("clone", "--quiet", "--template=", f"file://{self.origin}", ".")
        return runner

    def apply(self, *words: str, killed: bool = False, **env: str | None) -> Ran:
        runner = self.clone()
        variables = {
            "GITHUB_API_URL": self.github.url,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_TOKEN": TOKEN,
        }
        started = runner.start("apply", "--yes", "--publish", *words, env=variables | {"CI": "true"} | env)
        ran = runner.finish(started, killed=killed)
        assert TOKEN not in ran.out + ran.err
        return ran

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.origin), *arguments]
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()

    def file(self, name: str, ref: str = "main") -> Any:
        return json.loads(self.git("show", f"{ref}:{name}"))

    @property
    def committers(self) -> list[str]:
        """Of the branch, newest first."""
        return self.git("log", "--format=%cn <%ce>", "main").splitlines()

    def is_finished(self) -> bool:
        """The ledger holds nothing more, and nobody has the lease."""
        held = self.file("lease.json", LEDGER)
        return self.git("show", f"{LEDGER}:journal.jsonl") == "" and held.get("holder") is None


@pytest.fixture
def mode() -> int:
    """Of the output."""
    return 0o644


@pytest.fixture
def scene(tmp_path: Path, platform: SandboxServer, mode: int) -> Iterator[Scene]:
    origin = tmp_path / "origin.git"
    empty = ["--quiet", "--bare", "--initial-branch=main", "--template="]
    subprocess.run(["git", "init", *empty, str(origin)], check=True)
    project = Project(tmp_path / "desk", platform.url)
    project.git("init", "--quiet", "--initial-branch=main", "--template=")
    project.engine("acme", OUTPUT)
    (project.root / "i18n.json").write_text('{"id": ""}\n')
    (project.root / "i18n.json").chmod(mode)
    (project.root / "reconcile.yaml").write_text("publish_by: api\n")
    project.commit()
    project.git("push", "--quiet", str(origin), "main")
    (origin / "hooks").mkdir()
    (origin / "hooks/update").write_text(SIGNED_ONLY)
    (origin / "hooks/update").chmod(0o755)
    with FakeCommits(origin) as github:
        yield Scene(origin, github, platform)


def test_lockfile_and_outputs_come_in_a_commit_of_githubs(scene: Scene) -> None:
    scene.apply().ended(0)
    [wanted] = scene.github.wanted
    assert wanted["branch"] == {"repositoryNameWithOwner": REPOSITORY, "branchName": "main"}
    assert scene.committers[0] == VERIFIED
    engine = scene.file("engines.lock.json")["engines"]["acme"]["engineId"]
    assert scene.file("i18n.json") == {"id": engine}
    assert scene.is_finished()
    scene.apply().ended(0)
    assert len(scene.github.wanted) == 1  # nothing to change, nothing asked for
    assert scene.platform.create_calls() == 1


@pytest.mark.parametrize("mode", [0o755])
def test_an_executable_output_is_left_as_it_is(scene: Scene) -> None:
    scene.apply().ended(0, "i18n.json is executable")
    [wanted] = scene.github.wanted
    assert [one["path"] for one in wanted["fileChanges"]["additions"]] == ["engines.lock.json"]
    assert scene.is_finished()
    scene.apply()
    assert len(scene.github.wanted) == 1


def test_a_branch_that_moves_meanwhile_keeps_what_was_put_there(scene: Scene) -> None:
    def move() -> None:
        scene.github.before = lambda: None
        tree = scene.git("rev-parse", "main^{tree}")
        who = ("-c", "user.name=P", "-c", "user.email=p@localhost")
        made = scene.git(*who, "commit-tree", tree, "-p", "main", "-m", "Between")
        scene.git("update-ref", "refs/heads/main", made)

    scene.github.before = move
    scene.apply().ended(0)
    assert len(scene.github.wanted) == 2
    assert scene.committers[:2] == [VERIFIED, "P <p@localhost>"]
    assert scene.is_finished()


def test_what_the_rules_refuse_is_published_by_the_next_run(scene: Scene) -> None:
    scene.github.rules = lambda wanted: "main is frozen"
    scene.apply().ended(1, "main is frozen", "nothing is lost")
    assert "engines.lock.json" not in scene.git("ls-tree", "--name-only", "main").split()
    scene.github.rules = lambda wanted: None
    scene.apply().ended(0)
    assert "acme" in scene.file("engines.lock.json")["engines"]
    assert scene.platform.create_calls() == 1
    assert scene.is_finished()


def test_a_lost_answer_makes_no_second_commit(scene: Scene) -> None:
    scene.github.troubles.append(Trouble(hang_up=True, after=True))
    scene.apply().ended(0)
    assert scene.committers.count(VERIFIED) == 1
    assert scene.is_finished()


@pytest.mark.parametrize("step", ["commit about to be asked for", "lockfile committed"])
def test_a_run_that_is_killed_around_the_commit_loses_nothing(scene: Scene, step: str) -> None:
    killed = scene.apply(killed=True, RECONCILE_TEST_KILL_AFTER_STEP=f"{step}#1")
    assert killed.code == -signal.SIGKILL
    scene.clone().run("lease", "break", "--yes").ended(0)
    scene.apply().ended(0)
    assert "acme" in scene.file("engines.lock.json")["engines"]
    assert scene.platform.create_calls() == 1
    assert scene.committers.count(VERIFIED) == 1


@pytest.mark.parametrize(
    ("words", "env", "said"),
    [
        ((), {"GITHUB_TOKEN": None}, "needs GITHUB_TOKEN"),
        ((), {"GITHUB_REPOSITORY": None}, "needs a GitHub repository"),
        ((), {"GITHUB_API_URL": "http://github.invalid"}, "GITHUB_API_URL must be https://"),
        (("--publish", "pr"), {}, "`publish_by: api` commits to the branch itself"),
    ],
)
def test_nothing_is_made_that_could_not_be_committed(
    scene: Scene, words: tuple[str, ...], env: dict[str, str | None], said: str
) -> None:
    scene.apply(*words, killed=False, **env).ended(3, said)
    assert scene.platform.create_calls() == 0
