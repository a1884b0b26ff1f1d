"""Drives a run by `app/driver.py` and `app/ledger_writer.py` themselves, on an event loop whose time is the world's and
without threads; so it is as fast and as repeatable as all else here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from reconciler.app.applying import ApplySettings, build_driver
from reconciler.app.driver import Ports
from reconciler.app.ledger_writer import LedgerWriter
from reconciler.app.planning import PlanResult
from reconciler.core.engine.spec import Spec
from reconciler.core.ledger.webhook_facts import Delivery
from reconciler.core.platform.job import Answer, News, Progress, Uncertain
from reconciler.core.platform.webhook import Event
from reconciler.core.run.outcome import Outcome
from reconciler.core.run.protocol import Create
from tests.simulation.calls import Calls
from tests.simulation.machine import Journal, LockfileStore, Told
from tests.simulation.world import Killed, Process, World

DEADLINE = 60.0

T = TypeVar("T")


class _AtOnce(ThreadPoolExecutor):
    """What is given to a thread is done at once."""

    def __init__(self) -> None:
        super().__init__(max_workers=1)

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # whoever waits gets it, as from a thread
            future.set_exception(error)
        return future


class _Selector:
    """Nothing ever comes from outside: waiting for it is time that passes."""

    def __init__(self, world: World, meanwhile: Callable[[], object]) -> None:
        self._world = world
        self._meanwhile = meanwhile

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("the run waits for something that will never come")
        if timeout > 0:
            self._world.time.pass_(timeout)
            self._meanwhile()
        return []


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, world: World, meanwhile: Callable[[], object]) -> None:
        super().__init__()
        self._world = world
        self._real = self._selector  # type: ignore[has-type]
        self._selector = _Selector(world, meanwhile)
        self.set_default_executor(_AtOnce())
        self.set_exception_handler(lambda loop, context: None)

    def time(self) -> float:
        return self._world.time.seconds

    def close(self) -> None:
        self._selector = self._real
        super().close()


@dataclass(slots=True)
class RealDrive:
    """One plan on its way, from its first step to its outcome. Others have their turns while it waits."""

    world: World
    process: Process
    planned: PlanResult
    writer: LedgerWriter | None
    settings: ApplySettings
    journal: Journal
    lockfile: LockfileStore
    told: Told = field(default_factory=Told)

    def run(self) -> Outcome:
        loop = _Loop(self.world, self._meanwhile)
        self.process.on_death = loop.stop
        self.world.loops += 1
        try:
            return self._until_done(loop)
        finally:
            self.process.on_death = lambda: None
            self.world.loops -= 1
            loop.close()

    def _until_done(self, loop: _Loop) -> Outcome:
        """Its outcome. Raises `Killed` where the process died, `Violation` where a law broke: both stop the loop."""
        task = loop.create_task(self._drive())
        task.add_done_callback(lambda done: loop.stop())
        loop.run_forever()
        if self.world.violation is None and task.done():
            return task.result()
        self.process.on_death = lambda: None  # it has stopped the loop, which must go on for a moment
        _clear(loop)
        raise self.world.violation or Killed

    def _meanwhile(self) -> None:
        if self.process.lucky(self.process.weather.interlude / 4):
            self.world.interlude(self.process.rng)

    async def _drive(self) -> Outcome:
        platform = _Platform(self.process, Calls(self.world, self.process))
        ports = Ports(
            platform,
            _Completions(self.world, self.process) if self.world.websocket else None,
            self.journal,
            self.lockfile,
            self.told,
            self.process.machine.clock,
            self.writer,
            Inbox(self.world, self.process) if self.world.callbacks else None,
        )
        creating = iter([action.key for action in self.planned.plan.actions if action.creates])

        def new_id() -> str:  # it is asked once for each of them, in their order
            operation = self.world.new_operation()
            platform.keys[operation] = next(creating)
            return operation

        driver = build_driver(self.planned, ports, replace(self.settings, new_id=new_id))
        driving = asyncio.ensure_future(driver.drive(self.planned.recorded.on_disk))
        if self.process.lucky(self.process.weather.interrupt * 5):
            asyncio.get_running_loop().call_later(self.process.rng.random() * 3, driver.interrupt)
        return await driving


def _clear(loop: _Loop) -> None:
    """Nothing of a dead process goes on."""
    left = asyncio.all_tasks(loop)
    for one in left:
        one.cancel()
    gathered = asyncio.gather(*left, return_exceptions=True)
    gathered.add_done_callback(lambda done: loop.stop())
    loop.run_forever()


@dataclass(slots=True)
class _Platform:
    process: Process
    calls: Calls
    keys: dict[str, str] = field(default_factory=dict)

    async def create(self, operation_id: str, spec: Spec, callback_url: str | None) -> Answer:
        rng = self.process.rng
        self.calls.send(Create(operation_id, self.keys[operation_id], spec))
        await asyncio.sleep(rng.random() * 3)
        self.calls.arrive(operation_id)
        await asyncio.sleep(rng.random() * 3)
        return self.calls.answer(operation_id) or Uncertain("nobody answered")

    async def read_summary(self, job_id: str) -> Mapping[str, int] | None:
        return {"instructions": 3} if self.process.lucky(0.5) else None


@dataclass(slots=True)
class _Completions:
    world: World
    process: Process

    async def watch(self, job_id: str) -> AsyncIterator[News | Progress]:
        while True:
            await asyncio.sleep(self.process.rng.random() * 2)
            _work(self.world, self.process)
            made = self.world.platform.of_job(job_id)
            if made is not None and made.status != "in_progress":
                yield News(job_id, made.status, "it broke" if made.status == "failed" else None)
                return
            yield News(job_id, "in_progress")


def _work(world: World, process: Process) -> None:
    """Jobs end while somebody waits for them."""
    if world.at_rest or process.lucky(0.1):
        world.platform.work(process.rng, process.weather.failing_job)


@dataclass(slots=True)
class Inbox:
    """The webhooks that came in."""

    world: World
    process: Process

    def waiting(self) -> Sequence[Delivery]:
        return self.world.platform.waiting()

    def hurry(self, seconds: float) -> None:
        """It answers at once."""

    async def follow(self) -> AsyncIterator[Event]:
        seen = 0
        while True:
            inbox = self.world.platform.inbox
            for delivery in inbox[seen:]:
                yield delivery.event
            seen = len(inbox)
            await asyncio.sleep(1.5)
            _work(self.world, self.process)

    def claim(self, deliveries: Sequence[Delivery]) -> None:
        self.world.platform.claimed |= {one.id for one in deliveries}
