"""The receiver as an ASGI application: what is answered to whom, and when.

Bare ASGI, since the one path that matters is short: read three headers and a body, verify, store, answer. A delivery is
answered 2xx only after the inbox has it on disk, so that the sender's retries cover everything up to there. Everything
else (health, metrics, the feed for readers on other hosts) is in `webhook_pages.py`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from reconciler.adapters.inbox_quarantine import MAX_DELIVERIES, Unverified, keep
from reconciler.adapters.inbox_writer import InboxWriter, Row
from reconciler.adapters.webhook_log import ServeLog
from reconciler.adapters.webhook_metrics import Metrics
from reconciler.adapters.webhook_replies import REPLIES, answer, head_of
from reconciler.adapters.webhook_secrets import Secrets
from reconciler.core.errors import StorageError
from reconciler.core.webhook import (
    MAX_BODY,
    TOLERANCE,
    Signed,
    Verdict,
    operation_in,
    signed_in,
    subject_of,
    verify,
)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Pages = Callable[[Scope, Receive, Send], Awaitable[None]]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

RESERVED = frozenset({"/events", "/metrics", "/healthz", "/readyz"})  # never operation ids
_GOOD = frozenset({"stored", "duplicate", "ignored", "quarantined"})  # outcomes answered 2xx
_PENDING_BYTES = 32 << 20  # of bodies that are still coming in, over all connections


@dataclass(frozen=True)
class Rules:
    """How deliveries are taken. `tolerance` is in seconds; `prefix` is a path that the proxy leaves in
    front, `quarantined` how many unverified deliveries are kept."""

    tolerance: float = TOLERANCE
    quarantine: bool = False
    prefix: str = ""
    proxies: Sequence[Network] = field(default=())
    quarantined: int = MAX_DELIVERIES


class Receiver:
    """The application. `clock` gives unix seconds; `pages` answers whatever is no delivery."""

    def __init__(
        self,
        writer: InboxWriter,
        secrets: Secrets,
        rules: Rules,
        metrics: Metrics,
        log: ServeLog,
        clock: Callable[[], float],
        pages: Pages,
    ) -> None:
        self._writer = writer
        self._secrets = secrets
        self._rules = rules
        self._metrics = metrics
        self._log = log
        self._clock = clock
        self._pages = pages
        self._pending = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            path = scope["path"]
            if self._rules.prefix:
                path = scope["path"] = path.removeprefix(self._rules.prefix) or "/"
            if scope["method"] == "POST" and path not in RESERVED:
                operation = operation_in(path)
                if operation is not None or path == "/":
                    await self._deliver(scope, receive, send, operation)
                    return
            await self._pages(scope, receive, send)
        except Exception as error:  # the last resort: one request must not print what it held
            self._metrics.deliveries["bug"] += 1
            self._log.note("error", "bug", kind=type(error).__name__, place=_place_of(error))
            await answer(send, REPLIES["bug"])

    async def _deliver(self, scope: Scope, receive: Receive, send: Send, operation: str | None) -> None:
        signed = signed_in(scope["headers"])
        if signed is None:
            outcome, body = "malformed", b""
        else:
            outcome, body = await self._body(scope, receive)
            if not outcome:
                outcome = await self._judge(signed, body, operation)
        self._metrics.deliveries[outcome] += 1
        level = "info" if outcome in _GOOD else "warning"
        if self._log.hears(level):
            self._tell(level, outcome, scope, signed, body, operation)
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

    async def _judge(self, signed: Signed, body: bytes, operation: str | None) -> str:
        now = self._clock()
        keys = self._secrets.keys
        if not keys and not self._rules.quarantine:
            return "unstored"  # not the sender's fault: it will come again
        start = perf_counter()
        verdict = verify(signed, body, keys, now, self._rules.tolerance)
        self._metrics.took(perf_counter() - start)
        if verdict is Verdict.VERIFIED:
            return await self._store(signed, body, operation, now)
        if verdict is Verdict.FORGED and not keys:
            return await self._put_aside(Unverified(signed, operation, now, body))
        return verdict.value

    async def _store(self, signed: Signed, body: bytes, operation: str | None, now: float) -> str:
        subject = subject_of(body)
        if subject is None:
            return "malformed"
        if subject.job_id is None and operation is None:
            return "ignored"
        row = Row(
            signed.webhook_id.decode("ascii"),
            subject.type,
            subject.job_id,
            operation,
            now,
            signed.timestamp.decode("ascii"),
            signed.signature.decode("ascii"),
            body,
        )
        try:
            return "stored" if await self._writer.store(row) else "duplicate"
        except StorageError as error:
            self._log.note(
                "error" if self._writer.waiting == 0 else "warning", "not stored", why=error.message
            )
            return "unstored"

    async def _put_aside(self, delivery: Unverified) -> str:
        if subject_of(delivery.body) is None:
            return "malformed"
        try:
            kept = await self._writer.call(
                lambda connection: keep(connection, delivery, self._rules.quarantined)
            )
        except StorageError as error:
            self._log.note("error", "not stored", why=error.message)
            return "unstored"
        if not kept:
            self._log.note("warning", "quarantine is full")
        return "quarantined" if kept else "unstored"

    def _tell(
        self,
        level: str,
        outcome: str,
        scope: Scope,
        signed: Signed | None,
        body: bytes,
        operation: str | None,
    ) -> None:
        """One line. What a stranger claims to be is shown only where it was believed."""
        known: Mapping[str, str | None] = {}
        if outcome in ("stored", "duplicate") and signed is not None:
            subject = subject_of(body)
            assert subject is not None  # nothing else is stored
            known = {
                "type": subject.type,
                "job": subject.job_id,
                "operation": operation,
                "id": signed.webhook_id.decode("ascii"),
            }
        self._log.note(level, outcome, client=self._client(scope), bytes=len(body), **known)

    def _client(self, scope: Scope) -> str | None:
        """The sender's address: the connection's, or what trusted proxies say of it."""
        peer = scope.get("client")
        if peer is None:
            return None
        address: str = peer[0]
        for hop in reversed(head_of(scope, b"x-forwarded-for").decode("latin-1").split(",")):
            if not hop.strip() or not self._trusted(address):
                break
            address = hop.strip()
        parsed = _parsed(address)
        return str(parsed) if parsed is not None else "unknown"

    def _trusted(self, address: str) -> bool:
        if not self._rules.proxies or (parsed := _parsed(address)) is None:
            return False
        return any(parsed in network for network in self._rules.proxies)


def _place_of(error: Exception) -> str | None:
    """Where it was raised, as `file:line`: all of a traceback that holds nothing of anybody's."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    return f"{Path(step.tb_frame.f_code.co_filename).name}:{step.tb_lineno}" if step is not None else None


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address; where one socket takes both kinds, those of IPv4 come in the clothes of IPv6."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
