"""A project in the middle of its life, of which many copies can be killed: bare origin, clone, platform with a past.

One apply in it creates (with a job and without), replaces, restores, moves, retires and resumes. So it makes exactly
three engines, and whatever a crash does to it, the runs that follow must come to the same, with three create calls in
all that made something.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.adapters.engine_files import EngineFiles
from reconciler.adapters.state_files import JournalFile, LockfileFile
from reconciler.app.planning import Request, make_plan
from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.settings import SandboxSettings
from tests.e2e.far_ends import ENGINE, KEY, LINK, Project, Ran, wait_until

JOB_SECONDS = 0.15
MADE_BY_THE_APPLY = 3
WANTED = {"created", "at-once", "replaced", "restored", "moved-here", "resumed"}
MAX_RUNS = 8

REJECT_ONCE = """#!/bin/sh
# Refuses the first push that touches the branch.
while read old new ref; do
  if [ "$ref" = refs/heads/main ] && [ ! -e refused ]; then touch refused; echo "not now" >&2; exit 1; fi
done
exit 0
"""
MOVE_BRANCH = """#!/bin/sh
# After the first push of the ledger somebody else's commit lands on the branch.
[ -e moved ] && exit 0
touch moved
export GIT_AUTHOR_NAME=X GIT_AUTHOR_EMAIL=x@x GIT_COMMITTER_NAME=X GIT_COMMITTER_EMAIL=x@x
tip=$(git commit-tree "refs/heads/main^{tree}" -p refs/heads/main -m "Something else")
git update-ref refs/heads/main "$tip"
"""
VANISH = """#!/bin/sh
# After the first push nobody reaches the repository any more.
[ -e vanished ] && exit 0
touch vanished
here=$(pwd)
mv "$here" "$here.away"
"""


@dataclass
class Cell:
    """One copy of the world. `shared` runs publish to the origin; otherwise all is on one machine."""

    root: Path
    shared: bool
    platform: SandboxServer
    project: Project
    log: list[str] = field(default_factory=list)

    @property
    def origin(self) -> Path:
        return self.root / "origin.git"

    def hook(self, name: str, text: str) -> None:
        file = self.origin / "hooks" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)

    def apply(self, **env: str | None) -> Ran:
        how = ("--publish",) if self.shared else ("--no-publish",)
        process = self.project.start("apply", "--yes", *how, env=env)
        ran = self.project.finish(process, killed=True)
        self.log.append(f"apply → {ran.code}\n{ran.out[-1500:]}\n{ran.err[-1500:]}")
        return ran

    def lose_machine(self) -> None:
        """The disk is gone; a fresh clone goes on."""
        fresh = self.root / "fresh"
        git("clone", "--quiet", str(self.origin), str(fresh), cwd=self.root)
        self.project = Project(fresh, self.platform.url)

    def come_back(self) -> None:
        """The repository can be reached again, if it could not."""
        away = self.root / "origin.git.away"
        if away.exists():
            away.rename(self.origin)

    def recover(self) -> None:
        """What the next runs do, and what a person does about what is uncertain: look, and tell the truth."""
        for _ in range(MAX_RUNS):
            if self.shared:
                self.break_lease()
            ran = self.apply()
            if ran.code == 0:
                return
            if ran.code == 7:
                self.settle()
        raise AssertionError("did not converge:\n" + "\n".join(self.log))

    def break_lease(self) -> None:
        """The holder is dead; else its lease would have to expire. A push that it left may still come through."""
        wait_until(lambda: self.project.run("lease", "break", "--yes").code == 0, "the lease is broken", 60)

    def settle(self) -> None:
        """Every operation that is reported uncertain is settled as the platform's own records say."""
        made = {str(job["idempotencyKey"]): job for job in self.platform.jobs()}
        for entry in self.project.run("status", "--format", "json").json["engines"]:
            pending = entry.get("pending", {})
            if pending.get("status") != "uncertain":
                continue
            operation = self.project.entry(entry["key"])["pending"]["operationId"]
            job = made.get(operation)
            found = (
                ("--engine-id", str(job["engineId"]), "--job-id", str(job["jobId"])) if job else ("--retry",)
            )
            how = "--publish" if self.shared else "--no-publish"
            self.project.run("resolve", entry["key"], *found, how).ended(0)
            self.log.append(f"settled {entry['key']}: {found[0]}")

    def check(self, engines_before: int) -> None:
        """The world is as it should be, whatever happened on the way."""
        lock = self.project.lock
        made = {str(engine["id"]) for engine in self.platform.engines()}
        told = "\n".join(self.log)
        assert len(made) == engines_before + MADE_BY_THE_APPLY, told
        assert made <= set(_engine_ids(lock)), told
        assert set(lock["engines"]) == WANTED, told
        jobs = {str(job["engineId"]): job["status"] for job in self.platform.jobs()}
        serving = [entry["engineId"] for entry in lock["engines"].values()]
        assert len(set(serving)) == len(WANTED), told
        assert {jobs[engine] for engine in serving} == {"completed"}, told
        assert not any("pending" in entry for entry in lock["engines"].values()), told
        if self.shared:
            published = git("show", "main:engines.lock.json", cwd=self.origin)
            assert published == self.project.lockfile.read_text(), told
            assert git("show", "refs/reconcile/production:journal.jsonl", cwd=self.origin) == "", told
        root = self.project.root
        journal = JournalFile(self.project.journal)
        plan = make_plan(EngineFiles(root), LockfileFile(root, "engines.lock.json"), journal, Request()).plan
        assert not plan.changes_anything, told
        assert len(plan.unchanged) == len(WANTED), told


