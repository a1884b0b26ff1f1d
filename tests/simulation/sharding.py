"""A plan in shards: what `cli/runs/sharding.py` and `cli/runs/closing.py` wire, one step at a time."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from types import SimpleNamespace
from typing import Any, cast

from reconciler.app.leasing import close_shared, with_past
from reconciler.app.ledger_writer import LedgerWriter
from reconciler.app.planning import PlanResult, Request, make_plan, plan_to_collect
from reconciler.app.pushing import Pusher
from reconciler.cli.runs.closing import Closing
from reconciler.core.errors import ExitCode, GitError, ReconcileError
from reconciler.core.frozen import replace
from reconciler.core.ledger.epoch import SharedTerms
from reconciler.core.ledger.lease import Holder
from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
from reconciler.core.plan.saved import SavedPlan, Split
from reconciler.core.plan.shards import check_divisible, part_of, rest_of, sharing_of
from reconciler.core.run.operations import Options
from reconciler.core.run.outcome import outcome_of_plan
from tests.simulation.commands import TTL, How, RunCommand, Way
from tests.simulation.machine import Engines
from tests.simulation.shard_ledger import ModelShardLedger

Planning = Callable[[RemoteSnapshot | None], PlanResult]


class ModelClosing(Closing):
    """The real one, with planners and a ledger of the simulation."""

    def __init__(self, command: RunCommand, saved: SavedPlan, collected: Planning, rest: Planning) -> None:
        nothing = SimpleNamespace(root=None, settings=None)  # there are no outputs
        planners = (SimpleNamespace(collect=collected), SimpleNamespace(plan=rest))
        super().__init__(cast(Any, nothing), saved, *cast(Any, planners))
        self._command = command
        self.closed = False

    def plan(self, remote: RemoteSnapshot | None) -> PlanResult:
        with self._heard():
            return super().plan(remote)

    def finish(self, code: ExitCode) -> ExitCode:
        with self._heard():
            return super().finish(code)

    @contextmanager
    def _heard(self) -> Iterator[None]:
        """What it says is the simulation's."""
        with redirect_stderr(io.StringIO()) as said:
            yield
        for line in said.getvalue().splitlines():
            self._command.world.say(f"{self._command.process.name}: {line}")

    def _close(self) -> None:
        try:
            clock, sharing = self._command.process.machine.clock, sharing_of(self._saved)
            close_shared(self._command.ledger, clock, sharing, self._command.has_ended)
        except GitError as error:
            self._command.world.say(f"{self._command.process.name}: not closed: {error.message}")
        else:
            lease = self._command.world.repo.ledger_now().lease
            self.closed = sharing.token in lease.closed  # not where a shard came meanwhile


class ShardCommand(RunCommand):
    """The commands for shards."""

    def plan_shards(self, how: How, shards: int) -> SavedPlan:
        """`plan --shards`. Raises `GuardRefused` for one that cannot be divided."""
        saved = self.save_plan(how)
        check_divisible(saved.plan.actions)
        self.world.plans += 1
        return replace(saved, split=Split(shards, f"run-{self.world.plans}"), refresh=how.refresh)

    # ── a shard ────────────────────────────────────────────────────────────────────────────────────────────────

    def shard(self, saved: SavedPlan, number: int, lease_wait: float) -> Way:
        """`apply DIR --shard`."""
        sharing, name = sharing_of(saved), self.process.name
        terms = SharedTerms(sharing, number, Holder(name, 1), f"token-{name}", TTL)
        self.process.late = self.world.is_over(sharing)
        how = How(saved=part_of(saved, number), refresh=saved.refresh, lease_wait=lease_wait)
        yield from self._again(how.lease_wait, lambda until: self._join(how, terms, until))

    def _join(self, how: How, terms: SharedTerms, until: float) -> Way:
        self._hold()
        self.process.machine.process = self.process.name
        ledger = ModelShardLedger(self.world, self.process, terms.shard)
        seen = self._look(until, ledger, terms.check)
        assert seen is not None  # shards publish
        yield
        kind = LedgerWriter if self.process.real and self.world.loops == 0 else Pusher
        writer = kind(ledger, seen, terms, self.process.machine.clock, self._pause)
        writer.bring(self.journal().read()[0])
        self._acquire(writer)
        try:
            yield
            planned = self._plan(how, with_past(ledger, writer.seen, self.journal(), self.lockfile))
            planned = replace(planned, plan=replace(planned.plan, unwritten=0))
            yield
            if planned.plan.invalid or not any(one.changes_anything for one in planned.plan.actions):
                writer.leave()
                self._report(planned, outcome_of_plan(planned.plan))
                return
        except ReconcileError:
            writer.leave()
            raise
        yield from self._drive_by(how, planned, writer, Options(concurrency=2, ahead=2, most=8, shared=True))

    # ── the run that closes ────────────────────────────────────────────────────────────────────────────────────

    def collect_shards(self, saved: SavedPlan, lease_wait: float, no_wait: bool) -> Way:
        """`collect DIR`."""
        closing = ModelClosing(self, saved, self._collected, lambda seen: self._rest(saved, seen))
        self.check = closing.check
        how = How(collect=True, no_wait=no_wait, lease_wait=lease_wait, closing=closing)
        yield from self.apply(how)
        code = closing.finish(ExitCode.OK if self.result is None else self.result.exit_code)
        self.world.say(f"{self.process.name}: closed, exit {int(code)}")
        if closing.closed:
            self.world.over.add(sharing_of(saved).token)

    def _collected(self, seen: RemoteSnapshot | None) -> PlanResult:
        return plan_to_collect(self.lockfile, self.journal(), Request(), seen)

    def _rest(self, saved: SavedPlan, seen: RemoteSnapshot | None) -> PlanResult:
        request = Request(saved=rest_of(saved), refresh=saved.refresh)
        ask = self.world.platform.look_up if saved.refresh else None
        return make_plan(Engines(self.process.machine), self.lockfile, self.journal(), request, seen, ask=ask)
