"""The book that both displays keep."""

from __future__ import annotations

import pytest

from reconciler.adapters.progress.tally import Tally, humanized


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("crawling_sources", "crawling sources"),
        ("crawlingSources", "crawling sources"),
        ("CRAWLING_SOURCES", "crawling sources"),
        ("__crawling__sources_", "crawling sources"),
        ("extracting_brand_voices", "extracting brand voices"),
        ("re-indexing", "re-indexing"),
        ("Reading GitHub pages of snake_case", "Reading GitHub pages of snake_case"),
        ("素材を読む", "素材を読む"),
        ("___", "___"),
        ("", ""),
    ],
)
def test_steps_as_words(step: str, words: str) -> None:
    assert humanized(step) == words


def test_steps_are_counted_in_the_order_in_which_they_came() -> None:
    tally = Tally(expected=6)
    for number, step in enumerate(("b", "a", "b", "c")):
        tally.row(str(number), 0.0).step = step
    assert tally.phases() == [(2, "b"), (1, "a"), (1, "c"), (2, "queued")]
    tally.end("1", "completed", 1.0)
    tally.row("4", 1.0)
    assert tally.phases() == [(2, "b"), (1, "c"), (1, "creating"), (1, "queued")]


def test_slow_is_known_only_by_others() -> None:
    tally = Tally(expected=20)
    for number in range(10):
        tally.row(str(number), 0.0)
    assert tally.slow(1_000.0) == []
    for number in range(5):
        tally.end(str(number), "completed", 30.0 + number)
    tally.row("later", 50.0)
    assert tally.slow(64.0) == []  # the median is 32
    assert [row.key for row in tally.slow(65.0)] == ["5", "6", "7", "8", "9"]


def test_where_all_are_quick_nothing_is_slow_within_seconds() -> None:
    tally = Tally(expected=20)
    for number in range(10):
        tally.row(str(number), 0.0)
    for number in range(9):
        tally.end(str(number), "completed", 0.5)
    assert tally.slow(9.0) == []
    assert len(tally.slow(11.0)) == 1
