"""The end of every schedule: all calms down, everybody brings home what they have, and the laws are checked."""

from __future__ import annotations

from random import Random

from reconciler.core.plan.limits import Policy
from tests.simulation import laws, people
from tests.simulation.commands import How
from tests.simulation.naming import uncertain_in
from tests.simulation.repo import MAIN, PROPOSALS
from tests.simulation.stage import DESKS, RUNNER, Stage, applying
from tests.simulation.world import FAIR, Violation


def rest(stage: Stage) -> None:
    """Raises `Violation`."""
    world = stage.world
    world.say("══ rest")
    world.at_rest = True
    stage.kill_all()
    stage.let_arrive()
    world.time.pass_(7200.0)
    for made in world.platform.running():
        world.platform.end(made, failed=False)
    _come_home(stage)
    world.reported.clear()
    _converge(stage, How())
    laws.check_nothing_lost(world)
    laws.check_nothing_twice(world)
    laws.check_every_question_is_asked(world)
    laws.check_decided(world)
    _settle_all(stage)
    _name_held_back(stage)
    _converge(stage, How(retry_failed=True, refresh=True))
    laws.check_nothing_lost(world)
    laws.check_nothing_twice(world)
    laws.check_serving(world, world.lock())
    laws.check_converged(world)


def _come_home(stage: Stage) -> None:
    """What is only at a desk or on a runner comes to the branch."""
    world, rng = stage.world, Random(0)
    for name in DESKS:
        machine = world.machines[name]
        machine.files = dict(world.repo.commits[machine.head].files)
        if machine.journal:
            how = applying(How(collect=True))
            stage.start(name, machine, rng, FAIR, how, publishes=False, to_its_end=True)
        people.push(world, machine, rng)
        if machine.journal:  # what was resolved here, and not published
            stage.start(name, machine, rng, FAIR, applying(How(collect=True)), to_its_end=True)
    runner = world.machines[RUNNER]
    people.take_over(world, runner, world.repo.tip())
    stage.start(RUNNER, runner, rng, FAIR, applying(How(collect=True)), to_its_end=True)


def _ordinary(stage: Stage, name: str, how: How, rng: Random) -> bool:
    """An ordinary run from the branch's tip; whether it changed something."""
    before = stage.world.repo.branches[MAIN]
    command = stage.start(name, stage.ci_machine(0.0), rng, FAIR, applying(how), to_its_end=True)
    _merge_proposal(stage, rng)
    return command.result is None or stage.world.repo.branches[MAIN] != before


def _merge_proposal(stage: Stage, rng: Random) -> None:
    if stage.setting.proposes and stage.world.proposal is not None:
        people.merge_branch(stage.world, PROPOSALS, rng)


def _converge(stage: Stage, how: How) -> None:
    """Eight ordinary runs; the last ones have nothing to do."""
    rng, quiet = Random(1), 0
    for _ in range(8):
        quiet = 0 if _ordinary(stage, "last", how, rng) else quiet + 1
        if quiet == 2:
            return
    raise Violation("not converged", "eight ordinary runs still have something to do")


def _settle_all(stage: Stage) -> None:
    rng = Random(2)
    for _ in range(12):
        if not uncertain_in(stage.world.lock()) | stage.world.doubted:
            return
        machine = stage.ci_machine(0.0)
        stage.start("settle", machine, rng, FAIR, stage.resolving(rng), to_its_end=True)
        _merge_proposal(stage, rng)
    raise Violation("not converged", "resolving leaves something uncertain")


def _name_held_back(stage: Stage) -> None:
    """What a guard holds back is allowed by name."""
    world, rng = stage.world, Random(3)
    world.held_back.clear()
    for _ in range(3):
        keys = frozenset(world.held_back)
        world.held_back.clear()
        policy = Policy(allow_replace=keys, allow_retire=keys)
        _ordinary(stage, "named", How(policy=policy, retry_failed=True), rng)
