"""A simulated world for the run: a platform that remembers everything, and two durable files.

The driver of ill will is in `attempt`. What the laws promise is checked while it happens: `Platform.post` and
`World.check` raise `AssertionError`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random

from reconciler.core.engine.fingerprint import fingerprint
from reconciler.core.engine.spec import Spec
from reconciler.core.ledger import journal
from reconciler.core.ledger.fold import fold
from reconciler.core.ledger.journal import Record, Settlement
from reconciler.core.ledger.webhook_facts import learn
from reconciler.core.lockfile import model as lockfile
from reconciler.core.lockfile.entry import FAILED, Entry
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.diff import PlanInput, actions_for
from reconciler.core.plan.model import Plan
from reconciler.core.platform.job import COMPLETED, IN_PROGRESS, Accepted, Answer, Refused
from reconciler.core.platform.update import NotUpdated, Reach, Unconfirmed, UpdateAnswer, Updated
from reconciler.core.platform.webhook import Event
from reconciler.core.run.protocol import Create, UpdateEngine
from tests.core.build import at, wanted


@dataclass(frozen=True, slots=True)
class FaultRates:
    """How likely (0–1) each kind of trouble is. All zero is a good day."""

    crash: float = 0.0
    refused: float = 0.0
    lost_answer: float = 0.0
    failing_job: float = 0.0
    completed_at_once: float = 0.3
    interrupt: float = 0.0
    deadline: float = 0.0
    lease_lost: float = 0.0
    disk_full: float = 0.0
    watch_ended: float = 0.0
    webhook: float = 0.0
    summary: float = 0.3


FAIR = FaultRates()


@dataclass(slots=True)
class Call:
    """A create call that reached the platform, and what it made."""

    operation: str
    key: str
    fingerprint: str
    job_id: str | None = None
    engine_id: str | None = None


@dataclass(slots=True)
class Platform:
    calls: dict[str, Call] = field(default_factory=dict)
    jobs: dict[str, str] = field(default_factory=dict)
    engines: dict[str, Call] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)  # deleted by somebody, behind our back
    shows: dict[str, str] = field(default_factory=dict)  # what each engine has, as a fingerprint

    def put(self, command: UpdateEngine, rng: Random, weather: FaultRates) -> UpdateAnswer:
        """The answer to a change in place, which is done, or not, also where the answer is lost."""
        wanted_print = fingerprint(command.spec)
        assert command.engine_id in self.shows, "an engine was changed that nobody made"
        if command.engine_id in self.gone:
            return NotUpdated("no such engine", 404)
        if command.look_first and self.shows[command.engine_id] == wanted_print:
            return Updated(command.engine_id)
        if rng.random() < weather.refused:
            reach = rng.choice(list(Reach))
            return NotUpdated("no", {Reach.UPDATES: 405, Reach.RUN: 401}.get(reach, 400), reach)
        lost = rng.random() < weather.lost_answer
        if not lost or rng.random() < 0.5:
            self.shows[command.engine_id] = wanted_print
        return Unconfirmed("no answer came") if lost else Updated(command.engine_id)

    def post(self, command: Create, rng: Random, weather: FaultRates) -> Answer | None:
        """The answer to a create call; None when the platform did its work and the answer was lost."""
        assert command.operation not in self.calls, "an operation was sent twice"
        call = Call(command.operation, command.key, fingerprint(command.spec))
        self.calls[call.operation] = call
        if rng.random() < weather.refused:
            return Refused("no", rng.choice([400, 400, 402, 404, 503, None]))
        lost = rng.random() < weather.lost_answer
        if lost and rng.random() < 0.5:
            return None
        number = len(self.engines) + 1
        call.job_id, call.engine_id = f"pjb_{number}", f"eng_{number}"
        status = COMPLETED if rng.random() < weather.completed_at_once else IN_PROGRESS
        self.jobs[call.job_id] = status
        self.engines[call.engine_id] = call
        self.shows[call.engine_id] = call.fingerprint
        return None if lost else Accepted(call.job_id, call.engine_id, status)

    def work(self, rng: Random, weather: FaultRates) -> None:
        """Some running job ends."""
        running = [job for job, status in self.jobs.items() if status == IN_PROGRESS]
        if running:
            job = rng.choice(running)
            self.jobs[job] = FAILED if rng.random() < weather.failing_job else COMPLETED

    def webhooks(self) -> list[Event]:
        """One for every job that ended, as the platform would send it to the callback URL of its operation."""
        return [
            Event(
                f"provisioning.{self.jobs[call.job_id]}",
                call.job_id,
                engine_id,
                self.jobs[call.job_id],
                "it broke" if self.jobs[call.job_id] == FAILED else None,
                {"instructions": 6} if self.jobs[call.job_id] == COMPLETED else None,
                call.operation,
            )
            for engine_id, call in self.engines.items()
            if call.job_id is not None and self.jobs[call.job_id] != IN_PROGRESS
        ]

    def status_of(self, engine_id: str) -> str:
        job_id = self.engines[engine_id].job_id
        assert job_id is not None  # every engine was made with one
        return self.jobs[job_id]


@dataclass(slots=True)
class World:
    """What outlives a process: the platform, the two files as bytes, and the engine files that people edit."""

    rng: Random
    platform: Platform = field(default_factory=Platform)
    lockfile: bytes = b""
    journal: bytes = b""
    files: dict[str, Spec] = field(default_factory=dict)
    clock: int = 0
    operations: int = 0
    in_place: bool = False

    def now(self) -> str:
        self.clock += 1
        return at(self.clock // 1000, self.clock % 1000)

    def read(self) -> tuple[Lockfile, tuple[Record, ...]]:
        return _read(self.lockfile, self.journal)

    def recorded(self) -> Lockfile:
        return fold(*self.read())

    def append(self, content: bytes) -> None:
        """As the real one does: a torn end of an earlier write is cut off first."""
        _, whole = journal.parse(self.journal, "journal")
        self.journal = self.journal[:whole] + content

    def plan(
        self, *, retry_failed: bool = False, only: frozenset[str] | None = None, refresh: bool = False
    ) -> Plan:
        desired = {key: wanted(key, spec) for key, spec in self.files.items()}
        selected = (lambda key: True) if only is None else only.__contains__
        gone = self.platform.gone if refresh else frozenset()
        alive = self.platform.engines.keys() - gone if refresh else frozenset()
        recorded, in_place = self.recorded(), self.in_place
        situation = PlanInput(
            recorded, desired, desired.keys(), selected, retry_failed, gone, alive, in_place=in_place
        )
        return Plan("production", actions_for(situation))

    def delete(self) -> None:
        """Somebody deletes an engine that serves."""
        serving = [one.current.engine_id for _, one in entries_of(self.recorded()) if one.current is not None]
        if serving:
            self.platform.gone.add(self.rng.choice(serving))

    def take_in(self, events: Sequence[Event]) -> None:
        """What an inbox holds becomes facts, in whatever order and however often it came."""
        facts = learn(self.recorded(), events, self.now())
        self.append(journal.render(facts))
        assert learn(self.recorded(), events, self.now()) == (), "learning twice is not learning once"

    def settle(self) -> bool:
        """A person looks on the platform and tells the truth about one uncertain operation, if there is one."""
        for _, entry in entries_of(self.recorded()):
            for call in entry.unresolved:
                fact = self._truth(call.operation_id)
                self.append(journal.render([fact]))
                return True
        return False

    def _truth(self, operation: str) -> Settlement:
        call = self.platform.calls.get(operation)
        if call is None or call.engine_id is None:
            return Settlement(operation, self.rng.choice(["retry", "forget"]), self.now())
        over = self.platform.status_of(call.engine_id) == COMPLETED
        job_id = None if over and self.rng.random() < 0.5 else call.job_id
        return Settlement(operation, "engine", self.now(), call.engine_id, job_id)

    def check(self) -> None:
        """What must hold whenever no process runs."""
        recorded = self.recorded()
        assert fold(recorded, self.read()[1]) == recorded, "folding twice is not folding once"
        self._check_conservation(recorded)
        self._check_changes(recorded)
        on_disk, _ = self.read()
        for lock in (recorded, on_disk):
            for key, entry in entries_of(lock):
                if entry.current is not None:
                    status = self.platform.status_of(entry.current.engine_id)
                    assert status == COMPLETED, f"{key} serves an engine whose job is {status}"

    def _check_changes(self, recorded: Lockfile) -> None:
        """What is recorded of an engine is what it has, or the change of it that has no answer is named."""
        for key, entry in entries_of(recorded):
            for part in (entry.current, *entry.superseded):
                if part is not None and not part.updating:
                    has = self.platform.shows[part.engine_id]
                    assert has == part.fingerprint, f"{key}: a change of {part.engine_id} is lost"

    def _check_conservation(self, recorded: Lockfile) -> None:
        """Every engine is named, or its operation is reported uncertain at its key."""
        named = [engine for _, entry in entries_of(recorded) for engine in entry.engine_ids]
        assert len(named) == len(set(named)), "an engine is named twice"
        doubtful = {call.operation_id for _, entry in entries_of(recorded) for call in entry.unresolved}
        for engine_id, call in self.platform.engines.items():
            assert engine_id in named or call.operation in doubtful, f"{engine_id} is lost"


@lru_cache(maxsize=4)  # the same bytes are read many times, by all that looks at them
def _read(lock: bytes, records: bytes) -> tuple[Lockfile, tuple[Record, ...]]:
    return lockfile.parse(lock, "lock") if lock else lockfile.EMPTY, journal.parse(records, "journal")[0]


def entries_of(lock: Lockfile) -> Iterator[tuple[str, Entry]]:
    """Every entry, retired ones too."""
    for key in lock.engines:
        entry = lock.entry(key)
        assert entry is not None
        yield key, entry
    for key in lock.retired:
        yield from ((key, retired.entry) for retired in lock.retired_of(key))


def edit(world: World, specs: Sequence[Spec]) -> None:
    """A person changes, adds, removes or renames an engine file; often to what it was before."""
    rng, keys = world.rng, ["acme", "acme", "acme", "blog", "shop"]
    key = rng.choice(keys)
    match rng.randrange(8):
        case 0:
            world.files.pop(key, None)
        case 1:
            spec, other = world.files.get(key), rng.choice(keys)
            if spec is not None and other not in world.files:
                del world.files[key]
                world.files[other] = spec
        case _:
            world.files[key] = rng.choice(specs)
