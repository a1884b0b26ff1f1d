"""`reconcile apply`: plan, show, ask, and carry it out."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
import uuid
from typing import Any

import click

from reconciler.adapters.system_clock import UtcClock
from reconciler.app.applying import ApplySettings, build_driver, refuse_if_stale
from reconciler.app.driver import Driver, Ports
from reconciler.app.planning import Planned, read_standing
from reconciler.app.ports import Completions, Observer, Platform
from reconciler.cli.options import apply_options, given, global_options, plan_options
from reconciler.cli.plan import exit_code_of, plan_project, show_plan
from reconciler.cli.project import Project, api_key, open_project
from reconciler.cli.screen import screen_of
from reconciler.core.errors import ExitCode
from reconciler.core.outcome import Outcome
from reconciler.core.plan import Plan
from reconciler.core.results import outcome_of_plan

_SHOW_CURSOR = b"\x1b[?25h"


@click.command("apply")
@plan_options
@apply_options
@global_options
@click.pass_context
def command(ctx: click.Context, /, **flags: Any) -> None:
    """Make it so: create what is new or changed, wait, and record the engine IDs in the lockfile.

    Shows the plan first, and asks on a terminal unless --yes is given. What a run could not finish, the next one does:
    nothing is created twice.
    """
    project = open_project(ctx, concurrency=flags["concurrency"], timeout=flags["timeout"])
    session = _Session(ctx, project, flags)
    ctx.exit(session.run())


class _Session:
    """One `reconcile apply`, from the plan to the exit code."""

    def __init__(self, ctx: click.Context, project: Project, flags: dict[str, Any]) -> None:
        self._ctx = ctx
        self._project = project
        self._flags = flags
        self._format: str = flags["format_"]
        self._started = time.monotonic()
        self._live = False  # whether the terminal shows live progress, its cursor hidden
        self._asks = not flags["yes"] and sys.stdin.isatty() and sys.stderr.isatty()

    def run(self) -> ExitCode:
        planned = self._plan()
        if planned.plan.invalid or not planned.plan.changes_anything:
            return self._show_only(planned)
        if self._asks:
            self._show(planned, err=self._format == "json")
        key = self._key(planned.plan)  # before the question: whoever says yes has all it takes
        if self._asks and not click.confirm(_question(planned.plan), err=True):
            click.echo("nothing was done", err=True)
            return ExitCode.OK
        return self._apply(planned, key)

    def _apply(self, planned: Planned, key: str | None) -> ExitCode:
        from reconciler.adapters.file_lease import FileLease  # only to apply

        with FileLease(self._project.private).hold():
            standing = read_standing(self._project.lockfile, self._project.journal)
            if self._asks or standing.digest != planned.plan.lockfile_digest:
                shown, planned = planned, self._plan()
                if self._asks:
                    refuse_if_stale(shown.plan, planned.plan)
                elif planned.plan.invalid or not planned.plan.changes_anything:
                    return self._show_only(planned)  # another run did it, or the files were broken meanwhile
                key = key or self._key(planned.plan)
            if not self._asks and self._format != "json":
                self._show(planned)
            outcome = asyncio.run(self._drive(planned, key))
        self._show_outcome(planned.plan, outcome)
        return outcome.exit_code

    def _key(self, plan: Plan) -> str | None:
        """The API key, where the plan needs one."""
        return api_key(self._project.settings) if _needs_platform(plan) else None

    def _plan(self) -> Planned:
        return plan_project(self._project, self._flags["only"], self._flags["retry_failed"])

    def _show_only(self, planned: Planned) -> ExitCode:
        """Nothing to apply: the plan is all there is to say."""
        code = exit_code_of(planned.plan, detailed=True)
        if self._format == "json" and not planned.plan.invalid:
            self._show_outcome(planned.plan, outcome_of_plan(planned.plan))
        else:
            self._show(planned, code=code)
        return code

    def _show(self, planned: Planned, *, code: int = 0, err: bool = False) -> None:
        format_ = "text" if err else self._format
        show_plan(self._ctx, self._project, planned, format_, code, err=err)

    async def _drive(self, planned: Planned, key: str | None) -> Outcome:
        observer = self._observer()
        try:
            if key is None:
                return await self._with_signals(self._driver(planned, None, None, observer), planned)
            from reconciler.adapters.event_stream import EventStream  # only to create or wait
            from reconciler.adapters.platform_http import PlatformClient

            settings = self._project.settings
            client = PlatformClient(
                settings.api_url, key, random=random.random, concurrency=settings.concurrency
            )
            async with client:
                stream = EventStream(settings.api_url, key, random=random.random)
                return await self._with_signals(self._driver(planned, client, stream, observer), planned)
        finally:
            observer.ended()

    def _driver(
        self, planned: Planned, platform: Platform | None, completions: Completions | None, observer: Observer
    ) -> Driver:
        settings = self._project.settings
        ports = Ports(
            platform, completions, self._project.journal, self._project.lockfile, observer, UtcClock()
        )
        return build_driver(
            planned,
            ports,
            ApplySettings(
                concurrency=settings.concurrency,
                timeout=settings.timeout,
                detach=self._flags["detach"],
                callback_url=settings.callback_url,
                new_id=lambda: str(uuid.uuid4()),
            ),
        )

    async def _with_signals(self, driver: Driver, planned: Planned) -> Outcome:
        """The first SIGINT or SIGTERM ends the run in good order, the second at once."""
        loop = asyncio.get_running_loop()
        asked = False

        def on_signal() -> None:
            nonlocal asked
            if asked:
                cursor = _SHOW_CURSOR if self._live else b""
                os.write(2, cursor + b"\ninterrupted again: ending now; the journal has what was recorded\n")
                os._exit(ExitCode.INTERRUPTED)
            asked = True
            driver.interrupt()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, on_signal)
        return await driver.drive(planned.standing.on_disk)

    def _observer(self) -> Observer:
        from reconciler.render.printable import printable  # foreign text is made harmless

        screen = screen_of(sys.stderr, given(self._ctx, "color"))
        level = given(self._ctx, "log_level") or "info"
        if screen.interactive and os.environ.get("TERM") != "dumb" and level == "info":
            from reconciler.adapters.progress_live import LiveProgress  # rich, for a terminal

            self._live = True
            return LiveProgress(sys.stderr, color=screen.color, ascii_only=screen.ascii_only, show=printable)
        from reconciler.adapters.progress_plain import PlainProgress

        return PlainProgress(sys.stderr, UtcClock().now, verbose=level == "debug", show=printable)

    def _show_outcome(self, plan: Plan, outcome: Outcome) -> None:
        code = outcome.exit_code
        if self._format == "json":
            from reconciler.render.outcome_json import render_outcome_json  # one view of three

            click.echo(render_outcome_json(plan, outcome, int(code)))
            return
        if self._format == "markdown":
            from reconciler.render.outcome_json import render_outcome_markdown

            click.echo(render_outcome_markdown(plan, outcome))
            return
        from reconciler.render.outcome import render_outcome

        screen = screen_of(sys.stdout, given(self._ctx, "color"))
        text = render_outcome(
            outcome,
            color=screen.color,
            ascii_only=screen.ascii_only,
            elapsed=time.monotonic() - self._started,
            environment=plan.environment,
            lockfile=plan.lockfile,
        )
        click.echo("\n" + text)


def _needs_platform(plan: Plan) -> bool:
    return any(action.creates or action.waits for action in plan.actions)


def _question(plan: Plan) -> str:
    jobs = sum(action.creates for action in plan.actions)
    cost = f"It issues {jobs} provisioning job{'s' if jobs != 1 else ''}." if jobs else "It issues no job."
    return f"\nApply this? {cost}"
