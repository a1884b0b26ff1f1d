"""What each kind of value may be, by example and by what it may never hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core import values
from reconciler.core.values import Kind, are_keys, as_line, is_count, shown, why_no_link
from tests.fuzz.mutations import HOSTILE

RIGHT = {
    "ID": ["a", "-", "eng_X1y2Z3a4B5c6D7e8", "0f8fad5b-d9cb-469f-a165-70867728950e", "x" * 128],
    "KEY": ["acme", "marketing/website", "ünïcode", "a.b", "東京/店", "o'shop", "a b"],
    "TIME": ["2026-11-24T11:08:13Z", "2024-02-29T00:00:00.123Z", "9999-12-31T23:59:59.999999Z"],
    "FINGERPRINT": ["v1:" + "a" * 64, "v0:1234"],
    "DIGEST": ["sha256:" + "0" * 64, "sha256:0"],
    "OBJECT_ID": ["0" * 40, "f" * 64],
    "LOCALE": ["de", "pt-BR", "zh-Hant-TW", "es-419"],
    "LINE": ["it broke", "ünï\u200dcode", "a\\b"],
    "TEXT": ["", "two\nlines\tand a tab\r\n"],
    "PATH": ["engines/acme.yaml", "a b.md", "~x", "..a/b..", "👩\u200d💻.md", ".env"],
    "OUTPUT_PATH": ["i18n.json", "apps/web/.env"],
    "POINTER": ["/engineId", "/a~1b/~0"],
    "VARIABLE": ["LINGO_ENGINE_ID", "_"],
    "COUNTED": ["brandVoices"],
    "LINK": ["https://acme.com/a?b#c", "http://[::1]:8080/é", "https://a.b:"],
}
WRONG = {
    "ID": ["", "x" * 129, "a b", "a.b", "é", "eng/1"],
    "KEY": ["", "/a", "a/", "a//b", ".a", "a/.b", "..", "a/../b", "a\\b", "x" * 4097],
    "TIME": ["2026-11-24", "2026-11-24T11:08:13", "2026-11-24T11:08:13+02:00", "2026-02-30T00:00:00Z"],
    "FINGERPRINT": ["", "v1:", "a" * 64, "v1:a/b"],
    "DIGEST": ["sha256:", "sha1:0", "sha256:A"],
    "OBJECT_ID": ["HEAD", "--help", "0" * 39, "0" * 41, "F" * 40],
    "LOCALE": ["de_DE", "german", "x-private"],
    "LINE": ["", "a\nb", "a\x1b[2J", "a\x85b", "a\u2028b", "x" * 10_001],
    "TEXT": ["\0", "\x1b", "\x7f", "\ud800"],
    "PATH": ["", "/a", "a//b", "..", "a/../b", "./a", ".git/config", "a/.GIT/x", "a\\b", "a\nb"],
    "OUTPUT_PATH": ["./a", "a//b", "../a", "/a", "~/a", "c:/a", "a\x00.env", "\ud800.env", " a", "x" * 256],
    "POINTER": ["", "a", "/~2", "/" + "x" * 500],
    "VARIABLE": ["", "1a", "A-B", "A" * 501, "A\n"],
    "COUNTED": ["", "1", "a b"],
    "LINK": [
        "",
        "ftp://a",
        "https://",
        "https://me:pw@a.b",
        "https://a.b:99999",
        "https://[::1",
        "https://[1]/",
    ],
}


def kind(name: str) -> Kind:
    found: Kind = getattr(values, name)
    return found


@pytest.mark.parametrize("name", RIGHT)
def test_a_kind_accepts_what_is_one(name: str) -> None:
    for value in RIGHT[name]:
        assert kind(name).accepts(value), value
        assert kind(name).accepts(value), "the second time"


@pytest.mark.parametrize("name", WRONG)
def test_a_kind_accepts_nothing_else(name: str) -> None:
    others: list[object] = [*WRONG[name], None, True, 7, 1.5, [], {}, ["a"], b"a"]
    for value in others:
        assert not kind(name).accepts(value), value
    assert kind(name).what


@given(st.text() | st.sampled_from([one for one in HOSTILE if isinstance(one, str)]))
def test_no_kind_lets_in_what_ends_a_line_or_a_name(text: str) -> None:
    for name in RIGHT:
        if kind(name).accepts(text):
            text.encode()  # no half of a character
            assert "\0" not in text
            assert name == "TEXT" or len(text.splitlines()) <= 1
            assert name not in ("KEY", "PATH", "OUTPUT_PATH") or not {"", "..", ".git"} & set(text.split("/"))


@given(st.lists(st.text(max_size=6) | st.sampled_from(RIGHT["KEY"] + WRONG["KEY"]), max_size=5, unique=True))
def test_many_keys_at_once_are_judged_like_each(keys: list[str]) -> None:
    assert are_keys(keys) == all(map(values.KEY.accepts, keys))


def test_kinds_forget_what_they_accepted_once_it_is_much() -> None:
    for number in range(5_000):
        assert values.ID.accepts(f"op_{number}")
    assert not values.ID.accepts("op 1")


def test_any_text_becomes_a_line() -> None:
    assert as_line("it broke") == "it broke"
    assert as_line(" two\n\tlines\x1b[2J ") == "two lines [2J"
    assert as_line("\n") == as_line("") == "-"
    assert len(as_line("a\n" * 20_000)) <= values.MAX_LINE


def test_foreign_values_are_shown_in_a_few_characters() -> None:
    assert [shown(one) for one in ("a\nb", "x" * 200, None, True, 7, [1])] == [
        *("a b", "x" * 80, "nothing", "True", "7", "list")
    ]


def test_counts() -> None:
    assert all(map(is_count, (0, 1, 2**53 - 1)))
    assert not any(map(is_count, (-1, 2**53, True, 1.0, "1", None)))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("acme.com", "does not begin with"),
        ("https://a.b/c d", "contains spaces"),
        ("https://a.b:port", "malformed"),
        ("https://[::1]x", "malformed"),
        ("https://a.b\uff0fc.d", "malformed"),
        ("https:///x", "has no host"),
        ("https://@a.b", "user name or password"),
    ],
)
def test_why_an_address_is_none(url: str, said: str) -> None:
    assert said in (why_no_link(url) or "")


@given(st.text(max_size=8) | st.text(st.sampled_from("a/\\.\n\t \x1f\x7f\x85\u2028\ud800é"), max_size=8))
@pytest.mark.parametrize("kind", [values.LINE, values.TEXT, values.PATH], ids=lambda kind: kind.what)
def test_what_is_known_without_the_pattern_fits_it(kind: values.Kind, text: str) -> None:
    assert not kind._surely(text) or kind._pattern.fullmatch(text)


def test_ordinary_values_need_no_pattern() -> None:
    assert values.LINE._surely("Acme Corp Engine")
    assert values.TEXT._surely("Be brief.\nBe kind.\n")
    assert values.PATH._surely("engines/marketing/website.yaml")
