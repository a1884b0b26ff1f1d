"""The options that commands share. Global ones may stand before or after the command's name."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any, TypeVar

import click

from reconciler.cli.screen import wants_color
from reconciler.core.commands import reconcile

Command = TypeVar("Command", bound=Callable[..., Any])

_LINE = "reconciler.line"  # where the context keeps the line
_GIVEN = "reconciler.given"  # where the context keeps global options


def given(ctx: click.Context, name: str) -> Any:
    """A global option's value, wherever on the line it was given; None when it was not."""
    return ctx.meta.get(_GIVEN, {}).get(name)


def keep_line(ctx: click.Context, words: list[str]) -> None:
    """Remember the whole line, of which the first command gets every word."""
    ctx.meta.setdefault(_LINE, words)


def line_of(ctx: click.Context) -> list[str]:
    """Every word after `reconcile`, as typed."""
    words: list[str] = ctx.meta.get(_LINE, [])
    return words


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
    _global("--config", metavar="FILE", help="Read settings from FILE instead of reconcile.yaml."),
    _global("--env", "environment", metavar="NAME", help="Use the environment NAME of the settings."),
    _global(
        "--log-level",
        type=click.Choice(["error", "warning", "info", "debug"]),
        help="Set how much is printed: `error` only results and errors, `debug` each request, too.",
    ),
    _global(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        help="Color the output; `auto` does on a terminal.",
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
    help="Limit to this engine: a key, a glob, or its file. Repeatable.",
)


def text_or_json(help_text: str) -> Callable[[Command], Command]:
    return click.option(
        "--format",
        "format_",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help=help_text,
    )


CHECK_LINKS = click.option(
    "--check-links",
    is_flag=True,
    help="Look at each link: dead, moved, behind a login, empty, repeated.",
)
_PLAN = (
    click.option(
        "--format",
        "format_",
        type=click.Choice(["text", "json", "markdown", "github", "gitlab", "sarif", "html"]),
        default="text",
        show_default=True,
        help="Print the result in this format.",
    ),
    ONLY,
    click.option("--retry-failed", is_flag=True, help="Retry failed engines whose files have not changed."),
    click.option(
        "--refresh", is_flag=True, help="Look up on the platform whether engines are gone or were changed."
    ),
    click.option(
        "--fix-drift", is_flag=True, help="Overwrite what was changed on the platform. Implies --refresh."
    ),
    click.option(
        "--check-sources",
        is_flag=True,
        help="Look at the pages that engines learned from, and report those that changed.",
    ),
    click.option(
        "--allow-replace",
        callback=as_keys,
        multiple=True,
        metavar="KEY",
        help="Replace this engine even if it is protected or over the limit. Repeatable.",
    ),
    click.option(
        "--allow-retire",
        callback=as_keys,
        multiple=True,
        metavar="KEY",
        help="Retire this engine even if it is protected or over the limit. Repeatable.",
    ),
)
_DETAILED = click.option(
    "--detailed-exitcode", is_flag=True, help="With a plan, exit with 2 if there are changes to apply."
)
_COMMENT = (
    click.option(
        "--comment", is_flag=True, help="Post the plan on the pull request, and keep the comment up to date."
    ),
    click.option(
        "--comment-on",
        type=click.IntRange(min=1),
        metavar="NUMBER",
        help="Comment on this pull request instead of the one of the run.",
    ),
    click.option(
        "--comment-when-unchanged",
        type=click.Choice(["keep", "delete"]),
        default="keep",
        metavar="ACTION",
        show_default=True,
        help="Keep or delete the comment once nothing changes.",
    ),
)
_TELL = click.option(
    "--comment", is_flag=True, help="Post the result on the pull request that brought the change."
)
_CREATE = (
    click.option("--yes", "-y", is_flag=True, help="Skip the confirmation; required without a terminal."),
    click.option("--concurrency", metavar="N", help="Run at most N create calls at once."),
    click.option(
        "--detach", is_flag=True, help="Create and record, but do not wait; `reconcile collect` does."
    ),
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


LOG_FORMAT = click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Log lines in this format.",
)
REPORT_HTML = click.option(
    "--report-html", metavar="FILE", help="Also write the result to FILE as a page for a browser."
)
_RUN = (
    click.option("--timeout", metavar="TIME", help="Wait at most this long for jobs, such as 30m."),
    click.option(
        "--publish",
        is_flag=False,
        flag_value="true",
        metavar="[pr]",
        callback=_publish,
        help="Push journal and lockfile to the remote; `pr` puts the lockfile in a pull request.",
    ),
    click.option("--publish-pr", flag_value="pr", callback=_publish, help="Same as `--publish pr`."),
    click.option(
        "--no-publish",
        flag_value="false",
        default=None,
        callback=_publish,
        help="Keep journal and lockfile on this machine.",
    ),
    click.option("--lease-ttl", metavar="TIME", help="Let the lease expire after TIME without renewal."),
    click.option("--lease-wait", metavar="TIME", help="Wait up to TIME while another run holds the lease."),
    click.option("--report", metavar="FILE", help="Also write the result to FILE as JSON."),
    REPORT_HTML,
)


def _no_password(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and "://" in value:
        from reconciler.core.settings.postgres_url import refuse_password  # where there is one

        refuse_password(value, "--inbox")
    return value


_HEAR = (
    click.option(
        "--via",
        type=click.Choice(["websocket", "webhook", "both"]),
        metavar="SOURCE",
        help="Learn this way that jobs ended; both if there is an inbox.",
    ),
    click.option(
        "--inbox",
        metavar="PLACE",
        callback=_no_password,
        help="Read the inbox of a webhook receiver: a file, or a postgresql:// address.",
    ),
    click.option(
        "--inbox-url", metavar="URL", help="Read the inbox of a webhook receiver on another machine."
    ),
)
_LISTEN = click.option(
    "--listen", metavar="HOST:PORT", help="Receive webhooks at this address during the run."
)


def refuse_report_formats(ctx: click.Context, format_: str) -> None:
    """Raises `UsageError` for the formats of code reports, and for pages, in a command that applies."""
    if format_ == "html":
        raise click.UsageError("--format html is for plans; write the result with `--report-html FILE`.", ctx)
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


def watch_options(command: Command) -> Command:
    """--only, --concurrency, --timeout, publishing, --lease-ttl, and the ways to hear of jobs."""
    return _stack((ONLY, _CREATE[1], *_RUN[:5], *_HEAR), command)
