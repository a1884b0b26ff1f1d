"""Bytes to text, whatever a server says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.sources.charset import decoded

GERMAN = "Größe, Maß und Gefäß: überall in Österreich, für 5 € im Café."
META = '<html><head><meta http-equiv="Content-Type" content="text/html; charset={}"></head><body>{}'


@pytest.mark.parametrize(
    "header",
    ["utf-8", "iso-8859-1", "", "nonsense", "utf-7", "rot13", "zip", "idna", "x" * 99, "ü"],
)
def test_valid_utf_8_is_utf_8(header: str) -> None:
    assert decoded(GERMAN.encode(), header)[:2] == (GERMAN, "utf-8")


@pytest.mark.parametrize(
    "header", ["iso-8859-1", "windows-1252", "latin1", "us-ascii", "", "nonsense", "utf-8"]
)
def test_windows_bytes_whatever_is_said(header: str) -> None:
    assert decoded(GERMAN.encode("cp1252"), header).text == GERMAN


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("日本語の文章です", "shift_jis"),
        ("日本語の文章です", "euc-jp"),
        ("日本語の文章です", "iso-2022-jp"),
        ("简体中文网页", "gb2312"),
        ("繁體中文網頁", "big5"),
        ("한국어 문장입니다", "euc-kr"),
        ("Русский текст", "windows-1251"),
        ("Русский текст", "koi8-r"),
        ("Ελληνικά", "iso-8859-7"),
    ],
)
@pytest.mark.parametrize("where", ["header", "meta"])
def test_other_charsets(text: str, name: str, where: str) -> None:
    if where == "header":
        assert decoded(text.encode(name), name).text == text
    else:
        page = META.format(name, text)
        assert decoded(page.encode(name)).text == page


@pytest.mark.parametrize("name", ["utf-8-sig", "utf-16"])
def test_a_mark_at_the_beginning_wins(name: str) -> None:
    assert decoded(GERMAN.encode(name), "iso-8859-1").text == GERMAN


def test_utf_16_without_a_mark() -> None:
    assert decoded("<p>Text".encode("utf-16-le"), "utf-16").text == "<p>Text"
    assert decoded("<p>Text".encode("utf-16-be"), "utf-16be").text == "<p>Text"


def test_a_few_broken_letters_in_utf_8() -> None:
    found = decoded(GERMAN.encode() * 20 + b"\xff", "utf-8")
    assert (found.charset, found.sure, found.text.count("\ufffd")) == ("utf-8", False, 1)


def test_cut_off_within_a_letter() -> None:
    assert decoded("aü".encode()[:-1]).text == "a"


@given(st.binary(max_size=300), st.text(max_size=20))
def test_never_raises(body: bytes, header: str) -> None:
    assert isinstance(decoded(body, header).text, str)
    assert isinstance(decoded(b"<meta charset=" + body).text, str)
