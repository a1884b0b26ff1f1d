"""The options that commands share. Global ones may stand before or after the command's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

_GIVEN = "reconciler.given"  # where the context keeps global options


def given(ctx: click.Context, name: str) -> Any:
    """A global option's value, wherever on the line it was given; None when it was not."""
    return ctx.meta.get(_GIVEN, {}).get(name)


def _keep(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    if value is not None:
        ctx.meta.setdefault(_GIVEN, {})[param.name] = value
    if value is not None and param.name == "color":
        ctx.color = {"always": True, "never": False}.get(
            value
        )  # else click strips colour where there is no terminal
    return value


def _global(*names: str, **attributes: Any) -> Callable[[Command], Command]:
    return click.option(*names, callback=_keep, expose_value=False, **attributes)


_GLOBAL = (
    _global("-C", "directory", metavar="DIR", help="Run as if started in DIR."),
    _global("--config", metavar="FILE", help="Settings file instead of reconcile.yaml."),
    _global("--env", "environment", metavar="NAME", help="Environment, from the settings."),
    _global("--log-level", type=click.Choice(["error", "warning", "info", "debug"]), help="What is logged."),
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


_PLAN = (
    click.option(
        "--format",
        "format_",
        type=click.Choice(["text", "json", "markdown", "github"]),
        default="text",
        show_default=True,
        help="How the result is printed.",
    ),
    click.option("--only", multiple=True, metavar="KEY", help="Only this engine, or glob; can be repeated."),
    click.option("--retry-failed", is_flag=True, help="Try again what failed, as it stands."),
)
_DETAILED = click.option(
    "--detailed-exitcode", is_flag=True, help="With a plan: 2 when there are changes to apply."
)
_CREATE = (
    click.option("--yes", "-y", is_flag=True, help="Do not ask."),
    click.option("--concurrency", metavar="N", help="Create calls under way at once."),
    click.option("--detach", is_flag=True, help="Create and record, but do not wait for the jobs."),
)
_RUN = (
    click.option("--timeout", metavar="TIME", help="How long to wait for jobs, such as 30m."),
    click.option("--publish/--no-publish", default=None, help="Share journal and lockfile on the remote."),
    click.option("--lease-ttl", metavar="TIME", help="How long the lease lasts without being renewed."),
    click.option("--lease-wait", metavar="TIME", help="Wait that long for another run's lease."),
)


def plan_options(command: Command) -> Command:
    """--format, --only and --retry-failed: what is planned, and how it is shown."""
    return _stack(_PLAN, command)


def detailed_exitcode(command: Command) -> Command:
    """--detailed-exitcode."""
    return _DETAILED(command)


def apply_options(command: Command) -> Command:
    """--yes, --concurrency, --timeout, --publish, --lease-ttl, --lease-wait and --detach."""
    return _stack(_CREATE + _RUN, command)


def collect_options(command: Command) -> Command:
    """--format, --only, --timeout, --publish, --lease-ttl and --lease-wait."""
    return _stack(_PLAN[:2] + _RUN, command)
