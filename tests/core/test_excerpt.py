from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.excerpt import Excerpt

WORDS = st.text("ab:/@", max_size=30)


def test_a_mask_moves_the_caret_with_its_character() -> None:
    assert Excerpt("a secret b", 9).masked("secret", "…") == ("a … b", 4)
    assert Excerpt("a secret b", 0).masked("secret", "…") == ("a … b", 0)
    assert Excerpt("a secret b", 4).masked("secret", "…") == ("a … b", 2)
    assert Excerpt("a secret").masked("secret", "…") == ("a …", None)
    assert Excerpt("x=1 y=2 z", 8).masked(r"(\w)=\d", r"\1=<hidden>") == ("x=<hidden> y=<hidden> z", 22)


@given(WORDS, WORDS, st.sampled_from(["…", "", "long mask"]))
def test_the_character_meant_stays_the_same(before: str, after: str, mask: str) -> None:
    shown = Excerpt(f"{before}M{after}", len(before)).masked("a+b|@", mask)
    assert shown.text == Excerpt(f"{before}M{after}").masked("a+b|@", mask).text
    assert shown.caret is not None
    assert shown.text[shown.caret] == "M"


@given(WORDS, WORDS, st.integers(1, 20))
def test_a_window_shows_the_character_meant(before: str, after: str, size: int) -> None:
    shown = Excerpt(f"{before}M{after}", len(before)).window(size)
    assert shown.caret is not None
    assert shown.text[shown.caret] == "M"
    assert len(shown.text) <= size + 2
