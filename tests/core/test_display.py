from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.display import cut_to_width, display_width, fitted, padded, pieces_of, wrapped

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


@pytest.mark.parametrize(
    ("line", "width", "lines"),
    [
        ("a sentence that is too long", 14, ["a sentence", "that is too", "long"]),
        ("± acme will be replaced soon", 18, ["± acme will be", "  replaced soon"]),
        ("    hint: look at the platform again", 24, ["    hint: look at the", "          platform again"]),
        ("error: it cannot be read", 18, ["error: it cannot", "       be read"]),
        ("  - commit the lockfile now", 18, ["  - commit the", "    lockfile now"]),
        ("    reason       a glossary of it changed", 36, ["    reason       a glossary of it", " " * 17 + "changed"]),
        ("ok  git  2.39 is new enough for it", 20, ["ok  git  2.39 is new", "         enough for", "         it"]),
        ("    hint: run `reconcile apply --only a`", 20, ["    hint: run", "    `reconcile apply --only a`"]),
        ("    reconcile apply --only acme", 20, ["    reconcile apply --only acme"]),
        ("    12 | text: that is longer than it", 20, ["    12 | text: that is longer than it"]),
        ("\x1b[1mbold words go on\x1b[0m here", 11, ["\x1b[1mbold words", "go on\x1b[0m here"]),
        ("two  blanks   stay here", 14, ["two  blanks", "     stay here"]),
    ],
)  # fmt: skip
def test_a_line_that_goes_on_hangs_under_its_beginning(line: str, width: int, lines: list[str]) -> None:
    assert fitted(line, width).split("\n") == lines


@given(st.lists(TEXTS, max_size=4), st.integers(30, 80))
def test_a_view_fits_with_all_its_words(lines: list[str], width: int) -> None:
    text = "\n".join(lines)
    shown = fitted(text, width)
    assert shown.split() == text.split()
    assert all(
        display_width(line) <= width or len(line.split()) == 1 or "`" in line for line in shown.split("\n")
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("edit a.yaml, or try again: reconcile apply --only acme", ["reconcile apply --only acme"]),
        ("run `reconcile apply` again, which waits", ["reconcile apply"]),
        ("remove `protect`, then (`git commit`)", ["protect", "git commit"]),
        ("reconcile plan is a sentence; so is git", []),
        ("  no code", []),
        ("", []),
    ],
)
def test_code_in_a_line_is_set_apart_and_nothing_is_lost(text: str, code: list[str]) -> None:
    pieces = pieces_of(text)
    assert [piece for piece, is_code in pieces if is_code] == code
    assert "".join(piece for piece, _ in pieces) == text.replace("`", "")