def _engine_ids(lock: Any) -> Iterator[str]:
    if isinstance(lock, dict):
        for name, value in lock.items():
            if name == "engineId":
                yield value
            else:
                yield from _engine_ids(value)
    elif isinstance(lock, list):
        for value in lock:
            yield from _engine_ids(value)


def git(*arguments: str, cwd: Path) -> str:
    who = ("-c", "user.name=Test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *who, *arguments], cwd=cwd, capture_output=True, check=True)
    return done.stdout.decode()


class Template:
    """The world before the apply, made once; `cell` gives copies of it."""

    def __init__(self, root: Path, shared: bool) -> None:
        self.root = root
        self.shared = shared
        self.engines_before = 0
        self._make()

    def _make(self) -> None:
        git(
            "init", "--quiet", "--bare", "--initial-branch=main", str(self.root / "origin.git"), cwd=self.root
        )
        work = self.root / "work"
        git("clone", "--quiet", str(self.root / "origin.git"), str(work), cwd=self.root)
        git("checkout", "--quiet", "-B", "main", cwd=work)
        with self._platform(self.root, 0.0) as platform:
            project = Project(work, platform.url)
            for key in ("replaced", "restored", "moved", "gone"):
                project.engine(key, running=True)
            self._applied(project)
            project.engine("restored", ENGINE.format(name="another"))
            self._applied(project)
        with self._platform(self.root, 1.0) as platform:
            project.url = platform.url
            project.engine("resumed", ENGINE.format(name="resumed") + LINK)
            self._applied(project, "--detach")
            self.engines_before = len(platform.engines())
        project.engine("restored", running=True)
        project.engine("replaced", ENGINE.format(name="edited"), running=True)
        project.engine("created", running=True)
        project.engine("at-once")
        (work / "engines/moved.yaml").rename(work / "engines/moved-here.yaml")
        (work / "engines/gone.yaml").unlink()
        self._pushed(project)

    def _applied(self, project: Project, *arguments: str) -> None:
        project.apply("--no-publish", *arguments).ended(0)
        self._pushed(project)

    def _pushed(self, project: Project) -> None:
        project.commit()
        project.git("push", "--quiet", "origin", "main")

    @staticmethod
    @contextmanager
    def _platform(root: Path, job_seconds: float) -> Iterator[SandboxServer]:
        settings = SandboxSettings(
            job_seconds=job_seconds, api_keys=(KEY,), state_file=root / "platform.sqlite"
        )
        with SandboxServer(settings) as platform:
            yield platform

    @contextmanager
    def cell(self, root: Path) -> Iterator[Cell]:
        root.mkdir(parents=True)
        shutil.copytree(self.root / "origin.git", root / "origin.git")
        shutil.copytree(self.root / "work", root / "work")
        git("remote", "set-url", "origin", str(root / "origin.git"), cwd=root / "work")
        shutil.copy(self.root / "platform.sqlite", root / "platform.sqlite")
        with self._platform(root, JOB_SECONDS) as platform:
            yield Cell(root, self.shared, platform, Project(root / "work", platform.url))
        shutil.rmtree(root)
