"""The one place that makes foreign text harmless to look at.

Names, texts and URLs come from files that anybody may propose in a pull request, and messages come from the
platform. Shown as they are, an escape sequence could clear the screen, a bidirectional override could make
one text look like another, and an invisible character could carry words that a reviewer never sees. So
everything that is not printable is spelled out (`\\x1b`, `\\u202e`). What writing systems need stays: tabs,
all kinds of blanks, and the two joiners where they follow a letter or an emoji outside ASCII (Persian,
Indic scripts, families of emoji).
"""

from __future__ import annotations

import re
import unicodedata

from reconciler.core.patterns import lazy_pattern

# Build services read commands from what a step prints: GitHub at the beginning of a line (`::name`) or
# anywhere (`##[name]`), Azure `##vso[`, TeamCity `##teamcity[`. None of them reads one whose first sign is spelled.
_COMMAND = lazy_pattern(r"^(\s*):(?=:.)|#(?=#(?:vso|teamcity)?\[)", re.DOTALL)
_JOINERS = "\u200c\u200d"
_VARIATIONS = range(0xE0100, 0xE01F0)  # legitimate after a CJK character, but also a known way to hide words


def sanitize(text: str) -> str:
    """`text` on one line, with control, invisible, bidirectional and unpaired characters spelled out.

    What a build service would read as a command is broken by spelling out its first sign.
    """
    if "::" in text or "##" in text:
        text = _COMMAND.sub(_without_power, text)
    if text.isprintable() and (text.isascii() or not _has_variations(text)):
        return text
    return "".join(_shown(char, before) for before, char in zip(["", *text], text, strict=False))


def sanitized_characters(text: str) -> list[str]:
    """Each character of one line as `sanitize` shows it there, so that a place in the line can be found again."""
    shown = [_shown(char, before) for before, char in zip(["", *text], text, strict=False)]
    for found in _COMMAND.finditer(text):
        shown[found.end() - 1] = _spelled(text[found.end() - 1])
    return shown


def sanitize_lines(text: str) -> list[str]:
    """The lines of `text`, each made harmless. Only a line feed ends a line."""
    return [sanitize(line) for line in text.split("\n")]


def _without_power(found: re.Match[str]) -> str:
    sign = found[0][-1]
    return found[0][:-1] + _spelled(sign)


def _has_variations(text: str) -> bool:
    return any(ord(char) in _VARIATIONS for char in text)


def _shown(char: str, before: str) -> str:
    return char if _harmless(char, before) else _spelled(char)


def _harmless(char: str, before: str) -> bool:
    if char.isprintable():
        return ord(char) not in _VARIATIONS or unicodedata.category(before or " ") == "Lo"
    if char in _JOINERS:
        return before > "\x7f" and before.isprintable()
    return char == "\t" or unicodedata.category(char) == "Zs"


def _spelled(char: str) -> str:
    code = ord(char)
    if char in "\r\n":
        return "\\r" if char == "\r" else "\\n"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shorten(text: str, limit: int, ellipsis: str = "…") -> str:
    """At most `limit` characters of `text`, and how many more there are."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}{ellipsis} {len(text) - limit:,} more characters"


def shorten_pair(old: str, new: str, limit: int, ellipsis: str = "…") -> tuple[str, str]:
    """Both texts cut to where they first differ, so that a cut never hides what changed."""
    if len(old) <= limit and len(new) <= limit:
        return old, new
    start = common_prefix(old, new)
    if start <= limit // 2:
        return shorten(old, limit, ellipsis), shorten(new, limit, ellipsis)
    start -= limit // 4
    return ellipsis + shorten(old[start:], limit, ellipsis), ellipsis + shorten(new[start:], limit, ellipsis)


def common_prefix(old: str, new: str) -> int:
    """The length of the longest common beginning, by bisection: a text may be one line of megabytes."""
    low, high = 0, min(len(old), len(new))
    while low < high:
        middle = (low + high + 1) // 2
        if old[low:middle] == new[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
