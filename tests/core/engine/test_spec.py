"""Specs and their records: what of a text counts, and what the lockfile keeps."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.engine.spec import Source, Spec, digest_of_text, meaning_of_text, record_of, sources_of
from tests.core.strategies import specs


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("a\r\nb\rc\n", "a\nb\nc"),
        ("a  \n\tb\t\n", "a\n\tb"),
        ("a\n\n\n", "a"),
        (" a", " a"),
        ("", ""),
        (" \n\t", ""),
        ("e\u0301", "é"),
        ("a\u00a0\n", "a\u00a0"),
    ],
)
def test_what_of_a_text_counts(text: str, meaning: str) -> None:
    assert meaning_of_text(text) == meaning
    assert digest_of_text(text) == digest_of_text(meaning)


@given(st.text())
def test_the_meaning_of_a_meaning_is_itself(text: str) -> None:
    once = meaning_of_text(text)
    assert meaning_of_text(once) == once
    assert meaning_of_text(unicodedata.normalize("NFD", text)) == meaning_of_text(
        unicodedata.normalize("NFC", text)
    )


def test_a_lone_surrogate_has_a_digest_too() -> None:
    assert digest_of_text("\ud800").startswith("sha256:")


def test_a_record_keeps_links_and_only_digests_of_texts() -> None:
    spec = Spec(
        "Acme ",
        " \n",
        ("de",),
        (Source("link", "https://a"), Source("content", "Hallo \n"), Source("content", "x", "a.md")),
    )
    assert record_of(spec) == {
        "name": "Acme",
        "locales": ["de"],
        "sources": [
            {"type": "link", "payload": "https://a"},
            {"type": "content", "digest": digest_of_text("Hallo"), "chars": 5},
            {"type": "content", "digest": digest_of_text("x"), "chars": 1, "file": "a.md"},
        ],
    }
    assert record_of(Spec("Acme")) == {"name": "Acme"}
    assert record_of(Spec("Acme", "d "))["description"] == "d"


@given(specs)
def test_the_recorded_sources_stand_in_the_order_of_the_file(spec: Spec) -> None:
    assert [one["type"] for one in sources_of(record_of(spec))] == [one.type for one in spec.sources]
