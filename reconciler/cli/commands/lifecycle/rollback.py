"""`reconcile rollback`: switch back to an earlier engine at once, and stay there until the engine file changes."""

from __future__ import annotations

from typing import Any

import click

from reconciler.adapters.storage.lease_file import FileLease
from reconciler.adapters.system.clock import UtcClock
from reconciler.app.deciding import Stores, roll_back, target_of_rollback
from reconciler.app.ports import Journal, LockfileStore
from reconciler.cli.command import Command
from reconciler.cli.opening import engine_keys, open_project, publishing
from reconciler.cli.options import as_keys, global_options
from reconciler.cli.runs.deciding import finish_cut_off, record_decision
from reconciler.cli.screen import must_ask, tell
from reconciler.cli.stderr import warn
from reconciler.cli.wiring.engine_lookup import check_engine
from reconciler.cli.wiring.listed_engines import where_it_stands
from reconciler.cli.wiring.people import who
from reconciler.cli.wiring.publishing import PublishTarget
from reconciler.core.commands import git, key_variable, reconcile
from reconciler.core.engine.spec import Desired
from reconciler.core.errors import GuardRefused, InvalidInput
from reconciler.core.lockfile.entry import Entry
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.lockfile.names import engines_of
from reconciler.core.values import ID
from reconciler.project.opened import Project
from reconciler.render.phrases.sanitize import sanitize


@click.command("rollback", cls=Command, example="acme --to eng_X1y2Z3a4B5c6D7e8", docs="roll-back.md")
@click.argument("key", callback=as_keys)
@click.option("--to", "engine_id", metavar="ENGINE_ID", help="The earlier engine; by default the newest.")
@click.option("--yes", is_flag=True, help="Go ahead without asking.")
@click.option("--force", is_flag=True, help="Do not check first that the platform still has the engine.")
@click.option(
    "--publish/--no-publish", default=None, help="Publish the rollback, as `apply` does; on by default in CI."
)
@click.option("--publish-pr", is_flag=True, help="Publish it by pull request.")
@global_options
@click.pass_context
def command(
    ctx: click.Context,
    key: str,
    engine_id: str | None,
    yes: bool,
    force: bool,
    publish: bool | None,
    publish_pr: bool,
) -> None:
    """Switch KEY back to an earlier engine.

    It stays until the engine file changes. No job is created. `reconcile release KEY` ends the hold; the next apply
    then follows the file again.
    """
    if engine_id is not None and not ID.accepts(engine_id):
        raise click.UsageError(f"`{sanitize(engine_id[:80])}` is not an engine ID.", ctx)
    asks = must_ask("rollback", yes=yes)
    project = publishing(ctx, open_project(ctx), "pr" if publish_pr else publish)
    (key,) = engine_keys(ctx, project, [key])
    again = reconcile("rollback", "--yes", arguments=[key])
    finished = finish_cut_off(project, f"set {key_variable()}, then run `{again}`", "rollback", key)
    if finished is not None and engine_id in (None, finished.engine_id):
        return
    known = where_it_stands(project).folded  # a clone that is behind would name what serves no more
    entry, target = target_of_rollback(known, key, engine_id)
    serving = entry.current.engine_id if entry.current is not None else ""
    if not force:
        _check_exists(project, known, key, entry, target.engine_id)
    tell(f"{sanitize(key)}: {serving} → {target.engine_id} (made {target.provisioned_at or 'earlier'})")
    if asks and not click.confirm("Roll back?", err=True):
        click.echo("No changes made.", err=True)
        return
    wanted = _wanted(project, key)
    by = who(project.root)
    done = []

    def carry_out(lockfile: LockfileStore, journal: Journal, **shared: Any) -> None:
        stores = Stores(lockfile, journal, UtcClock(), **shared)
        done.append(roll_back(stores, key, target.engine_id, by, wanted).entry(key))

    def check(to: PublishTarget, tip: str | None) -> None:
        _check_file(project, to, tip, wanted)

    again = reconcile("rollback", ("--to", target.engine_id), "--yes", arguments=[key])
    with FileLease(project.private).hold():
        recorded = record_decision(project, f"set {key_variable()}, then run `{again}`", carry_out, check)
    tell(f"{sanitize(key)}: {target.engine_id} serves again ({recorded.where})")
    if recorded.step is not None:
        click.echo(f"Next: {recorded.step}", err=True)
    if all(after is None or after.hold is None for after in done):
        click.echo("It is what its file asks for, so nothing is held back.", err=True)
        return
    click.echo(
        f"It stays until its file changes. To end the hold: {reconcile('release', arguments=[key])}", err=True
    )


def _check_exists(project: Project, known: Lockfile, key: str, entry: Entry, engine_id: str) -> None:
    """Raises where the platform does not have the engine any more, or cannot be asked."""
    again = reconcile("rollback", ("--to", engine_id), "--force", arguments=[key])
    earlier = [one.engine_id for one in reversed(entry.superseded) if one.status is None]
    others = [one for one in dict.fromkeys(earlier) if one != engine_id]
    listed = f"engines that served `{key}` before" if others else "no other engine served it before"
    advice = f"{listed}: {', '.join(others)}" if others else listed
    first = [entry.current.engine_id, *others] if entry.current is not None else others
    elsewhere = engines_of(known) - {engine_id, *first}
    check_engine(project.settings, engine_id, [*first, *sorted(elsewhere)], again, advice)


def _wanted(project: Project, key: str) -> Desired | None:
    """What the engine's file asks for. Raises `InvalidInput` where there is no such file."""
    files = project.engines
    path = files.discover()[0].get(key)
    if path is None:
        raise InvalidInput(
            f"`{key}` has no engine file, so it cannot be held back",
            hint=f"run `{reconcile('plan')}` to see what happens to it",
        )
    loaded = files.load(key, path, project.id_length)
    if isinstance(loaded, list):
        warn(f"{path} is not valid; what serves now is held back")
        return None
    return loaded


def _check_file(project: Project, target: PublishTarget, tip: str | None, wanted: Desired | None) -> None:
    """Raises `GuardRefused` where the branch has another version of the file: it would be switched forward at once."""
    if wanted is None or tip is None:
        return
    from reconciler.adapters.git.drafts import Identity
    from reconciler.adapters.git.remote import GitRemote

    remote = GitRemote(project.root, project.settings.remote, Identity("", ""))
    for path, blob in wanted.files.items():
        on_branch = remote.blob_at(tip, (target.inside / path).as_posix())
        if on_branch != blob:
            raise GuardRefused(
                f"`{target.branch}` has another version of {path}, which the rollback would not hold back",
                hint=f"run `{git('pull')}`, put your own changes of that file aside, and roll back again",
            )
