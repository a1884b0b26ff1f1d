"""The receiver as an ASGI application: reads a delivery's body as it comes, and answers what the intake says.

A delivery that has come whole does not take this way on the fast wire (`webhook_wire_fast.py`). Everything that is no
delivery (health, metrics, the feed for readers on other hosts) is in `webhook_pages.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from reconciler.adapters.receiver.intake import Intake, Sender
from reconciler.adapters.receiver.replies import REPLIES, answer
from reconciler.core.platform.webhook import MAX_BODY, signed_in

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Pages = Callable[[Scope, Receive, Send], Awaitable[None]]

_PENDING_BYTES = 32 << 20  # of bodies that are still coming in, over all connections


class Receiver:
    """The application; `pages` answers whatever is no delivery."""

    def __init__(self, intake: Intake, pages: Pages) -> None:
        self._intake = intake
        self._pages = pages
        self._pending = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            operation = self._intake.operation_at(scope["path"]) if scope["method"] == "POST" else None
            if operation is None:
                scope["path"] = self._intake.within(scope["path"])
                await self._pages(scope, receive, send)
            else:
                await self._deliver(scope, receive, send, operation)
        except Exception as error:  # the last resort: one request must not print what it held
            await answer(send, REPLIES[self._intake.bug(error)])

    async def _deliver(self, scope: Scope, receive: Receive, send: Send, operation: str) -> None:
        signed = signed_in(scope["headers"])
        sender = Sender(scope.get("client"), scope["headers"])
        outcome, body = ("malformed", b"") if signed is None else await self._body(scope, receive)
        if outcome or signed is None:
            self._intake.refuse(outcome, sender)
        else:
            done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            self._intake.take(signed, body, operation, sender, lambda said: _settle(done, said))
            outcome = await done
        if outcome != "incomplete":
            await answer(send, REPLIES[outcome])

    async def _body(self, scope: Scope, receive: Receive) -> tuple[str, bytes]:
        """The whole body, or the outcome that it has come to already."""
        for name, value in scope["headers"]:
            if name == b"content-length" and (
                len(value) > 12 or not value.isdigit() or int(value) > MAX_BODY
            ):
                return "too_large", b""
        message = await receive()
        if message["type"] == "http.disconnect":
            return "incomplete", b""
        body: bytes = message.get("body", b"")
        if not message.get("more_body", False):
            return ("too_large", b"") if len(body) > MAX_BODY else ("", body)
        return await self._rest(body, receive)

    async def _rest(self, first: bytes, receive: Receive) -> tuple[str, bytes]:
        """A body that comes in pieces. All of them together have a bound, lest slow strangers fill the memory."""
        parts = [first]
        size = len(first)
        self._pending += size
        try:
            while True:
                if size > MAX_BODY:
                    return "too_large", b""
                if self._pending > _PENDING_BYTES:
                    return "unstored", b""
                message = await receive()
                if message["type"] == "http.disconnect":
                    return "incomplete", b""
                part = message.get("body", b"")
                parts.append(part)
                size += len(part)
                self._pending += len(part)
                if not message.get("more_body", False):
                    return ("too_large", b"") if size > MAX_BODY else ("", b"".join(parts))
        finally:
            self._pending -= size


def _settle(done: asyncio.Future[str], outcome: str) -> None:
    if not done.done():  # the server has given up on this request
        done.set_result(outcome)
