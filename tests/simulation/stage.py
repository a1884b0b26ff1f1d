"""Where a schedule is played: it starts processes, gives them their turns, and buries those that die."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from random import Random

from reconciler.app.recorded import RecordedState
from reconciler.core.errors import ExitCode, ReconcileError
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.saved import SavedPlan
from reconciler.core.run.protocol import Create
from tests.simulation import laws
from tests.simulation.commands import How, Way
from tests.simulation.deciding import Act, Decision, truth
from tests.simulation.machine import Machine
from tests.simulation.person import Command
from tests.simulation.schedule import Setting
from tests.simulation.world import FAIR, Killed, Process, Violation, Weather, begin

DESKS = ("ada", "bob")
RUNNER = "runner"
TO_ITS_END = 1_000_000
REAL = 0.25  # how many processes are driven by the real driver; the others do the same without an event loop


class Stage:
    """One world, and everybody in it."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.world = begin(setting.proposes, setting.websocket, setting.callbacks)
        self.world.tells = setting.tells
        self.world.on_commit = self._on_commit
        self.world.on_send = self._on_send
        for name, skew in zip((*DESKS, RUNNER), setting.skews, strict=False):
            self.world.new_machine(name, skew, persistent=True)
        self.saved: dict[str, SavedPlan] = {}
        self.sharded: list[tuple[SavedPlan, str]] = []  # with the commits that they were made at
        self.snapshots: list[tuple[str, bytes, bytes, bytes]] = []  # of the runner's disk
        self._late: list[Callable[[], object]] = []

    def _on_commit(self, process: Process, tip: str, before: Lockfile, after: Lockfile) -> None:
        with self._watching():
            laws.check_commit(self.world, process, tip, before, after)

    def _on_send(self, process: Process, command: Create) -> None:
        with self._watching():
            laws.check_create(self.world, process, command)

    @contextmanager
    def _watching(self) -> Iterator[None]:
        """A law that breaks inside of an event loop ends that, too."""
        try:
            yield
        except Violation as violation:
            self.world.violation = violation
            for process in self.world.processes:
                process.on_death()
            raise

    def weather(self, rng: Random) -> Weather:
        storm = self.setting.storm

        def often(most: float) -> float:
            return rng.choice((0.0, 0.0, most / 2, most)) * storm

        return Weather(
            lost_answer=often(0.3),
            refused_call=often(0.2),
            failing_job=often(0.3),
            unreachable=often(0.1),
            dropped=often(0.15),
            torn=often(0.03),
            refused_push=often(0.2),
            disk_full=often(0.03),
            interlude=often(0.2),
            interrupt=often(0.03),
            deadline=often(0.05),
        )

    def desk(self, rng: Random) -> Machine:
        return self.world.machines[rng.choice(DESKS)]

    def ci_machine(self, ahead: float | None = None) -> Machine:
        """A fresh one, with main's tip checked out."""
        skew = self.setting.skews[-1] if ahead is None else ahead
        return self.world.new_machine("ci", skew, persistent=False)

    # ── processes ──────────────────────────────────────────────────────────────────────────────────────────────

    def start(
        self,
        name: str,
        machine: Machine,
        rng: Random,
        weather: Weather,
        way: Callable[[Command], Way],
        *,
        publishes: bool = True,
        to_its_end: bool = False,
        at_once: float = 0.7,
    ) -> Command:
        """A process, and its first turn, which is all of it with the chance of `at_once`. It may have an end before its
        time.
        """
        world = self.world
        world.runs += 1
        dies_at = None
        if not to_its_end and self.setting.storm and weather is not FAIR and rng.random() < 0.35:
            dies_at = rng.randint(1, 24)
        chance = Random(rng.randrange(1 << 30))
        process = Process(f"{name}#{world.runs}", machine, publishes, chance, weather, world, dies_at)
        process.real = chance.random() < REAL
        process.key = world.keys - 1
        command = Command(world, process)
        process.way = way(command)
        world.processes.append(process)
        world.say(f"{process.name}: starts at {machine.head}" + (", publishing" if publishes else ""))
        most = TO_ITS_END if to_its_end or rng.random() < at_once else rng.randint(1, 25)
        self.advance(process, most)
        return command

    def advance(self, process: Process, most: int) -> None:
        """Some steps of a process, up to its end. What is no failure of our own tree is a bug of ours."""
        if not process.waits or process.way is None:
            return
        process.waits = False
        try:
            for _ in range(most):
                self.world.time.pass_(0.02)
                next(process.way)
            process.waits = True
            return
        except StopIteration:
            process.succeeded = True
        except Killed:
            self._bury(process)
        except ReconcileError as error:
            self._failed(process, error)
        except Violation:
            raise
        except Exception as error:
            self.world.say("".join(traceback.format_exception(error)))
            raise Violation("exit 70", f"{process.name}: {error!r}") from error
        self._end(process)

    def _failed(self, process: Process, error: ReconcileError) -> None:
        self.world.say(f"{process.name}: exit {int(error.exit_code)}: {error.message}")
        if error.exit_code is ExitCode.INVALID:
            self.world.say("".join(traceback.format_exception(error)))
            raise Violation("exit 3", f"{process.name}: {error.message}") from error

    def _bury(self, process: Process) -> None:
        """It is gone; a call that was on the wire arrives now, later, or not."""
        process.alive = False
        for arrival in process.arrivals:
            chance = process.rng.random()
            if chance < 0.4:
                _arrive(arrival)
            elif chance < 0.6:
                self._late.append(arrival)

    def let_arrive(self) -> None:
        """What dead processes had on the wire gets there."""
        late, self._late = self._late, []
        for arrival in late:
            _arrive(arrival)

    def _end(self, process: Process) -> None:
        process.alive = process.waits = False
        if process.machine.process == process.name:
            process.machine.process = None
        if process in self.world.processes:
            self.world.processes.remove(process)

    def kill_all(self) -> None:
        for process in list(self.world.processes):
            if process.waits:
                self.world.say(f"{process.name}: KILLED")
                self._bury(process)
                self._end(process)

    def resolving(self, rng: Random, *, publish: bool | None = True) -> Callable[[Command], Way]:
        """A person who looks on the platform, and tells the truth."""
        salt = rng.randrange(1 << 30)

        def choose(known: RecordedState) -> Decision | None:
            return truth(self.world, known, Random(salt))

        return lambda command: command.resolve(choose, publish=publish)

    @staticmethod
    def deciding(act: Act, *, publish: bool) -> Callable[[Command], Way]:
        """A person decides of an engine without a run."""
        return lambda command: command.decide(act, publish=publish)


def applying(how: How) -> Callable[[Command], Way]:
    return lambda command: command.apply(how)


def _arrive(arrival: Callable[[], object]) -> None:
    with suppress(Killed):  # its process is gone, and records nothing of it
        arrival()
