"""`reconcile export`: the IDs of all engines that serve, in the form that another program reads."""

from __future__ import annotations

import os
from pathlib import Path

import click

from reconciler.adapters.project.places import refuse_link_out
from reconciler.app.recorded import read_lockfile
from reconciler.app.selection import select
from reconciler.cli.command import Command
from reconciler.cli.opening import engine_keys, open_project, start_folder
from reconciler.cli.options import ONLY, global_options
from reconciler.cli.stderr import say

_GITHUB_OUTPUT = "GITHUB_OUTPUT"


@click.command("export", cls=Command, example="--format env --output .env.engines", docs="consumers.md")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["env", "json", "yaml", "github-output"]),
    required=True,
    help="Print variables, IDs by key, or outputs of a GitHub Actions step.",
)
@click.option(
    "--prefix",
    default="LINGO_ENGINE_",
    show_default=True,
    metavar="TEXT",
    help="Begin the name of every variable with TEXT.",
)
@ONLY
@click.option("--output", metavar="FILE", help="Write to FILE instead, replacing it.")
@global_options
@click.pass_context
def command(ctx: click.Context, format_: str, prefix: str, only: tuple[str, ...], output: str | None) -> None:
    """Print the engine IDs that applications can use now.

    Reads the lockfile and the journal; needs no API key and no network. A variable is named after the prefix and the
    key in upper case, with _ for everything that is not a letter or a digit. `github-output` appends to
    $GITHUB_OUTPUT if that is set.
    """
    from reconciler.core.lockfile.engine_ids import serving

    if output == "":
        raise click.UsageError("--output needs the name of a file.", ctx)
    project = open_project(ctx)
    lockfile = read_lockfile(project.lockfile, project.known_journal)
    engines, others = serving(lockfile, select(engine_keys(ctx, project, only), lockfile.engines))
    text = _rendered(format_, engines, prefix)
    if output is not None:
        refuse_link_out(project.root, start_folder(ctx) / output, f"--output {output}")
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
    named = variables(engines, prefix)
    return exports.render_env(named) if format_ == "env" else exports.render_github_output(named)


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
