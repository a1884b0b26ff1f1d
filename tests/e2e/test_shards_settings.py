"""A plan in shards where the lockfile goes by pull request or by GitHub's commit, in an environment, in one of several
projects, and with records of sources.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.adapters.web.site import Site, plain
from tests.e2e.far_ends import Project, Ran
from tests.e2e.repository import Repository
from tests.e2e.sources_world import HERE, TEXT, html
from tests.github_commits_fake import FakeCommits
from tests.github_fake import REPOSITORY, TOKEN, FakeGitHub
from tests.github_pulls_fake import FakePulls

KEYS = ("one", "two", "three", "four")
SETTINGS = "environments:\n  production: {}\n  staging: {lockfile: staging.lock.json}\n"
PROTECTED = """#!/bin/sh
case "$1" in refs/heads/main) echo "main is protected" >&2; exit 1 ;; esac
"""


@dataclass
class Scene:
    """A bare origin; every run has a clone of its own. `folder` is where the project is in it, `words` come first."""

    root: Path
    platform: SandboxServer
    folder: str = ""
    words: tuple[str, ...] = ()
    env: dict[str, str | None] = field(default_factory=dict)
    clones: int = 0

    @property
    def origin(self) -> Path:
        return self.root / "origin.git"

    def clone(self) -> Project:
        self.clones += 1
        clone = Project(self.root / f"clone-{self.clones}", self.platform.url)
        clone.git("clone", "--quiet", "--template=", f"file://{self.origin}", ".")
        return clone

    def run(self, *words: str, publish: str = "--publish") -> Ran:
        project = Project(self.clone().root / self.folder, self.platform.url)
        more = () if words[0] == "plan" else (publish,)
        return project.run(*self.words, *words, *more, env=self.env)

    def carry_out(self, publish: str = "--publish") -> Ran:
        """All of it, in two shards; what `collect` came to."""
        plan = str(self.root / f"plan-{self.folder}{len(self.words)}{self.clones}")
        self.run("plan", "--shards", "2", "--out", plan).ended(0)
        for shard in ("2/2", "1/2"):
            self.run("apply", plan, "--shard", shard, "--yes").ended(0)
        return self.run("collect", plan, publish=publish).ended(0)

    def git(self, *arguments: str) -> str:
        made = subprocess.run(["git", "-C", str(self.origin), *arguments], capture_output=True, check=True)
        return made.stdout.decode().strip()

    def lock(self, path: str = "engines.lock.json", ref: str = "main") -> Mapping[str, Any]:
        engines: dict[str, Any] = json.loads(self.git("show", f"{ref}:{path}"))["engines"]
        return engines

    def ledgers(self) -> set[str]:
        return set(self.git("for-each-ref", "--format=%(refname)", "refs/reconcile").split())

    def names(self, lock: Mapping[str, Any]) -> dict[str, str]:
        """The names of the engines that serve, by key."""
        known = {str(one["id"]): str(one["name"]) for one in self.platform.engines()}
        return {key: known[entry["engineId"]] for key, entry in lock.items()}

    @contextmanager
    def protected(self, github: FakeGitHub) -> Iterator[None]:
        """Nobody pushes to `main`; `github` is before it."""
        hook = self.origin / "hooks/update"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(PROTECTED)
        hook.chmod(0o755)
        self.env = {"GITHUB_API_URL": github.url, "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_TOKEN": TOKEN}
        yield


@pytest.fixture
def scene(tmp_path: Path, platform: SandboxServer) -> Scene:
    """With a project at the root, and one in a folder."""
    made = Scene(tmp_path, platform)
    empty = ["--quiet", "--bare", "--initial-branch=main", "--template="]
    subprocess.run(["git", "init", *empty, str(made.origin)], check=True)
    first = Project(tmp_path / "first", platform.url)
    first.git("init", "--quiet", "--initial-branch=main", "--template=")
    first.git("remote", "add", "origin", str(made.origin))
    (first.root / "reconcile.yaml").write_text(SETTINGS)
    for key in KEYS:
        first.engine(key, running=key == "four")
        first.engine(f"{key}.staging", f"name: {key} (staging)\n")
    project = Project(first.root / "a")
    (project.root / "reconcile.yaml").write_text("concurrency: 4\n")
    for key in KEYS:
        project.engine(key, f"name: a {key}\nlocales: [de]\n")
    first.commit("Begin")
    first.git("push", "--quiet", "origin", "main")
    return made


def test_by_pull_request(scene: Scene, platform: SandboxServer) -> None:
    with FakePulls(scene.origin) as github, scene.protected(github):
        closed = scene.carry_out("--publish=pr")
        [pull] = github.open
        assert pull["html_url"] in closed.out + closed.err
        proposed = scene.lock(ref=f"refs/heads/{pull['head']['ref']}")
        assert scene.names(proposed) == {key: key for key in KEYS}
        github.merge(pull["number"])
        scene.run("apply", "--yes", publish="--publish=pr").ended(0)
        assert scene.git("show", "refs/reconcile/production:journal.jsonl") == ""
        assert (scene.lock(), github.open) == (proposed, [])
    assert platform.create_calls() == len(KEYS)


def test_by_a_commit_of_githubs(scene: Scene, platform: SandboxServer) -> None:
    with FakeCommits(scene.origin) as github, scene.protected(github):
        scene.env["RECONCILE_PUBLISH_BY"] = "api"
        scene.carry_out()
        [wanted] = github.wanted
        assert wanted["branch"]["branchName"] == "main"
    assert scene.names(scene.lock()) == {key: key for key in KEYS}
    assert scene.git("show", "refs/reconcile/production:journal.jsonl") == ""
    assert platform.create_calls() == len(KEYS)


def test_in_an_environment_and_in_a_project_beside_another(scene: Scene, platform: SandboxServer) -> None:
    """Each has a ledger and a lease of its own, and none sees the plan of another."""
    scene.words = ("--env", "staging")
    scene.carry_out()
    assert scene.names(scene.lock("staging.lock.json")) == {key: f"{key} (staging)" for key in KEYS}
    scene.words, scene.folder = (), "a"
    scene.carry_out()
    assert scene.names(scene.lock("a/engines.lock.json")) == {key: f"a {key}" for key in KEYS}
    assert scene.ledgers() == {f"refs/reconcile/{name}" for name in ("staging", "production+a")}
    assert platform.create_calls() == 2 * len(KEYS)


def test_a_plan_of_another_project_or_environment_is_refused(scene: Scene, platform: SandboxServer) -> None:
    plan = str(scene.root / "plan")
    scene.run("plan", "--shards", "2", "--out", plan).ended(0)
    scene.words = ("--env", "staging")
    for words in (("apply", plan, "--shard", "1/2", "--yes"), ("collect", plan)):
        scene.run(*words).ended(6, "the plan was made for the environment `production`")
    scene.words, scene.folder = (), "a"
    scene.run("apply", plan, "--shard", "1/2", "--yes").ended(6, "changed since the plan")
    assert platform.create_calls() == 0


# ── sources ────────────────────────────────────────────────────────────────────────────────────────────────────────

LEARNS = "name: {}\nsources:\n  - type: link\n    payload: {}\n"
TRACKS: dict[str, str | None] = {"RECONCILE_PRIVATE_SOURCES": HERE, "RECONCILE_TRACK_SOURCES": "true"}


def test_collect_records_the_sources_of_what_shards_made(scene: Scene, site: Site) -> None:
    scene.env = dict(TRACKS)
    desk, pages = scene.clone(), {"one": "/brand", "two": "/tone"}
    for key, page in pages.items():
        desk.engine(key, LEARNS.format(key, site.url(HERE, page)))
    desk.commit("Learn")
    desk.git("push", "--quiet", "origin", "main")
    scene.carry_out()
    lock = scene.lock()
    recorded = scene.lock("engines.sources.json")
    seen = {key: [*recorded.get(lock[key]["engineId"], {}).get("links", {})] for key in pages}
    assert seen == {key: [site.url(HERE, page)] for key, page in pages.items()}
    assert len(scene.git("log", "--format=%h", "main", "--", "engines.lock.json").split()) == 1
    site.pages[HERE, "/brand"] = plain(html(TEXT.replace("busy", "at leisure")))
    checked = scene.run("plan", "--check-sources", "--format", "json").ended(0).json["sources"]
    states = {one["key"]: one["state"] for one in checked}
    assert (states["one"], states["two"]) == ("stale", "fresh")


def test_all_projects_check_their_sources(tmp_path: Path, platform: SandboxServer, site: Site) -> None:
    repository = Repository(tmp_path / "repo", platform.url)
    for folder, page in (("web", "/brand"), ("app", "/tone")):
        repository.project(folder, settings="concurrency: 4\n")
        repository.file(f"{folder}/engines/acme.yaml", LEARNS.format(folder, site.url(HERE, page)))
        repository.within(folder).run("apply", "--yes", env=TRACKS).ended(0)
        repository.within(folder).run("sources", "--record", env=TRACKS).ended(0)
    site.pages[HERE, "/brand"] = plain(html(TEXT.replace("busy", "at leisure")))
    ran = repository.run("plan", "--all-projects", "--check-sources", "--format", "json", env=TRACKS).ended(0)
    found = {
        one["project"]: [(link["key"], link["state"]) for link in one["sources"]] for one in ran.json["plans"]
    }
    assert found == {"app": [("acme", "fresh")], "web": [("acme", "stale")]}
