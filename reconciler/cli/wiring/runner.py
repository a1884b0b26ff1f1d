"""A run of `apply` or `collect`: look, take in, plan, ask, lease, run, finish, report."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from reconciler.app.applying import refuse_if_stale
from reconciler.app.planning import PlanResult, read_recorded_state
from reconciler.cli.options import given
from reconciler.cli.pull_requests.publishing import (
    check_can_propose,
    empty_if_merged,
    seen_by_run,
    with_pull_request,
)
from reconciler.cli.stderr import chosen_level, say, warn
from reconciler.cli.wiring.outputs import bring_outputs_up_to_date
from reconciler.cli.wiring.project import Project, api_key
from reconciler.cli.wiring.publishing import keep, look_when_free, new_ledger_writer, shares
from reconciler.cli.wiring.reporting import Report
from reconciler.core.errors import ExitCode, LeaseHeld, ReconcileError, StorageError, most_severe
from reconciler.core.plan.model import Plan, exit_code_of
from reconciler.core.run.outcome import Outcome, outcome_of_plan

if TYPE_CHECKING:
    from reconciler.app.ledger_writer import LedgerWriter
    from reconciler.cli.wiring.completion_sources import CompletionSources
    from reconciler.cli.wiring.planner import Planner
    from reconciler.core.ledger.journal import Record
    from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
    from reconciler.core.ledger.webhook_facts import Delivery


class ApplyRunner:
    """One run, from the plan to the exit code. `plan` is the `planner`'s way to plan it, given what was seen on the
    remote; from the `completion_sources` the run hears that jobs ended.
    """

    def __init__(
        self,
        ctx: click.Context,
        project: Project,
        flags: Mapping[str, Any],
        planner: Planner,
        plan: Callable[[RemoteSnapshot | None], PlanResult],
        completion_sources: CompletionSources,
        command: str = "apply",
    ) -> None:
        self._ctx = ctx
        self._planner = planner
        self._plan = plan
        self._completion_sources = completion_sources
        self._project = project
        self._flags = flags
        self._format: str = flags["format_"]
        self._started = time.monotonic()
        self._report = Report(ctx, project, flags, command)
        self._published: str | None = None  # the commit of the lockfile
        self._asks = not flags["yes"] and sys.stdin.isatty() and sys.stderr.isatty()
        self._shares = shares(project)

    def run(self) -> ExitCode:
        """Plan and apply; what stops it before it does anything is told to whom it was to be told."""
        try:
            return self._until_free()
        except ReconcileError as error:
            self._report.report_failure(error)
            raise

    def _until_free(self) -> ExitCode:
        """Again, as long as there is time to wait, when another run came first."""
        while True:
            try:
                return self._attempt()
            except LeaseHeld as error:
                if self._time_to_wait() <= 0:
                    raise
                say(f"waiting: {error.message}")

    def _attempt(self) -> ExitCode:
        shared = self._look()
        waiting = self._take_in(shared)
        planned = self._plan(shared)
        if planned.plan.invalid or not planned.plan.changes_anything:
            self._sweep(planned)
            empty_if_merged(self._project, planned)
            self._claim(waiting)
            return self._show_only(planned, bring_outputs_up_to_date(self._project, planned))
        if self._asks:
            self._report.plan(planned, err=self._format == "json")
        key = self._key(planned.plan)  # before the question: whoever says yes has all it takes
        if self._asks and not click.confirm(_question(planned.plan), err=True):
            click.echo("nothing was done", err=True)
            return ExitCode.OK
        return self._apply(planned, key)

    def _apply(self, planned: PlanResult, key: str | None) -> ExitCode:
        from reconciler.adapters.storage.lease_file import FileLease  # only to apply

        with FileLease(self._project.private, wait=self._time_to_wait()).hold():
            newest = self._recheck_plan(planned)
            outcome = self._run_if_needed(planned, newest, key)
        if outcome is None:  # another run did it, or the files were broken meanwhile
            return self._show_only(newest)
        self._report.outcome(newest.plan, outcome)
        self._report.tell(newest, outcome, self._published)
        return outcome.exit_code

    def _run_if_needed(self, planned: PlanResult, newest: PlanResult, key: str | None) -> Outcome | None:
        """Under the lease; None where nothing is to be done any more."""
        if newest.plan.invalid or not newest.plan.changes_anything:
            return None
        if newest is not planned:
            key = key or self._key(newest.plan)
        if not self._asks and self._format != "json":
            self._report.plan(newest)
        outcome = self._drive(newest, key)
        if outcome.unwritten is None and outcome.unpublished is None:
            self._claim(self._completion_sources.waiting())
        return outcome

    def _take_in(self, shared: RemoteSnapshot | None) -> list[Delivery]:
        """Webhooks that came in meanwhile become facts before anything is planned; they are returned."""
        waiting = self._completion_sources.waiting()
        if not waiting:
            return waiting
        from reconciler.adapters.storage.lease_file import FileLease
        from reconciler.adapters.system.clock import UtcClock
        from reconciler.app.learning import take_in

        with FileLease(self._project.private, wait=self._time_to_wait()).hold():
            recorded = self._planner.recorded(shared)
            facts = take_in(recorded, self._planner.journal_beside(shared), UtcClock(), waiting)
        if facts:
            say(f"webhooks told of {_told(facts)}")
        return waiting

    def _claim(self, waiting: list[Delivery]) -> None:
        """What is recorded by now need not be taken in again; that it is, would do no harm."""
        deliveries = self._completion_sources.deliveries
        if deliveries is None or not waiting:
            return
        from reconciler.app.learning import claim_taken

        try:
            claim_taken(deliveries, waiting, self._project.lockfile, self._project.known_journal, None)
        except ReconcileError as error:
            warn(error.message)

    def _sweep(self, planned: PlanResult) -> None:
        """Empty the journal of a run that died right before it would have: the lockfile has everything."""
        journal = self._project.journal
        if planned.plan.invalid or not journal.exists():
            return
        from reconciler.adapters.storage.lease_file import FileLease  # only after a crash

        with suppress(LeaseHeld, StorageError), FileLease(self._project.private).hold():
            recorded = read_recorded_state(self._project.lockfile, journal, planned.recorded.shared)
            if recorded.unwritten == 0:
                journal.compact(published=planned.recorded.shared is not None)

    def _recheck_plan(self, planned: PlanResult) -> PlanResult:
        """The plan, made anew under the lease where something may have changed. What was asked for must be the same."""
        shared = planned.recorded.shared
        if self._asks:
            newest = self._plan(self._look())
            refuse_if_stale(planned.plan, newest.plan)
            return newest
        recorded = self._planner.recorded(shared)
        return planned if recorded.digest == planned.plan.lockfile_digest else self._plan(shared)

    def _drive(self, planned: PlanResult, key: str | None) -> Outcome:
        from reconciler.cli.wiring.drive import Drive  # asyncio, only to apply

        ledger_writer = self._ledger_writer(planned)
        drive = Drive(
            self._project.root,
            self._project.settings,
            self._project.journal,
            planned,
            key,
            ledger_writer,
            detach=self._flags["detach"],
            no_wait=self._flags["no_wait"],
            completion_sources=self._completion_sources,
            color=given(self._ctx, "color"),
            log_level=chosen_level(),
        )
        outcome = drive.run()
        if ledger_writer is not None:
            keep(self._project, ledger_writer.seen)
            self._published = ledger_writer.seen.branch_tip if outcome.published else None
        if ledger_writer is not None and ledger_writer.lost is not None and not ledger_writer.ever_held:
            raise LeaseHeld(ledger_writer.lost, hint="wait for the other run with --lease-wait 10m")
        return (
            outcome
            if ledger_writer is None
            else with_pull_request(self._project, ledger_writer.seen, outcome)
        )

    def _ledger_writer(self, planned: PlanResult) -> LedgerWriter | None:
        """The remote's side of the run. The lease goes out with the first begins; without any, by itself."""
        shared = seen_by_run(self._project.settings, planned)
        if shared is None:
            return None
        ledger_writer = new_ledger_writer(self._project, shared)
        if not any(action.creates for action in planned.plan.actions):
            ledger_writer.acquire()
        return ledger_writer

    def _look(self) -> RemoteSnapshot | None:
        """What is on the remote, once nobody has the lease; None where runs do not share."""
        if not self._shares:
            return None
        check_can_propose(self._project)
        return look_when_free(self._project, self._time_to_wait())

    def _time_to_wait(self) -> float:
        """Seconds that are left of --lease-wait."""
        return max(0.0, (self._project.settings.lease_wait or 0.0) - (time.monotonic() - self._started))

    def _key(self, plan: Plan) -> str | None:
        """The API key, where the plan needs one."""
        return api_key(self._project.settings) if _needs_platform(plan) else None

    def _show_only(self, planned: PlanResult, outputs_failed: Sequence[str] = ()) -> ExitCode:
        """Nothing to apply: the plan is all there is to say, and which outputs could not be written."""
        outcome = replace(outcome_of_plan(planned.plan), outputs_failed=tuple(outputs_failed))
        left = replace(
            planned.plan, outputs=(), outputs_failed=()
        )  # they were seen to, and are in the outcome
        code = most_severe([exit_code_of(left, detailed=True), outcome.exit_code])
        if self._format == "json" and not planned.plan.invalid:
            self._report.outcome(planned.plan, outcome)
        else:
            self._report.plan(planned, code=code)
            self._report.keep(planned.plan, outcome, code)
        self._report.tell(planned, outcome)
        return code


def _told(facts: Sequence[Record]) -> str:
    """How many jobs ended, and how many lost answers were found, in words."""
    ended = sum(fact.type == "ended" for fact in facts)
    found = sum(fact.type == "accepted" for fact in facts)
    words = [f"{found} engine{'s' if found != 1 else ''} whose create call got no answer"] if found else []
    words += [f"{ended} job{'s' if ended != 1 else ''} that ended"] if ended else []
    return " and ".join(words) or "what was made"


def _needs_platform(plan: Plan) -> bool:
    return any(action.creates or action.waits for action in plan.actions)


def _question(plan: Plan) -> str:
    jobs = sum(action.creates for action in plan.actions)
    cost = f"It issues {jobs} provisioning job{'s' if jobs != 1 else ''}." if jobs else "It issues no job."
    return f"\nApply this? {cost}"
