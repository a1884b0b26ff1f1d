"""`reconcile init`: the files of a new project, and nothing overwritten."""

from __future__ import annotations

import os
from pathlib import Path

import click

from reconciler.adapters.project.scaffold import scaffold
from reconciler.cli.command import Command
from reconciler.cli.opening import open_project, start_folder
from reconciler.cli.options import global_options
from reconciler.cli.screen import tell
from reconciler.core.commands import reconcile
from reconciler.core.errors import UsageError
from reconciler.project.opened import Project


@click.command("init", cls=Command, docs="settings.md")
@global_options
@click.pass_context
def command(ctx: click.Context) -> None:
    """Set up a project in this folder.

    Writes reconcile.yaml, an example under engines/, its schema, .gitattributes and .gitignore, and sets up the merge
    driver. Keeps files that exist already; a second run changes nothing.
    """
    from reconciler.adapters.engine_files.model import schema_text  # pydantic, only here

    project, start = open_project(ctx), start_folder(ctx)
    if Path(os.path.realpath(start)).is_relative_to(
        os.path.realpath(project.root / project.settings.engines)
    ):
        up = os.path.relpath(project.root)
        raise UsageError(
            f"{start} is in the engines folder of the project in {project.root}",
            hint=f"run `{reconcile('init', directory=up)}` to set up the project; YAML files in here are engines",
        )
    project = Project(start, project.settings)
    results = scaffold(
        project.root,
        engine_schema=schema_text(),
        engines=project.settings.engines,
        lockfile=project.settings.lockfile,
    )
    from reconciler.adapters.checkout.merge_driver import set_up_merge_driver  # git, only here

    driver = set_up_merge_driver(project.root)
    for result in [*results, *([driver] if driver is not None else [])]:
        note = f"  ({result.note})" if result.note else ""
        click.echo(f"{result.action:8} {result.path}{note}")
    tell(f"next: edit the example, then run `{reconcile('plan')}`")
