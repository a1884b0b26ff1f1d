"""The laws of the run, in a world that does its worst (see `world` and `attempt`)."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.lockfile.entry import UNCERTAIN
from reconciler.core.platform.job import IN_PROGRESS
from reconciler.core.run.operations import Options
from tests.core.attempt import Attempt
from tests.core.build import A, B, C, wanted
from tests.core.world import FAIR, FaultRates, World, edit, entries_of

SPECS = (A, A, A, B, B, C)  # A and B differ in what can be changed in place


def weather_of(rng: Random) -> FaultRates:
    """Some troubles are likely, most are absent: too many at once and no run gets anywhere."""
    return FaultRates(
        crash=rng.choice([0.0, 0.01, 0.03]),
        refused=rng.choice([0.0, 0.0, 0.1, 0.3]),
        lost_answer=rng.choice([0.0, 0.0, 0.1, 0.3]),
        failing_job=rng.choice([0.0, 0.1, 0.5]),
        completed_at_once=rng.choice([0.0, 0.3]),
        interrupt=rng.choice([0.0, 0.0, 0.03]),
        deadline=rng.choice([0.0, 0.01, 0.03]),
        lease_lost=rng.choice([0.0, 0.0, 0.01]),
        disk_full=rng.choice([0.0, 0.0, 0.2]),
        watch_ended=rng.choice([0.0, 0.0, 0.3]),
        webhook=rng.choice([0.0, 0.3, 1.0]),
    )


def options_of(rng: Random) -> Options:
    return Options(
        concurrency=rng.randint(1, 3),
        ahead=rng.randint(0, 2),
        most=rng.choice([0, 0, 12]),
        shared=rng.random() < 0.5,
        detach=rng.random() < 0.3,
        read_summaries=rng.random() < 0.5,
    )


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=120)
def test_a_change_in_place_is_never_lost_and_keeps_the_engine(seed: int) -> None:
    """Crashes, lost answers and refusals: in the end the one engine has what the file asks for last."""
    rng = Random(seed)
    world = World(rng, in_place=True)
    world.files["acme"] = A
    Attempt(world, FAIR, Options(), world.plan()).go()
    [made] = world.platform.shows
    weather = weather_of(rng)
    for _ in range(rng.randint(2, 8)):
        world.files["acme"] = rng.choice([A, B, replace(A, name="Acme Corp"), replace(B, description=None)])
        Attempt(world, weather, options_of(rng), world.plan()).go()
        world.check()
    converge(world)
    Attempt(world, FAIR, Options(), world.plan()).go()
    assert_converged(world)
    assert world.platform.shows == {made: wanted("acme", world.files["acme"]).fingerprint}


def live(world: World, weather: FaultRates, how: Options, rounds: int) -> None:
    """People edit, runs come and go, and people settle what is uncertain; the laws are checked all along."""
    rng = world.rng
    for _ in range(rounds):
        edit(world, SPECS)
        if rng.random() < 0.2:
            world.delete()
        only = frozenset(rng.sample(["acme", "blog", "shop"], 2)) if rng.random() < 0.2 else None
        plan = world.plan(retry_failed=rng.random() < 0.3, only=only, refresh=rng.random() < 0.5)
        Attempt(world, weather, how, plan).go()
        world.check()
        if rng.random() < weather.webhook:
            events = world.platform.webhooks()
            world.take_in(rng.choices(events, k=2 * len(events)) if events else [])
            world.check()
        if rng.random() < 0.8:
            world.settle()
            world.check()


def converge(world: World) -> None:
    """Good days from here on: settle what is uncertain, and run until nothing is left to do."""
    for _ in range(8):
        while world.settle():
            world.check()
        plan = world.plan(retry_failed=True, refresh=True)
        if not plan.actions:
            return
        assert Attempt(world, FAIR, Options(2), plan).go() is not None
        world.check()
    raise AssertionError(f"it does not converge: {world.plan().actions}")


def assert_converged(world: World) -> None:
    lock, records = world.read()
    assert set(lock.engines) == set(world.files)
    for key, spec in world.files.items():
        entry = lock.entry(key)
        assert entry is not None
        assert entry.pending is None
        assert entry.current is not None
        assert entry.current.updating == ()
        assert entry.current.fingerprint == wanted(key, spec).fingerprint
        assert entry.current.engine_id not in world.platform.gone
    assert not records


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=75)
def test_webhooks_leave_nothing_uncertain_that_made_an_engine(seed: int) -> None:
    """Lost answers heal without a person, as far as jobs have ended."""
    rng = Random(seed)
    world = World(rng)
    weather = FaultRates(crash=0.02, lost_answer=0.5, completed_at_once=0.5, failing_job=0.2)
    for _ in range(rng.randint(1, 5)):
        edit(world, SPECS)
        Attempt(world, weather, options_of(rng), world.plan()).go()
        world.check()
    while any(status == IN_PROGRESS for status in world.platform.jobs.values()):
        world.platform.work(rng, weather)
    world.take_in(world.platform.webhooks())
    world.check()
    for _, entry in entries_of(world.recorded()):
        if entry.pending is not None and entry.pending.status == UNCERTAIN:
            call = world.platform.calls.get(entry.pending.operation_id)
            assert call is None or call.engine_id is None


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=120)
def test_whatever_happens_every_engine_is_known_and_it_converges(seed: int) -> None:
    """The schedule and the troubles all come from one drawn number: hypothesis' own choices favour quiet days."""
    rng = Random(seed)
    world = World(rng, in_place=rng.random() < 0.5)
    world.files["acme"] = A
    live(world, weather_of(rng), options_of(rng), rng.randint(2, 8))
    converge(world)
    if world.read()[1] or world.recorded() != world.read()[0]:
        Attempt(world, FAIR, Options(), world.plan()).go()
    assert_converged(world)
    before = world.lockfile
    Attempt(world, FAIR, Options(), world.plan()).go()
    assert world.lockfile == before
