"""What a step of the schedule does, by its kind."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random

from reconciler.core.plan.saved import SavedPlan
from reconciler.core.plan.shards import split_of
from tests.simulation import people
from tests.simulation.commands import How, Way
from tests.simulation.deciding import Act, adopting, releasing, rolling_back
from tests.simulation.machine import Machine
from tests.simulation.naming import entries_of
from tests.simulation.person import Command
from tests.simulation.repo import MAIN, PROPOSALS
from tests.simulation.schedule import Step
from tests.simulation.stage import RUNNER, TO_ITS_END, Stage, applying
from tests.simulation.world import FAIR, Weather

BRANCHES = ("feature", "other")


class Acts:
    """Takes steps. `take` looks for the method of the step's kind."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.world = stage.world
        self.world.interlude = self._interlude
        self._depth = 0

    def take(self, step: Step) -> None:
        self.world.say(f"── {step}")
        rng = Random(step.salt)
        weather = FAIR if step.calm else self.stage.weather(rng)
        act: Callable[[Random, Weather], None] = getattr(self, f"do_{step.kind}")
        act(rng, weather)
        self.world.time.pass_(rng.choice((0.1, 1.0, 10.0)))

    def _interlude(self, rng: Random) -> None:
        """Others do something while a push is on its way."""
        if self._depth >= 2:
            return
        self._depth += 1
        try:
            kinds = ["edit", "go_on", "lease_break", "merge_branch", "jobs_end", "set_back", "ci", "resolve"]
            kinds += ["shard", "collect_shards"]
            kind = rng.choices(kinds, (4, 12, 1, 2, 2, 1, 3, 1, 3, 1))[0]
            self.take(Step(kind, rng.randrange(1_000_000)))
            self.world.say("── and so on")
        finally:
            self._depth -= 1

    # ── runs ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _how(self, rng: Random) -> How:
        only = (rng.choice(people.KEYS),) if rng.random() < 0.15 else ()
        wait = rng.choice((0.0, 0.0, 30.0, 600.0))
        retry, detach, asks = rng.random() < 0.05, rng.random() < 0.15, rng.random() < 0.1
        refresh = rng.random() < 0.3
        return How(only=only, retry_failed=retry, detach=detach, lease_wait=wait, asks=asks, refresh=refresh)

    def do_ci(self, rng: Random, weather: Weather) -> None:
        how = How(refresh=rng.random() < 0.3)
        self.stage.start("ci", self.stage.ci_machine(), rng, weather, applying(how))

    def do_ci_collect(self, rng: Random, weather: Weather) -> None:
        how = How(collect=True, no_wait=rng.random() < 0.5)
        self.stage.start("collect", self.stage.ci_machine(), rng, weather, applying(how))

    def do_rerun(self, rng: Random, weather: Weather) -> None:
        """A job of an older commit is run again."""
        machine = self.stage.ci_machine()
        machine.check_out(rng.choice(people.log_of(self.world.repo)[:6]))
        how = How(collect=True) if rng.random() < 0.2 else self._how(rng)
        self.stage.start("rerun", machine, rng, weather, applying(how))

    def do_runner(self, rng: Random, weather: Weather) -> None:
        """A machine that keeps its disk from job to job."""
        machine = self.world.machines[RUNNER]
        if machine.process is None:
            log = people.log_of(self.world.repo)
            people.take_over(self.world, machine, log[0] if rng.random() < 0.8 else rng.choice(log[:5]))
        self.stage.start(RUNNER, machine, rng, weather, applying(self._how(rng)))

    def do_go_on(self, rng: Random, weather: Weather) -> None:
        waiting = [one for one in self.world.processes if one.waits]
        if waiting:
            self.stage.advance(rng.choice(waiting), rng.choice((1, 3, 10, TO_ITS_END)))

    def do_resolve(self, rng: Random, weather: Weather) -> None:
        machine = self.stage.desk(rng) if rng.random() < 0.5 else self.stage.ci_machine(0.0)
        self.stage.start(machine.name, machine, rng, weather, self.stage.resolving(rng))

    def do_roll_back(self, rng: Random, weather: Weather) -> None:
        """Somebody wants the engine before the last back, at a desk or where the branch is checked out."""
        self._decide(rng, weather, rolling_back(rng.choice(people.KEYS), rng.randrange(3)))

    def do_release(self, rng: Random, weather: Weather) -> None:
        self._decide(rng, weather, releasing(rng.choice(people.KEYS)))

    def do_import_(self, rng: Random, weather: Weather) -> None:
        """An engine that somebody made by hand is taken in, at a desk, for a file that has none."""
        machine = self.stage.desk(rng)
        way = self.stage.deciding(adopting(rng.choice(people.KEYS)), publish=False)
        self.stage.start(machine.name, machine, rng, weather, way, publishes=False)

    def _decide(self, rng: Random, weather: Weather, act: Act) -> None:
        machine = self.stage.desk(rng) if rng.random() < 0.5 else self.stage.ci_machine(0.0)
        publishes = not machine.persistent or rng.random() < 0.7
        way = self.stage.deciding(act, publish=publishes)
        self.stage.start(machine.name, machine, rng, weather, way, publishes=publishes)

    def do_lease_break(self, rng: Random, weather: Weather) -> None:
        machine = self.stage.desk(rng)
        self.stage.start(machine.name, machine, rng, FAIR, lambda command: command.break_lease())

    # ── a plan in shards ───────────────────────────────────────────────────────────────────────────────────────

    def do_plan_shards(self, rng: Random, weather: Weather) -> None:
        people.edit(self.world, MAIN, rng, much=True)
        machine = self.stage.desk(rng) if rng.random() < 0.3 else self.stage.ci_machine(0.0)
        how, shards = How(retry_failed=rng.random() < 0.1, refresh=rng.random() < 0.2), rng.randint(1, 3)

        def save(command: Command) -> Way:
            self.stage.sharded.append((command.plan_shards(how, shards), machine.head))
            yield

        self.stage.start(machine.name, machine, rng, FAIR, save, publishes=False)

    def do_shard(self, rng: Random, weather: Weather) -> None:
        """One of them, perhaps for the second time or too late."""
        found = self._sharded(rng)
        if found is not None:
            self._shard(*found, rng.randint(1, split_of(found[0]).shards), rng, weather)

    def do_shards(self, rng: Random, weather: Weather) -> None:
        """All of them, in any order."""
        found = self._sharded(rng)
        if found is None:
            return
        numbers = [*range(1, split_of(found[0]).shards + 1)]
        rng.shuffle(numbers)
        for number in numbers:
            self._shard(*found, number, rng, weather)

    def do_collect_shards(self, rng: Random, weather: Weather) -> None:
        found = self._sharded(rng)
        if found is None:
            return
        machine = self._for_shards(found[1], rng)
        wait, no_wait = rng.choice((0.0, 30.0, 600.0)), rng.random() < 0.3
        way = partial(Command.collect_shards, saved=found[0], lease_wait=wait, no_wait=no_wait)
        self.stage.start("closing", machine, rng, weather, way)

    def _sharded(self, rng: Random) -> tuple[SavedPlan, str] | None:
        """A plan for shards with the commit that it was made at: the last one, or an older one."""
        plans = self.stage.sharded
        return None if not plans else plans[-1] if rng.random() < 0.8 else rng.choice(plans)

    def _shard(self, saved: SavedPlan, commit: str, number: int, rng: Random, weather: Weather) -> None:
        machine, wait = self._for_shards(commit, rng), rng.choice((0.0, 0.0, 30.0, 600.0))
        way = partial(Command.shard, saved=saved, number=number, lease_wait=wait)
        self.stage.start(f"shard-{number}", machine, rng, weather, way, at_once=0.4)

    def _for_shards(self, commit: str, rng: Random) -> Machine:
        """Most often a fresh one with the commit of the plan."""
        chance, runner = rng.random(), self.world.machines[RUNNER]
        if chance < 0.15 and runner.process is None:
            people.take_over(self.world, runner, self.world.repo.commits[commit])
            return runner
        machine = self.stage.desk(rng) if chance < 0.25 else self.stage.ci_machine()
        if 0.25 <= chance < 0.8:
            machine.check_out(self.world.repo.commits[commit])
        return machine

    # ── at a desk ──────────────────────────────────────────────────────────────────────────────────────────────

    def do_desk_edit(self, rng: Random, weather: Weather) -> None:
        people.edit_here(self.world, self.stage.desk(rng), rng)

    def do_desk_edit_much(self, rng: Random, weather: Weather) -> None:
        people.edit_here(self.world, self.stage.desk(rng), rng, much=True)

    def do_desk_tidy_up(self, rng: Random, weather: Weather) -> None:
        people.tidy_up(self.world, self.stage.desk(rng), rng)

    def do_desk_commit(self, rng: Random, weather: Weather) -> None:
        people.commit_here(self.world, self.stage.desk(rng))

    def do_desk_pull(self, rng: Random, weather: Weather) -> None:
        people.pull(self.world, self.stage.desk(rng), rng)

    def do_desk_push(self, rng: Random, weather: Weather) -> None:
        people.push(self.world, self.stage.desk(rng), rng)

    def do_desk_push_branch(self, rng: Random, weather: Weather) -> None:
        people.push_branch(self.world, self.stage.desk(rng), rng.choice(BRANCHES))

    def do_desk_apply(self, rng: Random, weather: Weather) -> None:
        machine = self.stage.desk(rng)
        self.stage.start(machine.name, machine, rng, weather, applying(self._how(rng)), publishes=False)

    def do_desk_publish(self, rng: Random, weather: Weather) -> None:
        machine = self.stage.desk(rng)
        if rng.random() < 0.5 and machine.process is None:
            people.pull(self.world, machine, rng)
        self.stage.start(machine.name, machine, rng, weather, applying(self._how(rng)))

    def do_desk_collect(self, rng: Random, weather: Weather) -> None:
        machine = self.stage.desk(rng)
        how, publishes = How(collect=True, no_wait=rng.random() < 0.5), rng.random() < 0.5
        self.stage.start(machine.name, machine, rng, weather, applying(how), publishes=publishes)

    def do_desk_fetch(self, rng: Random, weather: Weather) -> None:
        machine = self.stage.desk(rng)
        self.stage.start(machine.name, machine, rng, weather, lambda command: command.fetch())

    def do_desk_save(self, rng: Random, weather: Weather) -> None:
        machine = self.stage.desk(rng)
        how = How(retry_failed=rng.random() < 0.1)

        def save(command: Command) -> Way:
            self.stage.saved[machine.name] = command.save_plan(how)
            yield

        self.stage.start(machine.name, machine, rng, FAIR, save, publishes=False)

    def do_desk_apply_saved(self, rng: Random, weather: Weather) -> None:
        machine = self.stage.desk(rng)
        saved, publishes = self.stage.saved.get(machine.name), rng.random() < 0.5
        if saved is not None:
            how = How(saved=saved)
            self.stage.start(machine.name, machine, rng, weather, applying(how), publishes=publishes)

    def do_desk_resolve(self, rng: Random, weather: Weather) -> None:
        """At a desk, where nobody said whether to publish it, or that it is not to be."""
        machine = self.stage.desk(rng)
        way = self.stage.resolving(rng, publish=rng.choice((None, None, False)))
        self.stage.start(machine.name, machine, rng, weather, way, publishes=False)

    # ── git, platform, time ────────────────────────────────────────────────────────────────────────────────────

    def do_edit(self, rng: Random, weather: Weather) -> None:
        people.edit(self.world, MAIN, rng)

    def do_edit_much(self, rng: Random, weather: Weather) -> None:
        people.edit(self.world, MAIN, rng, much=True)

    def do_cherry_pick(self, rng: Random, weather: Weather) -> None:
        people.cherry_pick(self.world, rng)

    def do_merge_by_hand(self, rng: Random, weather: Weather) -> None:
        people.merge_by_hand(self.world, rng.choice(BRANCHES), rng)

    def do_old_disk(self, rng: Random, weather: Weather) -> None:
        """The runner's disk is as it was some time ago: somebody restored a snapshot of it."""
        machine = self.world.machines[RUNNER]
        if machine.process is None:
            now = (machine.head, machine.lock, machine.journal, machine.fetched)
            if self.stage.snapshots and rng.random() < 0.6:
                machine.head, machine.lock, machine.journal, machine.fetched = rng.choice(
                    self.stage.snapshots
                )
                machine.files = dict(self.world.repo.commits[machine.head].files)
                self.world.say(f"{machine.name}: its disk is set back to {machine.head}")
            self.stage.snapshots.append(now)

    def do_rotate_key(self, rng: Random, weather: Weather) -> None:
        self.world.keys += 1
        self.world.say(
            f"the API key is rotated, {self.world.keys} by now; runs that are under way keep theirs"
        )

    def do_revert(self, rng: Random, weather: Weather) -> None:
        people.revert(self.world, rng)

    def do_revert_all(self, rng: Random, weather: Weather) -> None:
        people.revert(self.world, rng, lockfile=True)

    def do_set_back(self, rng: Random, weather: Weather) -> None:
        people.set_back(self.world, rng)

    def do_fork(self, rng: Random, weather: Weather) -> None:
        people.fork(self.world, rng.choice(BRANCHES), rng)

    def do_edit_branch(self, rng: Random, weather: Weather) -> None:
        branch = rng.choice(BRANCHES)
        if branch in self.world.repo.branches:
            people.edit(self.world, branch, rng)

    def do_merge_branch(self, rng: Random, weather: Weather) -> None:
        people.merge_branch(self.world, rng.choice(BRANCHES), rng)

    def do_update_branch(self, rng: Random, weather: Weather) -> None:
        people.update_branch(self.world, rng.choice(BRANCHES), rng)

    def do_rebase_branch(self, rng: Random, weather: Weather) -> None:
        people.update_branch(self.world, rng.choice(BRANCHES), rng, rebase=True)

    def do_merge_proposal(self, rng: Random, weather: Weather) -> None:
        people.merge_branch(self.world, PROPOSALS, rng)

    def do_close_proposal(self, rng: Random, weather: Weather) -> None:
        self.world.repo.branches.pop(PROPOSALS, None)

    def do_delete(self, rng: Random, weather: Weather) -> None:
        """Somebody deletes an engine that serves, on the platform's own page."""
        entries = [entry for _, entry in entries_of(self.world.lock())]
        serving = [one.current.engine_id for one in entries if one.current is not None]
        if serving:
            gone = rng.choice(sorted(serving))
            self.world.platform.gone.add(gone)
            self.world.say(f"{gone} is gone")

    def do_jobs_end(self, rng: Random, weather: Weather) -> None:
        self.stage.let_arrive()
        for made in self.world.platform.running():
            if rng.random() < 0.7:
                self.world.platform.end(made, rng.random() < weather.failing_job)
                self.world.say(f"{made.engine_id} {made.status}")

    def do_webhooks(self, rng: Random, weather: Weather) -> None:
        if not self.world.callbacks:
            return
        for made in self.world.platform.engines.values():
            if made.status != "in_progress" and rng.random() < (0.1 if made.delivered else 0.8):
                self.world.platform.deliver(made)
                self.world.say(f"the webhook of {made.operation} comes in")

    def do_time(self, rng: Random, weather: Weather) -> None:
        self.world.time.pass_(rng.choice((30.0, 90.0, 150.0, 600.0)))

    def do_clock_jump(self, rng: Random, weather: Weather) -> None:
        machine = rng.choice(list(self.world.machines.values()))
        machine.clock.ahead += rng.choice((-300.0, -30.0, 30.0, 300.0))
        self.world.say(f"{machine.name}: its clock jumps to {machine.clock.ahead:+}")
