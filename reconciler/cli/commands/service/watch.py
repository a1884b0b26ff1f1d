"""`reconcile watch`: follow a branch, and apply what is new in it, until it is ended."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.command import Command
from reconciler.cli.opening import open_project, start_folder
from reconciler.cli.options import LOG_FORMAT, given, global_options, watch_options
from reconciler.cli.runs.completion_sources import listen_address
from reconciler.cli.stderr import say_instead
from reconciler.core.duration import format_duration, parse_duration
from reconciler.core.errors import InvalidInput, ReconcileError, UsageError

if TYPE_CHECKING:
    from reconciler.adapters.receiver.log import ServeLog
    from reconciler.cli.watching.loop import Arguments, Loop
    from reconciler.cli.watching.metrics import Metrics
    from reconciler.core.settings.model import Settings
    from reconciler.core.watch.machine import Pace
    from reconciler.core.watch.pushes import PushSecrets

SECRET = "RECONCILE_PUSH_SECRET"  # noqa: S105 # a variable's name
SETTINGS = ("concurrency", "timeout", "publish", "lease_ttl", "via", "inbox", "inbox_url")
LEAST = 1.0  # seconds between two looks
_DAY = 86400.0


@click.command("watch", cls=Command, example="--interval 1m --listen 127.0.0.1:8789", docs="watch.md")
@click.option(
    "--interval", default="1m", show_default=True, metavar="TIME", help="Look at the remote this often."
)
@click.option(
    "--refresh-interval",
    default="1h",
    show_default=True,
    metavar="TIME",
    help="Look for drift on the platform this often; `off` never.",
)
@click.option(
    "--listen", metavar="HOST:PORT", help="Serve /healthz, /readyz and /metrics here, and take push webhooks."
)
@LOG_FORMAT
@watch_options
@global_options
@click.pass_context
def command(ctx: click.Context, /, **flags: Any) -> None:
    """Follow a branch and apply what is new in it, until Ctrl-C.

    Works in its own clone, which goes with the branch of the remote. Publishes unless --no-publish is given. Of
    several replicas one works, and the others stand by. POST /push takes push webhooks of GitHub and GitLab whose
    secret is in RECONCILE_PUSH_SECRET.
    """
    from reconciler.cli.scrubbing import without_secrets
    from reconciler.cli.watching.lock import one_watch
    from reconciler.core.watch.machine import Pace
    from reconciler.core.watch.pushes import push_secrets

    pace = Pace(_seconds(flags, "interval", LEAST), _refresh(flags))
    if flags["listen"] is not None:
        listen_address(flags["listen"])
    secrets = push_secrets(os.environ.get(SECRET, ""), SECRET)
    log = _log(ctx, flags)
    try:
        with one_watch(start_folder(ctx)):
            _watch(ctx, flags, pace, secrets, log)
    except ReconcileError as error:
        if flags["log_format"] == "text":
            raise
        why, hint = (text and without_secrets(text, os.environ) for text in (error.message, error.hint))
        log.say("error", "cannot watch", why=why, hint=hint)
        ctx.exit(error.exit_code)
    log.say("info", "ended")


def _watch(
    ctx: click.Context, flags: dict[str, Any], pace: Pace, secrets: PushSecrets, log: ServeLog
) -> None:
    from reconciler.cli.watching.loop import Loop
    from reconciler.cli.watching.metrics import Metrics
    from reconciler.cli.watching.subject import first_subject
    from reconciler.cli.watching.telling import Teller
    from reconciler.core.user_info import without_user_info
    from reconciler.core.watch.machine import Machine

    named = {name: flags[name] for name in SETTINGS}
    teller = Teller(log)
    say_instead(lambda level, text: teller.say(level, "note", what=text))

    def opening() -> Settings:
        return open_project(ctx, **named).settings

    flagged = {**named, "environment": given(ctx, "environment")}
    subject = first_subject(
        start_folder(ctx), opening, flagged, lambda text: teller.say("warning", "clone", what=text)
    )
    metrics = Metrics(time.time)
    machine = Machine(pace, random.random, time.monotonic())
    loop = Loop(machine, subject, opening, _arguments(ctx, flags), metrics, teller)
    how = "pr" if subject.settings.publish == "pr" else "yes" if subject.ledger else "no"
    teller.say("info", "watching", branch=subject.branch, remote=without_user_info(subject.address),
               interval=format_duration(pace.interval), publish=how)  # fmt: skip
    asyncio.run(_run(loop, metrics, flags["listen"], secrets, log))


async def _run(loop: Loop, metrics: Metrics, listen: str | None, secrets: PushSecrets, log: ServeLog) -> None:
    """The loop, and the pages beside it; signals end it."""
    events = asyncio.get_running_loop()
    events.set_exception_handler(lambda _, context: _log_of(context, log))
    for number in (signal.SIGINT, signal.SIGTERM):
        events.add_signal_handler(number, loop.stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        # A terminal that is closed ends what runs on it; a service is asked to look again.
        events.add_signal_handler(signal.SIGHUP, loop.stop if sys.stderr.isatty() else loop.nudge)
    async with AsyncExitStack() as stack:
        if listen is not None:
            from reconciler.adapters.receiver.pages_only import serving
            from reconciler.adapters.system.prometheus import NoPrometheus, check_installed
            from reconciler.cli.watching.pages import Pages
            from reconciler.core.watch.pushes import MAX_PUSH

            host, port = listen_address(listen)
            pages = Pages(secrets, metrics, log, followed=loop.followed, late=loop.late,
                          unready=loop.unready, nudge=loop.nudge)  # fmt: skip
            url = await stack.enter_async_context(serving(host, port, pages, log, page_body=MAX_PUSH))
            log.say("info", "listening", url=url, pushes="yes" if secrets.plain else "no")
            try:
                check_installed()
            except NoPrometheus as error:
                log.say("warning", "no metrics", why=error.message, hint=error.hint)
        await loop.run()


def _log_of(context: dict[str, Any], log: ServeLog) -> None:
    """What asyncio has to say; mostly of connections that broke."""
    error = context.get("exception")
    level = "debug" if isinstance(error, OSError) else "error"
    log.note(level, "event loop", what=str(context.get("message")), kind=type(error).__name__)


def _arguments(ctx: click.Context, flags: dict[str, Any]) -> Arguments:
    """The line of a run: `reconcile apply`, on what is watched."""
    from reconciler.cli.watching.subject import Subject
    from reconciler.core.watch.machine import Run

    words = ["apply", "--yes", "--format", "json", "--lease-wait", "1ms", "--color", "never"]
    for option, name in (("-C", "directory"), ("--config", "config"), ("--log-level", "log_level")):
        if (value := given(ctx, name)) is not None:
            words += [option, value]
    for key in flags["only"]:
        words += ["--only", key]
    for name in SETTINGS:
        if name != "publish" and flags[name] is not None:
            words += [f"--{name.replace('_', '-')}", str(flags[name])]

    def arguments(run: Run, subject: Subject) -> tuple[list[str], dict[str, str]]:
        publish = subject.settings.publish
        how = "--publish-pr" if publish == "pr" else "--publish" if publish else "--no-publish"
        pinned = {"RECONCILE_BRANCH": subject.branch, "RECONCILE_REMOTE": subject.remote}
        environment = {name: value for name, value in os.environ.items() if name != SECRET}
        where = ["--env", subject.settings.environment]
        return [*words, *where, how, *(["--refresh"] if run.refresh else [])], environment | pinned

    return arguments


def _log(ctx: click.Context, flags: dict[str, Any]) -> ServeLog:
    from reconciler.adapters.receiver.log import ServeLog
    from reconciler.adapters.system import trail
    from reconciler.cli.scrubbing import without_secrets

    level, as_json = given(ctx, "log_level") or "info", flags["log_format"] == "json"
    log = ServeLog(lambda line: click.echo(line, err=True), time.time, level=level, as_json=as_json)
    trail.listen(lambda level, line: log.say(level, "outgoing", what=without_secrets(line, os.environ)))
    return log


def _refresh(flags: dict[str, Any]) -> float | None:
    return None if flags["refresh_interval"] in ("off", "0") else _seconds(flags, "refresh_interval", 10.0)


def _seconds(flags: dict[str, Any], name: str, least: float) -> float:
    option = "--" + name.replace("_", "-")
    try:
        seconds = parse_duration(flags[name])
    except InvalidInput as error:
        raise UsageError(f"{option} {error.message}", hint=error.hint) from error
    if not least <= seconds <= _DAY:
        raise UsageError(f"{option} must be from {format_duration(least)} to {format_duration(_DAY)}")
    return seconds
