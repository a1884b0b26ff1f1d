"""Metrics as Prometheus reads them, with its own parser."""

from __future__ import annotations

import sys

import pytest
from prometheus_client.parser import text_string_to_metric_families

from reconciler.adapters.system.prometheus import NoPrometheus, counter, gauge, histogram, metrics_text


def test_what_was_counted_is_read_again() -> None:
    text = metrics_text(
        [
            counter("a_requests", "Requests.", {'o"k\\': 2, "new\nline": 1}, "status"),
            counter("a_looks", "Looks.", 7),
            counter("a_none", "None so far.", {}, "kind"),
            gauge("a_held", "Held.", True),
            histogram("a_seconds", "Time.", (0.5, 1.0), (1, 2, 3), 9.5),
        ]
    ).decode()
    found = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found == {
        ("a_requests_total", ("status", 'o"k\\')): 2.0,
        ("a_requests_total", ("status", "new\nline")): 1.0,
        ("a_looks_total",): 7.0,
        ("a_held",): 1.0,
        ("a_seconds_bucket", ("le", "0.5")): 1.0,
        ("a_seconds_bucket", ("le", "1.0")): 3.0,
        ("a_seconds_bucket", ("le", "+Inf")): 6.0,
        ("a_seconds_count",): 6.0,
        ("a_seconds_sum",): 9.5,
    }


def test_without_the_library_the_reader_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(NoPrometheus) as raised:
        metrics_text([])
    assert "pip install prometheus-client" in (raised.value.hint or "")
