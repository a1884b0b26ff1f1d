"""An inbox on this machine as a source of completions: what waits in it, and what comes in while a run goes on.

The receiver is another process, or another thread of this one; both sides only share the SQLite file. New rows are
noticed by SQLite's own change counter, which costs microseconds to look at.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from reconciler.adapters.inbox.database import Inbox
from reconciler.adapters.system import trail
from reconciler.core.commands import reconcile
from reconciler.core.errors import InvalidInput, StorageError
from reconciler.core.ledger.webhook_facts import Delivery
from reconciler.core.platform.webhook import Event

_LOOK = 0.1  # seconds between looks
_AGAIN = 2.0  # seconds until the next try when the file cannot be read
_PAGE = 200


class InboxFeed:
    """See the port `Deliveries`. `now` gives unix seconds, `by` says who claims.

    Raises `InvalidInput` where there is no inbox: only a receiver makes one, so the path is wrong or none ever ran.
    """

    def __init__(self, path: Path, by: str, now: Callable[[], float]) -> None:
        if not path.exists():
            raise InvalidInput(
                f"no inbox at {path}",
                hint=f"start the receiver first: {reconcile('webhook serve', ('--inbox', str(path)))}",
            )
        self._inbox = Inbox(path)
        self._by = by
        self._now = now

    def close(self) -> None:
        self._inbox.close()

    def waiting(self) -> list[Delivery]:
        """See the port."""
        found: list[Delivery] = []
        cursor = 0
        while page := self._inbox.unclaimed(cursor, _PAGE):
            cursor = page[-1].number
            found += [Delivery(str(one.number), event) for one in page if (event := one.event) is not None]
        return found

    async def follow(self) -> AsyncIterator[Event]:
        """See the port."""
        cursor = 0
        while True:
            try:
                seen = await asyncio.to_thread(self._inbox.revision)
                page = await asyncio.to_thread(self._inbox.unclaimed, cursor, _PAGE)
                for one in page:
                    cursor = one.number
                    if (event := one.event) is not None:
                        yield event
                while not page and self._inbox.revision() == seen:
                    await asyncio.sleep(_LOOK)
            except StorageError as error:
                trail.note(f"{error.message}; retrying", "warning")
                await asyncio.sleep(_AGAIN)

    def claim(self, deliveries: Sequence[Delivery]) -> None:
        """See the port."""
        self._inbox.claim([int(one.id) for one in deliveries], self._by, self._now())
