"""Writes a manual page for `reconcile` and for each of its commands: python tools/man_pages.py FOLDER.

They are made from the commands, as `--help` is, and from the table of exit codes in the README; so they cannot fall
behind. The same sources give the same bytes: the date is that of the version in the changelog.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click

ROOT = Path(__file__).resolve().parent.parent
_EXIT_CODE = re.compile(r"^\| (\d[\d /]*) \| (.+) \|$", re.MULTILINE)
_CODE = re.compile(r"`([^`]*)`")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def write_pages(folder: Path) -> list[Path]:
    """The files that were written, sorted by name."""
    sys.path.insert(0, str(ROOT))
    try:
        contexts = list(_contexts())
    finally:
        sys.path.remove(str(ROOT))
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    names = [_name(ctx) for ctx in contexts]
    for ctx in contexts:
        file = folder / f"{_name(ctx)}.1"
        file.write_text("\n".join(_page(ctx, names)) + "\n", encoding="ascii")
        files.append(file)
    return sorted(files)


def _contexts() -> Iterator[click.Context]:
    import click

    from reconciler.cli.main import cli

    waiting = [click.Context(cli, info_name="reconcile")]
    for ctx in waiting:
        yield ctx
        group = ctx.command
        for name in group.list_commands(ctx) if isinstance(group, click.Group) else ():
            command = group.get_command(ctx, name)
            assert command is not None
            waiting.append(click.Context(command, info_name=name, parent=ctx))


def _page(ctx: click.Context, names: Sequence[str]) -> Iterator[str]:
    import click

    from reconciler import __version__
    from reconciler.cli.help_page import commands_of, options_of, paragraphs

    command, name = ctx.command, _name(ctx)
    summary, *more = paragraphs(command)
    yield f'.TH {name.upper()} 1 "{_date_of(__version__)}" "reconcile {__version__}" "User Commands"'
    yield from (".SH NAME", f"{name} \\- {_text(summary.removesuffix('.'))}")
    usage = " ".join(_text(piece, dashes=True) for piece in command.collect_usage_pieces(ctx))
    yield from (".SH SYNOPSIS", f"\\fB{_text(ctx.command_path, dashes=True)}\\fR {usage}")
    yield from (".SH DESCRIPTION", _text(summary))
    for paragraph in more:
        yield from (".PP", _text(paragraph))
    if isinstance(command, click.Group):
        yield ".SH COMMANDS"
        for title, rows in commands_of(ctx, command):
            yield from _subsection(title, [(f"{ctx.command_path} {one}", text) for one, text in rows])
    yield ".SH OPTIONS"
    for title, rows in options_of(ctx):
        yield from _subsection(title, rows)
    example = getattr(command, "example", "")
    if example:
        yield from (".SH EXAMPLES", ".nf", _text(f"{ctx.command_path} {example}", dashes=True), ".fi")
    if ctx.parent is None:
        yield ".SH EXIT STATUS"
        yield from _rows(_exit_codes())
    yield from (
        ".SH SEE ALSO",
        ",\n".join(f"\\fB{_text(one, dashes=True)}\\fR(1)" for one in _related(name, names)),
    )


def _subsection(title: str, rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield f".SS {_text(title)}"
    yield from _rows(rows)


def _rows(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    for term, text in rows:
        yield from (".TP", f"\\fB{_text(term.strip(), dashes=True)}\\fR", _text(text))


def _related(name: str, names: Sequence[str]) -> list[str]:
    """The page above, those below, and those beside; of the first, only those of the first floor."""
    above = name.rpartition("-")[0]
    near = [one for one in names if one != name and one.rpartition("-")[0] in (name, above)]
    return [one for one in names if one == above] + near


def _exit_codes() -> list[tuple[str, str]]:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return [(code.strip(), _LINK.sub(r"\1", text)) for code, text in _EXIT_CODE.findall(readme)]


def _date_of(version: str) -> str:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(rf"^## \[{re.escape(version)}\] - (\d{{4}}-\d{{2}}-\d{{2}})$", changelog, re.MULTILINE)
    return found[1] if found else ""


def _name(ctx: click.Context) -> str:
    return ctx.command_path.replace(" ", "-")


def _text(text: str, *, dashes: bool = False) -> str:
    """Text as groff takes it: nothing in it is a request or an escape, and code is bold. `dashes` can be copied."""
    escaped = text.replace("\\", "\\e")
    if dashes:
        escaped = escaped.replace("-", "\\-")
    escaped = _CODE.sub(
        lambda found: f"\\fB{found[1] if dashes else found[1].replace('-', chr(92) + '-')}\\fR", escaped
    )
    plain = "".join(char if char.isascii() else f"\\[u{ord(char):04X}]" for char in escaped)
    return f"\\&{plain}" if plain.startswith((".", "'")) else plain


if __name__ == "__main__":
    for written in write_pages(Path(sys.argv[1])):
        print(written)
