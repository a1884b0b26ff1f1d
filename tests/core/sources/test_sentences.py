"""What is kept of a page, and what is said to have changed in it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.sources.sentences import LONGEST, OPENING, SHOWN, change, kept_of
from reconciler.core.sources.state import MAX_SENTENCES
from reconciler.core.values import LINE

PAGE = "Acme writes plainly. Use formal tone in German.\n\nThe brand name is never translated."


def test_a_sentence_that_changed_is_shown_on_both_sides() -> None:
    found = change(kept_of(PAGE), PAGE.replace("formal", "informal"))
    assert found.lost == ("Use formal tone in German.",)
    assert found.gained == ("Use informal tone in German.",)
    assert found.more == 0


def test_what_does_not_count_in_a_text_is_no_change() -> None:
    assert change(kept_of(PAGE), f"{PAGE}\n\nUpdated 3 hours ago") == change(
        kept_of(PAGE), f"{PAGE}\n\nUpdated"
    )
    assert not change(kept_of(PAGE), PAGE.upper()).lost


def test_a_sentence_that_moved_did_not_change() -> None:
    moved = "The brand name is never translated. Acme writes plainly. Use formal tone in German."
    found = change(kept_of(PAGE), moved)
    assert (found.lost, found.gained) == ((), ())


def test_only_the_first_words_are_kept() -> None:
    secret = "a" * 30 + " " + "b" * 200
    [kept] = kept_of(secret)
    assert len(kept) == 9 + OPENING
    assert "b" * 100 not in kept


def test_a_difference_is_bounded() -> None:
    page = "\n".join(f"Sentence number {number} is here." for number in range(1000))
    kept = kept_of(page)
    assert len(kept) == MAX_SENTENCES
    found = change(kept, "\n".join(f"{'long ' * 200}{number}." for number in range(1000)))
    assert (len(found.lost), len(found.gained)) == (SHOWN, SHOWN)
    assert all(len(one) <= LONGEST for one in found.gained)
    assert found.more == 2 * (MAX_SENTENCES - SHOWN)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300), st.text(max_size=300))
def test_whatever_a_page_holds_is_kept_as_lines(before: str, after: str) -> None:
    kept = kept_of(before)
    assert all(LINE.accepts(one) for one in kept)
    found = change(kept, after)
    assert all(one.isprintable() or LINE.accepts(one) for one in (*found.lost, *found.gained) if one)
    assert change(kept_of(before), before).gained == ()


def test_what_is_compared_is_bounded_on_both_sides() -> None:
    found = change(kept_of("A. B. " * 99), "A. B. C. " * 30_000)
    assert found.more > 80_000
    long = change(["0" * 8 + " " + "x" * 9_000], "Another one.")
    assert len(long.lost[0]) <= OPENING
