"""Bytes of a page to text, the same whatever its server says today.

Servers name a charset that the page does not have, and change their mind without touching the page. So bytes that are
valid UTF-8 are UTF-8: text in another charset hardly ever is. Only names from a fixed list reach Python's codecs, some
of which are no charsets at all (`zip`, `rot13`, `unicode_escape`).
"""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

_SNIFFED = 4096  # bytes in which a page says its charset; the standard has 1024
_IN_PAGE = re.compile(
    rb"""<meta[^>]{0,300}?charset\s*=\s*["']?\s*([A-Za-z0-9._:-]{1,40})|<\?xml[^>]{0,100}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})"""
)
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_SHIFTING = ("iso2022_jp", "hz")  # written in ASCII bytes alone, so they look like UTF-8
_LATIN = ("iso8859-1", "ascii", "iso8859-9", "latin_1")  # browsers take these for their Windows relatives
_KNOWN = frozenset({
    "utf-8", "utf-16", "utf-16-le", "utf-16-be", "big5", "big5hkscs", "cp932", "cp949", "cp1250", "cp1251", "cp1252",
    "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp866", "cp874", "euc_jp", "euc_kr", "gb18030",
    "gb2312", "gbk", "hz", "iso2022_jp", "iso8859-2", "iso8859-3", "iso8859-4", "iso8859-5", "iso8859-6", "iso8859-7",
    "iso8859-8", "iso8859-10", "iso8859-13", "iso8859-14", "iso8859-15", "iso8859-16", "koi8-r", "koi8-u", "mac-roman",
    "shift_jis", "tis-620",
})  # fmt: skip
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949", "tis-620": "cp874"}


class Decoded(NamedTuple):
    text: str
    charset: str
    sure: bool  # False where letters had to be replaced


def decoded(body: bytes, header: str = "") -> Decoded:
    """Never raises. `header` is what Content-Type names, if anything."""
    for mark, name in _BOMS:
        if body.startswith(mark):
            return _as(body[len(mark) :], name)
    told = [_canonical(name) for name in (header, _named_in(body)) if name]
    first = next((name for name in told if name), "")
    if first in _SHIFTING and any(mark in body for mark in (b"\x1b", b"~{")):
        return _as(body, first)
    if first.startswith("utf-16") and b"\0" in body[:200]:
        return _as(body, "utf-16-be" if body[:1] == b"\0" else "utf-16-le")
    try:
        return Decoded(body.decode("utf-8"), "utf-8", True)
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data" and error.start >= len(body) - 3:  # cut off at a limit
            return Decoded(body[: error.start].decode("utf-8"), "utf-8", True)
    for name in told:
        if name and not name.startswith("utf-"):
            return _as(body, name)
    if first == "utf-8":
        # Said to be UTF-8 and nearly is: a few broken letters. Otherwise it is what most servers have instead.
        text = body.decode("utf-8", "replace")
        if text.count("\ufffd") * 50 < len(text):
            return Decoded(text, "utf-8", False)
    return _as(body, "cp1252")


def _named_in(body: bytes) -> str:
    found = _IN_PAGE.search(body[:_SNIFFED])
    return (found[1] or found[2]).decode("ascii") if found else ""


def _canonical(label: str) -> str:
    """The codec that a label means, or an empty string for none that pages are written in."""
    label = label.strip(" \t\"'").lower()
    if not label.isascii() or not label.isprintable() or len(label) > 40:
        return ""
    try:
        name = codecs.lookup({"x-sjis": "cp932", "unicode": "utf-16"}.get(label, label)).name
    except (LookupError, ValueError):
        return ""
    if name in _LATIN:
        return "cp1254" if name == "iso8859-9" else "cp1252"
    return _WIDER.get(name, name) if name in _KNOWN else ""


def _as(body: bytes, name: str) -> Decoded:
    try:
        return Decoded(body.decode(name), name, True)
    except UnicodeDecodeError:
        return Decoded(body.decode(name, "replace"), name, False)
