"""An inbox as a source of completions: what waits in it, and what comes in while a run goes on.

The receiver is another process, or another thread of this one; both sides only share the file, or the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from reconciler.adapters.inbox.port import Store
from reconciler.adapters.system import trail
from reconciler.core.errors import StorageError
from reconciler.core.ledger.webhook_facts import Delivery
from reconciler.core.platform.webhook import Event

_LOOK = 0.1  # seconds between looks
_AGAIN = 2.0  # seconds until the next try when the file cannot be read
_PAGE = 200


class InboxFeed:
    """See the port `Deliveries`. `now` gives unix seconds, `by` says who claims.

    Raises as `Store.existing` does. The store is its own, and closed with it.
    """

    def __init__(self, store: Store, by: str, now: Callable[[], float]) -> None:
        self._store = store
        self._inbox = store.existing()
        self._by = by
        self._now = now

    def close(self) -> None:
        self._inbox.close()
        self._store.close()

    def hurry(self, seconds: float) -> None:
        """See the port."""
        self._store.hurry(seconds)

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
                cursor = 0  # another server may have taken over, and number what comes from where it was
                await asyncio.sleep(_AGAIN)

    def claim(self, deliveries: Sequence[Delivery]) -> None:
        """See the port."""
        self._inbox.claim([int(one.id) for one in deliveries], self._by, self._now())
