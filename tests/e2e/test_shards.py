"""A plan carried out by several runs at once: each engine is made once, whatever dies or comes too late."""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.e2e.actors import LEDGER, LOCKFILE, NO_ANSWER, Actors
from tests.e2e.far_ends import Process, Project, Ran, wait_until

FULL = bool(os.environ.get("RECONCILE_FULL_SHARDS"))
rare = pytest.mark.skipif(not FULL, reason="RECONCILE_FULL_SHARDS=1 runs it")
KEYS = tuple(f"team/e{number:02}" for number in range(8))
TTL = ("--lease-ttl", "30s")


class Shards(Actors):
    """A plan for `shards` shards in a folder that all machines see."""

    def __init__(self, root: Path, platform: SandboxServer, *keys: str) -> None:
        super().__init__(root, platform, *keys)
        self.plan = root / "plan"
        self.later: dict[str, str | None] = {}  # a clock that is ahead

    def split(self, shards: int, *words: str) -> Ran:
        out = ("--shards", str(shards), "--out", str(self.plan))
        return self.clone().run("plan", *out, *words).ended(0)

    def begin(
        self,
        shard: str,
        *words: str,
        project: Project | None = None,
        env: dict[str, str | None] | None = None,
    ) -> tuple[Project, Process]:
        machine = project or self.clone(f"shard-{shard.partition('/')[0]}")
        how = ("--yes", "--publish", *TTL, *words)
        variables = {**self.later, **(env or {})}
        return machine, machine.start("apply", str(self.plan), "--shard", shard, *how, env=variables)

    def run(self, shard: str, *words: str, env: dict[str, str | None] | None = None) -> Ran:
        machine, process = self.begin(shard, *words, env=env)
        return machine.finish(process)

    def kill(self, shard: str, step: str) -> Project:
        """A shard that dies right after this step."""
        machine, process = self.begin(shard, env={"RECONCILE_TEST_KILL_AFTER_STEP": step})
        assert machine.finish(process, killed=True).code == -9
        return machine

    def collect(self, *words: str, project: Project | None = None) -> Ran:
        return (project or self.clone()).run("collect", str(self.plan), "--publish", *words, env=self.later)

    def expire_lease(self) -> None:
        """From now on machines see the clock well after whatever was held has expired."""
        self.later = dict(self.clock(600.0))

    def on_branch(self) -> dict[str, str]:
        """The names of the engines that serve, by key."""
        lock = json.loads(self.clone().git("show", f"origin/main:{LOCKFILE}"))
        names = {str(one["id"]): str(one["name"]) for one in self.platform.engines()}
        entries = lock["engines"].items()
        return {key: names[entry["engineId"]] for key, entry in entries if "engineId" in entry}

    def commits(self) -> int:
        return len(self.clone().git("log", "--format=%h", "origin/main", "--", LOCKFILE).split())

    @property
    def lease(self) -> dict[str, object]:
        self.clones[0].git("fetch", "--quiet", "origin", LEDGER)
        return dict(json.loads(self.clones[0].git("show", "FETCH_HEAD:lease.json")))

    def check_all_made_once(self) -> None:
        assert self.on_branch() == {key: key for key in KEYS}
        assert self.platform.create_calls() == len(KEYS) == len(self.platform.engines())
        assert self.commits() == 1
        assert "holder" not in self.lease
        self.clone().run("plan", "--fetch", "--detailed-exitcode").ended(0, "8 engines are up to date")


@pytest.fixture
def shards(tmp_path: Path, platform: SandboxServer) -> Shards:
    return Shards(tmp_path, platform, *KEYS)


def test_shards_at_once_and_one_commit_at_the_end(shards: Shards, platform: SandboxServer) -> None:
    shards.split(3)
    started = [shards.begin(f"{number}/3") for number in (1, 2, 3)]
    for machine, process in started:
        machine.finish(process).ended(0, "reconcile collect")
        assert not machine.lockfile.exists()
    assert shards.commits() == 0
    assert (shards.lease["fencing"], shards.lease["version"]) == (1, 2)
    shards.collect().ended(0)
    shards.check_all_made_once()
    history = shards.clone().run("history", "team/e00").ended(0).out
    assert "created" in history
    shards.run("1/3").ended(6, "the run of this plan is over", "reconcile plan --shards 3")
    shards.collect().ended(0)  # once more changes nothing
    shards.check_all_made_once()


