"""Words that sound translated stay out of the pages and of what the program prints. A short list: each is wrong
wherever it stands in prose.

In pages, printed examples and code are left out: they come from the program's texts, which are looked at here, too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
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
        *(path for path in ROOT.glob("deploy/**/*") if path.is_file()),
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
    r"cannot be told": "cannot be determined",
    r"colour\w*|behaviour\w*|neighbour\w*|cancelled|cancelling": "American spelling",
}
# Only in what the program prints: on a page they may be right.
BETTER_IN_OUTPUT = BETTER | {
    r"nobody": "no one; or say what is unknown",
    r"a person|people": "you",
    r"anew": "again",
    r"mend(?:ed)?": "fix",
    r"as recorded": "up to date",
    r"nothing to do: ": "No changes.",
    r"(?:goes|going|trying) on": "continues, retrying",
    r"will be issued": "will be created",
    r"charges? for": "billed by",
    r"any more": "no longer",
    r"(?:was|were) cut off": "was interrupted",
}
FENCE = re.compile(r"^ *(`{3,}).*?^ *\1$", re.MULTILINE | re.DOTALL)


def prose(text: str) -> str:
    """Without code, each replaced by as many lines, so that line numbers hold."""
    bare = FENCE.sub(lambda found: "\n" * found[0].count("\n"), text)
    return re.sub(r"`[^`\n]*`", "``", bare)


def translated(text: str, better_words: dict[str, str] = BETTER) -> list[str]:
    """What to replace, and by what: `3: whoever (say: anyone who)`."""
    found = []
    for words, better in better_words.items():
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


# ── what the program prints ────────────────────────────────────────────────────────────────────────────────────────

SOURCE = ROOT / "reconciler"


def texts(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of every string with a blank in it, f-strings as a whole; not docstrings."""
    tree = ast.parse(source)
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    pieces = set[int]()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            pieces.update(id(one) for one in node.values)
            text = "".join(str(one.value) if isinstance(one, ast.Constant) else "…" for one in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = "" if id(node) in docs | pieces else node.value
        else:
            continue
        if " " in text.strip():
            yield node.lineno, text


def translated_texts(source: str) -> list[str]:
    found = []
    for line, text in texts(source):
        found += [f"{line}: {words.partition(': ')[2]}" for words in translated(text, BETTER_IN_OUTPUT)]
    return found


@pytest.mark.parametrize(
    "package", sorted({file.parent for file in SOURCE.rglob("*.py")}), ids=lambda one: one.name
)
def test_printed_texts_use_plain_words(package: Path) -> None:
    found = {file.name: translated_texts(file.read_text(encoding="utf-8")) for file in package.glob("*.py")}
    assert {name: words for name, words in found.items() if words} == {}


def test_translated_words_are_found_in_texts_alone() -> None:
    planted = '''"""Nobody knows what a docstring says."""
def f(key):  # whoever
    """Somebody."""
    return f"{key} is told of it, and left alone", "nobody" + key, (
        "what came "
        "of it"
    )
'''
    assert translated_texts(planted) == [
        "4: is told (say: is reported)",
        "4: left alone (say: skipped)",
        "5: what came of (say: the result)",
    ]
