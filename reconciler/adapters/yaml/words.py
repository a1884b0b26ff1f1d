"""What a parser's complaint means, in words for the person who wrote the file."""

from __future__ import annotations

import re
from typing import Any

from reconciler.adapters.yaml.text import excerpt, place_of
from reconciler.core.errors import Diagnostic
from reconciler.core.patterns import lazy_pattern

# (what ruamel.yaml says, what we say, hint), the first that matches. Matched against "context problem".
_WORDS: tuple[tuple[str, str, str], ...] = (
    (r"character '\\t'", "a tab is not allowed here", "use spaces; YAML does not allow tabs for indentation"),
    (
        r"quoted scalar found unexpected end of stream",
        "the quote opened here is never closed",
        "close it, or put the text in a block that begins with `|`",
    ),
    (
        r"mapping values are not allowed|mapping value is not allowed",
        "second `:` on one line, or line indented too far",
        "quote text that contains `: `, and align the keys",
    ),
    (r"sequence entries are not allowed", "a list cannot begin here", "put each `- ` on its own line"),
    (
        r"could not find expected ':'",
        "line is neither `key: value` nor part of a text",
        "check for a missing `:` or quote",
    ),
    (r"found character '([^\\]+)'", "`{0}` cannot begin a value", "put the value in quotes"),
    (
        r"flow node.*(?:stream end|unexpected end)",
        "the file ends inside a bracket that is never closed",
        "close it with `]` or `}`",
    ),
    (
        r"flow (?:sequence|mapping|node).*(?:stream end|unexpected end)",
        "the bracket opened here is never closed",
        "close it with `]` or `}`",
    ),
    (
        r"flow (?:sequence|mapping|node)",
        "syntax error inside these brackets",
        "check for a missing comma or bracket",
    ),
    (
        r"expected <block end>, but found '<scalar>'",
        "unexpected text",
        "check the indentation; quoted text ends at its closing quote",
    ),
    (
        r"block (?:mapping|collection|end)",
        "this line does not match the lines above it",
        "check the indentation",
    ),
    (
        r"unknown escape|escape sequence",
        "unknown escape in a double-quoted text",
        "use single quotes, or write `\\\\`",
    ),
    (
        r"node expected the node content, but found '([^<'])'",
        "unexpected `{0}`",
        "check what is missing before it",
    ),
    (r"undefined tag handle", "tags are not allowed", "remove the tag; quote the value if it is text"),
    (
        r"more indented follow up line",
        "this text block begins with a line of spaces",
        "leave the empty line empty",
    ),
    (
        r"block scalar",
        "invalid header for a text block",
        "begin the text on the line after `|` or `>`",
    ),
    (r"document start|directive", "unexpected content before the document", "check the indentation"),
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
        message, hint = "invalid character in an escape", "write the character itself"
        line, col = place_of(text, escape.start())
    else:
        return Diagnostic(
            f"not valid YAML: {message}", file, hint="quote the values one by one to find the cause"
        )
    return Diagnostic(f"not valid YAML: {message}", file, line, col, excerpt(text, line, col), hint)


def _translated(said: str) -> tuple[str, str | None]:
    for pattern, message, hint in _WORDS:
        if found := re.search(pattern, said, re.DOTALL):
            return message.format(*found.groups()), hint
    return said or "it cannot be parsed", None


def _of(error: Exception, name: str) -> Any:
    return getattr(error, name, None)
