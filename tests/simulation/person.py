"""What a person does with the command besides runs: resolve a call, roll back, release, import."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reconciler.app.deciding import Stores
from reconciler.app.recorded import RecordedState, read_recorded_state
from reconciler.app.settling import settle
from reconciler.core.errors import StorageError, UsageError
from reconciler.core.ledger.journal import Record, Settlement
from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
from reconciler.core.lockfile.model import Lockfile
from tests.simulation.commands import Way
from tests.simulation.deciding import Act, Decision
from tests.simulation.machine import Journal, records_in
from tests.simulation.sharding import ShardCommand
from tests.simulation.world import Killed


class Command(ShardCommand):
    """A process with the command."""

    def resolve(
        self, choose: Callable[[RecordedState], Decision | None], *, publish: bool | None = True
    ) -> Way:
        """A person settles what they are shown; `choose` looks at where things stand. Without a word about `publish`
        the decision is published where the operation came from the ledger.
        """
        self._hold()
        if publish is None:
            known = read_recorded_state(self.lockfile, self.journal(known=True))
            decision = choose(known)
            self.process.publishes = decision is not None and self._is_from_ledger(decision.operation)
        shared = self._look()
        known = read_recorded_state(self.lockfile, self.journal(known=shared is None), shared)
        self._note_doubts(known)
        decision = choose(known)
        if decision is None:
            return
        yield
        self._hold()
        self.world.say(f"{self.process.name}: resolve {decision}")
        if shared is None:
            self._settle(decision, self.journal(known=True), None, None)
            return
        pusher = self._new_pusher(shared)

        def bring(settled: Lockfile, records: Sequence[Record]) -> Lockfile:
            if self.process.machine.persistent:  # it is in the journal by now, and that outlives the process
                self.world.decided[decision.operation] = decision.what
            self._acquire(pusher)
            merged = pusher.finish(settled, records).lockfile
            if pusher.lost is None:
                self.world.decided[decision.operation] = decision.what
                if not self.world.proposes:
                    self.world.published_decisions.add(decision.operation)
            return merged

        self._settle(decision, self.journal(), shared, bring)
        self.keep(pusher.seen)

    def decide(self, act: Act, *, publish: bool) -> Way:
        """A person rolls back, releases or imports. What does not fit any more is refused, as the command does it."""
        self._hold()
        shared = self._look()
        yield
        self._hold()
        machine = self.process.machine
        if shared is None:
            stores = Stores(self.lockfile, self.journal(known=True), machine.clock)
            self._act(act, stores)
            return
        pusher = self._new_pusher(shared)

        def bring(settled: Lockfile, records: Sequence[Record]) -> Lockfile:
            self._acquire(pusher)
            return pusher.finish(settled, records).lockfile

        self._act(act, Stores(self.lockfile, self.journal(), machine.clock, shared, bring))
        self.keep(pusher.seen)

    def _act(self, act: Act, stores: Stores) -> None:
        try:
            said = act(self.world, self.process, stores)
        except UsageError as error:
            said = f"refused: {error.message}"
        self.world.say(f"{self.process.name}: {said}")

    def _is_from_ledger(self, operation: str) -> bool:
        fetched = records_in(self.process.machine.fetched)
        return any(one.operation == operation for one in fetched)

    def _settle(
        self,
        decision: Decision,
        journal: Journal,
        shared: RemoteSnapshot | None,
        publish: Callable[[Lockfile, Sequence[Record]], Lockfile] | None,
    ) -> None:
        machine, operation = self.process.machine, decision.operation
        try:
            settle(
                self.lockfile,
                journal,
                machine.clock,
                decision.key,
                decision.what,
                decision.engine_id,
                decision.job_id,
                operation=operation,
                shared=shared,
                publish=publish,
            )
        except (Killed, StorageError):
            if machine.persistent and any(
                isinstance(one, Settlement) and one.operation == operation
                for one in records_in(machine.journal)
            ):
                self.world.decided[operation] = decision.what  # it outlives the process
            raise
        self.world.decided[operation] = decision.what
