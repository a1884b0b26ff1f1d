"""`reconcile release`: end the hold that a rollback left."""

from __future__ import annotations

from typing import Any

import click

from reconciler.adapters.storage.lease_file import FileLease
from reconciler.adapters.system.clock import UtcClock
from reconciler.app.deciding import Stores, release
from reconciler.app.ports import Journal, LockfileStore
from reconciler.cli.command import Command
from reconciler.cli.opening import engine_keys, open_project, publishing
from reconciler.cli.options import as_keys, global_options
from reconciler.cli.runs.deciding import finish_cut_off, record_decision
from reconciler.cli.screen import tell
from reconciler.core.commands import key_variable, only, reconcile
from reconciler.render.phrases.sanitize import sanitize


@click.command("release", cls=Command, example="acme", docs="roll-back.md")
@click.argument("key", callback=as_keys)
@click.option(
    "--publish/--no-publish", default=None, help="Publish it, as `apply` does; on by default in CI."
)
@click.option("--publish-pr", is_flag=True, help="Publish it by pull request.")
@global_options
@click.pass_context
def command(ctx: click.Context, key: str, publish: bool | None, publish_pr: bool) -> None:
    """End the hold that a rollback left on KEY.

    The next apply follows its engine file again.
    """
    project = publishing(ctx, open_project(ctx), "pr" if publish_pr else publish)
    (key,) = engine_keys(ctx, project, [key])
    again = reconcile("release", arguments=[key])
    without_key = f"set {key_variable()}, then run `{again}`"
    if finish_cut_off(project, without_key, "release", key) is not None:
        return
    ended = []

    def carry_out(lockfile: LockfileStore, journal: Journal, **shared: Any) -> None:
        ended.append(release(Stores(lockfile, journal, UtcClock(), **shared), key))

    with FileLease(project.private).hold():
        recorded = record_decision(project, without_key, carry_out)
    [hold] = ended
    tell(f"{sanitize(key)}: released (held since {hold.since} by {sanitize(hold.by)}; {recorded.where})")
    steps = [recorded.step, reconcile("apply", only(key))]
    click.echo(f"Next: {' && '.join(filter(None, steps))}", err=True)
