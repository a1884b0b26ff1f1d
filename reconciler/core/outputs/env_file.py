"""Puts an engine's ID into a `.env` file, by its line: quotes, comments and `export` stay as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from reconciler.core.outputs.places import OutputRefused, decoded, newline_of
from reconciler.core.patterns import lazy_pattern

_START = lazy_pattern(r"[ \t]*(export[ \t]+)?([A-Za-z_][A-Za-z0-9_.]*)[ \t]*=[ \t]*")
_QUOTED = lazy_pattern(r"""'[^']*'|"(?:[^"\\]|\\.)*"|`[^`]*`""", re.DOTALL)
_REST = lazy_pattern(r"[ \t]*(?:#[^\r\n]*)?(?=\r?\n|\Z)")
_COMMENT = lazy_pattern(r"[ \t]#")
_PLAIN = lazy_pattern(r"[A-Za-z0-9_.:/@%+-]+")


class _Line(NamedTuple):
    """An assignment; `start` and `end` are those of its value, quotes and all."""

    name: str
    exported: bool
    start: int
    end: int


def put_into_env(content: bytes | None, name: str, engine_id: str) -> bytes:
    """The file with the ID as the variable's value; None is a file that is not there. Raises `OutputRefused`."""
    mark, text = decoded(content or b"")
    lines = list(_assignments(text))
    found = [line for line in lines if line.name == name]
    if len(found) > 1:
        raise OutputRefused(f"duplicate variable {name}", hint="remove one of the lines")
    if not found:
        return mark + _appended(text, lines, name, engine_id).encode()
    _, _, start, end = found[0]
    return mark + (text[:start] + _written(engine_id, text[start:end]) + text[end:]).encode()


def _assignments(text: str) -> Iterator[_Line]:
    """Every `NAME=value`, in quotes also over several lines; what is none is passed over, line by line."""
    at = 0
    while at < len(text):
        found = _START.match(text, at)
        if found is not None:
            at = _value_end(text, found.end())
            exported, name = found[1] is not None, found[2]
            equals = found[0].index("=") + found.start() + 1
            # An empty value is right after the sign, so that a blank stays before a comment.
            yield _Line(name, exported, *((found.end(), at) if at > found.end() else (equals, equals)))
        end = text.find("\n", at)
        at = len(text) if end < 0 else end + 1


def _value_end(text: str, start: int) -> int:
    """In quotes a value goes up to the closing one, else up to a comment or the end of the line."""
    in_quotes = _QUOTED.match(text, start)
    if in_quotes is not None and _REST.match(text, in_quotes.end()):
        return in_quotes.end()
    end = text.find("\n", start)
    line = text[start : len(text) if end < 0 else end]
    comment = _COMMENT.search(line)
    if line.startswith("#"):
        return start
    return start + len((line[: comment.start()] if comment else line).rstrip(" \t\r"))


def _written(engine_id: str, old: str) -> str:
    """In the quotes of the old value; without, where it had none and the ID needs none."""
    quote = old[0] if old[:1] in ("'", '"', "`") and old[-1:] == old[:1] and len(old) > 1 else ""
    if not quote and not _PLAIN.fullmatch(engine_id):
        quote = "'"
    if (quote and quote in engine_id) or (quote == '"' and re.search(r"[\\$`]", engine_id)):
        raise OutputRefused("the engine ID contains characters that a .env file cannot contain")
    return f"{quote}{engine_id}{quote}"


def _appended(text: str, lines: list[_Line], name: str, engine_id: str) -> str:
    newline = newline_of(text)
    export = "export " if lines and all(line.exported for line in lines) else ""
    before = text + newline if text and not text.endswith("\n") else text
    return f"{before}{export}{name}={_written(engine_id, '')}{newline}"
