"""A webhook that a relay passed on as `repository_dispatch`, from the file in which GitHub Actions keeps the event.

Anybody who may send a dispatch to the repository may write such a file, so nothing in it is believed before its
signature is verified here, once more. How old it is does not matter: that a job ended stays true, and a runner may
start an hour later. What cannot be verified is no error: the job is then looked up on the platform, like all others.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import NamedTuple

from reconciler.adapters.storage.durable_files import read_regular
from reconciler.core.errors import InvalidInput
from reconciler.core.ledger.webhook_facts import Delivery
from reconciler.core.platform.dispatch import Dispatched, read_payload
from reconciler.core.platform.webhook import SigningKeys, Verdict, read_event, verify

_MAX_BYTES = 4 << 20


class EventFile(NamedTuple):
    """What the file tells, or why nothing of it is used."""

    delivery: Delivery | None
    notice: str | None = None


def read_event_file(path: Path, keys: SigningKeys) -> EventFile:
    """Raises `InvalidInput` for a file that is no event, `StorageError` for one that cannot be read."""
    content = read_regular(path, str(path))
    if content is None:
        raise InvalidInput(f"there is no {path}", hint='in GitHub Actions: --event "$GITHUB_EVENT_PATH"')
    if len(content) > _MAX_BYTES:
        raise InvalidInput(f"{path} is too large for an event")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            f"{path} is not JSON", hint="it is the file that GITHUB_EVENT_PATH names"
        ) from error
    if isinstance(document, dict) and "schedule" in document and "client_payload" not in document:
        return EventFile(None)  # the same workflow, started by its schedule
    return _judged(read_payload(document), keys)


def _judged(given: Dispatched, keys: SigningKeys) -> EventFile:
    if given.signed is None or given.body is None:
        return EventFile(None, "it was too large to be relayed whole; the platform is asked instead")
    if not keys:
        return EventFile(
            None, "LINGO_WEBHOOK_SECRET is not set, so it is not verified; the platform is asked instead"
        )
    # Against its own moment, and so at any age.
    moment = int(given.signed.timestamp) if given.signed.timestamp.isdigit() else 0
    if verify(given.signed, given.body, keys, moment, math.inf) is not Verdict.VERIFIED:
        return EventFile(
            None, "its signature is not right, so nothing of it is used; the platform is asked instead"
        )
    event = read_event(given.body, given.operation_id)
    return EventFile(None if event is None else Delivery(given.signed.webhook_id.decode(), event))
