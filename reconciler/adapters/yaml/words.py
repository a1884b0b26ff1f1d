"""What a parser's complaint means, in words for the person who wrote the file."""

from __future__ import annotations

import re
from typing import Any

from reconciler.adapters.yaml.text import excerpt, place_of
from reconciler.core.errors import Diagnostic
from reconciler.core.patterns import lazy_pattern

# (what ruamel.yaml says, what we say, hint), the first that matches. Matched against "context problem".
_WORDS: tuple[tuple[str, str, str], ...] = (
    (r"character '\\t'", "a tab is not allowed here", "use spaces; YAML does not indent with tabs"),
    (
        r"quoted scalar found unexpected end of stream",
        "the quote opened here is never closed",
        "close it; or put the text in a block that begins with `|`",
    ),
    (
        r"mapping values are not allowed|mapping value is not allowed",
        "a second `:` on one line, or a line indented too far",
        "put text that contains `: ` in quotes, and line keys up",
    ),
    (r"sequence entries are not allowed", "a list cannot begin here", "put each `- ` on a line of its own"),
    (
        r"could not find expected ':'",
        "a line that is neither `key: value` nor part of a text",
        "is a `:` or a quote missing?",
    ),
    (r"found character '([^\\]+)'", "`{0}` cannot begin a value", "put the value in quotes"),
    (
        r"flow (?:sequence|mapping|node).*(?:stream end|unexpected end)",
        "the bracket opened here is never closed",
        "close it with `]` or `}`",
    ),
    (
        r"flow (?:sequence|mapping|node)",
        "something is wrong inside these brackets",
        "is a comma or a bracket missing?",
    ),
    (
        r"expected <block end>, but found '<scalar>'",
        "text where none can stand",
        "check the indentation; a text in quotes ends with its closing quote",
    ),
    (
        r"block (?:mapping|collection|end)",
        "this line does not fit the ones above it",
        "check the indentation",
    ),
    (
        r"unknown escape|escape sequence",
        "unknown escape in a double-quoted text",
        "use single quotes, or write `\\\\`",
    ),
    (
        r"node expected the node content, but found '([^<'])'",
        "`{0}` cannot stand here",
        "is something missing before it?",
    ),
    (r"undefined tag handle", "tags are not allowed", "remove the tag; quote the value if it is text"),
    (
        r"more indented follow up line",
        "this text block begins with a line of blanks",
        "leave the empty line empty",
    ),
    (
        r"block scalar",
        "the header of this text block is not valid",
        "after `|` or `>` the text begins on the next line",
    ),
    (r"document start|directive", "something stands before the document", "is the indentation right?"),
)


# chr() refuses it, and ruamel.yaml lets that through without a place.
_BEYOND_UNICODE = lazy_pattern(r"\\U(?!00(?:0|10)[0-9a-fA-F]{4})[0-9a-fA-F]{8}")


def syntax_diagnostic(error: Exception, text: str, file: str) -> Diagnostic:
    """The finding for an exception of ruamel.yaml's; others (a bad escape's ValueError) have no place."""
    said = " ".join(str(part) for part in (_of(error, "context"), _of(error, "problem")) if part)
    message, hint = _translated(said)
    mark = _of(error, "problem_mark") or _of(error, "context_mark")
    if "never closed" in message or "neither" in message:
        # Where it began says more than where it was noticed.
        mark = _of(error, "context_mark") or mark
    if mark is not None:
        line, col = mark.line + 1, mark.column + 1
    elif escape := _BEYOND_UNICODE.search(text):
        message, hint = "an escape names no character", "write the character itself"
        line, col = place_of(text, escape.start())
    else:
        return Diagnostic(
            f"not valid YAML: {message}", file, hint="put the values in quotes one by one to find it"
        )
    return Diagnostic(f"not valid YAML: {message}", file, line, col, excerpt(text, line, col), hint)


def _translated(said: str) -> tuple[str, str | None]:
    for pattern, message, hint in _WORDS:
        if found := re.search(pattern, said, re.DOTALL):
            return message.format(*found.groups()), hint
    return said or "it cannot be parsed", None


def _of(error: Exception, name: str) -> Any:
    return getattr(error, name, None)
