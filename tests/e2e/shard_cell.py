"""Cells of the crash matrix in which two shards carry out the plan, and a third run collects what they did.

One of these runs is killed. What follows is what docs/shards.md says: the shard is run again, on the same machine or on
another, or nobody does that; and the plan is collected, once more where that was killed, or by an ordinary run. Places
and the lease are free as soon as GitHub says that their run has ended.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.e2e.crash_cell import KILLED, Cell
from tests.e2e.crash_world import git
from tests.e2e.far_ends import Project, Ran

SHARD, COLLECT = SHARDED = "shard", "collect"  # who is killed
SHARDS = 2
DYING = 1  # the shard with the update and both replacements; the other one creates
TTL = ("--lease-ttl", "12s")  # as long as a shard waits for a remote that is away
TRIES = 4


@dataclass
class ShardCell(Cell):
    """`dying` is who is killed, in the clone `project`. With `left` nobody runs that again."""

    dying: str = SHARD
    left: bool = False
    bad_day: dict[str, str] = field(default_factory=dict)
    clones: dict[str, Project] = field(default_factory=dict)

    @property
    def _plan(self) -> Path:
        return self.root / "plan"

    def hook(self, name: str, text: str) -> None:
        """Bad days begin with the run that is killed."""
        self.bad_day[name] = text

    # ── the run that dies, and those before it ─────────────────────────────────────────────────────────────────────

    def kill(self, step: str, told_in: Path | None = None) -> None:
        """A shard or `collect` that is killed right after this step. Before it came others, in clones of their own."""
        self._split()
        before = {SHARD: self._others() if step.endswith("2") else [], COLLECT: [DYING, *self._others()]}
        for shard in before[self.dying]:
            assert self._shard(shard).code == 0, self.told
        for name, text in self.bad_day.items():
            Cell.hook(self, name, text)
        told: dict[str, str | None] = {"RECONCILE_TEST_KILL_AFTER_STEP": step}
        if told_in is not None:
            told["RECONCILE_TEST_STEPS_FILE"] = str(told_in)
        ran = self._collect(self.project, **told) if self.dying == COLLECT else self._shard(DYING, **told)
        self.died = ran.code == KILLED
        assert self.died or ran.code in (0, 1, 5), self.told  # 5: the remote was away until the lease expired

    def _split(self) -> None:
        words = ("--refresh", "--shards", str(SHARDS), "--out", str(self._plan))
        with self._run_page() as page:
            self.project.run("plan", *words, env=page).ended(0)
        names = [str(number) for number in range(1, SHARDS + 1)]
        if self.dying == SHARD:
            names[DYING - 1] = COLLECT
        self.clones = {name: self._clone(name) for name in names}
        self.clones[str(DYING) if self.dying == SHARD else COLLECT] = self.project

    def _clone(self, name: str) -> Project:
        folder = self.root / f"clone-{name}"
        git("clone", "--quiet", "--template=", str(self.origin), str(folder), cwd=self.root)
        return Project(folder, self.platform.url)

    @staticmethod
    def _others() -> list[int]:
        return [number for number in range(1, SHARDS + 1) if number != DYING]

    def _shard(self, number: int, **env: str | None) -> Ran:
        words = ("apply", str(self._plan), "--shard", f"{number}/{SHARDS}", "--yes", "--publish", *TTL)
        return self._ran(self.clones[str(number)], words, env)

    def _collect(self, project: Project, **env: str | None) -> Ran:
        words = ("collect", str(self._plan), "--publish", "--format", "json")
        return self._ran(project, words, env)

    def _ran(self, project: Project, words: Sequence[str], env: dict[str, str | None]) -> Ran:
        with self._run_page() as page:
            ran = project.finish(project.start(*words, env=page | env), killed=True)
        self.log.append(f"{' '.join(words)} → {ran.code}\n{ran.out[-2000:]}\n{ran.err}")
        return ran

    # ── those after it ─────────────────────────────────────────────────────────────────────────────────────────────

    def lose_machine(self) -> None:
        """See `Cell`."""
        super().lose_machine()
        self.clones[str(DYING) if self.dying == SHARD else COLLECT] = self.project

    def check_out(self) -> None:
        """Ordinary runs always have the branch as it is now."""
        self.project.git("fetch", "--quiet", "origin", "main")
        self.project.git("reset", "--quiet", "--hard", "FETCH_HEAD")

    def recover(self) -> None:
        """The other shard, the killed one again, `collect`, and then ordinary runs as after any crash."""
        if self.dying == SHARD:
            again = self._others() if self.left else [*self._others(), DYING]
            for shard in again:
                self._until(partial(self._shard, shard), {0, 7})
        if self.dying == SHARD or not self.left:
            closed = self._until(partial(self._collect, self.clones[COLLECT]), {0, 4, 7})
            assert self.left or closed.code != 4, self.told
            results = json.loads(closed.out).get("outcome", {}).get("results", [])
            self._account(closed, [one["key"] for one in results if one["status"] == "uncertain"])
            assert self._commits() == 1, self.told
        made = self.platform.create_calls()
        super().recover()
        if not self.left:
            assert self.platform.create_calls() == made + self.retried, self.told
            assert self.uncertain or self._commits() == 1, self.told

    def _until(self, run: Callable[[], Ran], codes: set[int]) -> Ran:
        """Again while the remote is away or refuses something, or a push of the dead run arrives only now."""
        for _ in range(TRIES):
            self.come_back()
            ran = run()
            if ran.code in codes and '"unpublished"' not in ran.out:
                return ran
            assert ran.code in {1, 5, *codes}, self.told
        raise AssertionError(f"never came to an end:\n{self.told}")

    def _commits(self) -> int:
        """Of runs on the branch."""
        return len(git("log", "--format=%h", "main", "--grep=^Record", cwd=self.origin).split())
