"""How connections are kept honest: whole requests in time, bounded memory, and room for the next caller.

A stranger who opens thousands and says nothing, or one byte a second, would keep them for ever. Here every connection
has to bring a whole request within a limit, from the moment it is accepted: a TLS handshake is a part of that. When
there are too many, the one that has kept us waiting longest makes room; when they hold too much memory, the one that
has held some longest. So good deliveries, which take milliseconds, get through.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from reconciler.adapters.receiver.limits import Limits
from reconciler.adapters.receiver.metrics import Metrics


class Peer(Protocol):
    """Somebody at the other end. `idle`: nothing of the next request has come, and no answer is due."""

    idle: bool

    def finish(self) -> None:
        """Ends once what is under way is answered."""

    def drop(self) -> None:
        """Ends now."""


class Watch:
    """Those who owe us a request, and those that wait for our answer or do not take it; both longest first. `limit` is
    in seconds, `most` a number of connections; `clock` gives the loop's seconds."""

    def __init__(
        self, limit: float, most: int, metrics: Metrics, limits: Limits, clock: Callable[[], float]
    ) -> None:
        self.limit = limit
        self.most = most
        self._limits = limits
        self._metrics = metrics
        self._clock = clock
        self._owing: dict[Peer, float] = {}
        self._waiting: dict[Peer, float] = {}
        self._held: dict[Peer, int] = {}
        self._total = 0
        self._lent = 0

    def __len__(self) -> int:
        return len(self._owing) + len(self._waiting)

    def peers(self) -> list[Peer]:
        return [*self._owing, *self._waiting]

    def begin(self, peer: Peer) -> None:
        """Its time starts now."""
        self._waiting.pop(peer, None)
        self._owing.pop(peer, None)
        self._owing[peer] = self._clock()

    def answering(self, peer: Peer) -> None:
        """It has brought its request, or has an answer to take."""
        self._owing.pop(peer, None)
        self._waiting.pop(peer, None)
        self._waiting[peer] = self._clock()

    def end(self, peer: Peer) -> None:
        """It is gone."""
        self._owing.pop(peer, None)
        self._waiting.pop(peer, None)
        self._total -= self._held.pop(peer, 0)

    def holds(self, peer: Peer, size: int) -> None:
        """The bytes that are kept for it. It may be dropped for them, as may others."""
        before = self._held.get(peer, 0)
        if size == before:
            return
        self._total += size - before
        if size:
            self._held[peer] = size
        else:
            del self._held[peer]
        while self._total + self._lent > self._limits.memory and self._held:
            self._metrics.crowded += 1
            self._drop(next(iter(self._held)))

    def lend(self, size: int) -> bool:
        """Whether there is memory for a body that waits for the disk: half of all is the most. To be given back."""
        if self._lent + size > self._limits.memory // 2:
            return False
        self._lent += size
        return True

    def give_back(self, size: int) -> None:
        self._lent -= size

    def make_room(self) -> None:
        """One more has come; if that is one too many, another one goes."""
        if len(self) > self.most:
            self._metrics.evicted += 1
            # The newcomer owes as well.
            self._drop(next(iter(self._waiting if len(self._owing) == 1 and self._waiting else self._owing)))

    def sweep(self) -> None:
        """To be called about once a second: closes those whose time is over."""
        now = self._clock()
        for since, limit in ((self._owing, self.limit), (self._waiting, self._limits.answer)):
            while (oldest := next(iter(since), None)) is not None and now - since[oldest] > limit:
                self._metrics.timed_out += since is self._waiting or not oldest.idle
                self._drop(oldest)

    def _drop(self, peer: Peer) -> None:
        self.end(peer)
        peer.drop()
