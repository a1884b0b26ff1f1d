from __future__ import annotations

import pytest

from reconciler.core.engine.blocks import has_words, put, says_nothing, spans, taken

TEXT = "# top\na: 1\n\n# of b\nb:\n  - x\n  # inside\n\nc: |\n  text\n\n# end\n"
PLACES = {"a": (2, 1), "b": (5, 1), "c": (9, 1)}


def test_a_field_has_its_lines_and_not_what_stands_before_the_next_one() -> None:
    found = spans(TEXT, PLACES)
    assert found == {"a": (1, 2), "b": (4, 7), "c": (8, 10)}
    assert taken(TEXT, found["b"]) == ["b:", "  - x", "  # inside"]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("{a: 1, b: 2}\n", {"a": (1, 2), "b": (1, 8)}),
        ("  a: 1\n", {"a": (1, 3)}),
        ("a: 1\n...\n", {"a": (1, 1)}),
        ("a: 1\nb: 2\n", {"a": (1, 1), "b": (1, 1)}),
    ],
)
def test_fields_that_are_no_lines_of_their_own(text: str, places: dict[str, tuple[int, int]]) -> None:
    assert spans(text, places) is None


def test_the_start_of_a_document_may_be_marked() -> None:
    assert spans("---\na: 1\n", {"a": (2, 1)}) == {"a": (1, 2)}


def test_a_field_is_replaced_removed_and_added() -> None:
    found = spans(TEXT, PLACES) or {}
    assert put(TEXT, found["b"], ["b: []"]) == TEXT.replace("b:\n  - x\n  # inside\n", "b: []\n")
    assert put(TEXT, found["a"], []) == TEXT.replace("a: 1\n", "")
    assert put("a: 1", None, ["d: 2"]) == "a: 1\nd: 2\n"
    assert put("a: 1\n\n\n", None, ["d: 2"]) == "a: 1\nd: 2\n"
    assert put("", None, ["d: 2"]) == "d: 2\n"


def test_what_is_left_of_a_file() -> None:
    modeline = "# yaml-language-server: $schema=x\n\n"
    assert says_nothing(modeline)
    assert not has_words(modeline)
    assert says_nothing("# a\n")
    assert has_words("# a\n")
    assert not says_nothing("{}\n")
