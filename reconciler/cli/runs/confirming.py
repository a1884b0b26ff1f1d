"""Wires the look at the platform for jobs that unverified records of the ledger name."""

from __future__ import annotations

import asyncio
import random

from reconciler.app.confirming import can_be_confirmed, confirm
from reconciler.cli.wiring.api_key import api_key
from reconciler.core.frozen import replace
from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
from reconciler.core.settings.model import Settings


def confirmed(settings: Settings, seen: RemoteSnapshot) -> RemoteSnapshot:
    """What was seen, with the platform's word on these jobs. Raises `GuardRefused` for a host that is not trusted."""
    if not can_be_confirmed(seen.unverified):
        return seen
    from reconciler.adapters.platform.client import PlatformClient

    async def asked() -> RemoteSnapshot:
        async with PlatformClient(settings.api_url, api_key(settings), random=random.random) as client:
            unverified = await confirm(seen.unverified, seen.recorded, client.read_made)
            return replace(seen, unverified=unverified)

    return asyncio.run(asked())
