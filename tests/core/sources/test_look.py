"""What looks are compared by."""

from __future__ import annotations

from reconciler.core.frozen import replace
from reconciler.core.sources.look import (
    Comparison,
    Outcome,
    PageKind,
    PageLook,
    Redirect,
    compare,
    same_text,
)

LOOK = PageLook(
    "https://a.com/", Outcome.OK, reader="trafilatura/2.3", text_digest="m1:sha256:1", kind=PageKind.TEXT
)


def test_equal_digests_are_the_same_text_whoever_read_it() -> None:
    assert compare("m1:sha256:1", "another/1", LOOK) is Comparison.SAME


def test_another_digest_from_the_same_reader_is_a_change() -> None:
    assert compare("m1:sha256:2", "trafilatura/2.3", LOOK) is Comparison.CHANGED


def test_other_rules_or_another_reader_say_nothing() -> None:
    assert compare("m1:sha256:2", "trafilatura/2.4", LOOK) is Comparison.INCOMPARABLE
    assert compare("m0:sha256:2", "trafilatura/2.3", LOOK) is Comparison.INCOMPARABLE
    assert (
        compare("m1:sha256:2", "trafilatura/2.3", replace(LOOK, text_digest=None)) is Comparison.INCOMPARABLE
    )


def test_moved_for_good_only_if_every_step_is() -> None:
    steps = (Redirect("https://a.com/b", 301), Redirect("https://a.com/c", 308))
    assert replace(LOOK, redirects=steps).moved_for_good
    assert not replace(LOOK, redirects=(*steps, Redirect("https://a.com/d", 302))).moved_for_good
    assert not LOOK.moved_for_good


def test_pages_with_the_same_text() -> None:
    twin = replace(LOOK, url="https://b.com/")
    other = replace(LOOK, url="https://c.com/", text_digest="m1:sha256:2")
    unread = replace(LOOK, url="https://d.com/", text_digest=None)
    assert same_text((LOOK, other, unread, twin, unread)) == ((LOOK, twin),)


def test_the_text_is_not_shown_by_accident() -> None:
    assert "secret" not in repr(replace(LOOK, text="secret"))
    assert replace(LOOK, text="secret") == LOOK
