"""A ledger in memory: compare-and-swap, any number of runs, strangers who push in between, and faults on request."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from reconciler.app.ledger_writer import LedgerWriter
from reconciler.app.planning import PlanResult, Request, make_plan
from reconciler.app.pushing import Terms
from reconciler.core.engine.spec import Spec
from reconciler.core.errors import RefMoved, RemoteUnreachable
from reconciler.core.ledger.journal import Record
from reconciler.core.ledger.lease import Holder, Lease
from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
from reconciler.core.lockfile import model as lockfile_format
from reconciler.core.lockfile.model import EMPTY, Lockfile
from reconciler.core.run.outcome import Outcome
from tests.app.ports import Log, Scene


@dataclass
class Remote:
    """What all runs see. `pushes` has the types of the records of every push that got there."""

    shared: RemoteSnapshot = field(default_factory=lambda: RemoteSnapshot(branch_tip="b0"))
    pushes: list[list[str]] = field(default_factory=list)
    logged: list[Record] = field(default_factory=list)  # every record that was ever on the ledger
    former: list[Lockfile] = field(default_factory=list)  # what was published before, newest first
    lock: threading.RLock = field(default_factory=threading.RLock)  # runs push from threads of their own
    _moves: int = 0

    def put(self, **parts: object) -> RemoteSnapshot:
        """Somebody pushes: what is given changes, and the ledger's tip does in any case."""
        with self.lock:
            self._moves += 1
            tip = {"ledger_tip": f"l{self._moves}"}
            self.shared = replace(self.shared, **tip | parts)  # type: ignore[arg-type]
            return self.shared

    def change_branch(self, lockfile: Lockfile) -> None:
        """Somebody else's commit on the branch."""
        self._moves += 1
        content = lockfile_format.render(lockfile)
        self.shared = replace(self.shared, branch_tip=f"b{self._moves}", lockfile=lockfile, content=content)

    def has(self, kind: str) -> bool:
        return any(record.type == kind for record in self.shared.records)

    @property
    def lease(self) -> Lease:
        return self.shared.lease


@dataclass
class MemoryLedger:
    """One run's view. `before` and `after` are asked with the method's name and what is pushed; what they return is
    raised, before anything happened or although all of it did. While `gate` is closed, pushes hang.
    """

    remote: Remote
    log: Log
    before: Callable[[str, Sequence[Record]], Exception | None] = lambda name, records: None
    after: Callable[[str, Sequence[Record]], Exception | None] = lambda name, records: None
    gate: threading.Event = field(default_factory=threading.Event)
    tried: int = 0
    _until: float = float("inf")

    def __post_init__(self) -> None:
        self.gate.set()

    def hurry(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def look(self) -> RemoteSnapshot:
        self._raise(self.before("look", ()))
        return self.remote.shared

    def again(self, seen: RemoteSnapshot) -> RemoteSnapshot:
        return self.look()

    def logged(self, seen: RemoteSnapshot, operations: Iterable[str]) -> tuple[Record, ...]:
        wanted = set(operations)
        return tuple(one for one in self.remote.logged if one.operation in wanted)

    def former(self, seen: RemoteSnapshot) -> Sequence[Lockfile]:
        return self.remote.former

    def record(self, seen: RemoteSnapshot, records: Sequence[Record], held: Lease) -> RemoteSnapshot:
        self._pass_gate()
        self._raise(self.before("record", records))
        with self.remote.lock:
            self._compare(seen.ledger_tip, self.remote.shared.ledger_tip)
            new = [record for record in records if record not in self.remote.shared.records]
            self.remote.put(records=tuple(records), lease=held)
            self._pushed(new)
        self._raise(self.after("record", records))
        return replace(
            self.remote.shared, branch_tip=seen.branch_tip, lockfile=seen.lockfile, content=seen.content
        )

    def publish(
        self, seen: RemoteSnapshot, lockfile: Lockfile, told: Sequence[Record], held: Lease
    ) -> RemoteSnapshot:
        self._pass_gate()
        self._raise(self.before("publish", told))
        with self.remote.lock:
            self._compare(seen.ledger_tip, self.remote.shared.ledger_tip)
            self._compare(seen.branch_tip, self.remote.shared.branch_tip)
            self._pushed([record for record in told if record not in self.remote.shared.records])
            if lockfile != seen.lockfile:
                self.remote.change_branch(lockfile)
            self.remote.put(records=(), lease=held)
        self.log.append("published")
        self._raise(self.after("publish", told))
        return self.remote.shared

    def _pass_gate(self) -> None:
        self.tried += 1
        while not self.gate.wait(0.01):
            if time.monotonic() > self._until:
                raise RemoteUnreachable("the remote hangs")

    @staticmethod
    def _raise(error: Exception | None) -> None:
        if error is not None:
            raise error

    @staticmethod
    def _compare(seen: str | None, now: str | None) -> None:
        if seen != now:
            raise RefMoved(f"it is at {now}, not at {seen}")

    def _pushed(self, records: Sequence[Record]) -> None:
        self.remote.pushes.append([record.type for record in records])
        self.remote.logged += records
        for record in records:
            self.log.append(f"pushed {record.type} {record.operation}")


class MovedClock:
    """The real time, and as much more as a test says."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> str:
        now = datetime.now(UTC) + timedelta(seconds=self.ahead)
        return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class SharedScene(Scene):
    """A project whose runs share through a remote; its files are those of one machine, and a scene is one machine."""

    def __init__(self, specs: dict[str, Spec], remote: Remote | None = None, *, ttl: float = 60.0) -> None:
        super().__init__(specs)
        self.remote = remote or Remote()
        self.ledger = MemoryLedger(self.remote, self.log)
        self.moved_clock = MovedClock()
        self.ttl = ttl
        self.pauses: list[float] = []
        self.ledger_writer: LedgerWriter | None = None
        self.began = 0

    def shared_plan(self) -> PlanResult:
        return make_plan(self.engines, self.lockfile, self.journal, Request(), self.ledger.look())

    def new_ledger_writer(self, planned: PlanResult) -> LedgerWriter:
        assert planned.recorded.shared is not None
        self.began += 1
        terms = Terms(Holder("here", self.began), f"token-{id(self)}-{self.began}", self.ttl)
        return LedgerWriter(self.ledger, planned.recorded.shared, terms, self.moved_clock, self.pauses.append)

    def share(
        self,
        during: Callable[[], object] | None = None,
        *,
        planned: PlanResult | None = None,
        concurrency: int = 8,
        interrupt: bool = False,
    ) -> Outcome:
        """Plan and apply. `during` may be a coroutine function; it runs beside the run, from its start."""
        planned = planned or self.shared_plan()
        self.ledger_writer = self.new_ledger_writer(planned)
        ports = replace(self.ports, ledger_writer=self.ledger_writer, clock=self.moved_clock)

        async def drive() -> Outcome:
            from reconciler.app.applying import build_driver

            driver = build_driver(planned, ports, self.settings(concurrency=concurrency))
            driving = asyncio.create_task(driver.drive(planned.recorded.on_disk))
            if during is not None:
                beside = during()
                if asyncio.iscoroutine(beside):
                    await beside
            if interrupt:
                driver.interrupt()
            async with asyncio.timeout(20):
                return await driving

        return asyncio.run(drive())


def taken_by_another(remote: Remote) -> None:
    later = "2999-01-01T00:00:00.000Z"
    lease = Lease(remote.lease.fencing + 1, Holder("elsewhere", 7), "other", later, later)
    remote.put(lease=lease)


__all__ = ["EMPTY", "MemoryLedger", "Remote", "SharedScene", "taken_by_another"]
