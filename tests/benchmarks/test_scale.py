"""The model of what more engines cost against what was measured, and docs/scale.md against both."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.scale.model import FIGURES, MEASURED, SIZES, bounds, first_run, measured, predicted, reached
from benchmarks.scale.tables import tables

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "scale.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("figure", FIGURES)
def test_what_was_measured_at_100_000_lies_on_the_line_within_a_quarter(figure: str) -> None:
    """The line is drawn through the two smaller sizes, a tenth and a hundredth of it."""
    found = measured(figure, 100_000)
    assert found is not None
    assert predicted(figure, 100_000) == pytest.approx(found, rel=0.25)


@pytest.mark.parametrize("row", MEASURED["created"], ids=lambda row: row["engines"])
def test_a_measured_first_run_lies_between_the_simulated_ones(row: dict[str, float]) -> None:
    together, scattered = bounds(row)
    assert together.pushes <= row["pushes"] <= scattered.pushes
    assert together.seconds <= row["seconds"] <= scattered.seconds


@pytest.mark.parametrize("engines", [1, 7, 8, 9, 100])
@pytest.mark.parametrize("at_once", [1, 8, 64])
def test_every_engine_is_announced_before_its_call(engines: int, at_once: int) -> None:
    run = first_run(engines, at_once, call_seconds=1.0, push_seconds=0.5)
    waves = -(-engines // at_once)
    assert run.pushes >= waves + 1
    assert run.seconds >= waves * (0.5 + 0.8)
    assert run.seconds <= engines * (0.5 + 1.2 + 0.5) + 1


def test_calls_that_come_together_share_a_push() -> None:
    run = first_run(80, 8, call_seconds=1.0, push_seconds=0.5, spread=0.0)
    assert run.pushes == 10 + 1
    assert run.seconds == pytest.approx(10 * 1.5 + 0.5, abs=0.2)


def test_a_limit_is_where_the_line_reaches_it() -> None:
    limit = predicted("lockfile", 50_000)
    assert reached("lockfile", limit) == 50_000


@pytest.mark.parametrize("name", tables())
def test_the_page_has_the_tables_of_the_model(name: str) -> None:
    """`python -m benchmarks.scale` prints them."""
    assert f"\n\n{tables()[name]}\n\n" in PAGE


def test_the_largest_size_was_not_measured_and_says_so() -> None:
    assert measured("lockfile", SIZES[-1]) is None
    assert f"{SIZES[-1]:,}" in tables()["plan"]
    assert tables()["plan"].splitlines()[-1].count("\\*") == 4
