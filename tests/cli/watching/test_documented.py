"""docs/watch.md against the watch: its metrics, options, states and troubles are there, and no others are named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler.cli.commands.service.watch import command
from reconciler.cli.watching.metrics import Metrics
from reconciler.core.watch.machine import FIRST_PAUSE, LAST_PAUSE, Verdict
from reconciler.core.watch.pushes import MAX_PUSH
from reconciler.core.watch.results import STATES

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "watch.md").read_text(encoding="utf-8")


def test_every_metric_has_its_place() -> None:
    metrics = Metrics(lambda: 0.0)
    metrics.last_success = metrics.last_look = 1.0
    counters = {family.name for family in metrics.families() if family.kind == "counter"}
    known = {
        f"{family.name}_total" if family.name in counters else family.name for family in metrics.families()
    }
    named = re.findall(r"`(reconcile_\w+?)(?:\{\w+=…\})?`", PAGE)
    assert set(named) == known
    for words in (STATES, [verdict.value for verdict in Verdict]):
        assert [word for word in words if word != "drifted" and f"`{word}`" not in PAGE] == []


def test_every_option_that_is_named_is_one() -> None:
    named = set(re.findall(r"`(--[a-z-]+)", PAGE))
    assert named - {
        option for param in command.params for option in (*param.opts, *param.secondary_opts)
    } <= {"--refresh"}


@pytest.mark.parametrize(
    "words",
    [
        f"after {FIRST_PAUSE:.0f} seconds",
        f"up to {LAST_PAUSE / 60:.0f} minutes",
        f"above {MAX_PUSH >> 20} MB",
    ],
)
def test_numbers_are_those_of_the_code(words: str) -> None:
    assert words in PAGE
