"""What outlives a process: the remote, the platform, the machines; and what the laws need to remember."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random

from reconciler.core.errors import StorageError
from reconciler.core.ledger.epoch import Sharing
from reconciler.core.ledger.seal import Seal
from reconciler.core.lockfile.model import EMPTY, Lockfile
from reconciler.core.run.protocol import Create
from tests.simulation.far_end import Platform
from tests.simulation.machine import Clock, Machine, Time
from tests.simulation.repo import MAIN, PROPOSALS, File, Repo, read_lock


class Killed(BaseException):
    """The process is gone; what is durable is all there is. No handler of the code under test may catch it."""


class Violation(BaseException):
    """A law does not hold; `law` names it. No handler of the code under test may catch it."""

    def __init__(self, law: str, what: str) -> None:
        super().__init__(f"{law}: {what}")
        self.law = law


@dataclass(frozen=True, slots=True)
class Weather:
    """How likely (0–1) each kind of trouble is, where it can happen. All zero is a good day."""

    lost_answer: float = 0.0
    refused_call: float = 0.0
    failing_job: float = 0.0
    unreachable: float = 0.0  # a look or push that does nothing
    dropped: float = 0.0  # a push that arrives, and whose connection is lost
    torn: float = 0.0  # a push of which only the branch, or only the ledger, arrives
    disk_full: float = 0.0
    refused_push: float = 0.0  # of the branch
    interlude: float = 0.0  # others do something between two steps of a push
    interrupt: float = 0.0
    deadline: float = 0.0


FAIR = Weather()


@lru_cache
def seal_of(key: int) -> Seal:
    """That of the API key with this number."""
    return Seal(f"key {key}".encode())


APPENDING, WRITING = "journal about to be appended", "lockfile about to be written"


@dataclass(slots=True)
class Process:
    """A command on its way. It takes a step whenever the schedule says so, and ends at the durable step `dies_at`."""

    name: str
    machine: Machine
    publishes: bool
    rng: Random
    weather: Weather
    world: World
    dies_at: int | None = None
    real: bool = False  # by the real driver
    steps: int = 0
    way: Generator[None, None, None] | None = None
    key: int = 0  # which API key it has
    alive: bool = True
    succeeded: bool = False
    waits: bool = True  # for its next step; not while one is under way further up
    looked_at: str | None = None  # the branch's tip at its last look
    planned_files: Mapping[str, File] | None = None  # of its checkout when it planned, and the commit
    planned_head: str = ""
    stands: Lockfile = EMPTY  # where things stood when it planned
    planned_on: bytes = b""  # the lockfile of its checkout when it planned
    knows: frozenset[str] = frozenset()  # the engines that branch and ledger named at its last look or push
    open: Mapping[str, str] = field(
        default_factory=dict
    )  # operations without an answer then, with their keys
    on_death: Callable[[], object] = lambda: None
    arrivals: list[Callable[[], object]] = field(default_factory=list)  # calls that are on the wire
    late: bool = False  # a shard that started when its plan was over

    @property
    def seal(self) -> Seal:
        return seal_of(self.key)

    def step(self, what: str) -> None:
        """Something durable is about to happen, or has."""
        if not self.alive:
            raise Killed
        if what in (APPENDING, WRITING) and self.lucky(self.weather.disk_full):
            self.world.say(f"{self.name}: {what}: free some disk space")
            raise StorageError("no space left on device")
        self.steps += 1
        self.world.say(f"{self.name}: {what}")
        if self.steps == self.dies_at:
            self.world.say(f"{self.name}: KILLED")
            self.alive = False
            self.on_death()
            raise Killed

    def lucky(self, chance: float) -> bool:
        """Whether something of that chance happens now."""
        return chance > 0 and self.rng.random() < chance


@dataclass(slots=True)
class World:
    """`reported` has every engine and operation that a run's report names; `decided` what people found out."""

    proposes: bool = False
    websocket: bool = True
    callbacks: bool = True
    time: Time = field(default_factory=Time)
    repo: Repo = field(default_factory=Repo)
    platform: Platform = field(default_factory=Platform)
    machines: dict[str, Machine] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    reported: set[str] = field(default_factory=set)
    decided: dict[str, str] = field(default_factory=dict)
    late: set[str] = field(
        default_factory=set
    )  # calls that left after a person had said that they made nothing
    released: set[str] = field(default_factory=set)  # rollbacks that somebody released
    imported: set[str] = field(default_factory=set)  # engines made by hand that are recorded
    published_decisions: set[str] = field(default_factory=set)
    excused: set[str] = field(
        default_factory=set
    )  # operations whose engine is like another one with a new key
    refused: set[str] = field(
        default_factory=set
    )  # operations of which some journal says that nothing was made
    held_back: set[str] = field(default_factory=set)
    interlude: Callable[[Random], object] = lambda rng: None
    violation: Violation | None = None
    doubted: set[str] = field(default_factory=set)  # calls that only unverified records told the last plan of
    keys: int = 1  # how many API keys there were; the last one is in use
    on_commit: Callable[[Process, str, Lockfile, Lockfile], object] = lambda process, tip, before, after: None
    on_send: Callable[[Process, Create], object] = lambda process, command: None
    operations: int = 0
    runs: int = 0
    patience: int = 60
    at_rest: bool = False
    loops: int = 0  # of real drivers that are under way
    plans: int = 0  # that were made for shards
    over: set[str] = field(default_factory=set)  # of those, the tokens of what was collected
    tells: bool = False  # whether somebody can be asked which runs have ended

    def say(self, line: str) -> None:
        self.trace.append(line)

    def is_over(self, sharing: Sharing) -> bool:
        """Whether the shards of this plan had their time."""
        return sharing.token in self.over or sharing.token in self.repo.ledger_now().lease.closed

    def new_operation(self) -> str:
        self.operations += 1
        return f"op_{self.operations}"

    def new_machine(self, name: str, ahead: float, *, persistent: bool) -> Machine:
        tip = self.repo.tip()
        clock = Clock(self.time, ahead)
        machine = Machine(name, clock, tip.id, dict(tip.files), tip.lock, persistent=persistent)
        if persistent:
            self.machines[name] = machine
        return machine

    def lock(self, branch: str = MAIN) -> Lockfile:
        return read_lock(self.repo.tip(branch).lock)

    @property
    def proposal(self) -> str | None:
        return self.repo.branches.get(PROPOSALS)


def begin(proposes: bool, websocket: bool, callbacks: bool) -> World:
    """A repo with one commit and two engine files, and nobody has run anything yet."""
    world = World(proposes, websocket, callbacks)
    first = world.repo.add((), {"keep": File("fr"), "acme": File("fr")}, b"", "init")
    world.repo.branches[MAIN] = first.id
    return world
