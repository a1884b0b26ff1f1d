"""The feed of a receiver for readers on other hosts: what is in the inbox, and claiming it.

`GET /events` is a long poll: it answers at once when there is something after the cursor, otherwise as soon as there
is, or with none at the end of the wait. A cursor names the inbox it is of; with another one's it begins at the start.
`POST /events/claim` marks events as taken. Without a configured token the feed is closed to everybody.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from reconciler.adapters.inbox.port import Inbox, Received
from reconciler.adapters.receiver.replies import Reply, Request, reply, says, value_of
from reconciler.core.errors import StorageError

MAX_WAIT = 60.0  # seconds
_LIMIT = 500
_LOOK = 0.2  # seconds between looks for what has been stored
_LATER = ((b"retry-after", b"5"),)


class Feed:
    """`stop` ends all waits. The inbox is asked in threads only: its turn may be taken by a claim that waits for the
    disk, and the deliveries must not wait with it."""

    def __init__(self, inbox: Inbox, clock: Callable[[], float], token: str | None, most: int) -> None:
        self._most = most
        self._inbox = inbox
        self._clock = clock
        self._token = token.encode() if token else None
        self._readers = 0
        self._stopping = asyncio.Event()
        self._look: asyncio.Task[int] | None = None
        self._looked = 0.0

    def stop(self) -> None:
        """Waiting readers are answered."""
        self._stopping.set()

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()

    async def events(self, request: Request) -> Reply:
        """`?since=CURSOR&wait=SECONDS&limit=N` → `{"events": […], "cursor": "…"}`"""
        if (refusal := self._refusal(request)) is not None:
            return refusal
        asked = self._asked(request.query)
        if asked is None:
            return says(
                400, "since must be a cursor of this feed, wait a number of seconds, limit a number of events"
            )
        if self._readers >= self._most:
            return says(503, "too many readers are waiting", _LATER)
        cursor, limit, wait = asked
        self._readers += 1
        try:
            found = await self._wait_for(cursor, limit, wait)
        except StorageError:
            return says(503, "the inbox cannot be read", _LATER)
        finally:
            self._readers -= 1
        last = found[-1].number if found else cursor
        document = {"events": [self._shown(one) for one in found], "cursor": self._name(last)}
        return reply(200, json.dumps(document).encode())

    async def claim(self, request: Request) -> Reply:
        """`{"cursors": […], "by": "…"}` → `{"claimed": […]}`, those that were still free."""
        if (refusal := self._refusal(request)) is not None:
            return refusal
        wanted = _claims(request.body)
        if wanted is None:
            return says(400, 'expected is {"cursors": ["…"], "by": "who"}')
        numbers = [self._cursor(cursor) for cursor in wanted[0]]
        if None in numbers:
            return says(400, "these are not cursors of this feed")
        known = [number for number in numbers if number]
        try:
            done = await asyncio.to_thread(self._inbox.claim, known, wanted[1], self._clock())
        except StorageError:
            return says(503, "the inbox cannot be written", _LATER)
        return reply(200, json.dumps({"claimed": [self._name(number) for number in done]}).encode())

    def _refusal(self, request: Request) -> Reply | None:
        if self._token is None:
            return says(403, "no token is configured, so the inbox is not served")
        scheme, _, given = value_of(request.headers, b"authorization").partition(b" ")
        if scheme.lower() != b"bearer" or not hmac.compare_digest(given.strip(), self._token):
            return says(401, "a bearer token is required", [(b"www-authenticate", b"Bearer")])
        return None

    def _asked(self, query: bytes) -> tuple[int, int, float] | None:
        """Cursor, limit and wait of a query; None for one that cannot be understood."""
        try:
            asked = parse_qs(query.decode("latin-1"), max_num_fields=8)
        except ValueError:  # too many of them
            return None
        cursor = self._cursor(asked.get("since", [""])[-1])
        wait = _number(asked.get("wait", ["0"])[-1], MAX_WAIT)
        limit = _number(asked.get("limit", ["100"])[-1], _LIMIT)
        if cursor is None or wait is None or limit is None:
            return None
        return cursor, max(1, int(limit)), wait

    def _cursor(self, text: str) -> int | None:
        """The number in a cursor; 0 for none, and for one of another inbox."""
        if not text:
            return 0
        identity, _, number = text.rpartition("-")
        if not (identity.isalnum() and number.isascii() and number.isdigit() and len(number) < 19):
            return None
        return int(number) if identity == self._inbox.identity else 0

    def _name(self, number: int) -> str:
        return f"{self._inbox.identity}-{number}"

    async def _wait_for(self, cursor: int, limit: int, wait: float) -> list[Received]:
        loop = asyncio.get_running_loop()
        end = loop.time() + wait
        while True:
            seen = await self._revision()
            found = await asyncio.to_thread(self._inbox.events_since, cursor, limit)
            if found or self.stopping:
                return found
            while await self._revision() == seen:
                if self.stopping or loop.time() >= end:
                    return []
                await self._pause(min(_LOOK, end - loop.time()))

    async def _revision(self) -> int:
        """The inbox's, as it was a moment ago: one look serves all readers. An old one costs a query, and no event."""
        now = asyncio.get_running_loop().time()
        if self._look is None or (self._look.done() and now - self._looked >= _LOOK / 2):
            self._looked = now
            self._look = asyncio.create_task(asyncio.to_thread(self._inbox.revision))
        return await asyncio.shield(self._look)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._stopping.wait()
        except TimeoutError:
            return

    def _shown(self, one: Received) -> dict[str, Any]:
        return {
            "cursor": self._name(one.number),
            "webhookId": one.webhook_id,
            "timestamp": one.timestamp,
            "signature": one.signature,
            "operationId": one.operation_id,
            "receivedAt": one.received_at,
            "claimed": one.claimed_at is not None,
            "body": one.body.decode("utf-8", "replace"),
        }


def _claims(body: bytes) -> tuple[list[str], str] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    cursors, by = document.get("cursors"), document.get("by", "")
    if not isinstance(cursors, list) or not all(isinstance(one, str) for one in cursors):
        return None
    return (cursors, by) if isinstance(by, str) and by.isprintable() and len(by) <= 200 else None


def _number(text: str, most: float) -> float | None:
    if not (text.isascii() and text.replace(".", "", 1).isdigit() and len(text) < 12):
        return None
    return min(float(text), most)
