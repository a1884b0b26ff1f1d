"""`reconcile sources`: what an engine would learn from, before it is paid for; and what is recorded of that."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.command import Command
from reconciler.cli.opening import engine_keys, open_project
from reconciler.cli.options import as_keys, given, global_options
from reconciler.cli.stderr import warn
from reconciler.core.commands import KEY, reconcile
from reconciler.core.errors import ExitCode, InvalidInput, Severity, UsageError

if TYPE_CHECKING:
    from reconciler.core.engine.spec import Desired
    from reconciler.project.opened import Project


@click.command("sources", cls=Command, example="acme", docs="sources.md")
@click.argument("keys", nargs=-1, metavar="[KEY]...", callback=as_keys)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Print text or JSON.",
)
@click.option(
    "--record", is_flag=True, help="Record the pages of serving engines of which nothing is recorded yet."
)
@global_options
@click.pass_context
def command(ctx: click.Context, keys: tuple[str, ...], format_: str, *, record: bool) -> None:
    """Show what the engine KEY would learn from: pages and texts.

    Looks at each link as `plan --check-sources` does, and estimates words and tokens; thin sources are pointed out.
    Needs no API key, and works before there is an engine. With --record, writes what pages are like now beside the
    lockfile, for engines that have no record.
    """
    project = open_project(ctx)
    named = engine_keys(ctx, project, keys)
    if record:
        if format_ == "json":
            raise UsageError("--record prints no JSON")
        click.echo(_record(project, named))
        return
    if not named:
        raise UsageError("which engine?", hint=f"name one: `{reconcile('sources', arguments=[KEY])}`")
    engines = _read(project, named)
    from reconciler.project.source_checks import previews  # the network, only here

    shown = previews(project, engines)
    from reconciler.render.text.sources import SCHEMA_VERSION, render_sources, sources_document

    wrong = any(found.severity is Severity.ERROR for one in shown for found in one.findings)
    code = ExitCode.INVALID if wrong else ExitCode.OK
    if format_ == "json":
        from reconciler.render.data.json_view import render_json

        document: dict[str, Any] = {
            "schemaVersion": SCHEMA_VERSION,
            "engines": [sources_document(one) for one in shown],
        }
        click.echo(render_json({**document, "exitCode": int(code)}))
    else:
        from reconciler.cli.screen import screen_of
        from reconciler.render.phrases.style import Look

        screen = screen_of(sys.stdout, given(ctx, "color"))
        look = Look(screen.color, screen.ascii_only, screen.wrap)
        click.echo("\n\n".join(render_sources(one, look) for one in shown))
    ctx.exit(code)


def _read(project: Project, keys: Sequence[str]) -> list[Desired]:
    """The engine files. Raises `UsageError` for a key without one, `InvalidInput` with all that is wrong in them."""
    from reconciler.app.planning import SHA1_LENGTH, discovered

    files: Mapping[str, str]
    files, _ = discovered(project.engines, project.checkout)
    engines, wrong = [], []
    for key in dict.fromkeys(keys):
        if key not in files:
            from reconciler.core.suggest import did_you_mean

            guess = did_you_mean(key, files)
            hint = f"did you mean `{guess}`?" if guess else "name the key of an engine file"
            raise UsageError(f"no engine file for `{key}`", hint=hint)
        loaded = project.engines.load(key, files[key], SHA1_LENGTH)
        if isinstance(loaded, list):
            wrong += loaded
        else:
            engines.append(loaded)
    if wrong:
        raise InvalidInput("the engine file is not valid", diagnostics=wrong)
    return engines


def _record(project: Project, keys: Sequence[str]) -> str:
    from reconciler.project.source_checks import record_missing  # the network, only here

    path, engines, pages, unread = record_missing(project, keys)
    for line in unread:
        warn(f"not recorded: {line}")
    if not pages:
        return (
            "No page recorded."
            if unread
            else "No page to record: every page of a serving engine is recorded."
        )
    many = "pages" if pages != 1 else "page"
    of = "engines" if engines != 1 else "engine"
    return f"Recorded {pages:,} {many} of {engines:,} {of} in {path}; commit it."
