"""What `--help` promises: everything is there, grouped, nothing is cut, and the examples are ones that work."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from reconciler.cli.help_page import COMMAND_GROUPS, GLOBAL, OPTION_GROUPS, help_page, paragraphs
from reconciler.cli.main import COMMANDS, cli, main
from reconciler.core.display import display_width

ROOT = Path(__file__).parents[2]


def pages() -> Iterator[click.Context]:
    """Every command that there is, and every command of those."""
    root = click.Context(cli, info_name="reconcile")
    yield root
    waiting = [(root, cli.get_command(root, name)) for name in COMMANDS]
    for parent, command in waiting:
        assert command is not None
        ctx = click.Context(command, info_name=command.name, parent=parent)
        yield ctx
        if isinstance(command, click.Group):
            waiting += [(ctx, each) for each in command.commands.values()]


PAGES = list(pages())
each_page = pytest.mark.parametrize("ctx", PAGES, ids=[ctx.command_path for ctx in PAGES])


@each_page
@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_page_fits_and_breaks_no_word(
    ctx: click.Context, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    page = help_page(ctx)
    for line in page.split("\n"):
        assert display_width(line) <= width or len(line.split()) == 1 or is_to_be_copied(line), line
    monkeypatch.setenv("COLUMNS", "100")
    assert page.split() == help_page(ctx).split()


def is_to_be_copied(line: str) -> bool:
    words = line.strip()
    return words.startswith(("reconcile ", "--", "-", "`"))


@each_page
def test_every_option_is_there_by_its_whole_names(ctx: click.Context) -> None:
    page = help_page(ctx)
    options = [one for one in ctx.command.get_params(ctx) if isinstance(one, click.Option)]
    if ctx.parent is None:
        assert "options of `reconcile apply`" in " ".join(page.split())
        apply = next(one for one in PAGES if one.command_path == "reconcile apply")
        options = [one for one in options if one not in options or one.name in ("dry_run", "yes", "only")]
        page += help_page(apply)
    for option in options:
        for name in (*option.opts, *option.secondary_opts):
            assert re.search(rf"(?m)^ .*{re.escape(name)}(?![\w-])", page), name
        assert option.help
    assert "…" not in page
    assert "..." not in page.replace("]...", "")


@each_page
def test_the_example_is_one_that_the_command_takes(ctx: click.Context) -> None:
    example = getattr(ctx.command, "example", "")
    if not example:
        needs = [one for one in ctx.command.params if one.required]
        assert not needs
        return
    assert f"Example:\n  {ctx.command_path} {example}\n" in help_page(ctx)
    made = ctx.command.make_context(ctx.info_name, shlex.split(example), parent=ctx.parent)
    assert made.params


@each_page
def test_the_docs_that_are_named_are_there(ctx: click.Context) -> None:
    for page in re.findall(r"docs/[\w./-]+", help_page(ctx)):
        assert (ROOT / page).is_file()
    if ctx.info_name not in ("help", "version"):
        assert "\nDocs: docs/" in help_page(ctx)


@each_page
def test_a_summary_begins_with_a_verb_and_fits_in_a_list(ctx: click.Context) -> None:
    summary = paragraphs(ctx.command)[0]
    assert summary.endswith(".")
    assert len(summary) <= 78 - 12
    if ctx.parent is not None:
        assert re.match(r"[A-Z][a-z]+ ", summary)
        assert not re.match(r"(The|A|An|This|Git's)\b", summary)


def test_every_command_has_its_group() -> None:
    grouped = [name for _, names in COMMAND_GROUPS for name in names]
    assert sorted(grouped) == sorted(COMMANDS)
    page = help_page(PAGES[0])
    titles = [page.index(f"\n{title}:\n") for title, _ in COMMAND_GROUPS]
    assert titles == sorted(titles)
    assert titles[-1] < page.index("\nOptions:\n") < page.index(f"\n{GLOBAL}:\n")


def test_options_of_a_run_are_grouped_and_all_of_them() -> None:
    known = {name for _, names in OPTION_GROUPS for name in names}
    used = {one.name for ctx in PAGES for one in ctx.command.get_params(ctx)}
    assert known - {"help", "_click_default_help"} <= used
    for name in ("plan", "apply", "collect"):
        ctx = next(one for one in PAGES if one.info_name == name)
        assert {one.name for one in ctx.command.get_params(ctx) if isinstance(one, click.Option)} <= known
        assert "\nOptions:\n" not in help_page(ctx)


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(words) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    return shown.out


@pytest.mark.parametrize("words", [(), ("apply",), ("lease", "break")], ids=" ".join)
def test_help_is_there_in_three_ways(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    page = printed(capsys, *words, "--help")
    assert printed(capsys, *words, "-h") == page
    assert printed(capsys, "help", *words) == page
    assert printed(capsys, *words, "--no-such-option", "--help") == page


def test_the_version_is_there_in_three_ways(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "--version")
    assert text.startswith("reconcile ")
    assert printed(capsys, "-V") == text
    assert printed(capsys, "version") == text


def test_titles_are_bold_where_colour_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    assert "\x1b" not in printed(capsys, "plan", "--help")
    assert "\x1b[1mUsage:\x1b[0m" in printed(capsys, "help", "plan", "--color", "always")
