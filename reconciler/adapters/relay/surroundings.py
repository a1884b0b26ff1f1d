"""What the receiver lends a relay: its inbox, a log, counters, clock and chance. The relay knows no receiver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from reconciler.adapters.inbox.port import Store
from reconciler.adapters.inbox.writer import InboxWriter


@dataclass
class RelayCounts:
    """What a relay counts since the start; `failed` counts requests, the others events. `oldest_at` is when the oldest
    event that waits was received, in unix seconds. `leads` is whether this receiver is the one that relays.
    """

    sent: int = 0
    skipped: int = 0
    failed: int = 0
    waiting: int = 0
    oldest_at: float | None = None
    leads: bool = False


class Log(Protocol):
    """Where the relay reports what it did: one line for each event, with its fields."""

    def say(self, level: str, event: str, **fields: str | int | float | None) -> None: ...


@dataclass(frozen=True)
class Surroundings:
    """What the receiver lends: its inbox and the writer of it, how long events are kept, its log, clock and chance."""

    store: Store
    writer: InboxWriter
    keep: float
    counts: RelayCounts
    log: Log
    clock: Callable[[], float]
    random: Callable[[], float]
