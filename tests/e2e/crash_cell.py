"""One cell of the crash matrix: a copy of the world, a run that is killed in it, and what must hold afterwards.

After the kill ordinary runs follow, and a person who looks at the platform where an operation is uncertain and tells
the truth. After each of these runs every engine is accounted for; at the end everything is as if nothing had happened.
"""

from __future__ import annotations

import json
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

from reconciler.adapters.engine_files.files import EngineFiles
from reconciler.adapters.storage.journal_store import JournalFile
from reconciler.adapters.storage.lockfile_store import LockfileFile
from reconciler.app.planning import Request, make_plan
from reconciler.sandbox.server import SandboxServer
from tests.e2e.crash_world import CHOICE, JOB_SECONDS, KEPT, MADE, Runs, Template, git, platform_of
from tests.e2e.far_ends import Project, Ran, start_cold

MAX_RUNS = 6
LEDGER = "refs/reconcile/production"
KILLED = -9


@dataclass
class Cell:
    """`shared` runs publish to the origin; otherwise all is on one machine. Runs find out from `github` that the one
    before has ended; without it a person breaks the lease.
    """

    root: Path
    template: Template
    platform: SandboxServer
    project: Project
    shared: bool
    github: Runs | None
    log: list[str] = field(default_factory=list)
    runs: int = 0  # after the kill
    uncertain: int = 0  # operations that a person had to settle
    retried: int = 0  # those of which that person found no engine
    died: bool = False
    wrote: bool = True  # the last run, a lockfile

    @property
    def origin(self) -> Path:
        return self.root / "origin.git"

    def hook(self, name: str, text: str) -> None:
        file = self.origin / "hooks" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)

    # ── runs ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def kill(self, step: str, told_in: Path | None = None) -> None:
        """An apply that is killed right after this step, or, where it does not come to that, is not."""
        told: dict[str, str | None] = {"RECONCILE_TEST_KILL_AFTER_STEP": step}
        if told_in is not None:
            told["RECONCILE_TEST_STEPS_FILE"] = str(told_in)
        ran = self.apply(**told)
        self.died = ran.code == KILLED
        assert self.died or ran.code in (0, 1), self.told

    def kill_at_time(self, after: float) -> None:
        """An apply that is killed so many seconds after its start, a cold one, unless it has ended by then."""
        with self._run_page() as page:
            words, env = ("apply", "--yes", "--refresh", "--publish"), self.project.environment(**page)
            process = start_cold(words, env, cwd=self.project.root)
            time.sleep(after)  # the point of this: no moment is chosen
            process.kill()
            ran = self.project.finish(process, killed=True)
        self.died = ran.code == KILLED
        self.log.append(f"apply, for {after:.3f} s → {ran.code}\n{ran.out}\n{ran.err}")

    def apply(self, **env: str | None) -> Ran:
        how = "--publish" if self.shared else "--no-publish"
        with self._run_page() as page:
            words = ("apply", "--yes", "--refresh", how, "--format", "json")
            process = self.project.start(*words, env=page | env)
            ran = self.project.finish(process, killed=True)
        outcome = ran.out[max(0, ran.out.find('"outcome"')) :]
        self.log.append(f"apply → {ran.code}\n{outcome}\n{ran.err}")
        return ran

    @contextmanager
    def _run_page(self) -> Iterator[dict[str, str | None]]:
        """Variables as GitHub Actions sets them, for one run; and the setting under which engines are updated."""
        in_place: dict[str, str | None] = {"RECONCILE_METADATA_CHANGES": "in_place"}
        if self.github is None:
            yield in_place
            return
        run = str(uuid.uuid4().int % 10**12)
        yield in_place | {
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_REPOSITORY": "acme/engines",
            "GITHUB_RUN_ID": run,
            "GITHUB_API_URL": self.github.url,
            "GITHUB_TOKEN": "ghs_forTheTestOnly",
        }
        self.github.ended.add(run)

    def lose_machine(self) -> None:
        """Nobody sees its disk again; a fresh clone goes on. A push that is on its way may still arrive."""
        self.project.root.rename(self.root / "lost")
        fresh = self.root / "fresh"
        git("clone", "--quiet", "--template=", str(self.origin), str(fresh), cwd=self.root)
        self.project = Project(fresh, self.platform.url)

    @property
    def _away(self) -> Path:
        return self.root / "origin.git.away"

    @property
    def is_away(self) -> bool:
        """Whether nobody reaches the repository."""
        return self._away.exists()

    def come_back(self) -> None:
        """The repository can be reached again, if it could not."""
        if self.is_away:
            self._away.rename(self.origin)

    def check_out(self) -> None:
        """The branch as it is now, as CI does it where machine and clone stay; only where somebody moved it."""
        if not (self.origin / "moved").exists():
            return
        self.project.git("fetch", "--quiet", "origin", "main")
        self.project.git("reset", "--quiet", "--hard", "FETCH_HEAD")

    def fail_to_reach(self) -> None:
        """A run while the remote is away: it says so, and makes nothing. A call of the run that was killed may only
        arrive now, so the platform's count tells nothing.
        """
        ran = self.apply()
        assert ran.code == 1, self.told
        assert "provisioning job" not in ran.err, self.told
        assert "accepted" not in ran.err, self.told

    def recover(self) -> None:
        """What the next runs do, and what a person does about what is uncertain: look, and tell the truth."""
        while self.runs < MAX_RUNS:
            if self.shared and self.github is None:
                self.project.run("lease", "break", "--yes")
            self.come_back()  # where a run was killed before its first push, the remote vanishes only now
            self.check_out()
            self.runs += 1
            ran = self.apply()
            vanished = self.is_away
            self.come_back()
            assert ran.code in (0, 1, 5, 7), self.told
            if ran.code == 5:  # a push of the dead run arrived only now
                continue
            document = json.loads(ran.out)
            if vanished and "outcome" not in document:  # it could not even look at the remote
                continue
            results = document["outcome"]["results"]
            self.wrote = document["outcome"]["wrote"]
            doubtful = [one["key"] for one in results if one["status"] == "uncertain"]
            self._account(ran, doubtful)
            if ran.code == 0:
                return
            for key in doubtful:
                self._settle(key)
        raise AssertionError(f"did not converge:\n{self.told}")

    def _settle(self, key: str) -> None:
        """A person looks for an engine of that name on the platform."""
        self.uncertain += 1
        found = [str(one["id"]) for one in self.platform.engines() if self._is_new(one, MADE[key])]
        what = ["--retry"]
        self.retried += not found
        if found:
            job = next(job for job in self.platform.jobs() if job["engineId"] == found[0])
            what = ["--engine-id", found[0]]
            what += [] if job["status"] == "completed" else ["--job-id", str(job["jobId"])]
        how = "--publish" if self.shared else "--no-publish"
        with self._run_page() as page:
            self.project.run("resolve", key, *what, how, env=page).ended(0)
        self.log.append(f"settled {key}: {what}")

    # ── what must hold ─────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def told(self) -> str:
        return "\n".join(self.log)

    def _is_new(self, engine: dict[str, Any], name: str) -> bool:
        return engine["name"] == name and engine["id"] not in self.template.engines_before

    def _account(self, ran: Ran, doubtful: list[str]) -> None:
        """Every engine of the platform is on record, or reported as uncertain with the name to look for."""
        records = self._on_record() + ran.out
        for engine in self.platform.engines():
            keys = [key for key, name in MADE.items() if self._is_new(engine, name)]
            if not keys or str(engine["id"]) in records:
                continue
            assert keys[0] in doubtful, f"{engine} is lost:\n{self.told}"
            assert f"named '{engine['name']}'" in ran.out, self.told
        for name in MADE.values():
            assert sum(self._is_new(one, name) for one in self.platform.engines()) <= 1, self.told

    def _on_record(self) -> str:
        """All that lockfile and journal have, here and on the remote."""
        files = (self.project.lockfile, self.project.journal)
        texts = [file.read_text() for file in files if file.exists()]
        for name in ("main:engines.lock.json", f"{LEDGER}:journal.jsonl") if self.shared else ():
            with suppress(CalledProcessError):  # there is no ledger before the first push
                texts.append(git("show", name, cwd=self.origin))
        return "".join(texts)

    def check(self) -> None:
        """The world is as it should be, whatever happened on the way."""
        moved = (self.origin / "moved").exists()
        self.check_out()
        lock, told = self.project.lock, self.told
        made = {str(engine["id"]): engine["name"] for engine in self.platform.engines()}
        new = {engine: name for engine, name in made.items() if engine not in self.template.engines_before}
        assert sorted(new.values()) == sorted(MADE.values()), told
        posts = [one for one in self.platform.requests() if one.method == "POST"]
        assert len(posts) <= len(MADE) + self.retried, told  # no call was repeated, save by that person
        assert {key: new.get(lock["engines"][key]["engineId"]) for key in MADE} == MADE, told
        wanted = MADE.keys() | KEPT | ({"somebodys"} if moved else set())
        assert set(lock["engines"]) == wanted, told
        assert set(lock["retired"]) == {"gone"}, told
        recorded = set(_engine_ids(lock))
        assert new.keys() <= recorded, told
        assert len(self.template.engines_before - recorded) == (0 if moved else 1), told  # somebody's
        jobs = {str(job["engineId"]): job["status"] for job in self.platform.jobs()}
        serving = [entry["engineId"] for entry in lock["engines"].values()]
        assert len(set(serving)) == len(serving), told
        assert {jobs[engine] for engine in serving} == {"completed"}, told
        assert not any("pending" in entry for entry in lock["engines"].values()), told
        self._check_updated(lock["engines"]["updated"])
        self._check_rest(len(wanted))
        if self.shared:
            self._check_origin()

    def _check_updated(self, entry: dict[str, Any]) -> None:
        """The same engine has exactly what its file asks for, and the lockfile says so."""
        [engine] = [one for one in self.platform.engines() if one["id"] == entry["engineId"]]
        assert entry["engineId"] in self.template.engines_before, self.told
        shown = (engine["name"], engine["description"], engine["targetLocales"])
        assert shown == ("renamed", "Better than before", ["de", "ja"]), self.told
        spec = entry["spec"]
        assert (spec["name"], spec["description"], spec["locales"]) == shown, self.told
        assert (entry.get("revision", 0) > 0, "updating" in entry) == (True, False), self.told

    def _check_rest(self, number: int) -> None:
        """Nothing is left to do, and nothing lies around."""
        root, told = self.project.root, self.told
        journal = JournalFile(self.project.journal)
        files = EngineFiles(root, choice=CHOICE)
        plan = make_plan(files, LockfileFile(root, "engines.lock.json"), journal, Request()).plan
        assert not plan.changes_anything, told
        assert len(plan.unchanged) == number, told
        # What the person settled stays a fact until it is published; nothing else is left.
        assert {record.type for record in journal.read()[0]} <= {"begin", "resolved"}, told
        assert self.uncertain or not self.project.journal.exists(), told
        left = {file.name for file in root.iterdir()} - {
            ".git",
            "engines",
            "engines.lock.json",
            "reconcile.yaml",
        }
        if not self.wrote:  # then what is beside the lockfile stays until the next run that writes it
            left = {name for name in left if not re.fullmatch(r"\.engines\.lock\.json\.\w+\.tmp", name)}
        assert left == set(), told
        self.project.check_no_key_left()

    def _check_origin(self) -> None:
        told = self.told
        assert git("show", "main:engines.lock.json", cwd=self.origin) == self.project.lockfile.read_text(), (
            told
        )
        assert git("show", f"{LEDGER}:journal.jsonl", cwd=self.origin) == "", told
        assert "holder" not in json.loads(git("show", f"{LEDGER}:lease.json", cwd=self.origin)), told
        log = git("log", "--format=", "--name-only", "main", "--grep=^Record", cwd=self.origin)
        assert set(log.split()) == {"engines.lock.json"}, told  # nothing else in our commits
        texts = git("log", "--format=%B", LEDGER, cwd=self.origin)
        assert len(set(re.findall(r"begin ([\w-]+)", texts)) & MADE.keys()) == len(MADE), told


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


@contextmanager
def new_cell(
    template: Template,
    root: Path,
    *,
    shared: bool,
    github: Runs | None,
    hooks: Mapping[str, str],
    kind: Callable[..., Cell] = Cell,
) -> Iterator[Cell]:
    """A fresh copy of the world, gone afterwards when all went well. The hooks are the origin's."""
    work = template.copy(root)
    with platform_of(root, JOB_SECONDS) as platform:
        cell = kind(root, template, platform, Project(work, platform.url), shared, github)
        for name, text in hooks.items():
            cell.hook(name, text)
        yield cell
    shutil.rmtree(root)
