"""The page that `--help` and `reconcile help` print: what a command does, an example, and its options by their use.

Nothing is cut: names stand whole, and what does not fit beside them goes below them.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Iterator, Sequence

import click

from reconciler.cli.options import given
from reconciler.cli.screen import screen_of
from reconciler.core.commands import reconcile
from reconciler.core.display import display_width, padded, wrapped
from reconciler.render.phrases.style import Look

COMMAND_GROUPS = (
    ("Everyday", ("plan", "apply", "validate", "promote", "status", "sources", "history", "get")),
    ("CI", ("watch", "collect", "export", "fetch", "projects")),
    ("Recovery", ("rollback", "release", "prune", "resolve", "lease", "lockfile", "doctor")),
    ("Webhooks", ("webhook", "inbox")),
    ("Project", ("init", "import", "schema", "completion")),
    ("Try it", ("demo", "sandbox")),
    ("Help", ("help", "version")),
)
GLOBAL = "Global options"
OPTION_GROUPS = (
    ("Shards", ("shards", "shard")),
    ("Projects", ("all_projects", "globs", "changed_since", "all_environments")),
    ("Engines", ("only", "retired", "retry_failed", "allow_replace", "allow_retire", "allow_prune")),
    ("Comparing", ("refresh", "fix_drift", "check_sources", "fetch", "base", "fail_on_foreign")),
    ("Applying", ("yes", "concurrency", "detach", "lease_ttl", "lease_wait")),
    ("Waiting for jobs", ("timeout", "no_wait", "via", "inbox", "inbox_url", "listen", "event")),
    ("Publishing", ("publish", "publish_pr", "no_publish")),
    ("Pull requests", ("comment", "comment_on", "comment_when_unchanged", "issue")),
    ("Output", ("format_", "detailed_exitcode", "out", "report", "report_html")),
    (GLOBAL, ("directory", "config", "environment", "log_level", "color", "version", "_click_default_help", "help")),
)  # fmt: skip
_MANY = 12  # options, the global ones among them; fewer need no order
_SHOWN_AT_THE_ROOT = frozenset({"dry_run", "yes", "only"})  # the others are on the page of `apply`
_WIDEST, _NARROWEST = 100, 40  # cells
_BESIDE = 60  # cells; with less, what an option does stands below it
_LONGEST_BESIDE = 26  # cells of names that leave room beside them

Row = tuple[str, str]


def help_page(ctx: click.Context) -> str:
    """The page of the context's command, without a final newline."""
    screen = screen_of(sys.stdout, given(ctx, "color"))
    page = _Page(Look(screen.color), min(max(screen.width, _NARROWEST), _WIDEST))
    return "\n\n".join("\n".join(block) for block in page.blocks(ctx))


class _Page:
    def __init__(self, look: Look, width: int) -> None:
        self._look = look
        self._width = width

    def blocks(self, ctx: click.Context) -> Iterator[list[str]]:
        command = ctx.command
        summary, *more = paragraphs(command)
        yield wrapped(summary, self._width)
        yield self._usage(ctx)
        for paragraph in more:
            yield wrapped(paragraph, self._width)
        example = getattr(command, "example", "")
        if example:
            yield [self._title("Example:"), f"  {ctx.command_path} {example}"]
        if isinstance(command, click.Group):
            yield from self._commands(ctx, command)
        yield from self._options(ctx)
        yield from self._footer(ctx)

    def _usage(self, ctx: click.Context) -> list[str]:
        lines = [f"{self._title('Usage:')} {ctx.command_path}"]
        for piece in ctx.command.collect_usage_pieces(ctx):
            if display_width(lines[-1]) + 1 + len(piece) <= self._width:
                lines[-1] += f" {piece}"
            else:
                lines.append(f"       {piece}")
        return lines

    def _commands(self, ctx: click.Context, group: click.Group) -> Iterator[list[str]]:
        column = max(map(len, group.list_commands(ctx)))
        for title, rows in commands_of(ctx, group):
            yield [self._title(f"{title}:"), *self._table(rows, column)]

    def _options(self, ctx: click.Context) -> Iterator[list[str]]:
        groups = list(options_of(ctx))
        names = [name for _, rows in groups for name, _ in rows]
        column = max(len(name) for name in names if len(name) <= _LONGEST_BESIDE)
        for title, rows in groups:
            yield [self._title(f"{title}:"), *self._table(rows, column)]

    def _footer(self, ctx: click.Context) -> Iterator[list[str]]:
        docs = getattr(ctx.command, "docs", "")
        lines = [f"{self._title('Docs:')} docs/{docs}"] if docs else []
        if ctx.parent is None:
            how = reconcile("help", arguments=["COMMAND"])
            lines += wrapped(f"`{how}` shows what a command does, and its options.", self._width)
        if lines:
            yield lines

    def _table(self, rows: Sequence[Row], column: int) -> Iterator[str]:
        for name, text in rows:
            beside = self._width >= _BESIDE or column <= 12
            indent = 2 + column + 2 if beside else 10
            lines = wrapped(text, self._width - indent)
            shown = self._look.paint(name, "cyan")
            if beside and display_width(name) <= column:
                yield f"  {shown}{padded(name, column).removeprefix(name)}  {lines.pop(0)}"
            else:
                yield f"  {shown}"
            yield from (" " * indent + line for line in lines)

    def _title(self, text: str) -> str:
        return self._look.paint(text, "bold")


