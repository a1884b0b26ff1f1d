"""The same in small with the command as processes, real git, and a platform over HTTP: desks, runners and CI share a
bare origin whose hooks refuse pushes, or accept them and drop the connection.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from random import Random
from typing import Any

from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.settings import SandboxSettings
from tests.e2e.far_ends import KEY, LINK, Project, Ran

LEDGER = "refs/reconcile/production"
KEYS = ("acme", "blog")
KILLED = -9
# Of a report about calls of unknown outcome: each call, if there are several, and the engine that it asked for.
_OPERATION = re.compile(r"--operation (\S+) --engine-id")
_NAME = re.compile(r"an engine named '(.+?)' created about")
HOOKS = {
    "pre-receive": """#!/bin/sh
while read old new ref; do
  if [ "$ref" = refs/heads/main ] && [ -e refuse ]; then rm refuse; echo "not now" >&2; exit 1; fi
done
""",
    # The refs are moved by then; nobody hears of it.
    "reference-transaction": """#!/bin/sh
[ "$1" = committed ] && [ -e drop ] && grep -q refs/reconcile && rm drop && kill -9 $PPID
exit 0
""",
}
STEPS = (
    "ledger push about to leave",
    "ledger pushed",
    "journal appended",
    "POST answered",
    "publishing push about to leave",
    "lockfile published",
    "lockfile written",
    "journal emptied",
)
ACTS = {
    "edit": 5,
    "ci": 6,
    "rerun": 2,
    "runner": 2,
    "desk_apply": 2,
    "desk_publish": 2,
    "desk_push": 2,
    "set_back": 1,
    "lease_break": 2,
    "plan_shards": 3,
    "shards": 3,
    "collect_shards": 2,
}
SHARDS = 2
PLACE = ("--lease-ttl", "30s")


@dataclass
class RealWorld:
    """One schedule. `told` is what happened; a law that does not hold is an `AssertionError` with all of it."""

    root: Path
    platform: SandboxServer
    rng: Random
    told: list[str] = field(default_factory=list)
    reported: str = ""
    runs: int = 0
    plans: int = 0  # for shards
    excused: set[str] = field(default_factory=set)  # engines that were made without a look at the remote
    retried: set[str] = field(default_factory=set)  # keys of which a person said that nothing was made

    @classmethod
    def play(cls, seed: int, root: Path) -> RealWorld:
        """A schedule from its beginning to its rest."""
        settings = SandboxSettings(job_seconds=0.05, api_keys=(KEY,), state_file=root / "platform.sqlite")
        with SandboxServer(settings) as platform:
            world = cls(root, platform, Random(seed))
            world.prepare()
            for act in world.rng.choices(list(ACTS), list(ACTS.values()), k=world.rng.randint(2, 7)):
                world.told.append(f"── {act}")
                getattr(world, f"do_{act}")()
            world.rest()
            return world

    # ── the places ─────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def origin(self) -> Path:
        return self.root / "origin.git"

    def prepare(self) -> None:
        subprocess.run(
            ["git", "init", "--quiet", "--bare", "--initial-branch=main", "--template=", str(self.origin)],
            check=True,
        )
        (self.origin / "hooks").mkdir()
        for name, text in HOOKS.items():
            (self.origin / "hooks" / name).write_text(text)
            (self.origin / "hooks" / name).chmod(0o755)
        author = Project(self.root / "author", self.platform.url)
        author.git("init", "--quiet", "--initial-branch=main", "--template=")
        author.git("remote", "add", "origin", str(self.origin))
        for key in ("keep", "acme"):
            self.write(author, key, "fr")
        (author.root / ".gitattributes").write_text("engines.lock.json merge=reconcile-lockfile\n")
        author.commit()
        author.git("push", "--quiet", "origin", "main")
        for name in ("ada", "runner"):
            self.clone(name)

    def clone(self, name: str) -> Project:
        root = self.root / name
        subprocess.run(
            ["git", "clone", "--quiet", "--template=", str(self.origin), str(root)],
            check=True,
            capture_output=True,
        )
        project = Project(root, self.platform.url)
        driver = f"{sys.executable} -m reconciler lockfile merge %O %A %B %P"
        project.git("config", "merge.reconcile-lockfile.driver", driver)
        return project

    def project(self, name: str) -> Project:
        return Project(self.root / name, self.platform.url)

    def fresh(self) -> Project:
        """A machine that has nothing but the branch."""
        self.runs += 1
        return self.clone(f"ci-{self.runs}")

    @staticmethod
    def write(project: Project, key: str, locale: str) -> None:
        project.engine(key, f"name: {key}-{locale}\nlocales: [{locale}]\n" + LINK)

    # ── acts ───────────────────────────────────────────────────────────────────────────────────────────────────

    def do_edit(self) -> None:
        author = self.project("author")
        author.git("fetch", "--quiet", "origin")
        author.git("reset", "--quiet", "--hard", "origin/main")
        key, locale = self.rng.choice(KEYS), self.rng.choice(("fr", "es"))
        file = author.root / "engines" / f"{key}.yaml"
        if file.exists() and self.rng.random() < 0.25:
            file.unlink()
        else:
            self.write(author, key, locale)
        if author.git("status", "--porcelain"):
            author.commit(f"{key} {locale}")
            author.git("push", "--quiet", "origin", "HEAD:main")

    def do_ci(self) -> None:
        self.run(self.fresh(), self.faults())

    def do_rerun(self) -> None:
        project = self.fresh()
        log = project.git("log", "--first-parent", "--format=%H", "-5").split()
        project.git("reset", "--quiet", "--hard", self.rng.choice(log))
        self.run(project, self.faults())

    def do_runner(self) -> None:
        project = self.project("runner")
        project.git("fetch", "--quiet", "origin")
        project.git("reset", "--quiet", "--hard", "origin/main")
        self.run(project, self.faults())

    def do_desk_apply(self) -> None:
        self.run(self.project("ada"), self.faults(), publishes=False)

    def do_desk_publish(self) -> None:
        self.run(self.project("ada"), self.faults())

    def do_desk_push(self) -> None:
        ada = self.project("ada")
        if ada.git("status", "--porcelain"):
            ada.commit("What is here")
        try:
            ada.git("pull", "--quiet", "--no-rebase", "--no-edit", "origin", "main")
        except subprocess.CalledProcessError as error:
            raise AssertionError(f"the lockfiles conflict: {error.stderr!r}\n{self.story()}") from error
        ada.git("push", "--quiet", "origin", "HEAD:main")

    def do_plan_shards(self) -> None:
        self.do_edit()
        self.plans += 1
        self.command(self.fresh(), "plan", "--shards", str(SHARDS), "--out", str(self.plan))

    def do_shards(self) -> None:
        """All of the last plan, or one; again, or too late, as it comes."""
        if not self.plan.exists():
            self.do_plan_shards()
        for number in self.rng.sample(range(1, SHARDS + 1), self.rng.randint(1, SHARDS)):
            project = self.project("runner") if self.rng.random() < 0.2 else self.fresh()
            words = ("apply", str(self.plan), "--shard", f"{number}/{SHARDS}", "--yes", "--publish", *PLACE)
            self.command(project, *words, env=self.faults())
            self.end_faults()

    def do_collect_shards(self) -> None:
        if self.plan.exists():
            self.command(self.fresh(), "collect", str(self.plan), "--publish", env=self.faults())
            self.end_faults()

    @property
    def plan(self) -> Path:
        """The last one for shards."""
        return self.root / f"plan-{self.plans}"

    def do_set_back(self) -> None:
        author = self.project("author")
        author.git("fetch", "--quiet", "origin")
        log = author.git("log", "--first-parent", "--format=%H", "-4", "origin/main").split()
        author.git("push", "--quiet", "--force", "origin", f"{self.rng.choice(log)}:main")

    def do_lease_break(self) -> None:
        self.command(self.project("ada"), "lease", "break", "--yes")

    def faults(self) -> dict[str, str | None]:
        """What goes wrong in the next run: in what its process is told, at the origin or at the platform."""
        rng = self.rng
        if rng.random() < 0.25:
            (self.origin / "refuse").touch()
        if rng.random() < 0.25:
            (self.origin / "drop").touch()
        if rng.random() < 0.3:
            self.platform.faults.add("create", rng.choice(("lost-answer", "drop")), times=1)
        if rng.random() < 0.35:
            return {"RECONCILE_TEST_KILL_AFTER_STEP": f"{rng.choice(STEPS)}#{rng.randint(1, 2)}"}
        return {}

    # ── runs ───────────────────────────────────────────────────────────────────────────────────────────────────

    def run(
        self, project: Project, env: Mapping[str, str | None] | None = None, *, publishes: bool = True
    ) -> Ran:
        how = "--publish" if publishes else "--no-publish"
        before = {one["id"] for one in self.platform.engines()}
        ran = self.command(project, "apply", "--yes", how, "--format", "json", env=env)
        if not publishes:
            self.excused |= {one["id"] for one in self.platform.engines()} - before
        self.end_faults()
        return ran

    def end_faults(self) -> None:
        """The next command has its own."""
        for name in ("refuse", "drop"):
            (self.origin / name).unlink(missing_ok=True)
        self.platform.faults.clear()

    def command(self, project: Project, *words: str, env: Mapping[str, str | None] | None = None) -> Ran:
        ran = project.finish(project.start(*words, env=env or {}), killed=True)
        self.told.append(f"{project.root.name}: {' '.join(words)} {dict(env or {})} → {ran.code}\n{ran.err}")
        if ran.code != KILLED:
            self.reported += ran.out
        # A desk that has not pulled may only know from the ledger that there is a lockfile.
        missing = ran.code == 3 and "engines.lock.json is missing, but" in ran.err
        assert missing or ran.code in (0, 1, 2, 4, 5, 6, 7, 64, KILLED), self.story()
        return ran

    def story(self) -> str:
        return "\n".join(self.told)

    # ── rest ───────────────────────────────────────────────────────────────────────────────────────────────────

    def rest(self) -> None:
        self.told.append("══ rest")
        self.do_lease_break()
        ada = self.project("ada")
        for _ in range(2):  # the first time the lockfile may be missing, and the pull brings it
            if ada.journal.exists():
                self.run(ada, publishes=False)
            self.do_desk_push()
        self.do_runner()
        self.do_lease_break()
        quiet = 0
        for _ in range(8):
            before = self.tip()
            ran = self.run(self.fresh())
            quiet = quiet + 1 if self.tip() == before and ran.code in (0, 7) else 0
            doubtful = [one for one in self.results(ran) if one["status"] == "uncertain"]
            self.check_nothing_lost(ran)
            for one in doubtful:
                self.settle(one)
            if quiet == 2 and not doubtful:
                self.check_nothing_twice()
                return
        raise AssertionError(f"eight ordinary runs still have something to do\n{self.story()}")

    def settle(self, result: Mapping[str, Any]) -> None:
        """A person looks for the engine of each call that the report names, among those that nothing names yet."""
        key, hint = str(result["key"]), str(result["hint"])
        for operation, name in zip_longest(_OPERATION.findall(hint), _NAME.findall(hint)):
            named = self.named()
            found = [one for one in self.platform.engines() if one["id"] not in named and one["name"] == name]
            if not found:
                self.retried.add(key)
                what = ["--retry"]
            else:
                job = next(job for job in self.platform.jobs() if job["engineId"] == found[0]["id"])
                what = ["--engine-id", str(found[0]["id"]), "--job-id", str(job["jobId"])]
            which = ["--operation", operation] if operation else []
            self.command(self.fresh(), "resolve", key, *which, *what, "--publish")

    @staticmethod
    def results(ran: Ran) -> list[dict[str, Any]]:
        return json.loads(ran.out).get("outcome", {}).get("results", []) if ran.out else []

    def tip(self) -> str:
        return self.at_origin("rev-parse", "main")

    def at_origin(self, *words: str) -> str:
        done = subprocess.run(["git", *words], cwd=self.origin, capture_output=True, check=False)
        return done.stdout.decode()

    def named(self) -> str:
        """All that the branch and the ledger with its log say."""
        return self.at_origin("show", "main:engines.lock.json") + self.at_origin("log", "-p", LEDGER)

    def check_nothing_lost(self, ran: Ran) -> None:
        named = self.named() + self.reported
        doubtful = {one["key"] for one in self.results(ran) if one["status"] == "uncertain"}
        for one in self.platform.engines():
            asked = any(str(one["name"]).startswith(key) for key in doubtful)
            assert one["id"] in named or asked, f"{one['id']} is named nowhere\n{self.story()}"

    def check_nothing_twice(self) -> None:
        """An engine's name is its key and what it is made for."""
        names = [str(one["name"]) for one in self.platform.engines() if one["id"] not in self.excused]
        for name in names:
            asked = any(name.startswith(key) for key in self.retried)
            assert names.count(name) == 1 or asked, f"{name} was made twice\n{self.story()}"
