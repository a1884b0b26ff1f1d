"""From the bytes of a page to its main text and to what kind of page it is. Runs in the reading process alone.

trafilatura takes the text out: of the libraries compared on saved pages of the web (benchmarks/sources) it tells
changed pages from unchanged ones best.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from reconciler.core.sources.charset import decoded
from reconciler.core.sources.language import language_of
from reconciler.core.sources.look import MAX_HEADER, MAX_TEXT, MAX_URL, PageKind
from reconciler.core.sources.main_text import text_digest, word_count
from reconciler.core.sources.page_kind import NEARLY_EMPTY, PageFacts, kind_of

_HTML_TYPES = ("text/html", "application/xhtml+xml")
_TEXT_TYPES = ("text/plain", "text/markdown", "text/x-markdown", "text/x-rst", "text/asciidoc")
_UNTOLD = ("", "application/octet-stream", "binary/octet-stream", "application/xml", "text/xml")
_BINARY = (b"%PDF-", b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"PK\x03\x04", b"\x1f\x8b", b"RIFF", b"{\\rtf")
_MARKUP = re.compile(rb"<!doctype\s+html|<html[\s>]", re.IGNORECASE)
_REFRESH = re.compile(
    r"^\s*(\d{1,3})(?:\.\d*)?\s*[;,]\s*(?:url\s*=\s*)?[\"']?([^\"'\s]{1,2048})", re.IGNORECASE
)
_LONGEST_REFRESH = 10  # seconds after which a page that sends browsers on is a page of its own
_LONGEST_PART = 20_000  # characters of markup that are searched for checks for robots


PLAIN = "plain/1"


def readers() -> frozenset[str] | None:
    """Everything that texts are read with now; None where the libraries are missing. Imports none of them."""
    from importlib import metadata

    try:
        return frozenset({PLAIN, f"trafilatura/{metadata.version('trafilatura')}"})
    except metadata.PackageNotFoundError:
        return None


class Read(NamedTuple):
    """What is told of a page. `refresh` is where it sends browsers on to. All texts are bounded, and hostile."""

    kind: str
    charset: str = ""
    digest: str | None = None
    words: int = 0
    language: str = ""
    title: str = ""
    text: str = ""
    refresh: str = ""
    reader: str = ""


def read(body: bytes, media_type: str, charset: str) -> Read:
    """`media_type` and `charset` are what Content-Type says, which the bytes may contradict."""
    form = _form_of(body, media_type)
    if form is None:
        return Read(PageKind.NOT_TEXT)
    page = decoded(body, charset)
    if form == "text":
        words = word_count(page.text)
        kind = PageKind.TEXT if words >= NEARLY_EMPTY else PageKind.NEARLY_EMPTY
        return _told(kind, page.text, page.charset, "", PLAIN)
    return _html(page.text, page.charset)


def _form_of(body: bytes, media_type: str) -> str | None:
    """`html`, `text`, or None for neither."""
    beginning = body[:1024].lstrip()
    is_wide = body[:2] in (b"\xff\xfe", b"\xfe\xff")
    if beginning.startswith(_BINARY) or (b"\0" in body[:4096] and not is_wide and b"\0<" not in body[:8]):
        return None
    if media_type in _HTML_TYPES:
        return "html"
    if media_type in _TEXT_TYPES:
        return "text"
    if media_type not in _UNTOLD:
        return None
    if _MARKUP.search(body[:2048]):
        return "html"
    return "text" if media_type == "" and not beginning.startswith((b"<", b"{", b"[")) else None


def _told(kind: PageKind, text: str, charset: str, title: str, reader: str) -> Read:
    return Read(
        kind,
        charset,
        text_digest(text) if kind is PageKind.TEXT else None,
        word_count(text),
        language_of(text),
        _line(title),
        text[:MAX_TEXT],
        reader=reader,
    )


def _html(source: str, charset: str) -> Read:
    import trafilatura
    from lxml import html

    reader = f"trafilatura/{trafilatura.__version__}"
    try:
        # As bytes, since lxml refuses a string that says its charset. A page is no XML: entities stay what they are.
        parser = html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False)
        tree = html.document_fromstring(source.encode("utf-8", "replace"), parser=parser)
    except html.etree.ParserError:  # nothing in it, or only a comment
        return Read(PageKind.NEARLY_EMPTY, charset, reader=reader)
    facts = _facts(tree, source)
    refresh = _refresh(tree)
    text = trafilatura.extract(tree, include_comments=False) or ""
    kind = kind_of(PageFacts(**{**facts, "text": text}))
    return _told(kind, text, charset, str(facts["title"]), reader)._replace(refresh=refresh)


def _facts(tree: Any, source: str) -> dict[str, Any]:
    visible = 0
    for piece in tree.iter():
        if isinstance(piece.tag, str) and piece.tag not in (
            "script",
            "style",
            "noscript",
            "template",
            "head",
            "title",
        ):
            visible += len((piece.text or "").strip()) + sum(len((one.tail or "").strip()) for one in piece)
    return {
        "title": _first(tree, ".//title"),
        "headline": _first(tree, ".//h1"),
        "noscript": _first(tree, ".//noscript"),
        "visible": visible,
        "scripts": sum(1 for _ in tree.iter("script")),
        "password_fields": len(tree.xpath("//input[translate(@type, 'PASWORD', 'pasword')='password']")),
        "parts": source[:_LONGEST_PART],
    }


def _refresh(tree: Any) -> str:
    """Where the page sends browsers on to at once; not to itself after a while, as tickers do."""
    for meta in tree.xpath("//meta[translate(@http-equiv, 'REFSH', 'refsh')='refresh']")[:3]:
        found = _REFRESH.match(meta.get("content") or "")
        if found and int(found[1]) <= _LONGEST_REFRESH:
            return found[2][:MAX_URL]
    return ""


def _first(tree: Any, path: str) -> str:
    found = tree.find(path)
    return "" if found is None else " ".join("".join(found.itertext()).split())[:2000]


def _line(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())[:MAX_HEADER]
