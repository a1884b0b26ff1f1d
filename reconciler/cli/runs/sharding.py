"""A run of one shard: join the lease that all of them share, plan its part anew, carry it out, and report to the
ledger. It publishes nothing: `collect` does that once, for all of them (cli/runs/closing.py).
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from reconciler.app.planning import PlanResult
from reconciler.cli.runs.reporting import Report
from reconciler.cli.runs.runner import collect_garbage
from reconciler.cli.runs.stopwatch import Stopwatch
from reconciler.cli.stderr import say
from reconciler.cli.wiring.api_key import api_key
from reconciler.cli.wiring.plan_views import PlanPrinter
from reconciler.cli.wiring.publishing import PublishTarget, shares, target_of, this_run
from reconciler.core.commands import FILE, reconcile
from reconciler.core.errors import ExitCode, LeaseHeld, UsageError, most_severe
from reconciler.core.frozen import replace
from reconciler.core.ledger.epoch import SharedTerms
from reconciler.core.plan.model import Plan, exit_code_of
from reconciler.core.plan.saved import SavedPlan
from reconciler.core.plan.shards import part_of, sharing_of
from reconciler.core.run.outcome import outcome_of_plan
from reconciler.project.opened import Project

if TYPE_CHECKING:
    from reconciler.app.ledger_writer import LedgerWriter
    from reconciler.cli.runs.completion_sources import CompletionSources
    from reconciler.cli.runs.interrupts import Interrupts
    from reconciler.cli.runs.run_options import RunOptions
    from reconciler.core.run.outcome import Outcome
    from reconciler.project.planner import Planner


def shard_target(project: Project) -> PublishTarget:
    """Where shards meet. Raises `UsageError` where the run is to share nothing, otherwise as `target_of`."""
    if not shares(project.settings):
        raise UsageError(
            "shards work together through a remote, but this run does not publish",
            hint="add `--publish`, or set `publish: true` in reconcile.yaml; on one machine, a plan need not be split",
        )
    target = target_of(project.root, project.settings)
    target.check_seal(f"set {project.settings.api_key_env}, which signs what shards record there")
    return target


class ShardRunner:
    """One run of one shard. `planner` plans its part; `folder` is where the plan is, as it was given."""

    def __init__(
        self,
        project: Project,
        options: RunOptions,
        saved: SavedPlan,
        shard: int,
        folder: str,
        planner: Planner,
        sources: CompletionSources,
    ) -> None:
        self._project, self._options, self._shard = project, options, shard
        self._sharing = sharing_of(saved)
        self._part = part_of(saved, shard)
        self._planner, self._sources = planner, sources
        self._work = Stopwatch()
        self._plans = PlanPrinter(
            project.root, planner.engines, options.format, options.color, project.settings
        )
        self._folder = folder
        self._report = Report(
            project.settings,
            options,
            self._plans,
            lambda: planner.recorded(None).folded,
            self._work,
            records=False,
        )
        self._report.check_places()

    @property
    def _name(self) -> str:
        return f"shard {self._shard} of {self._sharing.shards}"

    def run(self) -> ExitCode:
        """Carry the shard out. Raises what stops it before it does anything."""
        target = shard_target(self._project)
        if not self._part.plan.actions:
            say(f"{self._name} has no engines: nothing to do")
            return self._report_unchanged(replace(self._part.plan, actions=()))
        key = api_key(self._project.settings)
        collect_garbage()
        while True:
            try:
                return self._attempt(target, key)
            except LeaseHeld as error:
                if self._time_to_wait() <= 0:
                    raise
                say(f"waiting: {error.message}")

    def _attempt(self, target: PublishTarget, key: str) -> ExitCode:
        from reconciler.adapters.storage.lease_file import FileLease  # only to record something
        from reconciler.cli.runs.interrupts import Interrupts

        settings = self._project.settings
        terms = SharedTerms(self._sharing, self._shard, this_run(), uuid.uuid4().hex, settings.lease_ttl)
        with FileLease(self._project.private, wait=self._time_to_wait()).hold():
            ledger = target.ledger_of(self._shard)
            seen = target.look_when_free(self._time_to_wait(), self._project.journal, terms.check, ledger)
            with Interrupts() as interrupts:
                ledger_writer = target.shard_writer(ledger, seen, terms)
                # An earlier run of it may have died before it told what it learned.
                ledger_writer.bring(self._project.journal.read()[0])
                _join(ledger_writer, interrupts)
                try:
                    planned = self._planned(target, ledger_writer)
                    done = (
                        self._drive(planned, key, ledger_writer, interrupts) if _acts(planned.plan) else None
                    )
                except BaseException:
                    ledger_writer.leave()
                    raise
                if done is None:
                    ledger_writer.leave()
        if done is None:
            return self._report_unchanged(planned.plan)
        return self._report_outcome(planned, done, ledger_writer)

    def _planned(self, target: PublishTarget, ledger_writer: LedgerWriter) -> PlanResult:
        """The shard's part as it is now. What others recorded, and outputs, are for the run that publishes."""
        planned = self._planner.plan(target.with_past(ledger_writer.seen, self._project.journal))
        return replace(planned, plan=replace(planned.plan, unwritten=0, outputs=(), outputs_failed=()))

    def _drive(
        self, planned: PlanResult, key: str, ledger_writer: LedgerWriter, interrupts: Interrupts
    ) -> Outcome:
        from reconciler.cli.runs.drive import drive  # asyncio, only to apply

        if self._options.format != "json":
            self._plans.show(planned, ExitCode.OK)
        return drive(
            planned,
            self._project.root,
            self._project.settings,
            self._options,
            journal=self._project.journal,
            sources=self._sources,
            key=key,
            ledger_writer=ledger_writer,
            interrupts=interrupts,
        )

    # ── report ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _report_outcome(self, planned: PlanResult, outcome: Outcome, ledger_writer: LedgerWriter) -> ExitCode:
        self._report.outcome(planned.plan, outcome)
        self._report.keep_page(planned, outcome)
        pushes, overtaken = ledger_writer.pushes
        say(f"{self._name}: pushed to the ledger {pushes} times; others were faster {overtaken} times")
        say(f"hint: when all shards have ended, publish their results: `{closing_command(self._folder)}`")
        return outcome.exit_code

    def _report_unchanged(self, plan: Plan) -> ExitCode:
        """What its part comes to where nothing is left to do: an earlier run of it did it."""
        outcome = outcome_of_plan(plan)
        code = most_severe({exit_code_of(plan, detailed=True), outcome.exit_code} - {ExitCode.CHANGES})
        if self._part.plan.actions and not plan.invalid:
            say(f"{self._name} was carried out already: nothing to do")
        if self._options.format == "json":
            self._report.outcome(plan, outcome)
        else:
            self._plans.show(PlanResult(plan, self._planner.recorded(None)), code)
            self._report.keep(plan, outcome, code)
        return code

    def _time_to_wait(self) -> float:
        """Seconds that are left of --lease-wait."""
        return max(0.0, (self._project.settings.lease_wait or 0.0) - self._work.seconds)


def _join(ledger_writer: LedgerWriter, interrupts: Interrupts) -> None:
    """Take this shard's place in the lease. Nothing is planned before: from then on no other process does what this
    one does.
    """
    from reconciler.app.driver import END

    interrupts.hurry = lambda: ledger_writer.hurry(END)
    ledger_writer.acquire()


def closing_command(folder: str) -> str:
    """What publishes what the shards did."""
    return reconcile("collect", arguments=[folder])


def refuse_unsuited(flags: dict[str, Any]) -> None:
    """Raises `UsageError` for what a shard cannot do, or must not do by itself."""
    if not flags["yes"]:
        raise UsageError("a shard asks no questions", hint="add `--yes`; review the plan before")
    if flags["comment"]:
        once = reconcile("collect", "--comment", arguments=[flags["plan_file"] or FILE])
        raise UsageError("--comment cannot be used with --shard", hint=f"to post one for all: `{once}`")


def _acts(plan: Plan) -> bool:
    return not plan.invalid and any(action.changes_anything for action in plan.actions)
