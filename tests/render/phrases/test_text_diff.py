from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.engine.spec import meaning_of_text
from reconciler.render.phrases.text_diff import DiffLine, diff_lines
from tests.render.strategies import QUICK

_texts = st.lists(st.sampled_from(["a", "b", "", "- c", "+ d", "@@ e"]), max_size=30).map("\n".join)


def patched(old: str, lines: list[DiffLine]) -> str:
    """`old` with the diff applied, checking every line it claims to see."""
    before = old.split("\n")
    after: list[str] = []
    at = 0
    for line in lines:
        if line.mark == "@":
            found = re.fullmatch(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", line.text)
            assert found is not None
            start = int(found[1]) - (0 if found[2] == "0" else 1)
            after += before[at:start]
            at = start
            assert len(after) == int(found[3]) - (0 if found[4] == "0" else 1)
            continue
        if line.mark in " -":
            assert before[at] == line.text
            at += 1
        if line.mark in " +":
            after.append(line.text)
    return "\n".join(after + before[at:])


@QUICK
@given(_texts, _texts)
def test_a_diff_leads_from_old_to_new(old: str, new: str) -> None:
    old, new = meaning_of_text(old), meaning_of_text(new)
    assert patched(old, diff_lines(old, new, limit=100)) == new


def test_what_does_not_count_is_no_difference() -> None:
    assert diff_lines("a  \r\nb\n\n", "a\nb", limit=100) == []


def test_three_lines_of_context_on_each_side() -> None:
    old = "\n".join(map(str, range(1, 21)))
    lines = diff_lines(old, old.replace("10", "ten"), limit=100)
    assert lines[0] == DiffLine("@", "@@ -7,7 +7,7 @@")
    assert [line.mark for line in lines] == ["@", " ", " ", " ", "-", "+", " ", " ", " "]


def test_very_different_long_texts_are_only_counted() -> None:
    old = "\n".join(f"a{number}" for number in range(3_000))
    assert diff_lines(old, "same", limit=100) == [
        DiffLine("@", "@@ from line 1: 3,000 lines removed, 1 line added @@")
    ]


def test_one_edit_in_a_very_long_text_is_shown() -> None:
    old = "\n".join(f"line {number}" for number in range(100_000))
    lines = diff_lines(old, old.replace("line 50000\n", "row 50000\n"), limit=100)
    assert DiffLine("-", "line 50000") in lines
    assert len(lines) == 9
