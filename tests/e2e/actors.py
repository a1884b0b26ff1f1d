"""Several actors around one remote: laptops, runners whose disk is lost or stays, clocks that are apart, a platform."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reconciler.sandbox.server import SandboxServer
from tests.e2e.far_ends import Project, Ran

LEDGER = "refs/reconcile/production"
LOCKFILE = "engines.lock.json"
NO_ANSWER = "create call answered#1"  # the engine exists, and nobody has noted the answer
ACCEPTED = "ledger pushed#2"  # the ledger has the answer, and the job goes on

# Python reads this before anything else when its folder is on PYTHONPATH: the machine's clock, as the command sees it.
_CLOCK = """\
import datetime
_real = datetime.datetime
class _Apart(_real):
    @classmethod
    def now(cls, tz=None):
        return _real.now(tz) + datetime.timedelta(seconds={seconds})
datetime.datetime = _Apart
"""


class Actors:
    """A bare origin with engines on `main`. Every actor is a clone of its own."""

    def __init__(self, root: Path, platform: SandboxServer, *keys: str) -> None:
        self.root = root
        self.platform = platform
        self.origin = root / "origin.git"
        empty = ["--quiet", "--bare", "--initial-branch=main", "--template="]
        subprocess.run(["git", "init", *empty, str(self.origin)], check=True)
        self.clones: list[Project] = []
        first = Project(root / "first", platform.url)
        first.git("init", "--quiet", "--initial-branch=main", "--template=")
        first.git("remote", "add", "origin", str(self.origin))
        for key in keys:
            first.engine(key)
        first.commit("Begin")
        first.git("push", "--quiet", "origin", "main")
        self.clones.append(first)

    def clone(self, name: str = "runner", *options: str) -> Project:
        """A fresh checkout of the branch's tip."""
        project = Project(self.root / f"{name}-{len(self.clones)}", self.platform.url)
        project.git("clone", "--quiet", "--template=", *options, f"file://{self.origin}", ".")
        self.clones.append(project)
        return project

    def change(self, change: Callable[[Project], object], message: str = "Change") -> None:
        """Somebody's change of the engine files lands on the branch."""
        project = self.clone("somebody")
        change(project)
        project.commit(message)
        project.git("push", "--quiet", "origin", "main")

    def edit(self, key: str, name: str, *, running: bool = False) -> None:
        self.change(lambda project: project.engine(key, f"name: {name}\n", running=running), f"Edit {key}")

    def rename(self, key: str, to: str) -> None:
        self.change(lambda project: project.git("mv", f"engines/{key}.yaml", f"engines/{to}.yaml"))

    def delete(self, key: str) -> None:
        self.change(lambda project: (project.root / f"engines/{key}.yaml").unlink(), f"Delete {key}")

    # ── runs ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def publish(self, project: Project | None = None, *words: str, env: dict[str, str] | None = None) -> Ran:
        """An apply that publishes, of a fresh clone unless a project is named."""
        return (project or self.clone()).run("apply", "--yes", "--publish", *words, env=env or {})

    def die(self, project: Project, step: str, *words: str, env: dict[str, str] | None = None) -> None:
        """An apply that is killed after this step."""
        killed = {"RECONCILE_TEST_KILL_AFTER_STEP": step} | (env or {})
        process = project.start("apply", "--yes", *words, env=killed)
        ran = project.finish(process, killed=True)
        assert ran.code not in {0, 1, 3, 4, 5, 6, 7}, f"was not killed: {ran.code}\n{ran.out}\n{ran.err}"

    def free_lease(self) -> None:
        """Somebody takes the lease from a run that is dead."""
        self.clone("somebody").run("lease", "break", "--yes").ended(0)

    def clock(self, seconds: float) -> dict[str, str]:
        """The environment of a machine whose clock is ahead by so much."""
        folder = self.root / f"clock{seconds}"
        folder.mkdir(exist_ok=True)
        (folder / "sitecustomize.py").write_text(_CLOCK.format(seconds=seconds))
        here = Path(__file__).resolve().parents[2]
        return {"PYTHONPATH": f"{folder}:{here}"}

    # ── the world ──────────────────────────────────────────────────────────────────────────────────────────────────

    def git(self, *arguments: str) -> str:
        made = subprocess.run(["git", "-C", str(self.origin), *arguments], capture_output=True, check=True)
        return made.stdout.decode().strip()

    def lock(self) -> Any:
        """The lockfile on the branch."""
        return json.loads(self.git("show", f"main:{LOCKFILE}"))

    def entry(self, key: str) -> Any:
        return self.lock()["engines"][key]

    def ledger(self) -> list[dict[str, Any]]:
        """The records that the ledger's journal holds now."""
        return [json.loads(line) for line in self.git("show", f"{LEDGER}:journal.jsonl").splitlines()]

    def engines(self) -> list[str]:
        """The IDs of all engines that the platform has."""
        return [str(engine["id"]) for engine in self.platform.engines()]

    @property
    def made(self) -> int:
        return self.platform.create_calls()

    def check_converged(self) -> None:
        """The next run has nothing to do, and the branch names every engine that the platform has."""
        self.publish().ended(0)
        made, tip = self.made, self.git("rev-parse", "main")
        self.publish().ended(0)
        assert (self.made, self.git("rev-parse", "main")) == (made, tip)
        lockfile = self.git("show", f"main:{LOCKFILE}")
        for engine in self.engines():
            assert lockfile.count(f'"{engine}"') == 1, f"{engine} is not named once in\n{lockfile}"
        for project in self.clones:
            project.check_no_key_left()


def unresolved(ran: Ran) -> set[str]:
    """The operations that a plan's document reports as uncertain."""
    hints = " ".join(str(action.get("hint")) for action in ran.json["actions"])
    return {words.split()[0].strip("`;,.") for words in hints.split("--operation ")[1:]}
