"""Metrics in Prometheus' text form, written by its own client library from values that are kept as plain numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from reconciler.core.errors import InvalidInput

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"  # our names and labels are the same in later ones

Sample = tuple[Mapping[str, str], float]


class Family(NamedTuple):
    """One metric. `kind` is `counter`, `gauge` or `histogram`. A histogram has `buckets`, by upper bound and counted
    up, and the `total` of its values; the others have samples. A counter's name gets its `_total` here.
    """

    name: str
    kind: str
    help: str
    samples: Sequence[Sample] = ()
    buckets: Sequence[tuple[str, float]] = ()
    total: float = 0.0


def gauge(name: str, help_: str, value: float) -> Family:
    return Family(name, "gauge", help_, (({}, float(value)),))


def counter(name: str, help_: str, value: float | Mapping[str, float], label: str = "") -> Family:
    """One number, or several by the value of a label."""
    if isinstance(value, Mapping):
        return Family(name, "counter", help_, tuple(({label: key}, float(one)) for key, one in value.items()))
    return Family(name, "counter", help_, (({}, float(value)),))


def histogram(name: str, help_: str, bounds: Sequence[float], counts: Sequence[int], total: float) -> Family:
    """`counts` has how many values came up to each of the bounds and no further, and last how many came above."""
    named = [*map(repr, bounds), "+Inf"]
    return Family(
        name, "histogram", help_, (), tuple(zip(named, accumulate(map(float, counts)), strict=True)), total
    )


class NoPrometheus(InvalidInput):
    """The library is not installed."""


def check_installed() -> None:
    """Raises `NoPrometheus`."""
    _core()


def metrics_text(families: Iterable[Family]) -> bytes:
    """All of them. Raises `NoPrometheus`."""
    core, exposition = _core()
    found = [_family(core, one) for one in families]

    class All:
        def collect(self) -> Iterable[Any]:
            return found

    registry = core.CollectorRegistry(auto_describe=False)
    registry.register(All())
    text: bytes = exposition.generate_latest(registry)
    return text


def _family(core: Any, one: Family) -> Any:
    if one.kind == "histogram":
        return core.HistogramMetricFamily(one.name, one.help, buckets=list(one.buckets), sum_value=one.total)
    kind = core.CounterMetricFamily if one.kind == "counter" else core.GaugeMetricFamily
    labels = list(one.samples[0][0]) if one.samples else []
    family = kind(one.name, one.help, labels=labels)
    for named, value in one.samples:
        family.add_metric([named[label] for label in labels], value)
    return family


def _core() -> tuple[Any, Any]:
    try:
        from prometheus_client import core, exposition  # only where metrics are asked for
    except ImportError as error:
        raise NoPrometheus(
            "metrics need the library prometheus-client",
            hint="run `pip install prometheus-client` in the environment that reconcile runs in",
        ) from error
    return core, exposition
