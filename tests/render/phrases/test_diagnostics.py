from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from reconciler.core.errors import Diagnostic, Severity
from reconciler.core.excerpt import Excerpt
from reconciler.render.phrases.diagnostics import render_diagnostics, tally


def test_place_message_excerpt_caret_and_hint() -> None:
    one = Diagnostic(
        "unknown key `locale`",
        "engines/a.yaml",
        12,
        3,
        Excerpt("  locale: [de]", 2),
        "did you mean `locales`?",
    )
    assert render_diagnostics([one], color=False).split("\n") == [
        "engines/a.yaml:12:3: error: unknown key `locale`",
        "    12 |   locale: [de]",
        "       |   ^",
        "    hint: did you mean `locales`?",
        "",
        "1 error in 1 file.",
    ]


def shown(excerpt: Excerpt, **look: Any) -> list[str]:
    """The lines that show an excerpt: the line itself, and its caret's."""
    text = render_diagnostics([Diagnostic("m", "f", 1, 1, excerpt)], color=False, **look)
    return [line[line.index("| ") + 2 :] for line in text.split("\n") if "| " in line]


@pytest.mark.parametrize(
    ("text", "caret", "line", "column"),
    [
        ("    - pt_br", 6, "    - pt_br", 6),
        ("\tname: x", 1, "    name: x", 4),
        ("日本: x", 2, "日本: x", 4),
        ("a\x1b: x", 2, "a\\x1b: x", 5),
        ("::add", 1, "\\x3a:add", 4),
        ("e\u0301x", 2, "e\u0301x", 1),
        ("e\u0301x", 1, "e\u0301x", 0),  # what is drawn over the letter before is where that is
        ("한x", 1, "한x", 2),
        ("\u1112\u1161\u11abx", 3, "\u1112\u1161\u11abx", 2),
        ("a\u200bx", 2, "a\\u200bx", 7),
        ("abc", 3, "abc", 3),
    ],
)
def test_the_caret_stands_under_the_character(text: str, caret: int, line: str, column: int) -> None:
    assert shown(Excerpt(text, caret)) == [line, " " * column + "^"]


def test_no_caret_where_no_place_is_known() -> None:
    assert shown(Excerpt("short")) == ["short"]


# No joiner: whether what it joins is drawn as one is for the terminal and its font to say.
_CHARACTERS = st.sampled_from("a -:#[\t\x1b\x7f\xa0\xad\u0301\u0331\u200b\u202eéß日本ｱＡ한😀\u1161\u11ab…")
_MARKS = st.sampled_from(["M", "界", "😎"])


@given(
    before=st.text(_CHARACTERS),
    after=st.text(_CHARACTERS),
    mark=_MARKS,
    over=st.sampled_from(["", "\u0302"]),
    width=st.none() | st.integers(40, 120),
    ascii_only=st.booleans(),
    number=st.integers(1, 99_999),
)
def test_the_caret_stands_under_its_character_whatever_the_line(
    before: str, after: str, mark: str, over: str, width: int | None, ascii_only: bool, number: int
) -> None:
    """Measured with rich's table of widths, not with ours."""
    over = "" if ascii_only else over  # spelled out, it has a place of its own
    caret = len(before) + len(over)  # drawn over the character, its place is the character's
    finding = Diagnostic("m", "f", number, 1, Excerpt(before + mark + over + after, caret))
    text = render_diagnostics([finding], color=False, ascii_only=ascii_only, width=width)
    line, under = text.split("\n")[1:3]
    place = line.index(mark.encode("ascii", "backslashreplace").decode() if ascii_only else mark)
    edge = len(f"    {number} ")
    assert under == " " * edge + "| " + " " * (cell_len(line[:place]) - edge - 2) + "^"
    assert cell_len(line) <= (width or 100)
    assert len(under) <= (width or 100)


@given(st.text(_CHARACTERS, min_size=200, max_size=2000), st.floats(0, 1), st.integers(40, 120))
def test_a_long_line_is_shown_around_its_place(text: str, part: float, width: int) -> None:
    place = int(part * len(text))
    line, under = shown(Excerpt(text[:place] + "M" + text[place:], place), width=width)
    assert cell_len(line) <= width
    assert len(under) == cell_len(line[: line.index("M")]) + 1


def test_a_blank_line_stands_between_findings() -> None:
    found = [Diagnostic("a", "x", hint="do a"), Diagnostic("b", "x"), Diagnostic("c", "x")]
    assert render_diagnostics(found, color=False).split("\n") == [
        "x: error: a",
        "    hint: do a",
        "",
        "x: error: b",
        "",
        "x: error: c",
        "",
        "3 errors in 1 file.",
    ]


def test_on_a_terminal_text_hangs_under_its_beginning_and_commands_stay_whole() -> None:
    command = "reconcile -C 'my project' apply --retry-failed --only marketing/website"
    finding = Diagnostic(
        "this is more than one line of such a terminal",
        "engines/marketing/website.yaml",
        hint=f"try again: {command}",
    )
    assert render_diagnostics([finding], color=False, width=40).split("\n") == [
        "engines/marketing/website.yaml: error:",
        "    this is more than one line of such a",
        "    terminal",
        "    hint: try again:",
        f"    {command}",  # it fits nowhere, so it begins as far to the left as it may
        "",
        "1 error in 1 file.",
    ]
    plain = render_diagnostics([finding], color=False).split("\n")
    assert plain[1] == f"    hint: try again: {command}"


def test_without_a_file_the_engine_is_the_place() -> None:
    assert (
        render_diagnostics([Diagnostic("m", key="shop")], color=False) == "engine shop: error: m\n\n1 error."
    )


def test_nothing_found_is_nothing_said() -> None:
    assert render_diagnostics([], color=True) == ""


def test_tally_counts_by_severity_and_file() -> None:
    found = [
        Diagnostic("a", "x"),
        Diagnostic("b", "x"),
        Diagnostic("c", "y"),
        Diagnostic("d", severity=Severity.WARNING),
    ]
    assert tally(found) == "3 errors, 1 warning in 2 files."


def test_colour_marks_the_severity() -> None:
    assert "\x1b[31merror:\x1b[0m" in render_diagnostics([Diagnostic("m", "f")], color=True)
