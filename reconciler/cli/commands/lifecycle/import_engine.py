"""`reconcile import`: take engines that exist already into the lockfile, without creating anything."""

from __future__ import annotations

from contextlib import suppress

import click

from reconciler.adapters.checkout.ignored import refuse_if_ignored
from reconciler.adapters.project.lingo_config import configured_id
from reconciler.adapters.project.places import find_git
from reconciler.cli.command import Command
from reconciler.cli.opening import engine_keys, open_project, start_folder
from reconciler.cli.options import as_keys, global_options
from reconciler.cli.runs.importing import import_engine
from reconciler.cli.wiring.git_hints import how_to_record
from reconciler.core.commands import reconcile
from reconciler.core.errors import GitError
from reconciler.core.values import ID, KEY
from reconciler.project.opened import Project
from reconciler.render.phrases.sanitize import sanitize


@click.command("import", cls=Command, example="acme eng_X1y2Z3a4B5c6D7e8", docs="adopt.md")
@click.argument("key", metavar="[KEY]", callback=as_keys, required=False)
@click.argument("engine_id", metavar="[ENGINE_ID]", required=False)
@click.option("--from", "source", metavar="FILE", help="Take the ID from i18n.json or .lingo/config.json.")
@click.option("--all", "everything", is_flag=True, help="Choose from all engines that are not recorded.")
@click.option("--match", metavar="GLOB", help="With --all, take those whose name matches.")
@click.option("--yes", "-y", is_flag=True, help="With --match, do not ask.")
@click.option("--as-is", is_flag=True, help="Import it even if the engine file says something else.")
@global_options
@click.pass_context
def command(
    ctx: click.Context,
    key: str | None,
    engine_id: str | None,
    source: str | None,
    everything: bool,
    match: str | None,
    yes: bool,
    as_is: bool,
) -> None:
    """Record an engine that exists already as the one of KEY.

    Nothing is created. Writes a starter engine file where there is none. Until that file changes, plans treat the
    engine as up to date. Commit the engine file and the lockfile together. With --all, records several engines, each
    with a key from its name.
    """
    if everything:
        if key is not None or source is not None:
            raise click.UsageError("--all takes no KEY and no --from FILE.", ctx)
        _import_all(ctx, match, yes=yes, as_is=as_is)
        return
    if match is not None or yes:
        raise click.UsageError(f"{'--yes' if match is None else '--match'} goes with --all.", ctx)
    if key is None:
        raise click.UsageError("give a KEY and the engine's ID, or --all.", ctx)
    if (engine_id is None) is (source is None):
        raise click.UsageError("give the engine's ID, or --from FILE.", ctx)
    project = open_project(ctx, publish=False)
    word, (key,) = key, engine_keys(ctx, project, [key])
    if not KEY.accepts(key) or word.endswith("/"):
        raise click.UsageError(f"`{sanitize(word[:80])}` is not {KEY.what}.", ctx)
    if source is not None:
        engine_id = configured_id(start_folder(ctx) / source, source)
    if engine_id is None or not ID.accepts(engine_id):
        raise click.UsageError(f"`{sanitize((engine_id or '')[:80])}` is not an engine ID.", ctx)
    _refuse_ignored(project)
    file = import_engine(project, key, engine_id, as_is=as_is)
    if file is None:
        click.echo("No changes made.", err=True)
        return
    click.echo(f"{sanitize(key)}: {engine_id} imported")
    record = how_to_record(project.root, project.settings.lockfile, [file])
    click.echo(f"Next: {record or reconcile('plan')}", err=True)


def _import_all(ctx: click.Context, match: str | None, *, yes: bool, as_is: bool) -> None:
    from reconciler.cli.runs.importing_all import import_all  # the network

    project = open_project(ctx)
    _refuse_ignored(project)
    ctx.exit(import_all(project, match, yes=yes, as_is=as_is))


def _refuse_ignored(project: Project) -> None:
    """Raises `InvalidInput` where git would never take the lockfile."""
    if find_git(project.root) is not None:
        with suppress(GitError):  # unpublished, git need not work
            refuse_if_ignored(project.root, project.settings.lockfile)
