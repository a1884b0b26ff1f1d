"""The files that GitHub Actions gives a step: the event that started the run, and the summary that it may write.

Both are named by variables, which the command reads; here they are paths. The event may be a webhook that a relay
passed on as `repository_dispatch`.

Anybody who may send a dispatch to the repository may write such a file, so nothing in it is believed before its
signature is verified here, once more. How old it is does not matter: that a job ended stays true, and a runner may
start an hour later. What cannot be verified is no error: the job is then looked up on the platform, like all others.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from reconciler.adapters.storage.durable_files import read_regular
from reconciler.core.errors import InvalidInput, StorageError
from reconciler.core.ledger.webhook_facts import Delivery
from reconciler.core.platform.dispatch import Dispatched, read_payload
from reconciler.core.platform.webhook import SigningKeys, Verdict, read_event, verify
from reconciler.core.strict_json import JsonRefused, read_json

_MAX_BYTES = 4 << 20  # of a relayed webhook
_LARGEST_EVENT = 32 << 20  # bytes; a payload has at most 25 MB
_LARGEST_SUMMARY = 1 << 20  # bytes for one step, and what is larger is not shown at all
_LEAST = 8_000  # bytes, below which nothing useful has room


class EventFile(NamedTuple):
    """What the file tells, or why nothing of it is used."""

    delivery: Delivery | None
    notice: str | None = None


def read_event_file(path: Path, keys: SigningKeys) -> EventFile:
    """Raises `InvalidInput` for a file that is no event, `StorageError` for one that cannot be read."""
    content = read_regular(path, str(path))
    if content is None:
        raise InvalidInput(
            f"{path} does not exist", hint='use --event "$GITHUB_EVENT_PATH" in GitHub Actions'
        )
    if len(content) > _MAX_BYTES:
        raise InvalidInput(f"{path} is too large for an event")
    try:
        document = read_json(content)
    except JsonRefused as refused:
        hint = "use the file that GITHUB_EVENT_PATH names"
        raise InvalidInput(f"{path} cannot be read: {refused.reason}", hint=hint) from refused
    if isinstance(document, dict) and "schedule" in document and "client_payload" not in document:
        return EventFile(None)  # the same workflow, started by its schedule
    return _judged(read_payload(document), keys)


def _judged(given: Dispatched, keys: SigningKeys) -> EventFile:
    if given.signed is None or given.body is None:
        return EventFile(None, "it was too large to be relayed in full; asking the platform instead")
    if not keys:
        return EventFile(
            None, "LINGO_WEBHOOK_SECRET is not set, so it is not verified; asking the platform instead"
        )
    # Against its own moment, and so at any age.
    moment = int(given.signed.timestamp) if given.signed.timestamp.isdigit() else 0
    if verify(given.signed, given.body, keys, moment, math.inf) is not Verdict.VERIFIED:
        return EventFile(None, "its signature is invalid, so it is ignored; asking the platform instead")
    event = read_event(given.body, given.operation_id)
    return EventFile(None if event is None else Delivery(given.signed.webhook_id.decode(), event))


def read_job_event(path: Path) -> object:
    """The event's document. Raises `InvalidInput` for a file that is not there or is no JSON."""
    hint = "use --comment-on, which needs no event; GitHub Actions sets GITHUB_EVENT_PATH"
    try:
        content = read_regular(path, str(path))
    except (StorageError, ValueError) as error:  # ValueError: no path at all
        raise InvalidInput(f"GITHUB_EVENT_PATH: {path} cannot be read", hint=hint) from error
    if content is None:
        raise InvalidInput(f"GITHUB_EVENT_PATH: {path} cannot be read", hint=hint)
    if len(content) > _LARGEST_EVENT:
        raise InvalidInput(f"GITHUB_EVENT_PATH: {path} is too large for an event", hint=hint)
    try:
        return read_json(content)
    except JsonRefused as refused:
        raise InvalidInput(
            f"GITHUB_EVENT_PATH: {path} cannot be read: {refused.reason}", hint=hint
        ) from refused


def append_summary(path: Path, render: Callable[[int], str]) -> bool:
    """Adds to the step's summary what `render` gives for so many UTF-8 bytes; False where no room is left.

    Raises `StorageError`.
    """
    try:
        before = path.stat().st_size if path.exists() else 0
        room = _LARGEST_SUMMARY - before - 1_000
        if room < _LEAST:
            return False
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(render(room) + "\n\n")
    except (OSError, ValueError) as error:
        raise StorageError(
            f"GITHUB_STEP_SUMMARY: {path} cannot be written",
            hint="check the path; GitHub Actions sets it for each step",
        ) from error
    return True
