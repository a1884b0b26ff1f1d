"""What becomes of a delivery, whichever way its bytes came: verified, stored, counted, told.

It is answered 2xx only after the inbox has it on disk, so that the sender's retries cover everything up to there.
No coroutines: at thousands of deliveries a second they would cost more than verifying does.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from reconciler.adapters.inbox.port import Row, Unverified
from reconciler.adapters.inbox.quarantine import MAX_DELIVERIES
from reconciler.adapters.inbox.writer import InboxWriter
from reconciler.adapters.receiver.log import ServeLog
from reconciler.adapters.receiver.metrics import Metrics
from reconciler.adapters.receiver.replies import value_of
from reconciler.adapters.receiver.signing_secrets import Secrets
from reconciler.core.errors import StorageError
from reconciler.core.frozen import dataclass, field
from reconciler.core.platform.webhook import (
    MAX_BODY,
    TOLERANCE,
    Signed,
    Verdict,
    operation_in,
    subject_of,
    verify,
)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Done = Callable[[str], None]

RESERVED = frozenset({"/events", "/metrics", "/healthz", "/readyz"})  # never operation ids
_GOOD = frozenset({"stored", "duplicate", "ignored", "quarantined"})  # outcomes answered 2xx


@dataclass(frozen=True)
class Rules:
    """How deliveries are taken. `tolerance` is in seconds; `prefix` is a path that the proxy leaves in
    front, `quarantined` how many unverified deliveries are kept."""

    tolerance: float = TOLERANCE
    quarantine: bool = False
    prefix: str = ""
    proxies: Sequence[Network] = field(default=())
    quarantined: int = MAX_DELIVERIES


class Sender(NamedTuple):
    """Who brought it: the connection's peer, where it is known, and what the request's headers say. For the log."""

    peer: tuple[str, int] | None
    headers: Sequence[tuple[bytes, bytes]]


class _Pending(NamedTuple):
    """It is good, and waits for the disk. `words` are the outcome where it is new there, and where it is not."""

    written: asyncio.Future[bool]
    words: tuple[str, str]


class Intake:
    """Belongs to the writer's event loop. `clock` gives unix seconds. Outcomes are the keys of the metrics' `OUTCOMES`
    and of the answers in `replies.py`."""

    def __init__(
        self,
        writer: InboxWriter,
        secrets: Secrets,
        rules: Rules,
        metrics: Metrics,
        log: ServeLog,
        clock: Callable[[], float],
    ) -> None:
        self._writer = writer
        self._secrets = secrets
        self._rules = rules
        self._metrics = metrics
        self._log = log
        self._clock = clock

    def within(self, path: str) -> str:
        """The path without what the proxy leaves in front."""
        prefix = self._rules.prefix
        return path.removeprefix(prefix) or "/" if prefix else path

    def operation_at(self, path: str) -> str | None:
        """The operation id in a callback's path, empty for a callback without one; None where nothing is delivered."""
        path = self.within(path)
        if path == "/":
            return ""
        return operation_in(path) if path not in RESERVED else None

    def take(self, signed: Signed | None, body: bytes, operation: str, sender: Sender, done: Done) -> None:
        """`done` is given the outcome, now or once the disk has answered. Does not raise; `signed` is None where the
        headers are not there."""
        try:
            found = self._judge(signed, body, operation or None)
        except Exception as error:  # the last resort: it gets an answer, and nothing of it is printed
            done(self.bug(error))
            return
        if isinstance(found, str):
            self._end(found, signed, body, operation, sender, done)
            return

        def written(future: asyncio.Future[bool]) -> None:
            self._end(self._outcome(future, found.words), signed, body, operation, sender, done)

        found.written.add_done_callback(written)

    def refuse(self, outcome: str, sender: Sender) -> None:
        """What was not even read to its end is counted and told as well."""
        self._metrics.deliveries[outcome] += 1
        self._report(outcome, None, b"", "", sender)

    def bug(self, error: Exception) -> str:
        """The outcome of a request that failed in a way nobody thought of."""
        self._metrics.deliveries["bug"] += 1
        self._log.note("error", "bug", kind=type(error).__name__, place=_place_of(error))
        return "bug"

    def _judge(self, signed: Signed | None, body: bytes, operation: str | None) -> str | _Pending:
        if signed is None:
            return "malformed"
        if len(body) > MAX_BODY:
            return "too_large"
        now = self._clock()
        keys = self._secrets.keys
        if not keys and not self._rules.quarantine:
            return "unstored"  # not the sender's fault: it will come again
        start = perf_counter()
        verdict = verify(signed, body, keys, now, self._rules.tolerance)
        self._metrics.took(perf_counter() - start)
        if verdict is Verdict.VERIFIED:
            return self._store(signed, body, operation, now)
        if verdict is Verdict.FORGED and not keys:
            return self._put_aside(Unverified(signed, operation, now, body))
        return verdict.value

    def _store(self, signed: Signed, body: bytes, operation: str | None, now: float) -> str | _Pending:
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
        return _Pending(self._writer.store(row), ("stored", "duplicate"))

    def _put_aside(self, delivery: Unverified) -> str | _Pending:
        if subject_of(delivery.body) is None:
            return "malformed"
        most = self._rules.quarantined
        kept = self._writer.call(lambda table: table.keep(delivery, most))
        return _Pending(kept, ("quarantined", "unstored"))

    def _outcome(self, written: asyncio.Future[bool], words: tuple[str, str]) -> str:
        error = written.exception()
        if error is not None:
            why = error.message if isinstance(error, StorageError) else type(error).__name__
            busy = self._writer.waiting > 0
            self._log.note("warning" if busy else "error", "not stored", why=why)
            return "unstored"
        outcome = words[0] if written.result() else words[1]
        if outcome == "unstored":
            self._log.note("warning", "quarantine is full")
        return outcome

    def _end(
        self, outcome: str, signed: Signed | None, body: bytes, operation: str, sender: Sender, done: Done
    ) -> None:
        self._metrics.deliveries[outcome] += 1
        self._report(outcome, signed, body, operation, sender)
        done(outcome)

    def _report(
        self, outcome: str, signed: Signed | None, body: bytes, operation: str, sender: Sender
    ) -> None:
        """One line. What a stranger claims to be is shown only where it was believed."""
        level = "info" if outcome in _GOOD else "warning"
        if not self._log.hears(level):
            return
        known: Mapping[str, str | None] = {}
        believed = signed if outcome in ("stored", "duplicate") else None
        if believed is not None and (subject := subject_of(body)) is not None:
            known = {
                "type": subject.type,
                "job": subject.job_id,
                "operation": operation or None,
                "id": believed.webhook_id.decode("ascii"),
            }
        self._log.note(level, outcome, client=self._client(sender), bytes=len(body), **known)

    def _client(self, sender: Sender) -> str | None:
        """The sender's address: the connection's, or what trusted proxies say of it."""
        if sender.peer is None:
            return None
        address: str = sender.peer[0]
        for hop in reversed(value_of(sender.headers, b"x-forwarded-for").decode("latin-1").split(",")):
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
