"""`reconcile inbox`: what is in an inbox, and its move from a file to PostgreSQL."""

from __future__ import annotations

import json
import os
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.command import Group
from reconciler.cli.options import given, global_options
from reconciler.cli.wiring.inbox_places import VARIABLE, as_place, chosen, enter
from reconciler.core.duration import format_duration
from reconciler.core.errors import UsageError
from reconciler.core.settings.postgres_url import EXAMPLE, is_postgres

if TYPE_CHECKING:
    from reconciler.adapters.inbox.stores import InboxPlace

_STEP = 2.0  # seconds between two lines about how far it is


@click.group("inbox", cls=Group, docs="webhooks.md")
def command() -> None:
    """Look at a receiver's inbox, or move it to PostgreSQL."""


@command.command("status", example="--inbox inbox.db", docs="webhooks.md")
@click.option(
    "--inbox",
    callback=as_place,
    metavar="PLACE",
    help="Read this file, or the inbox at this postgresql:// address.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Print text or JSON.",
)
@global_options
@click.pass_context
def status_command(ctx: click.Context, /, **flags: Any) -> None:
    """Count what is in the inbox.

    Without --inbox, reads RECONCILE_INBOX. Changes nothing.
    """
    enter(given(ctx, "directory"))
    from reconciler.adapters.inbox.stores import store_at

    with closing(store_at(chosen(flags["inbox"], "--inbox", os.environ))) as store:
        with store.existing() as inbox:
            sizes = inbox.sizes()
            warnings = store.warnings()
        oldest = sizes.oldest_unclaimed_at
        age = max(0.0, time.time() - oldest) if oldest is not None else None
        if flags["format_"] == "json":
            document = {
                "schemaVersion": 1,
                "inbox": store.name,
                "events": sizes.events,
                "unclaimed": sizes.unclaimed,
                "oldestUnclaimedSeconds": round(age, 3) if age is not None else None,
                "quarantined": sizes.quarantined,
                "bytes": sizes.disk,
                "warnings": warnings,
            }
            click.echo(json.dumps(document, indent=2))
            return
        waiting = f", the oldest for {format_duration(int(age))}" if age is not None else ""
        click.echo(f"inbox        {store.name}")
        click.echo(f"events       {sizes.events:,}")
        click.echo(f"unclaimed    {sizes.unclaimed:,}{waiting}")
        click.echo(f"quarantined  {sizes.quarantined:,}")
        size = f"{sizes.disk / 1e6:,.1f} MB" if sizes.disk >= 1e6 else f"{sizes.disk / 1e3:,.0f} KB"
        click.echo(f"size         {size}")
        for warning in warnings:
            click.echo(f"warning: {warning}", err=True)


def _as_file(ctx: click.Context, param: click.Parameter, value: str) -> Path:
    if not value or "://" in value:
        raise UsageError("--from must be a file", hint="name the inbox of a receiver, such as inbox.db")
    return Path(value)


def _as_database(ctx: click.Context, param: click.Parameter, value: str | None) -> InboxPlace | None:
    other = value is not None and "://" in value and not is_postgres(value)
    place = None if other else as_place(ctx, param, value)
    if other or isinstance(place, Path):
        raise UsageError("--to must begin with postgresql://", hint=f"like {EXAMPLE}")
    return place


@command.command(
    "migrate", example="--from inbox.db --to postgresql://reconcile@db/inbox", docs="webhooks.md"
)
@click.option(
    "--from", "source", callback=_as_file, required=True, metavar="FILE", help="Move the inbox in this file."
)
@click.option(
    "--to",
    "target",
    callback=_as_database,
    metavar="ADDRESS",
    help="Move it to this postgresql:// address; by default to that of RECONCILE_INBOX.",
)
@global_options
@click.pass_context
def migrate_command(ctx: click.Context, /, **flags: Any) -> None:
    """Move an inbox from a file to PostgreSQL.

    Moves events, claims, unverified deliveries and how far relays are, and then compares every event. Stop what uses
    the file before. The file is left as it is. If the move is interrupted, run it again: nothing is moved twice.
    """
    enter(given(ctx, "directory"))
    target = _database(chosen(flags["target"], "--to", os.environ))
    from reconciler.adapters.inbox.moving import move
    from reconciler.adapters.inbox.postgres.store import PostgresStore

    assert isinstance(target, PostgresStore)
    progress = _Progress()
    with closing(target):
        moved = move(flags["source"], target, progress)
        click.echo(f"Moved {moved.moved:,} of {moved.events:,} events to {target.name}.")
        if moved.present:
            click.echo(f"{moved.present:,} events were there already.")
        if moved.quarantined:
            click.echo(f"Moved {moved.quarantined:,} unverified deliveries.")
        if moved.relays:
            click.echo(f"Moved the place of {moved.relays:,} relays.")
        click.echo(
            f"Compared {moved.moved + moved.present:,} events: all are equal. {flags['source']} is unchanged."
        )
    if moved.unsound:
        click.echo(
            f"warning: {moved.unsound:,} rows of {flags['source']} were not written by a receiver and are not moved",
            err=True,
        )


def _database(place: InboxPlace) -> object:
    from reconciler.adapters.inbox.stores import store_at

    if isinstance(place, Path):
        raise UsageError(f"{VARIABLE} names a file", hint=f"add --to, such as --to {EXAMPLE}")
    return store_at(place)


class _Progress:
    """A line now and then, where a person reads."""

    def __init__(self) -> None:
        self._next = time.monotonic() + _STEP

    def __call__(self, done: int, total: int) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _STEP
            click.echo(f"{done:,} of {total:,} events", err=True)
