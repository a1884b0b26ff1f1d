"""What a run of `apply` or `collect` shows: the plan, what became of it, the report for later steps, and with --comment
what the pull request is told.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.ci import in_ci
from reconciler.cli.runs.run_options import RunOptions
from reconciler.cli.runs.stopwatch import Stopwatch
from reconciler.cli.screen import screen_of
from reconciler.cli.wiring.git_hints import how_to_pull, how_to_record
from reconciler.cli.wiring.plan_views import PlanPrinter
from reconciler.cli.wiring.written_files import check_apart, check_written
from reconciler.core.frozen import dataclass, replace

if TYPE_CHECKING:
    from reconciler.app.planning import PlanResult
    from reconciler.cli.pull_requests.apply_comment import CommentedRun
    from reconciler.core.errors import ReconcileError
    from reconciler.core.lockfile.model import Lockfile
    from reconciler.core.plan.model import Plan
    from reconciler.core.run.outcome import Outcome
    from reconciler.core.settings.model import Settings


@dataclass(frozen=True, slots=True)
class Report:
    """For one run, whose `work` is timed. `now` reads where things stand."""

    settings: Settings
    options: RunOptions
    plans: PlanPrinter
    now: Callable[[], Lockfile]
    work: Stopwatch
    records: bool = True  # whether the run writes the lockfile, so that there is something to commit

    def check_places(self) -> None:
        """Before the run: whether its files can be written. Raises `InvalidInput`, `UsageError`, `StorageError`."""
        named = {"--report": self.options.report, "--report-html": self.options.report_html}
        check_apart({option: Path(name).absolute() for option, name in named.items() if name})
        if self.options.report:
            file = Path(self.options.report).absolute()
            check_written(self.plans.root, self.settings, "--report", self.options.report, file)
        if self.options.report_html:
            from reconciler.cli.wiring.html_reports import check_place  # only for a page

            check_place(self.plans.root, self.settings, self.options.report_html)

    def keep(self, plan: Plan, outcome: Outcome, code: int) -> None:
        """What `--format json` prints, in a file for the steps that follow."""
        name = self.options.report
        if not name:
            return
        from reconciler.adapters.storage.durable_files import replace_file
        from reconciler.render.data.outcome_json import render_outcome_json

        content = render_outcome_json(plan, outcome, int(code)) + "\n"
        replace_file(Path(name).absolute(), content.encode(), name)

    def keep_page(self, planned: PlanResult, outcome: Outcome, commit: tuple[str, str] | None = None) -> None:
        """The result as a page in the file of --report-html; of files with errors, the plan that says so."""
        name = self.options.report_html
        if not name:
            return
        from reconciler.cli.wiring.html_reports import outcome_html, write_page  # only for a page

        if planned.plan.invalid:
            write_page(name, self.plans.html(planned))
            return
        page = outcome_html(
            self.plans.root,
            self.settings,
            self.plans.with_texts(planned),
            outcome,
            replace(planned.recorded, folded=self.now()),
            self.options.command,
            self.work.seconds,
            self._how_to_record(commit),
        )
        write_page(name, page)

    def outcome(self, plan: Plan, outcome: Outcome, commit: tuple[str, str] | None = None) -> None:
        """`commit` is where the lockfile was published: the branch, and the commit."""
        code = outcome.exit_code
        self.keep(plan, outcome, code)
        if self.options.format == "json":
            from reconciler.render.data.outcome_json import render_outcome_json  # one view of three

            click.echo(render_outcome_json(plan, outcome, int(code)))
        elif self.options.format == "markdown":
            from reconciler.render.markdown.outcome import render_outcome_markdown

            record = self._how_to_record(commit)
            click.echo(render_outcome_markdown(plan, outcome, command=self.options.command, record=record))
        else:
            click.echo("\n" + self._text(plan, outcome, commit))

    def _text(self, plan: Plan, outcome: Outcome, commit: tuple[str, str] | None) -> str:
        from reconciler.render.text.outcome import render_outcome

        screen = screen_of(sys.stdout, self.options.color)
        return render_outcome(
            outcome,
            color=screen.color,
            ascii_only=screen.ascii_only,
            wrap=screen.wrap,
            elapsed=self.work.seconds,
            environment=plan.environment,
            lockfile=plan.lockfile,
            command=self.options.command,
            record=self._how_to_record(commit),
        )

    def _how_to_record(self, commit: tuple[str, str] | None) -> str | None:
        if not self.records:
            return None
        root, lockfile, outputs = self.plans.root, self.settings.lockfile, self._outputs()
        if self.settings.track_sources:
            outputs = [*outputs, self.settings.sources_file]
        if commit is None:
            return how_to_record(root, lockfile, outputs)
        return None if in_ci() else how_to_pull(root, *commit, [lockfile, *outputs])

    def _outputs(self) -> list[str]:
        from reconciler.adapters.outputs.files import wanted_files  # only after an apply

        return wanted_files(self.now(), self.settings.output_rules)

    # ── to others ──────────────────────────────────────────────────────────────────────────────────────────────────

    def tell(self, planned: PlanResult, outcome: Outcome, published: str | None = None) -> None:
        """With --comment: the job's summary, and the pull request. `published` is the lockfile's commit."""
        if self.options.comments:
            self._commented().report_outcome(planned, outcome, published)

    def report_failure(self, error: ReconcileError) -> None:
        """The same of a run that ended before it did anything."""
        if self.options.comments:
            self._commented().report_failure(error)

    def _commented(self) -> CommentedRun:
        from reconciler.cli.pull_requests.apply_comment import (
            CommentedRun,  # the network, only when asked for
        )

        settings = self.settings
        return CommentedRun(
            self.options.command,
            self.plans.root,
            settings.environment,
            settings.lockfile,
            self.now,
            report=self.options.report_html is not None,
        )
