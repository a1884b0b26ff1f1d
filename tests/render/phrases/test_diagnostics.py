from __future__ import annotations

from reconciler.core.errors import Diagnostic, Severity
from reconciler.render.phrases.diagnostics import render_diagnostics, tally


def test_place_message_excerpt_caret_and_hint() -> None:
    one = Diagnostic(
        "unknown key `locale`", "engines/a.yaml", 12, 3, "  locale: [de]", "did you mean `locales`?"
    )
    assert render_diagnostics([one], color=False).split("\n") == [
        "engines/a.yaml:12:3: error: unknown key `locale`",
        "    12 |   locale: [de]",
        "       |   ^",
        "    hint: did you mean `locales`?",
        "",
        "1 error in 1 file.",
    ]


def test_the_caret_stands_under_the_character() -> None:
    def caret(excerpt: str, col: int) -> str:
        shown = render_diagnostics([Diagnostic("m", "f", 1, col, excerpt)], color=False)
        return shown.split("\n")[2].removeprefix("      | ")

    assert caret("\tname: x", 2) == "\t^"
    assert caret("日本: x", 3) == "    ^"
    assert caret("a\x1b: x", 3) == "     ^"
    assert caret("abc", 4) == "   ^"


def test_no_caret_beyond_a_cut_excerpt() -> None:
    assert "^" not in render_diagnostics([Diagnostic("m", "f", 1, 400, "short …")], color=False)
    assert "^" not in render_diagnostics([Diagnostic("m", "f", 1, 4, "…short")], color=False)


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
