"""A plan as it is printed, in any of the formats that `--format` names."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.adapters.project.places import folder_in_repo
from reconciler.app.planning import PlanResult
from reconciler.cli import ci
from reconciler.cli.screen import screen_of
from reconciler.core.frozen import dataclass
from reconciler.core.plan.model import Plan
from reconciler.core.settings.model import Settings

if TYPE_CHECKING:
    from reconciler.app.ports import Engines


@dataclass(frozen=True, slots=True)
class PlanPrinter:
    """Prints the plans of one project in one format. `color` is --color, None where it was not given."""

    root: Path
    engines: Engines
    format: str
    color: str | None
    settings: Settings
    only: tuple[str, ...] = ()

    def show(self, planned: PlanResult, code: int) -> None:
        """On stdout; `code` is how the run ends."""
        plan = planned.plan if self.format == "json" else self.with_texts(planned)
        click.echo(self.html(planned) if self.format == "html" else self._rendered(plan, code))

    def show_beside(self, planned: PlanResult) -> None:
        """As text on stderr, where stdout belongs to something else."""
        click.echo(self._text(self.with_texts(planned), err=True), err=True)

    def html(self, planned: PlanResult) -> str:
        """As a file for a browser."""
        from reconciler.cli.wiring.html_reports import plan_html  # the template library, only when asked for

        return plan_html(self.root, self.settings, self.with_texts(planned), planned.recorded, self.only)

    def with_texts(self, planned: PlanResult) -> Plan:
        """The plan with the lines of texts that change."""
        if not any(action.changes for action in planned.plan.actions):
            return planned.plan
        from reconciler.adapters.git.command import GitTexts  # GitPython, only for real differences
        from reconciler.app.old_texts import with_old_texts

        return with_old_texts(planned.plan, planned.recorded.folded, self.engines, GitTexts(self.root))

    def _rendered(self, plan: Plan, code: int) -> str:
        if self.format == "json":
            from reconciler.render.data.json_view import render_plan_json  # one view of four

            return render_plan_json(plan, exit_code=code)
        if self.format == "markdown":
            from reconciler.render.markdown.plan import render_plan_markdown

            return render_plan_markdown(plan)
        if self.format == "github":
            return _annotated(self.root, plan)
        if self.format in ("gitlab", "sarif"):
            return report(self.root, plan, self.format)
        return self._text(plan, err=False)

    def _text(self, plan: Plan, *, err: bool) -> str:
        from reconciler.render.text.plan import render_plan

        screen = screen_of(sys.stderr if err else sys.stdout, self.color)
        return render_plan(
            plan, color=screen.color, width=screen.width, ascii_only=screen.ascii_only, wrap=screen.wrap
        )


def _annotated(root: Path, plan: Plan) -> str:
    from reconciler.adapters.engine_files.lines import EngineLines
    from reconciler.render.reports.annotations import render_plan_github

    lines = EngineLines(str(root))
    rest = "the job summary" if ci.has_summary() else "the log"
    return render_plan_github(plan, prefix=folder_in_repo(root), place_of=lines, rest=rest)


def report(root: Path, plan: Plan, format_: str) -> str:
    """The plan, or the findings of `validate`, as GitLab's Code Quality or as SARIF, which other systems show at the
    lines of a change.
    """
    from reconciler import __version__
    from reconciler.adapters.engine_files.lines import EngineLines
    from reconciler.render.reports.gitlab import render_gitlab
    from reconciler.render.reports.sarif import render_sarif

    prefix, place_of = folder_in_repo(root), EngineLines(str(root))
    if format_ == "gitlab":
        return render_gitlab(plan, prefix=prefix, place_of=place_of)
    return render_sarif(plan, prefix=prefix, place_of=place_of, version=__version__)