@rare
def test_another_run_is_kept_out_until_the_shards_are_done(shards: Shards) -> None:
    shards.split(2)
    shards.run("1/2").ended(0)
    shards.publish().ended(5, "another run holds the lease")
    shards.publish(None, "--only", "team/e00").ended(5)
    shards.run("2/2").ended(0)
    shards.collect().ended(0)
    shards.check_all_made_once()


@pytest.mark.parametrize("job_seconds", [600.0])
def test_a_shard_twice_at_the_same_time_works_once(shards: Shards, platform: SandboxServer) -> None:
    shards.change(lambda project: [project.engine(key, running=True) for key in KEYS])
    shards.split(2)
    first, process = shards.begin("1/2")
    wait_until(lambda: platform.create_calls() > 0, "the first has begun")
    shards.run("1/2").ended(5, "shard 1 of 2 is already running until")
    shards.collect().ended(5, "shard 1 of 2 holds the lease")
    platform.end_jobs()
    first.finish(process).ended(0)
    made = platform.create_calls()
    shards.run("1/2").ended(0, "carried out already")
    assert platform.create_calls() == made


def test_a_shard_that_dies_is_run_again_and_resumes(shards: Shards, platform: SandboxServer) -> None:
    """What it leaves in doubt is reported, and never made a second time. At every step: test_crash_matrix.py."""
    shards.split(2)
    shards.kill("1/2", NO_ANSWER)
    shards.run("2/2").ended(0)
    shards.run("1/2").ended(5, "already running")
    shards.expire_lease()
    shards.run("1/2").ended(7)
    closed = shards.collect().ended(7)
    doubtful = [one for one in KEYS if f"reconcile resolve {one} " in closed.out]
    lost = len(platform.engines()) - len(shards.on_branch())
    assert 0 <= lost <= len(doubtful)
    assert len({str(one["name"]) for one in platform.engines()}) == len(platform.engines())
    assert shards.on_branch().keys() == set(KEYS) - set(doubtful)
    assert shards.commits() == 1
    made = {str(one["name"]): str(one["id"]) for one in platform.engines()}
    for key in doubtful:  # a person looks there, and tells the truth
        what = ("--engine-id", made[key]) if key in made else ("--retry",)
        shards.clone().run("resolve", key, *what, "--publish").ended(0)
    shards.publish().ended(0)
    assert shards.on_branch() == {key: key for key in KEYS}
    assert len(platform.engines()) == len(KEYS)


def test_the_commands_that_a_plan_prints_can_be_pasted_at_a_desk(shards: Shards) -> None:
    desk = shards.clone()
    printed = re.findall(
        r"hint: run every.*`reconcile (.*)`|hint: when all.*`reconcile (.*)`", shards.split(1).err
    )
    for command in (apply or collect for apply, collect in printed):
        assert "--publish" in command
        desk.run(*shlex.split(command)).ended(0)
    assert shards.on_branch() == {key: key for key in KEYS}
    allowing = shards.split(1, "--allow-replace", KEYS[0]).err
    assert f"--shard 1/1 --allow-replace {KEYS[0]}`" in allowing
    settled = shards.clone("settled")
    (settled.root / "reconcile.yaml").write_text("publish: true\n")
    assert "`reconcile collect p`" in settled.run("plan", "--shards", "2", "--out", "p").ended(0).err


def test_a_plan_is_not_saved_in_a_folder_without_a_name(shards: Shards) -> None:
    desk = shards.clone()
    before = desk.snapshot()
    desk.run("plan", "--shards", "2", "--out", "").ended(64, "--out is empty", "such as --out shards")
    assert desk.snapshot() == before


def test_a_shard_that_never_ran_is_reported_and_the_rest_is_published(
    shards: Shards, platform: SandboxServer
) -> None:
    shards.split(3)
    shards.run("1/3").ended(0)
    shards.run("3/3").ended(0)
    ran = shards.collect().ended(4, "shard 2 of 3 has not done its part", "reconcile plan")
    assert "shard 1 of 3" not in ran.err
    assert 0 < len(shards.on_branch()) < len(KEYS)
    shards.run("2/3").ended(6, "is over")
    shards.publish().ended(0)
    assert shards.on_branch() == {key: key for key in KEYS}
    assert platform.create_calls() == len(KEYS)


