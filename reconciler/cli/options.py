"""The options that commands share. Global ones may stand before or after the command's name."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any, TypeVar

import click

from reconciler.cli.screen import wants_color
from reconciler.core.commands import reconcile

Command = TypeVar("Command", bound=Callable[..., Any])

_GIVEN = "reconciler.given"  # where the context keeps global options


def given(ctx: click.Context, name: str) -> Any:
    """A global option's value, wherever on the line it was given; None when it was not."""
    return ctx.meta.get(_GIVEN, {}).get(name)


def _keep(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    if value is not None:
        ctx.meta.setdefault(_GIVEN, {})[param.name] = value
    if param.name == "color":
        ctx.color = wants_color(given(ctx, "color"))  # None: click strips colour where there is no terminal
    return value


def _global(*names: str, **attributes: Any) -> Callable[[Command], Command]:
    return click.option(*names, callback=_keep, expose_value=False, **attributes)


_GLOBAL = (
    _global("-C", "directory", metavar="DIR", help="Run as if started in DIR."),
    _global("--config", metavar="FILE", help="Settings file instead of reconcile.yaml."),
    _global("--env", "environment", metavar="NAME", help="Environment, from the settings."),
    _global(
        "--log-level",
        type=click.Choice(["error", "warning", "info", "debug"]),
        help="How much is told: error is results and errors only.",
    ),
    _global(
        "--color", type=click.Choice(["auto", "always", "never"]), help="Colour; auto asks the terminal."
    ),
)


def _stack(options: tuple[Callable[[Any], Any], ...], command: Command) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def global_options(command: Command) -> Command:
    """-C, --config, --env, --log-level and --color."""
    return _stack(_GLOBAL, command)


def as_keys(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Keys, or patterns of keys, in the Unicode form that keys have; a Mac's shell may give another."""
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    return value if value is None else tuple(unicodedata.normalize("NFC", one) for one in value)


ONLY = click.option(
    "--only",
    callback=as_keys,
    multiple=True,
    metavar="KEY",
    help="Only this engine, or glob; can be repeated.",
)
_PLAN = (
    click.option(
        "--format",
        "format_",
        type=click.Choice(["text", "json", "markdown", "github", "gitlab", "sarif"]),
        default="text",
        show_default=True,
        help="How the result is printed.",
    ),
    ONLY,
    click.option("--retry-failed", is_flag=True, help="Try again what failed, as it stands."),
    click.option(
        "--allow-replace",
        callback=as_keys,
        multiple=True,
        metavar="KEY",
        help="Replace this engine even if it is protected or there are many; can be repeated.",
    ),
    click.option(
        "--allow-retire", callback=as_keys, multiple=True, metavar="KEY", help="The same for one to retire."
    ),
)
_DETAILED = click.option(
    "--detailed-exitcode", is_flag=True, help="With a plan: 2 when there are changes to apply."
)
_COMMENT = (
    click.option("--comment", is_flag=True, help="Keep a comment in the pull request that shows the plan."),
    click.option(
        "--comment-on",
        type=click.IntRange(min=1),
        metavar="NUMBER",
        help="In this pull request, instead of the one that the run is for.",
    ),
    click.option(
        "--comment-when-unchanged",
        type=click.Choice(["keep", "delete"]),
        default="keep",
        show_default=True,
        help="What becomes of a comment once nothing changes any more.",
    ),
)
_TELL = click.option(
    "--comment", is_flag=True, help="Tell the pull request that brought the change what became of it."
)
_CREATE = (
    click.option("--yes", "-y", is_flag=True, help="Do not ask; needed without a terminal."),
    click.option("--concurrency", metavar="N", help="Create calls under way at once."),
    click.option("--detach", is_flag=True, help="Create and record, but do not wait for the jobs."),
)


def _publish(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Three options of one setting, `publish`: the last on the line counts. click calls this in their order there,
    and afterwards for those that were not given.
    """
    if value is not None:
        if value not in ("true", "false", "pr"):
            raise click.BadParameter(f"'{value}' is not `pr`. A saved plan goes before it: `PLAN --publish`.")
        ctx.params["publish"] = value
    return ctx.params.get("publish")


_RUN = (
    click.option("--timeout", metavar="TIME", help="How long to wait for jobs, such as 30m."),
    click.option(
        "--publish",
        is_flag=False,
        flag_value="true",
        metavar="[pr]",
        callback=_publish,
        help="Share journal and lockfile on the remote; `--publish pr` by a pull request.",
    ),
    click.option("--publish-pr", flag_value="pr", callback=_publish, help="The same as `--publish pr`."),
    click.option(
        "--no-publish", flag_value="false", default=None, callback=_publish, help="Keep both on this machine."
    ),
    click.option("--lease-ttl", metavar="TIME", help="How long the lease lasts without being renewed."),
    click.option("--lease-wait", metavar="TIME", help="Wait that long for another run's lease."),
    click.option("--report", metavar="FILE", help="Write what became of it there as JSON, too."),
)
_HEAR = (
    click.option(
        "--via",
        type=click.Choice(["websocket", "webhook", "both"]),
        help="How to hear that jobs ended; both where there is an inbox.",
    ),
    click.option("--inbox", metavar="FILE", help="Inbox of a webhook receiver on this machine."),
    click.option("--inbox-url", metavar="URL", help="A webhook receiver on another machine."),
)
_LISTEN = click.option(
    "--listen", metavar="HOST:PORT", help="Receive webhooks here for as long as the run lasts."
)


def refuse_report_formats(ctx: click.Context, format_: str) -> None:
    """Raises `UsageError` for the formats of code reports in a command that applies."""
    if format_ in ("gitlab", "sarif"):
        raise click.UsageError(
            f"--format {format_} is for plans: `{reconcile('plan', ('--format', format_))}`.", ctx
        )


def plan_options(command: Command) -> Command:
    """--format, --only, --retry-failed and what is allowed: what is planned, and how it is shown."""
    return _stack(_PLAN, command)


def detailed_exitcode(command: Command) -> Command:
    """--detailed-exitcode."""
    return _DETAILED(command)


def comment_options(command: Command) -> Command:
    """--comment, --comment-on and --comment-when-unchanged."""
    return _stack(_COMMENT, command)


def apply_options(command: Command) -> Command:
    """What only a run that creates takes, and what `collect` takes as well."""
    return _stack((*_CREATE, *_RUN, *_HEAR, _LISTEN, _TELL), command)


def collect_options(command: Command) -> Command:
    """--format, --only, --timeout, publishing, the ways to hear of jobs, and --comment."""
    return _stack((*_PLAN[:2], *_RUN, *_HEAR, _TELL), command)
