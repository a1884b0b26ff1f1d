"""Words that sound translated stay out of the pages. A short list: each is wrong wherever it stands in prose.

Printed examples and code are left out; they are tested where they are made.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("benchmarks/*.md"),
        *ROOT.glob(".github/*.md"),
        *ROOT.glob(".github/**/*.yml"),
        *ROOT.glob("deploy/*"),
        *ROOT.glob("docs/ci/*.yml"),
    ]
)
BETTER = {
    r"somebody|anybody": "someone, anyone, you",
    r"whoever": "anyone who",
    r"nobody knows": "unknown",
    r"what (?:became|becomes|came) of": "the result",
    r"what (?:it|they) c[ao]mes? to": "the result",
    r"hears? of": "receives, learns",
    r"(?:is|are|was|were) told": "is reported",
    r"(?:is|are) let go": "is discarded",
    r"(?:is|are) at it": "in progress",
    r"left alone": "skipped",
    r"(?:is|are) there twice": "duplicate",
    r"nothing is to change": "nothing changes",
    r"under way": "in progress",
    r"brought up to date": "updated",
    r"colou?red? (?:is|are) heard": "",
    r"colour\w*|behaviour\w*|neighbour\w*|cancelled|cancelling": "American spelling",
}
FENCE = re.compile(r"^ *(`{3,}).*?^ *\1$", re.MULTILINE | re.DOTALL)


def prose(text: str) -> str:
    """Without code, each replaced by as many lines, so that line numbers hold."""
    bare = FENCE.sub(lambda found: "\n" * found[0].count("\n"), text)
    return re.sub(r"`[^`\n]*`", "``", bare)


def translated(text: str) -> list[str]:
    """What to replace, and by what: `3: whoever (say: anyone who)`."""
    found = []
    for words, better in BETTER.items():
        for match in re.finditer(rf"\b(?:{words})\b".replace(" ", r"\s+"), text, re.IGNORECASE):
            found.append((text.count("\n", 0, match.start()) + 1, f"{match[0]} (say: {better})"))
    return [f"{line}: {words}" for line, words in sorted(found)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_pages_use_plain_words(page: Path) -> None:
    assert translated(prose(page.read_text(encoding="utf-8"))) == []


def test_translated_words_are_found_outside_of_code() -> None:
    text = "One\n```\nwhoever\n```\nAsk whoever; `anybody` saw what\nbecame of it. Seven under way."
    assert translated(prose(text)) == [
        "5: what\nbecame of (say: the result)",
        "5: whoever (say: anyone who)",
        "6: under way (say: in progress)",
    ]
