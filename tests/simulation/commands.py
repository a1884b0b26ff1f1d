"""The commands as processes: what `cli/runs/runner.py` and its like wire, one step at a time."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.app.applying import ApplySettings, refuse_if_stale
from reconciler.app.learning import claim_taken, take_in
from reconciler.app.leasing import break_lease, look_when_free, with_past
from reconciler.app.ledger_writer import LedgerWriter
from reconciler.app.planning import PlanResult, Request, make_plan, plan_to_collect
from reconciler.app.pushing import Pusher, Terms
from reconciler.app.recorded import RecordedState, read_recorded_state
from reconciler.core.errors import GitError, LeaseHeld, RefMoved
from reconciler.core.ledger import journal as journal_format
from reconciler.core.ledger.epoch import refuse_if_held
from reconciler.core.ledger.lease import Holder, Lease, give_back
from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
from reconciler.core.ledger.webhook_facts import Delivery
from reconciler.core.plan.limits import DEFAULT_POLICY, Policy
from reconciler.core.plan.model import Action
from reconciler.core.plan.saved import SavedPlan, apply_document
from reconciler.core.run.operations import Options
from reconciler.core.run.outcome import Outcome, outcome_of_plan
from tests.simulation.calls import Calls
from tests.simulation.driving import Drive
from tests.simulation.ledger import ModelLedger, ModelProposingLedger
from tests.simulation.machine import Engines, Journal, LockfileStore, Told
from tests.simulation.real_driver import DEADLINE, Inbox, RealDrive
from tests.simulation.world import Process, World

if TYPE_CHECKING:
    from reconciler.cli.runs.closing import Closing

TTL = 120.0

Way = Generator[None, None, None]


@dataclass(frozen=True, slots=True)
class How:
    """The flags of an `apply` or a `collect`."""

    only: tuple[str, ...] = ()
    retry_failed: bool = False
    detach: bool = False
    collect: bool = False
    no_wait: bool = False
    saved: SavedPlan | None = None
    policy: Policy = DEFAULT_POLICY
    lease_wait: float = 0.0
    asks: bool = False
    refresh: bool = False
    closing: Closing | None = None


@dataclass(slots=True)
class RunCommand:
    """One process with its ports."""

    world: World
    process: Process
    result: Outcome | None = None
    check: Callable[[Lease, str], None] = refuse_if_held

    @property
    def ledger(self) -> ModelLedger:
        kind = ModelProposingLedger if self.world.proposes else ModelLedger
        return kind(self.world, self.process)

    @property
    def lockfile(self) -> LockfileStore:
        return LockfileStore(self.process.machine, self.process.step)

    def journal(self, *, known: bool = False) -> Journal:
        return Journal(self.process.machine, self.process.step, known, self.world.refused)

    # ── apply and collect ──────────────────────────────────────────────────────────────────────────────────────

    def apply(self, how: How) -> Way:
        yield from self._again(how.lease_wait, lambda until: self._attempt(how, until))

    def _again(self, wait: float, attempt: Callable[[float], Way]) -> Way:
        """Again, as long as there is time to wait, when another run came first."""
        until = self.world.time.seconds + wait
        while True:
            try:
                yield from attempt(until)
                return
            except LeaseHeld as error:
                if self.world.time.seconds >= until:
                    raise
                self.world.say(f"{self.process.name}: waits: {error.message}")
                self._sleep(5.0)
                yield

    def _attempt(self, how: How, until: float) -> Way:
        machine = self.process.machine
        shared = self._look(until)
        yield
        waiting = self.world.platform.waiting() if self.world.callbacks else []
        if waiting:
            self._hold()
            recorded = read_recorded_state(self.lockfile, self.journal(known=shared is None), shared)
            take_in(recorded, self.journal(known=shared is None), machine.clock, waiting)
            yield
        planned = self._plan(how, shared)
        yield
        if planned.plan.invalid or not planned.plan.changes_anything:
            yield from self._nothing_to_do(planned, waiting)
            return
        self._hold()
        machine.process = self.process.name
        newest = self._ask(how, planned) if how.asks else self._still(how, planned)
        if newest.plan.invalid or not newest.plan.changes_anything:
            self._report(newest, outcome_of_plan(newest.plan))
            return
        yield from self._drive(how, newest)

    def _ask(self, how: How, planned: PlanResult) -> PlanResult:
        """Somebody says yes after a while; then the plan must still be what was shown."""
        self._sleep(20.0)
        newest = self._plan(how, self._look())
        refuse_if_stale(planned.plan, newest.plan)
        return newest

    def _sleep(self, seconds: float) -> None:
        """Others may do something meanwhile."""
        self.world.time.pass_(seconds)
        if self.process.lucky(self.process.weather.interlude):
            self.world.interlude(self.process.rng)

    def _look(
        self,
        until: float = 0.0,
        ledger: ModelLedger | None = None,
        check: Callable[[Lease, str], None] | None = None,
    ) -> RemoteSnapshot | None:
        if not self.process.publishes:
            return None
        ledger = ledger or self.ledger
        seen = look_when_free(
            ledger,
            self.process.machine.clock,
            wait=max(0.0, until - self.world.time.seconds),
            sleep=self._sleep,
            has_ended=self.has_ended,
            notice=self.world.say,
            check=check or self.check,
        )
        return with_past(ledger, seen, self.journal(), self.lockfile)

    def has_ended(self, holder: Holder) -> bool:
        """Some runs are known to have ended, where somebody can be asked."""
        gone = holder.host not in {one.name for one in self.world.processes}
        return gone and self.world.tells and self.process.lucky(0.5)

    def _hold(self) -> None:
        """The file lease of the machine."""
        machine = self.process.machine
        if machine.process not in (None, self.process.name):
            raise LeaseHeld("another run on this machine")

    def _plan(self, how: How, shared: RemoteSnapshot | None) -> PlanResult:
        self.process.planned_on = self.process.machine.lock
        journal = self.journal(known=shared is None)
        request = Request(
            only=how.only,
            retry_failed=how.retry_failed,
            policy=how.policy,
            saved=how.saved,
            refresh=how.refresh,
        )
        if how.closing is not None:
            planned = how.closing.plan(shared)
        elif how.collect:
            planned = plan_to_collect(self.lockfile, journal, request, shared)
        else:
            ask = self.world.platform.look_up if how.refresh else None
            engines = Engines(self.process.machine)
            planned = make_plan(engines, self.lockfile, journal, request, shared, ask=ask)
        self._note_doubts(planned.recorded)
        words = ", ".join(_said(one) for one in planned.plan.actions)
        self.world.say(f"{self.process.name}: plan: {words or 'nothing'}; unwritten {planned.plan.unwritten}")
        self.process.stands = planned.recorded.folded
        self.process.planned_files = dict(self.process.machine.files)
        self.process.planned_head = self.process.machine.head
        return planned

    def _note_doubts(self, recorded: RecordedState) -> None:
        self.world.doubted = {call.operation_id for calls in recorded.doubts.values() for call in calls}

    def _still(self, how: How, planned: PlanResult) -> PlanResult:
        shared = planned.recorded.shared
        recorded = read_recorded_state(self.lockfile, self.journal(known=shared is None), shared)
        same = recorded.digest == planned.plan.lockfile_digest
        return planned if same else self._plan(how, shared)

    def _nothing_to_do(self, planned: PlanResult, waiting: Sequence[Delivery]) -> Way:
        journal = self.journal()
        machine = self.process.machine
        if not planned.plan.invalid and machine.journal and machine.process is None:
            recorded = read_recorded_state(self.lockfile, journal, planned.recorded.shared)
            if recorded.unwritten == 0:
                journal.compact(published=planned.recorded.shared is not None)
        yield
        self._empty_if_merged(planned)
        self._claim(waiting)
        self._report(planned, outcome_of_plan(planned.plan))

    def _empty_if_merged(self, planned: PlanResult) -> None:
        seen = planned.recorded.shared
        if not self.world.proposes or seen is None or not seen.records or planned.recorded.unwritten:
            return
        try:
            self.keep(self.ledger.publish(seen, seen.lockfile, seen.records, give_back(seen.lease)))
        except (RefMoved, GitError):
            return

    def _drive(self, how: How, planned: PlanResult) -> Way:
        yield
        if self.process.real and self.world.loops == 0:
            seen = self._seen_by_run(planned)
            writer = None if seen is None else self._new_writer(seen)
            if writer is not None and not any(action.creates for action in planned.plan.actions):
                writer.acquire()
            self._drive_really(how, planned, writer)
            return
        pusher = self._pusher(planned)
        yield
        options = Options(
            concurrency=2,
            ahead=2 if pusher is not None else 0,
            shared=pusher is not None,
            detach=how.detach,
            no_wait=how.no_wait,
        )
        yield from self._drive_by(how, planned, pusher, options)

    def _drive_by(
        self, how: How, planned: PlanResult, pusher: Pusher | LedgerWriter | None, options: Options
    ) -> Way:
        if isinstance(pusher, LedgerWriter):
            self._drive_really(how, planned, pusher)
            return
        calls = Calls(self.world, self.process)
        drive = Drive(
            self.world, self.process, planned, pusher, options, TTL, self.journal(), self.lockfile, calls
        )
        yield from drive.go()
        assert drive.outcome is not None  # it went to its end
        self._finish(planned, drive.outcome, pusher, drive.told)

    def _drive_really(self, how: How, planned: PlanResult, writer: LedgerWriter | None) -> None:
        """By the real driver; it is one step for the schedule, in which others have their turns all the same."""
        settings = ApplySettings(2, DEADLINE, how.detach, None, self.world.new_operation, how.no_wait)
        drive = RealDrive(self.world, self.process, planned, writer, settings, self.journal(), self.lockfile)
        self._finish(planned, drive.run(), writer, drive.told)

    def _finish(
        self, planned: PlanResult, outcome: Outcome, writer: Pusher | LedgerWriter | None, told: Told
    ) -> None:
        for line in told.lines:
            self.world.say(f"{self.process.name}: note: {line}")
        if writer is not None:
            self.keep(writer.seen)
            if writer.lost is not None and not writer.ever_held:
                raise LeaseHeld(writer.lost)
        self._report(planned, outcome)
        if writer is not None and not writer.publishes:
            return
        if outcome.unwritten is None and outcome.unpublished is None and self.world.callbacks:
            self._claim(self.world.platform.waiting())

    def _seen_by_run(self, planned: PlanResult) -> RemoteSnapshot | None:
        seen = planned.recorded.shared
        if seen is not None and self.world.proposes and not planned.recorded.unwritten:
            return self.ledger.with_all_published(seen)
        return seen

    def _pusher(self, planned: PlanResult) -> Pusher | None:
        seen = self._seen_by_run(planned)
        if seen is None:
            return None
        pusher = self._new_pusher(seen)
        if not any(action.creates for action in planned.plan.actions):
            self._acquire(pusher)
        return pusher

    def _new_writer(self, seen: RemoteSnapshot) -> LedgerWriter:
        return LedgerWriter(self.ledger, seen, self._terms(), self.process.machine.clock, self._pause)

    def _new_pusher(self, seen: RemoteSnapshot) -> Pusher:
        return Pusher(self.ledger, seen, self._terms(), self.process.machine.clock, self._pause)

    def _terms(self) -> Terms:
        name = self.process.name
        return Terms(Holder(name, 1), f"token-{name}", TTL)

    def _pause(self, longest: float) -> None:
        self.world.time.pass_(0.2)

    @staticmethod
    def _acquire(pusher: Pusher | LedgerWriter) -> None:
        if isinstance(pusher, LedgerWriter):
            pusher.acquire()
            return
        pusher.push(())
        if pusher.lost is not None:
            raise LeaseHeld(pusher.lost)

    def keep(self, seen: RemoteSnapshot) -> None:
        self.process.machine.fetched = journal_format.render(seen.records)
        self.process.machine.doubted = seen.unverified

    def _claim(self, waiting: Sequence[Delivery]) -> None:
        if not waiting:
            return
        inbox = Inbox(self.world, self.process)
        claim_taken(inbox, waiting, self.lockfile, self.journal(known=True), None)

    def _report(self, planned: PlanResult, outcome: Outcome) -> None:
        """What a person reads."""
        world = self.world
        self.result = outcome
        for one in outcome.results:
            world.reported |= {name for name in (one.engine_id, one.previous) if name is not None}
            if one.status == "uncertain" and one.operation_id is not None:
                world.reported.add(one.operation_id)
            if one.status == "guarded":
                world.held_back.add(one.key)
        words = ", ".join(f"{one.key} {one.status}" for one in outcome.results)
        more = [outcome.unpublished, outcome.unwritten, outcome.halted]
        told = "".join(f"; {one}" for one in more if one)
        world.say(f"{self.process.name}: exit {int(outcome.exit_code)}: {words or 'nothing'}{told}")

    # ── the others ─────────────────────────────────────────────────────────────────────────────────────────────

    def fetch(self) -> Way:
        self.keep(with_past(self.ledger, self.ledger.look(), self.journal(), self.lockfile))
        yield

    def break_lease(self) -> Way:
        seen = self.ledger.look()
        if seen.lease.holder is not None:
            yield
            break_lease(self.ledger, seen)

    def save_plan(self, how: How) -> SavedPlan:
        """`plan --out`: without a network."""
        planned = self._plan(how, None)
        document = apply_document(planned.plan, planned.recorded.folded, how.retry_failed)
        return SavedPlan(planned.plan, document["entries"], how.retry_failed)


def _said(action: Action) -> str:
    condition = f" ({action.condition})" if action.condition else ""
    return f"{action.kind} {action.key}{condition}{' (guarded)' if action.guard else ''}"
