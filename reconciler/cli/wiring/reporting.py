"""What a run of `apply` or `collect` shows: the plan, what became of it, the report for later steps, and with --comment
what the pull request is told.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import given
from reconciler.cli.screen import screen_of
from reconciler.cli.wiring.git_hints import how_to_record
from reconciler.cli.wiring.plan_views import show_plan

if TYPE_CHECKING:
    from reconciler.app.planning import PlanResult
    from reconciler.cli.wiring.project import Project
    from reconciler.core.errors import ReconcileError
    from reconciler.core.plan.model import Plan
    from reconciler.core.run.outcome import Outcome


class Report:
    """For one run of `command`, which begins now."""

    def __init__(self, ctx: click.Context, project: Project, flags: Mapping[str, Any], command: str) -> None:
        self._ctx = ctx
        self._project = project
        self._format: str = flags["format_"]
        self._file: str | None = flags["report"]
        self._comments: bool = flags["comment"]
        self._command = command
        self._started = time.monotonic()

    def plan(self, planned: PlanResult, *, code: int = 0, err: bool = False) -> None:
        """On stdout, or as text on stderr where stdout belongs to something else."""
        format_ = "text" if err else self._format
        show_plan(self._ctx, self._project, planned, format_, code, err=err)

    def keep(self, plan: Plan, outcome: Outcome, code: int) -> None:
        """What `--format json` prints, in a file for the steps that follow."""
        if not self._file:
            return
        from reconciler.adapters.storage.durable_files import replace_file
        from reconciler.render.data.outcome_json import render_outcome_json

        content = render_outcome_json(plan, outcome, int(code)) + "\n"
        replace_file(Path(self._file).absolute(), content.encode(), self._file)

    def outcome(self, plan: Plan, outcome: Outcome) -> None:
        code = outcome.exit_code
        self.keep(plan, outcome, code)
        if self._format == "json":
            from reconciler.render.data.outcome_json import render_outcome_json  # one view of three

            click.echo(render_outcome_json(plan, outcome, int(code)))
        elif self._format == "markdown":
            from reconciler.render.markdown.outcome import render_outcome_markdown

            record = how_to_record(self._project)
            click.echo(render_outcome_markdown(plan, outcome, command=self._command, record=record))
        else:
            click.echo("\n" + self._text(plan, outcome))

    def _text(self, plan: Plan, outcome: Outcome) -> str:
        from reconciler.render.text.outcome import render_outcome

        screen = screen_of(sys.stdout, given(self._ctx, "color"))
        return render_outcome(
            outcome,
            color=screen.color,
            ascii_only=screen.ascii_only,
            elapsed=time.monotonic() - self._started,
            environment=plan.environment,
            lockfile=plan.lockfile,
            command=self._command,
            record=how_to_record(self._project),
        )

    # ── to others ──────────────────────────────────────────────────────────────────────────────────────────────────

    def tell(self, planned: PlanResult, outcome: Outcome, published: str | None = None) -> None:
        """With --comment: the job's summary, and the pull request. `published` is the lockfile's commit."""
        if self._comments:
            from reconciler.cli.pull_requests.apply_comment import (
                report_outcome,  # the network, only when asked for
            )

            report_outcome(self._project, self._command, planned, outcome, published)

    def report_failure(self, error: ReconcileError) -> None:
        """The same of a run that ended before it did anything."""
        if self._comments:
            from reconciler.cli.pull_requests.apply_comment import report_failure

            report_failure(self._project, self._command, error)
