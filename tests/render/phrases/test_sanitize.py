from __future__ import annotations

import pytest
from hypothesis import given

from reconciler.render.phrases.sanitize import sanitize, sanitized_characters, shorten, shorten_pair
from tests.render.strategies import texts


@pytest.mark.parametrize(
    "text",
    [
        "plain text",
        "tab\tstays",
        "« français\u00a0: 10\u202f000 »",
        "日本語\u3000テキスト",
        "می\u200cخواهم",
        "👩\u200d👧\ufe0f",
        "葛\U000e0100城",
        "std::vector",
        "literal block::",
        "::",
        "## heading",
        "#[derive]",
    ],
)
def test_what_people_write_stays(text: str) -> None:
    assert sanitize(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\r", "a\\nb\\r"),
        ("\x9b\x7f\x00", "\\x9b\\x7f\\x00"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("pass\u200dword", "pass\\u200dword"),
        ("pass\u200bword\ufeff", "pass\\u200bword\\ufeff"),
        ("a\U000e0041b", "a\\U000e0041b"),
        ("a\U000e0100b", "a\\U000e0100b"),
        ("葛\U000e0100\U000e0101", "葛\U000e0100\\U000e0101"),
        ("\u2028\u2029\u0085", "\\u2028\\u2029\\x85"),
        ("\udc80", "\\udc80"),
        ("::error::x", "\\x3a:error::x"),
        (" \t::add-mask::x", " \t\\x3a:add-mask::x"),
        ("a ##[error]b ##vso[task]c ##teamcity[d]", "a \\x23#[error]b \\x23#vso[task]c \\x23#teamcity[d]"),
    ],
)
def test_what_deceives_is_spelled_out(text: str, shown: str) -> None:
    assert sanitize(text) == shown


def test_a_cut_says_how_much_is_missing() -> None:
    assert shorten("a" * 1_500, 10) == "aaaaaaaaaa… 1,490 more characters"
    assert shorten("abc", 3) == "abc"


def test_a_pair_is_cut_where_it_differs() -> None:
    old, new = shorten_pair("x" * 1_000 + "old", "x" * 1_000 + "new", 40)
    assert old == "…" + "x" * 10 + "old"
    assert new == "…" + "x" * 10 + "new"
    assert shorten_pair("a" * 50, "b" * 50, 10) == (
        "a" * 10 + "… 40 more characters",
        "b" * 10 + "… 40 more characters",
    )


@given(texts)
def test_characters_are_shown_as_in_the_whole_text(text: str) -> None:
    assert "".join(sanitized_characters(text)) == sanitize(text)
    assert len(sanitized_characters(text)) == len(text)
