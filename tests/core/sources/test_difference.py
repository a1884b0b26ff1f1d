"""What changed between two texts, in few lines and little time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.sources.difference import (
    LINE_WIDTH,
    MOST_LINES,
    TextChange,
    difference,
    difference_from_marks,
    marks_of,
)
from reconciler.core.sources.main_text import text_digest

TEXTS = st.lists(
    st.sampled_from(["one", "two", "three", "Updated 2024-01-02", "", "  four"]), max_size=8
).map("\n".join)


@given(TEXTS, TEXTS)
def test_is_empty_exactly_for_equal_digests(old: str, new: str) -> None:
    assert bool(difference(old, new)) == (text_digest(old) != text_digest(new))


def test_shows_the_lines_that_differ() -> None:
    change = difference("Intro\nUse Sie.\nEnd", "Intro\nUse du.\nMore\nEnd")
    assert change.lines == (("-", "Use Sie."), ("+", "Use du."), ("+", "More"))
    assert change.left_out == 0


def test_cuts_long_lines_around_what_differs() -> None:
    old, new = "word " * 500 + "Sie" + " more" * 500, "word " * 500 + "du" + " more" * 500
    (_, removed), (_, added) = difference(old, new).lines
    assert "Sie" in removed
    assert "du more" in added
    assert max(len(removed), len(added)) <= LINE_WIDTH + 2


def test_counts_what_it_does_not_show() -> None:
    change = difference("", "\n".join(f"line {number} of text" for number in range(100)))
    assert (len(change.lines), change.left_out) == (MOST_LINES, 100 - MOST_LINES)


def test_large_texts_are_compared_as_sets() -> None:
    lines = [f"line {number} x{number % 7}" for number in range(20_000)]
    changed = ["first", *lines[:10_000], "middle", *lines[10_001:], "last"]
    change = difference("\n".join(lines), "\n".join(changed))
    assert sorted(change.lines) == sorted(
        [("-", lines[10_000]), ("+", "first"), ("+", "middle"), ("+", "last")]
    )


def test_marks_tell_what_is_new() -> None:
    marks = marks_of("Intro\nUse Sie.\nUpdated 2024-01-02\nEnd")
    assert difference_from_marks(marks, "Intro\nUse Sie.\nUpdated 2026-01-02\nEnd") == TextChange()
    assert difference_from_marks(marks, "Intro\nUse du.\nEnd") == TextChange((("+", "Use du."),), 2)
