"""Writes the pages that only the program knows: its commands and options, its schemas, its exit codes.

.venv/bin/python tools/site/reference.py build/reference
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from reconciler.cli.help_page import COMMAND_GROUPS, paragraphs
from reconciler.cli.main import cli as root

ROOT = Path(__file__).resolve().parents[2]
_GLOBAL = ("directory", "config", "environment", "log_level", "color")
_HEAD = "This page is made from {} of the version it is built with.\n"


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command, by its words, in the order of `reconcile --help`."""
    yield "reconcile", root
    context = click.Context(root)
    names = [name for _, names in COMMAND_GROUPS for name in names]
    for name in [*names, *(name for name in root.list_commands(context) if name not in names)]:
        command = root.get_command(context, name)
        if command is None or command.hidden:
            continue
        yield f"reconcile {name}", command
        if isinstance(command, click.Group):
            for inner in command.list_commands(click.Context(command)):
                found = command.get_command(click.Context(command), inner)
                if found is not None and not found.hidden:
                    yield f"reconcile {name} {inner}", found


def cli_page() -> str:
    parts = [
        "# Command line\n",
        "Use this page to look up a command or an option. " + _HEAD.format("the commands"),
        "## Global options\n",
        "They work with every command, before or after its name.\n",
        _options(option for option in _of(dict(commands())["reconcile plan"]) if option.name in _GLOBAL),
    ]
    for words, command in commands():
        parts += _command(words, command)
    return "\n".join(parts)


def _command(words: str, command: click.Command) -> Iterator[str]:
    yield f"## {words}\n"
    yield from (_plain(paragraph) + "\n" for paragraph in paragraphs(command))
    context = click.Context(command, info_name=words)
    yield f"```text\n{' '.join([words, *command.collect_usage_pieces(context)])}\n```\n"
    if example := getattr(command, "example", ""):
        yield f"Example: `{words} {example}`\n"
    own = [option for option in _of(command) if option.name not in _GLOBAL]
    if own:
        yield _options(own)
    if page := getattr(command, "docs", ""):
        path, _, anchor = page.partition("#")
        target = f"../{path}" if (ROOT / "docs" / path).is_file() else ""
        if target:
            yield f"More: [{path}]({target}{'#' + anchor if anchor else ''})\n"


def _of(command: click.Command) -> list[click.Option]:
    return [one for one in command.params if isinstance(one, click.Option) and not one.hidden]


def _options(options: Any) -> str:
    rows = ["| option | |", "|---|---|"]
    for option in options:
        names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
        value = "" if option.is_flag else f" `{_value(option)}`"
        said = _plain(option.help or "")
        if option.show_default and option.default not in (None, False, ()):
            said += f" Default: `{option.default}`."
        if option.multiple and "epeatable" not in said:
            said += " Repeatable."
        rows.append(f"| {names}{value} | {_cell(said)} |")
    return "\n".join(rows) + "\n"


def _value(option: click.Option) -> str:
    if isinstance(option.type, click.Choice) and not option.metavar:
        return "|".join(str(choice) for choice in option.type.choices)
    return option.metavar or option.type.name.upper()


def _cell(text: str) -> str:
    """Between backticks a bar ends no cell."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else part.replace("|", "\\|") for part in parts)


def _plain(text: str) -> str:
    """Words such as KEY and <ENGINE_ID> stay what they are in Markdown; code is left as it is."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([<>*_\[\]])", r"\\\1", part) for part in parts)


def schemas_page() -> str:
    parts = [
        "# Schemas\n",
        "Use this page to find the JSON Schema of a file, for your editor or a program. "
        + _HEAD.format("the schemas"),
        "| schema | of | print it |",
        "|---|---|---|",
    ]
    files = sorted((ROOT / "schemas").glob("*.schema.json"))
    for file in files:
        name = file.name.removesuffix(".schema.json")
        schema = json.loads(file.read_text(encoding="utf-8"))
        flag = "" if name == "engine" else f" --{name}"
        parts.append(
            f"| [{file.name}](schemas/{file.name}) | {_cell(schema.get('title', name))} | `reconcile schema{flag}` |"
        )
    for file in files:
        schema = json.loads(file.read_text(encoding="utf-8"))
        parts += [
            f"\n## {schema.get('title', file.name)}\n",
            schema.get("description", ""),
            "",
            "| field | |",
            "|---|---|",
        ]
        required = set(schema.get("required", ()))
        for field, said in schema.get("properties", {}).items():
            text = said.get("description") or said.get("title") or ""
            parts.append(f"| `{field}`{' (required)' if field in required else ''} | {_cell(_plain(text))} |")
    return "\n".join(parts) + "\n"


def exit_codes_page() -> str:
    """The table of the README, which the tests hold against the program."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = re.search(r"^\| exit code \|.*?(?=\n\n)", readme, re.MULTILINE | re.DOTALL)
    if table is None:
        raise SystemExit("README.md has no table of exit codes")
    text = table[0].replace("](docs/", "](../")
    return (
        "# Exit codes\n\nUse this page to let a script act on the result of a run. The codes are the same with "
        f"`--format json`, which prints its document on errors, too.\n\n{text}\n\nIf several apply, the first of these "
        "counts: 70, 130, 64, 3, 5, 6, 7, 1, 4, 2.\n"
    )


def main(folder: Path) -> None:
    (folder / "schemas").mkdir(parents=True, exist_ok=True)
    for name, text in {"cli": cli_page(), "exit-codes": exit_codes_page(), "schemas": schemas_page()}.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    for file in (ROOT / "schemas").glob("*.schema.json"):
        (folder / "schemas" / file.name).write_bytes(file.read_bytes())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
