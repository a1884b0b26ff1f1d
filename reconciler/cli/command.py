"""What every command of ours is: its page of help, and answers to slips on its line that say what to type instead.

Both are imported when they are wanted: most starts show neither.
"""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli.options import keep_line

HELP = ("-h", "--help")


class Command(click.Command):
    """One command. `example` is what follows its name in its example; `docs` a page under docs/."""

    def __init__(self, *args: Any, example: str = "", docs: str = "", **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.example = example
        self.docs = docs
        self._help: click.Option | None = None

    def get_help_option(self, ctx: click.Context) -> click.Option:
        """As click's own, which asks gettext for its text, and that costs 2 ms at every start."""
        if self._help is None:
            self._help = click.Option(
                HELP,  # also where a command is called without the one above it
                is_flag=True,
                is_eager=True,
                expose_value=False,
                help="Show this message and exit.",
                callback=_show_help,
            )
        return self._help

    def get_help(self, ctx: click.Context) -> str:
        from reconciler.cli.help_page import help_page

        return help_page(ctx)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        words = list(args)
        keep_line(ctx, words)
        if not isinstance(self, click.Group):
            ctx.allow_extra_args = True  # they are refused here, with what to type instead
        try:
            rest = super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if _asks_for_help(words) and not ctx.resilient_parsing:
                click.echo(self.get_help(ctx), color=ctx.color)
                ctx.exit()
            from reconciler.cli.slips import unknown_option

            raise unknown_option(ctx, error.option_name, words) from error
        except click.UsageError as error:
            error.ctx = error.ctx or ctx  # click's parser does not name it, and the hint goes by it
            raise
        if rest and not isinstance(self, click.Group) and not ctx.resilient_parsing:
            from reconciler.cli.slips import extra_words

            raise extra_words(ctx, rest, words)
        return rest


def _show_help(ctx: click.Context, _param: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        click.echo(ctx.get_help(), color=ctx.color)
        ctx.exit()


def _asks_for_help(words: list[str]) -> bool:
    own = words[: words.index("--")] if "--" in words else words
    return any(word in HELP for word in own)


class Group(Command, click.Group):
    """A command with commands of its own."""

    command_class = Command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not ctx.resilient_parsing and self.get_command(ctx, args[0]) is None:
            from reconciler.cli.slips import unknown_command

            raise unknown_command(ctx, args, self.list_commands(ctx))
        return super().resolve_command(ctx, args)