@rare
def test_nothing_was_done_and_the_plan_is_closed_all_the_same(shards: Shards) -> None:
    shards.split(2)
    shards.kill("1/2", "ledger pushed#1")
    shards.expire_lease()
    shards.collect().ended(4)
    assert "holder" not in shards.lease
    shards.run("1/2").ended(6, "is over")


@pytest.mark.parametrize("how", ["broken", pytest.param("taken over", marks=rare)])
def test_a_shard_comes_too_late(shards: Shards, platform: SandboxServer, how: str) -> None:
    shards.split(2)
    shards.run("1/2").ended(0)
    if how == "broken":
        shards.clone().run("lease", "break", "--yes").ended(0, "shard")
    else:
        shards.expire_lease()
        shards.publish(env=shards.clock(600.0)).ended(0)
    shards.run("2/2").ended(6, "is over", "nothing was done")
    if how == "broken":
        shards.publish().ended(0)
    shards.check_all_made_once()
    shards.collect().ended(0)


def test_what_needs_no_call_is_left_to_collect(shards: Shards, platform: SandboxServer) -> None:
    shards.publish().ended(0)
    shards.edit("team/e00", "another")
    shards.delete("team/e01")
    shards.rename("team/e02", "moved")
    shards.change(lambda project: project.engine("new"))
    shards.split(2)
    for number in (1, 2):
        shards.run(f"{number}/2").ended(0)
    shards.collect().ended(0)
    served = shards.on_branch()
    assert served.keys() == (set(KEYS) - {"team/e01", "team/e02"}) | {"moved", "new"}
    assert (served["team/e00"], served["moved"]) == ("another", "team/e02")
    assert platform.create_calls() == len(KEYS) + 2


@rare
def test_collect_records_what_was_done_where_the_rest_of_the_plan_does_not_hold_any_more(
    shards: Shards,
) -> None:
    shards.publish().ended(0)
    shards.edit("team/e00", "another")
    shards.delete("team/e01")
    shards.split(1)
    machine = shards.clone()
    shards.run("1/1").ended(0)
    shards.change(lambda project: project.engine("team/e01", "name: again\n"))
    machine.git("pull", "--quiet")
    shards.collect(project=machine).ended(6, "only what the shards did is recorded")
    assert shards.on_branch()["team/e00"] == "another"


def test_limits_are_judged_once_for_the_whole_plan(shards: Shards, platform: SandboxServer) -> None:
    shards.publish().ended(0)
    for key in KEYS[:6]:
        shards.edit(key, f"{key} again")
    strict = {"RECONCILE_MAX_REPLACE": "4"}
    lax = {"RECONCILE_MAX_REPLACE": "100%"}
    shards.clone().run("plan", "--shards", "4", "--out", str(shards.plan), env=lax).ended(0, "6 to replace")
    made = platform.create_calls()
    for number in (1, 2):
        shards.run(f"{number}/4", env=dict(strict)).ended(6, "replace 6 of 8 engines")
    assert platform.create_calls() == made


def test_a_file_that_changed_since_the_plan_is_refused_and_the_place_is_free(shards: Shards) -> None:
    shards.split(1)
    machine = shards.clone()
    machine.engine(KEYS[0], "name: other\n")
    how = ("--shard", "1/1", "--yes", "--publish")
    machine.run("apply", str(shards.plan), *how).ended(6, "its file changed since the plan")
    shards.run("1/1").ended(0)
    shards.collect().ended(0)
    shards.check_all_made_once()


def test_a_variable_alone_makes_no_shard_of_a_run(shards: Shards) -> None:
    """Four jobs of one `parallel: 4` are four runs of everything: the lease lets one through, and nothing is left."""
    env = {"CI_NODE_INDEX": "2", "CI_NODE_TOTAL": "4", "JOB_COMPLETION_INDEX": "1"}
    shards.publish(None, env=env).ended(0, "8 created")
    shards.publish(None, env=env).ended(0, "8 engines are up to date")
    shards.check_all_made_once()


def test_without_a_key_the_variable_of_the_environment_is_named(shards: Shards) -> None:
    """The key of another environment is there, and does not stand in."""
    shards.split(1)
    other: dict[str, str | None] = {"RECONCILE_API_KEY_ENV": "LINGO_API_KEY_STAGING"}
    shards.run("1/1", env=other).ended(3, "hint: set LINGO_API_KEY_STAGING, which signs")
    assert shards.platform.create_calls() == 0
