"""`reconcile init`: the files of a new project, and nothing overwritten."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click

from reconciler.adapters.project.places import git_folder_around
from reconciler.adapters.project.scaffold import example_path, scaffold
from reconciler.cli.command import Command
from reconciler.cli.opening import open_project, start_folder
from reconciler.cli.options import given, global_options
from reconciler.cli.screen import tell
from reconciler.core.commands import reconcile
from reconciler.core.errors import InvalidInput, UsageError
from reconciler.project.opened import Project


@click.command("init", cls=Command, example="--ci github", docs="settings.md")
@click.option(
    "--ci", type=click.Choice(["github", "gitlab"]), help="Also write its workflows, for this very project."
)
@click.option(
    "--diff", is_flag=True, help="With --ci, show what would change in the workflows, and write nothing."
)
@click.option(
    "--source",
    metavar="REPO[@COMMIT]",
    help="With --ci, where workflows get reconcile from: `acme/reconcile`, or an address for GitLab.",
)
@global_options
@click.pass_context
def command(ctx: click.Context, ci: str | None, diff: bool, source: str | None) -> None:
    """Set up a project in this folder.

    Writes reconcile.yaml, an example under engines/, its schema, .gitattributes and .gitignore, and sets up the merge
    driver; with several environments, also the schema of overlays. Keeps files that exist already; a second run changes
    nothing. With --ci, also writes workflows at the repository's root, and says what is left to set up. Run it again to
    update those that nobody edited.
    """
    from reconciler.adapters.engine_files.model import overlay_schema_text, schema_text  # pydantic, only here

    if ci is None and (diff or source):
        raise click.UsageError(f"{'--diff' if diff else '--source'} goes with --ci.", ctx)
    if ci is not None and given(ctx, "config"):
        raise click.UsageError(
            "--ci writes workflows that read reconcile.yaml; it does not go with --config.", ctx
        )
    project, start = open_project(ctx), start_folder(ctx)
    if Path(os.path.realpath(start)).is_relative_to(
        os.path.realpath(project.root / project.settings.engines)
    ):
        up = os.path.relpath(project.root)
        raise UsageError(
            f"{start} is in the engines folder of the project in {project.root}",
            hint=f"run `{reconcile('init', directory=up)}` to set up the project; YAML files in here are engines",
        )
    _refuse_git_folder(start)
    project = Project(start, project.settings)
    _refuse_half_checkout(project)
    if ci is not None:
        from reconciler.cli.setup.ci import differences, shown  # git, and every engine file

        changes = list(differences(project, ci, source))  # what is wrong with it, before anything is written
        if diff:
            shown(changes)
            return
    results = scaffold(
        project.root,
        engine_schema=schema_text(),
        overlay_schema=overlay_schema_text() if len(project.settings.listed) > 1 else None,
        engines=project.settings.engines,
        lockfile=project.settings.lockfile,
    )
    from reconciler.adapters.checkout.merge_driver import set_up_merge_driver  # git, only here

    driver = set_up_merge_driver(project.root)
    for result in [*results, *([driver] if driver is not None else [])]:
        note = f"  ({result.note})" if result.note else ""
        click.echo(f"{result.action:8} {result.path}{note}")
    for proposal in _proposals(project):
        tell(proposal)
    if ci is not None:
        from reconciler.cli.setup.ci import set_up_ci, shown

        shown(set_up_ci(project, ci, source, [one.path for one in results]))
    example = example_path(project.settings.engines)
    first = any(one.action == "created" and one.path == example for one in results)
    tell(f"next: {'edit the example, then ' if first else ''}run `{reconcile('plan')}`")


def _refuse_git_folder(start: Path) -> None:
    """Raises `UsageError` in a repository without files, or in git's own folder: nothing there is ever committed."""
    folder = git_folder_around(start)
    if folder is not None:
        raise UsageError(
            f"{start} is in git's own folder {folder}",
            hint="run init in a work tree: a clone that has files",
        )


def _refuse_half_checkout(project: Project) -> None:
    """Raises `InvalidInput` where git has engine files that are only not checked out: an example beside them would be
    one engine more, which nobody asked for.
    """
    try:
        project.engines.discover()
    except InvalidInput:
        from reconciler.adapters.checkout.checked_out import GitCheckout  # git, only without engine files

        checkout = GitCheckout(project.root, project.settings.engines, at_desk=True)
        missing = checkout.folder_not_gone(at_desk=True)
        if missing is not None:
            raise InvalidInput(missing.message, hint=missing.hint) from None


def _proposals(project: Project) -> Iterator[str]:
    from reconciler.adapters.project.places import find_git
    from reconciler.cli.setup.lingo import proposals

    found = find_git(project.root)
    places = [project.root, *([found[0]] if found is not None and found[0] != project.root.resolve() else [])]
    return proposals(project.root, places, project.root / project.settings.lockfile)
