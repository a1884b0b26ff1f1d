"""Field-level differences: what a person reads in a plan."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from reconciler.core.engine.fingerprint import fingerprint
from reconciler.core.engine.spec import Source, Spec, digest_of_text, record_of
from reconciler.core.plan.changes import changes_between
from reconciler.core.plan.model import Change
from tests.core.strategies import specs

BASE = Spec("Acme", "Production", ("de", "fr"))


def text(payload: str, file: str | None = None) -> Source:
    return Source("content", payload, file)


def link(path: str) -> Source:
    return Source("link", f"https://acme.com/{path}")


def with_sources(*sources: Source) -> Spec:
    return replace(BASE, sources=sources)


def changes(old: Spec, new: Spec) -> list[Change]:
    return list(changes_between(record_of(old), new))


def content(old: str | None, new: str | None, file: str | None = None) -> Change:
    return Change(
        "sources",
        old=None if old is None else digest_of_text(old),
        new=None if new is None else digest_of_text(new),
        content=True,
        old_chars=None if old is None else len(old),
        new_chars=None if new is None else len(new),
        file=file,
        new_text=new,
    )


@given(specs, specs)
def test_there_are_changes_exactly_when_the_meaning_differs(old: Spec, new: Spec) -> None:
    assert bool(changes(old, new)) == (fingerprint(old) != fingerprint(new))
    assert changes(new, new) == []


@given(specs, specs)
def test_every_side_of_a_change_is_really_there(old: Spec, new: Spec) -> None:
    for one in changes(old, new):
        assert (one.old, one.new) != (None, None)
        assert one.old != one.new
        if one.content and one.new is not None:
            assert one.new_text in [source.payload for source in new.sources]


def test_names_descriptions_and_locales() -> None:
    new = replace(BASE, name="Acme Corp", description=None, locales=("fr", "ja", "es"))
    assert changes(BASE, new) == [
        Change("name", "Acme", "Acme Corp"),
        Change("description", "Production", None),
        Change("locales", old="de"),
        Change("locales", new="ja"),
        Change("locales", new="es"),
    ]


def test_the_order_of_locales_and_sources_is_no_change() -> None:
    old = replace(BASE, sources=(link("a"), text("x"), link("b")))
    assert changes(old, replace(old, locales=("fr", "de"), sources=old.sources[::-1])) == []


def test_links_come_and_go_one_by_one_and_duplicates_count() -> None:
    old, new = with_sources(link("a"), link("a"), link("b")), with_sources(link("a"), link("c"))
    assert changes(old, new) == [
        Change("sources", old="https://acme.com/a"),
        Change("sources", old="https://acme.com/b"),
        Change("sources", new="https://acme.com/c"),
    ]


def test_texts_of_one_file_belong_together_wherever_they_stand() -> None:
    old = with_sources(text("one", "a.md"), text("two", "b.md"), text("three"))
    new = with_sources(text("THREE"), text("TWO", "b.md"), text("ONE", "a.md"))
    assert changes(old, new) == [
        content("three", "THREE"),
        content("two", "TWO", "b.md"),
        content("one", "ONE", "a.md"),
    ]


def test_the_rest_pairs_up_in_order_and_what_is_left_comes_or_goes() -> None:
    old = with_sources(text("one", "a.md"), text("two"), text("same"))
    new = with_sources(text("ONE", "renamed.md"), text("same"))
    assert changes(old, new) == [content("one", "ONE", "renamed.md"), content("two", None)]
    assert changes(new, old) == [content("ONE", "one", "a.md"), content(None, "two")]


def test_a_text_that_moved_to_another_file_is_no_change() -> None:
    assert changes(with_sources(text("one", "a.md")), with_sources(text("one", "b.md"))) == []
    assert changes(with_sources(text("one")), with_sources(text("one", "b.md"))) == []


def test_the_same_text_twice_counts_twice() -> None:
    assert changes(with_sources(text("x"), text("x")), with_sources(text("x"))) == [content("x", None)]
    assert changes(with_sources(text("x")), with_sources(text("x"), text("x"))) == [content(None, "x")]


def test_a_record_without_a_length_still_gives_a_change() -> None:
    recorded = {"name": "Acme", "sources": [{"type": "content", "digest": "sha256:1"}]}
    (one,) = changes_between(recorded, Spec("Acme", sources=(text("new"),)))
    assert (one.old, one.old_chars, one.new_chars) == ("sha256:1", None, 3)