def commands_of(ctx: click.Context, group: click.Group) -> Iterator[tuple[str, list[Row]]]:
    """The commands of a group with their summaries, by what they are for."""
    names = group.list_commands(ctx)
    for title, members in COMMAND_GROUPS if ctx.parent is None else (("Commands", tuple(names)),):
        rows = [(name, summary_of(ctx, group, name)) for name in members if name in names]
        if rows:
            yield title, rows


def options_of(ctx: click.Context) -> Iterator[tuple[str, list[Row]]]:
    """The options with their texts, by their use."""
    options = [one for one in ctx.command.get_params(ctx) if isinstance(one, click.Option) and not one.hidden]
    titles = {name: title for title, names in OPTION_GROUPS for name in names}
    if not any(one.name == "only" for one in options) or len(options) < _MANY:
        titles = {name: title for name, title in titles.items() if title == GLOBAL}
    if ctx.parent is None:
        shown = {one: "Options" for one in options if one.name in _SHOWN_AT_THE_ROOT}
        shown |= {one: GLOBAL for one in options if titles.get(one.name or "") == GLOBAL}
    else:
        shown = {one: titles.get(one.name or "", "Options") for one in options}
    for title in ("Options", *(title for title, _ in OPTION_GROUPS)):
        rows = [(names_of(one), help_of(one)) for one, its in shown.items() if its == title]
        if rows:
            yield title, rows


def paragraphs(command: click.Command) -> list[str]:
    """The command's help: its summary, then the rest, each paragraph one line."""
    text = inspect.cleandoc(command.help or "")
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]


def summary_of(ctx: click.Context, group: click.Group, name: str) -> str:
    command = group.get_command(ctx, name)
    return paragraphs(command)[0].removesuffix(".") if command is not None else ""


def names_of(option: click.Option) -> str:
    """`-y, --yes`, `    --only KEY`: the long names stand below each other."""
    names = sorted(option.opts, key=len)
    shown = ", ".join(names)
    if names[0].startswith("--"):
        shown = f"    {shown}"
    if option.secondary_opts:
        return f"{shown}, {', '.join(option.secondary_opts)}"
    if option.is_flag or option.count:
        return shown
    return f"{shown} {option.metavar or _kind_of(option)}"


def _kind_of(option: click.Option) -> str:
    if isinstance(option.type, click.Choice):
        return max(option.opts, key=len).rpartition("-")[2].upper()
    return {"integer": "NUMBER", "integer range": "NUMBER", "float": "NUMBER"}.get(option.type.name, "TEXT")


def help_of(option: click.Option) -> str:
    """The help text, with the values there are, the default, and whether it is required."""
    return " ".join([option.help or "", *_remarks(option)]).strip()


def _remarks(option: click.Option) -> Iterator[str]:
    default = (
        option.default if option.show_default and isinstance(option.default, str | int | float) else None
    )
    if isinstance(option.type, click.Choice):
        yield f"[{', '.join(_choices(option.type.choices, default))}]"
    elif default is not None and not option.is_flag:
        yield f"[default: {default}]"
    if option.required:
        yield "[required]"


def _choices(values: Iterable[str], default: object) -> Iterator[str]:
    return (f"{value} (default)" if value == default else value for value in values)
