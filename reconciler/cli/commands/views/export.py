"""`reconcile export`: the IDs of all engines that serve, in the form that another program reads."""

from __future__ import annotations

import os
from pathlib import Path

import click

from reconciler.app.recorded import read_lockfile
from reconciler.app.selection import select
from reconciler.cli.command import Command
from reconciler.cli.opening import engine_keys, open_project, start_folder
from reconciler.cli.options import ONLY, global_options
from reconciler.cli.stderr import say
from reconciler.cli.wiring.written_files import check_written
from reconciler.core.commands import Option, reconcile
from reconciler.core.errors import InvalidInput
from reconciler.render.phrases.sanitize import sanitize

_GITHUB_OUTPUT = "GITHUB_OUTPUT"
_PREFIX = "LINGO_ENGINE_"
_WITH_VARIABLES = ("env", "github-output")


@click.command("export", cls=Command, example="--format env --output .env.engines", docs="consumers.md")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["env", "json", "yaml", "github-output", "typescript", "python"]),
    required=True,
    help="Print variables, IDs by key, outputs of a GitHub Actions step, or typed constants.",
)
@click.option(
    "--prefix",
    default=_PREFIX,
    show_default=True,
    metavar="TEXT",
    help="Begin the name of every variable with TEXT.",
)
@ONLY
@click.option("--output", metavar="FILE", help="Write to FILE instead, replacing it.")
@click.option("--check", is_flag=True, help="Compare FILE instead, and fail if it is outdated.")
@global_options
@click.pass_context
def command(
    ctx: click.Context, format_: str, prefix: str, only: tuple[str, ...], output: str | None, check: bool
) -> None:
    """Print the engine IDs that applications can use now.

    Reads the lockfile and the journal; needs no API key and no network. A variable is named after the prefix and the
    key in upper case, with _ for everything that is not a letter or a digit. `github-output` appends to
    $GITHUB_OUTPUT if that is set. With --check, nothing is written; exits with 3 if FILE is not what would be.
    """
    from reconciler.core.lockfile.engine_ids import serving

    if output == "":
        raise click.UsageError("--output needs the name of a file.", ctx)
    if prefix != _PREFIX and format_ not in _WITH_VARIABLES:
        raise click.UsageError(f"--prefix names variables, and --format {format_} has none.", ctx)
    if check and output is None:
        raise click.UsageError("--check needs --output FILE, the file to compare.", ctx)
    project = open_project(ctx)
    lockfile = read_lockfile(project.lockfile, project.known_journal)
    engines, others = serving(lockfile, select(engine_keys(ctx, project, only), lockfile.engines))
    text = _rendered(format_, engines, prefix)
    if output is not None:
        check_written(project.root, project.settings, "--output", output, start_folder(ctx) / output)
    if check:
        again = reconcile("export", *_options(format_, prefix, only), ("--output", str(output)))
        _compare(start_folder(ctx) / str(output), text, str(output), again)
        return
    _write(text, format_, None if output is None else start_folder(ctx) / output, output)
    if others:
        named = ", ".join(others[:5]) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
        say(f"left out, because no engine is ready yet: {named}", "warning")


def _rendered(format_: str, engines: dict[str, str], prefix: str) -> str:
    from reconciler.core.lockfile.engine_ids import variables
    from reconciler.render.data import exports

    if format_ == "json":
        return exports.render_export_json(engines)
    if format_ == "yaml":
        return exports.render_export_yaml(engines)
    if format_ == "typescript":
        return exports.render_typescript(engines)
    if format_ == "python":
        return exports.render_python(engines)
    named = variables(engines, prefix)
    return exports.render_env(named) if format_ == "env" else exports.render_github_output(named)


def _options(format_: str, prefix: str, only: tuple[str, ...]) -> list[Option]:
    named: list[Option] = [("--format", format_)]
    named += [("--prefix", prefix)] if prefix != _PREFIX else []
    return [*named, *(("--only", word) for word in only)]


def _compare(file: Path, text: str, name: str, again: str) -> None:
    from reconciler.adapters.storage.durable_files import read_regular

    written = read_regular(file, name)
    if written is None:
        raise InvalidInput(f"{name} is missing", hint=f"run `{again}` to write it")
    if written.replace(b"\r\n", b"\n") != text.encode():  # git may have checked it out with CRLF
        raise InvalidInput(f"{name} is out of date", hint=f"run `{again}` to update it")
    click.echo(f"{sanitize(name)} is up to date")


def _write(text: str, format_: str, file: Path | None, name: str | None) -> None:
    github_output = os.environ.get(_GITHUB_OUTPUT, "") if format_ == "github-output" else ""
    if file is not None:
        from reconciler.adapters.storage.durable_files import replace_file

        replace_file(file, text.encode(), str(name))
    elif github_output:
        from reconciler.adapters.project.append import append_lines

        append_lines(Path(github_output), text.encode(), "$GITHUB_OUTPUT")
    else:
        click.echo(text, nl=False)
