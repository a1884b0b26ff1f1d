"""`reconcile lease show` and `reconcile lease break`: the right to apply, for people."""

from __future__ import annotations

import click

from reconciler.adapters.system.clock import UtcClock
from reconciler.app.leasing import break_lease
from reconciler.cli.command import Group
from reconciler.cli.opening import open_project
from reconciler.cli.options import global_options
from reconciler.cli.screen import must_ask, tell
from reconciler.cli.wiring.publishing import target_of
from reconciler.core.ledger.epoch import alive_in
from reconciler.core.ledger.lease import Holder, Lease, seconds_left
from reconciler.render.phrases.sanitize import sanitize

_UNREADABLE = Lease(0, Holder("an unknown holder", 0), "unreadable")


@click.group("lease", cls=Group, docs="publishing.md")
def command() -> None:
    """Show or break the lease, the right to apply that runs share.

    The lease lives on the remote. A run that holds it is the only one that creates engines.
    """


@command.command("show", docs="publishing.md")
@global_options
@click.pass_context
def show_command(ctx: click.Context) -> None:
    """Show who holds the lease, and until when."""
    project = open_project(ctx)
    tell(_described(target_of(project.root, project.settings).ledger().look().lease))


@command.command("break", example="--yes", docs="publishing.md")
@click.option("--yes", "-y", is_flag=True, help="Skip the confirmation; required without a terminal.")
@global_options
@click.pass_context
def break_command(ctx: click.Context, yes: bool) -> None:
    """Take the lease from a run that is dead.

    If that run is still alive, it notices at its next push, creates nothing more, and still records what it knows.
    """
    asks = must_ask("lease break", yes=yes)
    project = open_project(ctx)
    ledger = target_of(project.root, project.settings).ledger()
    seen = ledger.look(unreadable=_UNREADABLE)
    click.echo(_described(seen.lease), err=True)
    if seen.lease.holder is None:
        return
    if asks:
        click.confirm("Break the lease of that run?", abort=True, err=True)
    break_lease(ledger, seen)
    click.echo("the lease is free")


def _described(lease: Lease) -> str:
    if lease == _UNREADABLE:
        return "the lease cannot be read: it was overwritten"
    if lease.holder is None:
        times = "once" if lease.fencing == 1 else f"{lease.fencing} times"
        return f"the lease is free (taken {times} so far)"
    now = UtcClock().now()
    if lease.epoch is not None and lease.verified:
        alive = [str(one.shard) for one in alive_in(lease, now)]
        at_work = f"at work: {', '.join(alive)}" if alive else "none of them at work"
        return sanitize(
            f"the {lease.epoch.shards} shards of plan {lease.epoch.plan[:19]} have held the lease since "
            f"{lease.taken_at}, until {lease.expires_at} (number {lease.fencing}); {at_work}"
        )
    left = seconds_left(lease, now)
    until = f"until {lease.expires_at}" if left > 0 else f"expired at {lease.expires_at}"
    doubt = "" if lease.verified else "; unverified, because it was not written with an API key known here"
    words = (
        f"{lease.holder} has held the lease since {lease.taken_at}, {until} (number {lease.fencing}){doubt}"
    )
    return sanitize(words)  # somebody else's
