"""The extraction libraries that are compared, each as its documentation says for pages of any kind."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

Reader = Callable[[str], str]


def _trafilatura(**options: Any) -> Reader:
    extract = import_module("trafilatura").extract
    return lambda source: extract(source, include_comments=False, **options) or ""


def _resiliparse() -> Reader:
    extract = import_module("resiliparse.extract.html2text").extract_plain_text
    return lambda source: str(extract(source, main_content=True, alt_texts=False, preserve_formatting=True))


def _readability() -> Reader:
    document, parse = import_module("readability").Document, import_module("lxml.html").fromstring
    return lambda source: str(parse(document(source).summary() or "<p></p>").text_content())


def _justext() -> Reader:
    justext = import_module("justext")
    words = frozenset().union(
        *(justext.get_stoplist(name) for name in ("English", "German", "French", "Spanish"))
    )

    def read(source: str) -> str:
        paragraphs = justext.justext(source.encode(), words, encoding="utf-8")
        return "\n".join(one.text for one in paragraphs if not one.is_boilerplate)

    return read


def _newspaper() -> Reader:
    article = import_module("newspaper").Article

    def read(source: str) -> str:
        page = article("https://page.example/", fetch_images=False)
        page.download(input_html=source)
        page.parse()
        return str(page.text)

    return read


def _goose() -> Reader:
    goose = import_module("goose3").Goose({"enable_image_fetching": False})
    return lambda source: str(goose.extract(raw_html=source).cleaned_text)


def _boilerpy() -> Reader:
    extractor = import_module("boilerpy3.extractors").ArticleExtractor(raise_on_failure=False)
    return lambda source: str(extractor.get_content(source))


READERS: dict[str, Callable[[], Reader]] = {
    "trafilatura": lambda: _trafilatura(),
    "trafilatura, recall": lambda: _trafilatura(favor_recall=True),
    "trafilatura, precision": lambda: _trafilatura(favor_precision=True),
    "trafilatura, fast": lambda: _trafilatura(fast=True),
    "resiliparse": _resiliparse,
    "readability-lxml": _readability,
    "justext": _justext,
    "newspaper4k": _newspaper,
    "goose3": _goose,
    "boilerpy3": _boilerpy,
}
