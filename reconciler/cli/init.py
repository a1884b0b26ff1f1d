"""`reconcile init`: the files of a new project, and nothing overwritten."""

from __future__ import annotations

import click

from reconciler.adapters.scaffold import scaffold
from reconciler.cli.options import global_options
from reconciler.cli.project import Project, open_project, start_folder


@click.command("init")
@global_options
@click.pass_context
def command(ctx: click.Context) -> None:
    """Set up a project here: reconcile.yaml, engines/ with an example, its schema, and .gitattributes.

    What is there already is kept; a second run changes nothing.
    """
    from reconciler.adapters.engine_model import schema_text  # pydantic, only here

    project = Project(start_folder(ctx), open_project(ctx).settings)
    results = scaffold(
        project.root,
        engine_schema=schema_text(),
        engines=project.settings.engines,
        lockfile=project.settings.lockfile,
    )
    for result in results:
        note = f"  ({result.note})" if result.note else ""
        click.echo(f"{result.action:8} {result.path}{note}")
    click.echo("next: edit the example, then look at the plan with `reconcile --dry-run`")
