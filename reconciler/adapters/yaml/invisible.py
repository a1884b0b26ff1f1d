"""Characters that look like a space or like nothing, where YAML needs a space or where they spoil a word.

They come from word processors and web pages. Inside a text they are that text; where something is wrong on a line, and
one stands in its indentation, at a word's end or in a key, it is named, since nobody sees it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from reconciler.adapters.yaml.text import cut
from reconciler.core.errors import Diagnostic
from reconciler.core.patterns import lazy_pattern

_ONE = "[\xa0\xad\u1680\u180e\u2000-\u200f\u202a-\u202f\u205f-\u2064\u2066-\u206f\u3000\ufe00-\ufe0f\ufeff]"
_SUSPECT = lazy_pattern(
    rf"^[ \t]*({_ONE})"  # in the indentation
    rf"|[:,\[{{]({_ONE})"  # where a space has to be
    rf"|^[ \t]*-[ \t]*({_ONE})"
    rf"|({_ONE})[ \t]*(?::|,|\]|\}}|$)"  # at the end of a key or a value
    rf"|^[ \t]*(?:- +)?[^\s:#\"']*({_ONE})[^\s:]*[ \t]*:"  # in a key
)
_LONGEST = 2_000  # characters of a line that is looked at
_COMMON = {
    "\xa0": "no-break space",
    "\xad": "soft hyphen",
    "\u200b": "zero width space",
    "\ufeff": "byte order mark",
}


def is_blank(text: str) -> bool:
    """Whether nothing of a text is to be seen."""
    if text[:1].isalnum():  # nearly every one
        return False
    return not text.strip() or all(c.isspace() or re.match(_ONE, c) for c in text)


def with_invisible(found: Iterable[Diagnostic], text: str) -> list[Diagnostic]:
    """The findings; of those that such a character explains, it is said where that stands."""
    findings = list(found)
    if text.isascii() or not re.search(_ONE, text):
        return findings
    lines = text.split("\n")
    return [_explained(one, lines) for one in findings]


def _explained(finding: Diagnostic, lines: list[str]) -> Diagnostic:
    if finding.line is None or not 0 < finding.line <= len(lines):
        return finding
    line = lines[finding.line - 1]
    if len(line) > _LONGEST:
        return finding
    suspect = _SUSPECT.search(line)
    if suspect is not None:
        at = next(start for start in (suspect.start(group) for group in range(1, 6)) if start >= 0)
    else:  # or in the very word
        word = re.compile(r"[^ \t,\]}]*").match(line, (finding.col or 1) - 1)
        inside = re.search(_ONE, word[0]) if word is not None else None
        if word is None or inside is None:
            return finding
        at = word.start() + inside.start()
    char = line[at]
    name = _COMMON.get(char) or unicodedata.name(char, "invisible character").lower()
    return finding._replace(
        message=f"{finding.message}; invisible character here: {name} (U+{ord(char):04X})",
        col=at + 1,
        excerpt=None if finding.excerpt is None else cut(line, at + 1),
        hint="replace it with a space, or remove it",
    )
