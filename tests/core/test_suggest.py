from __future__ import annotations

import pytest

from reconciler.core.engine.locales import locale_meant
from reconciler.core.suggest import did_you_mean

KEYS = ("name", "description", "locales", "sources")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("locale", "locales"),
        ("Name", "name"),
        ("  NAME ", "name"),
        ("descripton", "description"),
        ("source", "sources"),
    ],
)
def test_close_words_are_suggested(word: str, meant: str) -> None:
    assert did_you_mean(word, KEYS) == meant


@pytest.mark.parametrize("word", ["", "  ", "zzz", "x" * 10_000])
def test_nothing_is_suggested_for_others(word: str) -> None:
    assert did_you_mean(word, KEYS) is None


def test_known_words_may_be_an_iterator_and_none() -> None:
    assert did_you_mean("locale", iter(KEYS)) == "locales"
    assert did_you_mean("locale", []) is None


def test_the_first_of_equally_spelt_words_wins() -> None:
    assert did_you_mean("KEY", ["Key", "key"]) == "Key"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("deutsch", "de"),
        ("Deutsch", "de"),
        ("german", "de"),
        ("germn", "de"),
        ("jp", "ja"),
        ("cz-CZ", "cs"),
        ("gr_GR", "el"),
        ("brazilian", "pt-BR"),
        ("français", "fr"),
    ],
)
def test_locales_meant(written: str, meant: str) -> None:
    assert locale_meant(written) == meant


@pytest.mark.parametrize("written", ["xx", "", "klingonese", "zz-ZZ"])
def test_no_locale_comes_to_mind(written: str) -> None:
    assert locale_meant(written) is None
