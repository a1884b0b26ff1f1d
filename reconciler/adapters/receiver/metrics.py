"""What a receiver counts."""

from __future__ import annotations

from bisect import bisect_left

from reconciler.adapters.inbox.port import Sizes
from reconciler.adapters.relay.surroundings import RelayCounts
from reconciler.adapters.system.prometheus import Family, counter, gauge, histogram

OUTCOMES = (
    "stored",
    "duplicate",
    "ignored",  # rightly signed, and about nothing that we know
    "quarantined",
    "malformed",
    "stale",
    "bad_signature",
    "too_large",
    "incomplete",  # the sender went away, or was too slow
    "unstored",  # the inbox could not take it
    "bug",
)
_BOUNDS = (0.00001, 0.00002, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.01)  # seconds


class Metrics:
    """Counters since the start. Plain attributes: the deliveries' path adds to them thousands of times a second."""

    def __init__(self) -> None:
        self.deliveries = dict.fromkeys(OUTCOMES, 0)
        self.relay: RelayCounts | None = None
        self.evicted = 0
        self.timed_out = 0
        self.crowded = 0
        self._seconds = 0.0
        self._buckets = [0] * (len(_BOUNDS) + 1)

    def took(self, seconds: float) -> None:
        """The time of one verification."""
        self._seconds += seconds
        self._buckets[bisect_left(_BOUNDS, seconds)] += 1

    def families(
        self, sizes: Sizes | None, now: float, connections: int, keys: int, waiting: int
    ) -> list[Family]:
        """All of it. Without `sizes` the inbox could not be read."""
        closed = {"too_slow": self.timed_out, "too_many": self.evicted, "memory": self.crowded}
        found = [
            counter("reconcile_webhook_deliveries", "Deliveries by outcome.", self.deliveries, "outcome"),
            counter(
                "reconcile_webhook_connections_closed",
                "Connections closed to protect the others.",
                closed,
                "reason",
            ),
            histogram(
                "reconcile_webhook_verify_seconds",
                "Time to verify a signature.",
                _BOUNDS,
                self._buckets,
                self._seconds,
            ),
            gauge("reconcile_webhook_connections", "Open connections.", connections),
            gauge("reconcile_webhook_signing_keys", "Active signing secrets.", keys),
            gauge("reconcile_webhook_waiting_deliveries", "Verified events not yet on disk.", waiting),
            gauge("reconcile_inbox_readable", "1 if the inbox is readable.", sizes is not None),
        ]
        found += [] if sizes is None else _inbox(sizes, now)
        return found if self.relay is None else [*found, *_relay(self.relay, now)]


def _relay(counts: RelayCounts, now: float) -> list[Family]:
    finished = {"relayed": counts.sent, "skipped": counts.skipped}
    return [
        counter(
            "reconcile_relay_events",
            "Events the relay has finished: accepted by GitHub, or skipped for good.",
            finished,
            "outcome",
        ),
        counter("reconcile_relay_failed_requests", "Attempts that GitHub did not accept.", counts.failed),
        gauge("reconcile_relay_leading", "1 if this receiver relays, 0 if another one does.", counts.leads),
        gauge("reconcile_relay_waiting_events", "Events not yet relayed.", counts.waiting),
        gauge(
            "reconcile_relay_oldest_waiting_seconds",
            "Age of the oldest of these; 0 if there are none.",
            _age(counts.oldest_at, now),
        ),
    ]


def _inbox(sizes: Sizes, now: float) -> list[Family]:
    return [
        gauge("reconcile_inbox_events", "Verified events in the inbox.", sizes.events),
        gauge("reconcile_inbox_unclaimed_events", "Events not claimed by a run.", sizes.unclaimed),
        gauge(
            "reconcile_inbox_oldest_unclaimed_seconds",
            "Age of the oldest of these; 0 if there are none.",
            _age(sizes.oldest_unclaimed_at, now),
        ),
        gauge("reconcile_inbox_quarantined_deliveries", "Unverified deliveries.", sizes.quarantined),
        gauge("reconcile_inbox_bytes", "Size of the inbox on disk.", sizes.disk),
    ]


def _age(since: float | None, now: float) -> float:
    return max(0.0, now - since) if since is not None else 0.0
