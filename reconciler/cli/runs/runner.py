"""A run of `apply` or `collect`: look, take in, plan, ask, lease, run, finish, report."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from reconciler.adapters.project.places import find_git
from reconciler.app.applying import refuse_if_stale
from reconciler.app.planning import PlanResult
from reconciler.app.recorded import read_recorded_state
from reconciler.cli.runs.deletions import with_deletions
from reconciler.cli.runs.outputs import bring_outputs_up_to_date
from reconciler.cli.runs.reporting import Report
from reconciler.cli.runs.stopwatch import Stopwatch
from reconciler.cli.stderr import say, warn
from reconciler.cli.wiring.api_key import api_key
from reconciler.cli.wiring.plan_views import PlanPrinter
from reconciler.cli.wiring.publishing import PublishTarget, target_of_run
from reconciler.core.commands import key_variable
from reconciler.core.errors import ExitCode, GitError, LeaseHeld, ReconcileError, StorageError, most_severe
from reconciler.core.frozen import replace
from reconciler.core.plan.model import Plan, exit_code_of
from reconciler.core.run.outcome import Outcome, outcome_of_plan
from reconciler.project.opened import Project

if TYPE_CHECKING:
    from reconciler.adapters.storage.lease_file import FileLease
    from reconciler.app.ledger_writer import LedgerWriter
    from reconciler.cli.runs.completion_sources import CompletionSources
    from reconciler.cli.runs.interrupts import Interrupts
    from reconciler.cli.runs.run_options import RunOptions
    from reconciler.cli.runs.source_records import SourceRecorder
    from reconciler.core.ledger.lease import Lease
    from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
    from reconciler.core.ledger.webhook_facts import Delivery
    from reconciler.project.planner import Planner


class ApplyRunner:
    """One run, from the plan to the exit code. `plan` is the `planner`'s way to plan it, given what was seen on the
    remote; from the completion `sources` the run hears that jobs ended. `check` says when the lease may be taken, where
    that is sooner than for any run.
    """

    def __init__(
        self,
        project: Project,
        options: RunOptions,
        planner: Planner,
        plan: Callable[[RemoteSnapshot | None], PlanResult],
        sources: CompletionSources,
        check: Callable[[Lease, str], None] | None = None,
    ) -> None:
        self._project = project
        self._root, self._settings, self._private = project.root, project.settings, project.private
        self._journal = project.journal
        self._options = options
        self._planner = planner
        self._plan = plan
        self._sources = sources
        self._check = check
        self._plans = PlanPrinter(
            project.root, planner.engines, options.format, options.color, project.settings
        )
        self._work = Stopwatch()
        self._report = Report(
            project.settings, options, self._plans, lambda: planner.recorded(None).folded, self._work
        )
        self._report.check_places()
        self._target: PublishTarget | None = None
        self._api_key: str | None = None

    def run(self) -> ExitCode:
        """Plan and apply; what stops it before it does anything is told to whom it was to be told."""
        if self._time_to_wait() > 0:
            collect_garbage()
        try:
            self._target = target_of_run(self._root, self._settings)
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
        seen = self._look()
        waiting = self._take_in(seen)
        planned = self._plan(seen)
        if not _changes(planned):
            code = self._finish_unchanged(planned, waiting)
            known = None if planned.plan.invalid else planned.recorded.folded
            return with_deletions(code, self._project, self._target, known)
        self._check_not_ignored()
        self._planner.refuse_lost(planned.recorded)
        if not self._ask(planned):
            return ExitCode.OK
        with self._lease().hold():
            newest = self._recheck(planned)
            done = self._run(newest) if _changes(newest) else None
        if done is None:  # another run did it, or the files were broken meanwhile
            return self._report_unchanged(newest)
        code = self._report_outcome(newest, *done)
        known = self._planner.lockfile.read()[0] if done[0].is_recorded else None
        return with_deletions(code, self._project, self._target, known, newest.plan.actions)

    # ── look, take in ──────────────────────────────────────────────────────────────────────────────────────────────

    def _look(self) -> RemoteSnapshot | None:
        """What is on the remote, once nobody has the lease; None where runs do not share."""
        if self._target is None:
            return None
        seen = self._target.look_when_free(self._time_to_wait(), self._journal, self._check)
        if not seen.unverified or self._target.seal is None:
            return seen
        from reconciler.cli.runs.confirming import confirmed  # the network, only then

        return confirmed(self._settings, seen)

    def _take_in(self, seen: RemoteSnapshot | None) -> list[Delivery]:
        """Webhooks that came in meanwhile become facts before anything is planned; they are returned."""
        waiting = self._sources.waiting()
        if not waiting:
            return waiting
        from reconciler.adapters.system.clock import UtcClock
        from reconciler.app.learning import take_in, told

        with self._lease().hold():
            recorded = self._planner.recorded(seen)
            facts = take_in(recorded, self._planner.journal_beside(seen), UtcClock(), waiting)
        if facts:
            say(f"webhooks reported {told(facts)}")
        return waiting

    def _check_not_ignored(self) -> None:
        """Raises `InvalidInput` where the engine IDs could never be committed. Unpublished, git need not work."""
        if find_git(self._root) is None:
            return
        from reconciler.adapters.checkout.ignored import (
            refuse_if_ignored,  # git, only with something to record
        )

        try:
            refuse_if_ignored(self._root, self._settings.lockfile)
        except GitError:
            if self._target is not None:
                raise

    # ── ask ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _ask(self, planned: PlanResult) -> bool:
        """Whether to go on. The key comes before the question: whoever says yes has all it takes."""
        if self._options.asks:
            if self._options.format == "json":
                self._plans.show_beside(planned)
            else:
                self._plans.show(planned, ExitCode.OK)
        self._key(planned.plan)
        if not self._options.asks:
            return True
        with self._work.paused():
            from reconciler.cli.runs.question import question  # only on a terminal

            confirmed = click.confirm(question(planned.plan), err=True)
        if confirmed:
            return True
        click.echo("nothing was done", err=True)
        return False

    def _key(self, plan: Plan) -> str | None:
        """The API key, where the plan needs one."""
        if not any(action.creates or action.updates or action.waits for action in plan.actions):
            if self._target is not None and plan.changes_anything:
                self._target.check_seal(
                    f"set {key_variable()}, or use --no-publish to record it on this machine only"
                )
            return None
        self._api_key = self._api_key or api_key(self._settings)
        return self._api_key

    # ── lease, run ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _lease(self) -> FileLease:
        """That of this machine, waited for as long as there is time."""
        from reconciler.adapters.storage.lease_file import FileLease  # only to record something

        return FileLease(self._private, wait=self._time_to_wait())

    def _recheck(self, planned: PlanResult) -> PlanResult:
        """The plan, made anew under the lease where something may have changed. What was asked for must be the same."""
        seen = planned.recorded.shared
        if self._options.asks:
            newest = self._plan(self._look())
            refuse_if_stale(planned.plan, newest.plan)
            return newest
        recorded = self._planner.recorded(seen)
        return planned if recorded.digest == planned.plan.lockfile_digest else self._plan(seen)

    def _run(self, planned: PlanResult) -> tuple[Outcome, str | None]:
        """The outcome, and the commit of the lockfile where it was published."""
        if not self._options.asks and self._options.format != "json":
            self._plans.show(planned, ExitCode.OK)
        return self._drive(planned)

    def _drive(self, planned: PlanResult) -> tuple[Outcome, str | None]:
        from reconciler.cli.runs.drive import drive  # asyncio, only to apply
        from reconciler.cli.runs.interrupts import Interrupts
        from reconciler.cli.runs.source_records import recorder_of

        collect_garbage()
        key = self._key(planned.plan)
        recorder = recorder_of(self._root, self._settings, planned, waits=not self._options.detach)
        with Interrupts() as interrupts:
            ledger_writer = self._ledger_writer(planned, interrupts, recorder)
            outcome = drive(
                planned,
                self._root,
                self._settings,
                self._options,
                journal=self._journal,
                sources=self._sources,
                key=key,
                ledger_writer=ledger_writer,
                interrupts=interrupts,
                recorder=recorder,
            )
        if recorder is not None:
            recorder.write_here(self._planner.lockfile.read()[0])
        if self._target is None or ledger_writer is None:
            return self._finish(outcome), None
        return self._finish_shared(self._target, ledger_writer, outcome)

    def _ledger_writer(
        self, planned: PlanResult, interrupts: Interrupts, recorder: SourceRecorder | None
    ) -> LedgerWriter | None:
        """The remote's side of the run. The lease goes out with the first begins; without any, by itself."""
        seen = None if self._target is None else self._target.seen_by_run(planned)
        if self._target is None or seen is None:
            return None
        ledger_writer = self._target.writer(seen, beside=recorder)
        from reconciler.app.driver import END

        interrupts.hurry = lambda: ledger_writer.hurry(END)
        if not any(action.creates or action.updates for action in planned.plan.actions):
            ledger_writer.acquire()
        return ledger_writer

    # ── finish ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _finish(self, outcome: Outcome) -> Outcome:
        """Everything is recorded, so webhooks of these jobs need not be taken in again."""
        if outcome.unwritten is None and outcome.unpublished is None:
            try:
                waiting = self._sources.waiting()
            except ReconcileError as error:  # it is done all the same; the next run claims them
                warn(error.message)
            else:
                self._claim(waiting)
        return outcome

    def _finish_shared(
        self, target: PublishTarget, ledger_writer: LedgerWriter, outcome: Outcome
    ) -> tuple[Outcome, str | None]:
        """The same, with what was published. Raises `LeaseHeld` where another run came first, and nothing was done."""
        seen = ledger_writer.seen
        target.keep(seen)
        if ledger_writer.lost is not None and not ledger_writer.ever_held:
            raise LeaseHeld(ledger_writer.lost, hint="use `--lease-wait 10m` to wait for the other run")
        published = seen.branch_tip if outcome.published else None
        if not outcome.interrupted:  # the next run opens the pull request; the ledger has what it is for
            outcome = target.with_pull_request(seen, outcome)
        return self._finish(outcome), published

    def _finish_unchanged(self, planned: PlanResult, waiting: list[Delivery]) -> ExitCode:
        """Nothing is to be applied; what earlier runs left is put in order."""
        self._sweep(planned)
        if self._target is not None:
            self._target.empty_if_merged(planned)
        self._claim(waiting)
        failed = bring_outputs_up_to_date(self._root, self._private, self._settings, planned, self._target)
        return self._report_unchanged(planned, failed)

    def _claim(self, waiting: list[Delivery]) -> None:
        """What is recorded by now need not be taken in again; that it is, would do no harm."""
        deliveries = self._sources.deliveries
        if deliveries is None or not waiting:
            return
        from reconciler.app.learning import claim_taken

        try:
            claim_taken(deliveries, waiting, self._planner.lockfile, self._planner.known_journal, None)
        except ReconcileError as error:
            warn(error.message)

    def _sweep(self, planned: PlanResult) -> None:
        """Do what a run that died right before its end would have done: the lockfile here has what the branch has, and
        the journal is emptied.
        """
        seen = planned.recorded.shared
        behind = seen is not None and planned.recorded.folded != planned.recorded.on_disk
        if planned.plan.invalid or not (behind or self._journal.exists()):
            return
        from reconciler.adapters.storage.lease_file import FileLease  # only after a crash

        with suppress(LeaseHeld, StorageError), FileLease(self._private).hold():
            recorded = read_recorded_state(self._planner.lockfile, self._journal, seen)
            if recorded.unwritten > 0:
                return
            if seen is not None and recorded.folded != recorded.on_disk:
                recorded.folded.check()
                self._planner.lockfile.write(recorded.folded)
            self._journal.compact(published=seen is not None)

    def _looked_up(self, outcome: Outcome) -> Outcome:
        """With what the platform lists for create calls without an answer, where runs look."""
        if not outcome.counts()["uncertain"]:
            return outcome
        from reconciler.cli.runs.looking_up import looked_up  # the network, only then

        return looked_up(self._project, self._planner, outcome, self._wait_for)

    def _wait_for(self, planner: Planner) -> Outcome | None:
        """What waiting for the jobs came to that the planner has to collect; None where the run does not wait."""
        if self._options.detach or self._options.no_wait:
            return None
        planned = planner.collect(self._look())
        with self._lease().hold():
            return self._drive(planned)[0]

    # ── report ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _report_outcome(self, planned: PlanResult, outcome: Outcome, published: str | None) -> ExitCode:
        outcome = self._looked_up(outcome)
        commit = self._commit(outcome, published)
        self._report.outcome(planned.plan, outcome, commit)
        self._report.keep_page(planned, outcome, commit)
        self._report.tell(planned, outcome, published)
        return outcome.exit_code

    def _report_unchanged(self, planned: PlanResult, outputs_failed: Sequence[str] = ()) -> ExitCode:
        """Nothing to apply: the plan is all there is to say, and which outputs could not be written."""
        outcome = replace(outcome_of_plan(planned.plan), outputs_failed=tuple(outputs_failed))
        outcome = self._looked_up(outcome)
        if outcome.counts()["uncertain"] or outcome.adopts:
            from reconciler.core.run.lookup_results import with_hints_of  # only after a lookup

            planned = replace(planned, plan=with_hints_of(planned.plan, outcome))
        # The plan's own outputs were seen to by now, and are in the outcome; drift is only reported.
        left = replace(planned.plan, outputs=(), outputs_failed=())
        code = most_severe({exit_code_of(left, detailed=True), outcome.exit_code} - {ExitCode.CHANGES})
        if (self._options.format == "json" or outcome.adopts) and not planned.plan.invalid:
            self._report.outcome(planned.plan, outcome, self._commit(outcome, None))
        else:
            self._plans.show(planned, code)
            self._report.keep(planned.plan, outcome, code)
        self._report.keep_page(planned, outcome)
        self._report.tell(planned, outcome)
        return code

    def _commit(self, outcome: Outcome, published: str | None) -> tuple[str, str] | None:
        """Branch and commit of the lockfile, where the run published to it; what was adopted came after `published`."""
        if self._target is None or self._target.proposes:
            return None
        if outcome.adopts and outcome.published:
            with suppress(ReconcileError):  # where it cannot be seen, the commit before has nearly everything
                published = self._target.look_when_free(0.0, self._journal).branch_tip
        return None if published is None else (self._target.branch, published)

    def _time_to_wait(self) -> float:
        """Seconds that are left of --lease-wait."""
        return max(0.0, (self._settings.lease_wait or 0.0) - self._work.seconds)


def collect_garbage() -> None:
    """From now on, and rarely: a thousand waits live long. What was read so far stays to the end, and is not looked
    through again.
    """
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
    gc.set_threshold(50_000, 20, 20)


def _changes(planned: PlanResult) -> bool:
    return planned.plan.changes_anything and not planned.plan.invalid
