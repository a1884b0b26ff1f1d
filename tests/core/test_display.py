from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.display import cut_to_width, display_width, padded, wrapped

TEXTS = st.text("ab é\u0301日한😀\u1161`-:", max_size=200)


def test_width_counts_cells() -> None:
    assert display_width("ab") == 2
    assert display_width("日本") == 4
    assert display_width("e\u0301") == 1
    assert display_width("\u1112\u1161\u11ab") == display_width("한") == 2
    assert cut_to_width("日本語", 5) == "日本…"
    assert cut_to_width("日本語", 6) == "日本語"
    assert padded("日本", 6) == "日本  "
    assert padded("日本", 2) == "日本"


@given(TEXTS, st.integers(1, 80))
def test_cut_text_fits(text: str, width: int) -> None:
    assert display_width(cut_to_width(text, width)) <= width


@given(TEXTS, st.integers(1, 80))
def test_wrapping_breaks_at_blanks_only(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert " ".join(lines).split() == text.split()
    assert all(display_width(line) <= width or " " not in line.strip() or "`" in line for line in lines)


@given(TEXTS, st.integers(20, 80))
def test_what_fits_stays_as_it_is(text: str, width: int) -> None:
    if display_width(text) <= width:
        assert wrapped(text, width) == [text]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("run `reconcile resolve acme --retry` again", ["run", "`reconcile resolve acme --retry`", "again"]),
        ("try: reconcile apply --only acme", ["try:", "reconcile apply --only acme"]),
        ("keep it: git add engines.lock.json", ["keep it:", "git add engines.lock.json"]),
        ("a git that is too old for this", ["a git that is too", "old for this"]),
        ("    indented as it was before", ["    indented as it", "was before"]),
    ],
)  # fmt: skip
def test_commands_stay_whole(text: str, lines: list[str]) -> None:
    assert wrapped(text, 20) == lines
