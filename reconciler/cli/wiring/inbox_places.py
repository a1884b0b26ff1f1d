"""Where the inbox is, from a flag or the environment: a file, or a PostgreSQL database."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.core.errors import InvalidInput, UsageError
from reconciler.core.settings.postgres_url import (
    is_postgres,
    parse_postgres,
    refuse_lookalike,
    refuse_password,
)

if TYPE_CHECKING:
    from reconciler.adapters.inbox.stores import InboxPlace

VARIABLE = "RECONCILE_INBOX"


def as_place(ctx: click.Context, param: click.Parameter, value: str | None) -> InboxPlace | None:
    """For an option whose value is a place. A password in it is refused: command lines are public."""
    if value is None:
        return None
    flag = param.opts[0]
    refuse_password(value, flag)
    try:
        return place_of(value)
    except InvalidInput as error:
        raise UsageError(f"{flag} {error.message}", hint=error.hint) from error


def place_of(text: str) -> InboxPlace:
    """Raises `InvalidInput`, whose message wants its source in front of it."""
    if not is_postgres(text):
        if "://" in text:
            raise InvalidInput("must be a file or begin with postgresql://", hint="such as inbox.db")
        refuse_lookalike(text)
        return Path(text)
    from reconciler.adapters.system import trail

    place = parse_postgres(text)
    for secret in place.secrets:
        trail.hide(secret)
    return place


def enter(folder: str | None) -> None:
    """What `-C` does for commands without a project."""
    if folder is None:
        return
    try:
        os.chdir(folder)
    except OSError as error:
        raise UsageError(f"-C {folder}: {error.strerror}", hint="choose a folder that exists") from error


def chosen(given: InboxPlace | None, flag: str, environ: Mapping[str, str]) -> InboxPlace:
    """What the flag says, or the environment. Raises `UsageError` where neither does."""
    if given is not None:
        return given
    text = environ.get(VARIABLE, "").strip()
    if not text:
        raise UsageError(
            f"{flag} is missing, and {VARIABLE} is not set",
            hint=f"use {flag} inbox.db, or a postgresql:// address",
        )
    try:
        return place_of(text)
    except InvalidInput as error:
        raise InvalidInput(f"{VARIABLE} {error.message}", hint=error.hint) from error
