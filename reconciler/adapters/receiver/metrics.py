"""What a receiver counts, in Prometheus' text form."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from reconciler.adapters.inbox.port import Sizes
from reconciler.adapters.relay.surroundings import RelayCounts

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
CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Counters since the start. Plain attributes: the deliveries' path adds to them thousands of times a second."""

    def __init__(self) -> None:
        self.deliveries = dict.fromkeys(OUTCOMES, 0)
        self.relay: RelayCounts | None = None
        self.evicted = 0
        self.timed_out = 0
        self.crowded = 0
        self._verified = 0
        self._seconds = 0.0
        self._buckets = [0] * (len(_BOUNDS) + 1)

    def took(self, seconds: float) -> None:
        """The time of one verification."""
        self._verified += 1
        self._seconds += seconds
        self._buckets[bisect_left(_BOUNDS, seconds)] += 1

    def text(self, sizes: Sizes | None, now: float, connections: int, keys: int, waiting: int) -> str:
        """All of it. Without `sizes` the inbox could not be read."""
        lines = [*self._counted(), *self._verify_time()]
        lines += _metric("webhook_connections", "gauge", "Open connections.", connections)
        lines += _metric("webhook_signing_keys", "gauge", "Active signing secrets.", keys)
        lines += _metric("webhook_waiting_deliveries", "gauge", "Verified events not yet on disk.", waiting)
        lines += _metric("inbox_readable", "gauge", "1 if the inbox is readable.", int(sizes is not None))
        if sizes is not None:
            lines += _inbox(sizes, now)
        if self.relay is not None:
            lines += _relay(self.relay, now)
        return "".join(f"{line}\n" for line in lines)

    def _counted(self) -> Iterator[str]:
        name = "reconcile_webhook_deliveries_total"
        yield f"# HELP {name} Deliveries by outcome."
        yield f"# TYPE {name} counter"
        for outcome, count in self.deliveries.items():
            yield f'{name}{{outcome="{outcome}"}} {count}'
        name = "reconcile_webhook_connections_closed_total"
        yield f"# HELP {name} Connections closed to protect the others."
        yield f"# TYPE {name} counter"
        yield f'{name}{{reason="too_slow"}} {self.timed_out}'
        yield f'{name}{{reason="too_many"}} {self.evicted}'
        yield f'{name}{{reason="memory"}} {self.crowded}'

    def _verify_time(self) -> Iterator[str]:
        name = "reconcile_webhook_verify_seconds"
        yield f"# HELP {name} Time to verify a signature."
        yield f"# TYPE {name} histogram"
        total = 0
        for bound, count in zip((*map(repr, _BOUNDS), "+Inf"), self._buckets, strict=True):
            total += count
            yield f'{name}_bucket{{le="{bound}"}} {total}'
        yield f"{name}_sum {self._seconds:.9f}"
        yield f"{name}_count {self._verified}"


def _relay(counts: RelayCounts, now: float) -> list[str]:
    name = "reconcile_relay_events_total"
    age = max(0.0, now - counts.oldest_at) if counts.oldest_at is not None else 0.0
    return [
        f"# HELP {name} Events the relay has finished: accepted by GitHub, or skipped for good.",
        f"# TYPE {name} counter",
        f'{name}{{outcome="relayed"}} {counts.sent}',
        f'{name}{{outcome="skipped"}} {counts.skipped}',
        *_metric(
            "relay_failed_requests_total", "counter", "Attempts that GitHub did not accept.", counts.failed
        ),
        *_metric(
            "relay_leading", "gauge", "1 if this receiver relays, 0 if another one does.", int(counts.leads)
        ),
        *_metric("relay_waiting_events", "gauge", "Events not yet relayed.", counts.waiting),
        *_metric(
            "relay_oldest_waiting_seconds",
            "gauge",
            "Age of the oldest of these; 0 if there are none.",
            f"{age:.3f}",
        ),
    ]


def _inbox(sizes: Sizes, now: float) -> list[str]:
    oldest = sizes.oldest_unclaimed_at
    age = max(0.0, now - oldest) if oldest is not None else 0.0
    return [
        *_metric("inbox_events", "gauge", "Verified events in the inbox.", sizes.events),
        *_metric("inbox_unclaimed_events", "gauge", "Events not claimed by a run.", sizes.unclaimed),
        *_metric(
            "inbox_oldest_unclaimed_seconds",
            "gauge",
            "Age of the oldest of these; 0 if there are none.",
            f"{age:.3f}",
        ),
        *_metric("inbox_quarantined_deliveries", "gauge", "Unverified deliveries.", sizes.quarantined),
        *_metric("inbox_bytes", "gauge", "Size of the inbox on disk.", sizes.disk),
    ]


def _metric(name: str, kind: str, help: str, value: int | str) -> tuple[str, str, str]:
    name = f"reconcile_{name}"
    return f"# HELP {name} {help}", f"# TYPE {name} {kind}", f"{name} {value}"
