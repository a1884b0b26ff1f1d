"""Puts an engine's ID into a JSON file, and leaves every other byte as it is.

The text is not written anew: the place of the one value is found, and only it changes. A member that is missing is
added the way its neighbours are written.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from reconciler.core.outputs.places import (
    OutputRefused,
    decoded,
    nested,
    newline_of,
    pointer_to,
    quoted,
    tokens_of,
)
from reconciler.core.patterns import lazy_pattern

_BLANKS = lazy_pattern(r"[ \t\r\n]*")
_INDENT = lazy_pattern(r'^([ \t]+)"', re.MULTILINE)
_INDEX = lazy_pattern(r"0|[1-9][0-9]{0,8}")
_decode = json.JSONDecoder().raw_decode


class _Member(NamedTuple):
    """A member's name and where it stands: name with quotes, then value."""

    name: str
    at: int
    name_end: int
    start: int
    end: int


class _Style(NamedTuple):
    newline: str
    unit: str  # one step of indentation
    colon: str


def put_into_json(content: bytes | None, pointer: str, engine_id: str) -> bytes:
    """The file with the ID at the pointer; None is a file that is not there yet. Raises `OutputRefused`."""
    tokens = tokens_of(pointer)
    if content is None:
        return (json.dumps(nested(tokens, engine_id), indent=2, ensure_ascii=False) + "\n").encode()
    mark, text = decoded(content)
    _check(text)
    return mark + _edited(text, tokens, engine_id).encode()


def _check(text: str) -> None:
    try:
        json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        said = f"it is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno})"
        raise OutputRefused(said, hint="fix the file; JSON has no comments") from error
    except (RecursionError, ValueError) as error:
        raise OutputRefused("it is not readable JSON: too deeply nested, or a number is too long") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise OutputRefused(f"duplicate key {quoted(twice)}", hint="remove one of them")
    return members


def _edited(text: str, tokens: list[str], engine_id: str) -> str:
    start = _skip(text, 0)
    for depth, token in enumerate(tokens):
        where = pointer_to(tokens[:depth]) or "the document"
        if text[start] == "{":
            members = _members(text, start)
            found = next((one for one in members if one.name == token), None)
            if found is None:
                return _added(text, start, members, tokens[depth:], engine_id)
            start = found.start
        elif text[start] == "[":
            start = _item(text, start, token, where)
        else:
            raise OutputRefused(
                f"{where} is not an object, so nothing can be added to it", hint="change the pointer"
            )
    value, end = _decode(text, start)
    if isinstance(value, dict | list):
        kind = "an object" if isinstance(value, dict) else "a list"
        raise OutputRefused(
            f"{pointer_to(tokens)} is {kind}, which an ID would replace", hint="change the pointer"
        )
    return text if value == engine_id else text[:start] + quoted(engine_id) + text[end:]


def _skip(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return found.end() if found else at


def _members(text: str, start: int) -> list[_Member]:
    """Those of the object that begins at `start`. The text is known to be JSON."""
    members = []
    at = _skip(text, start + 1)
    while text[at] != "}":
        name, name_end = _decode(text, at)
        value_start = _skip(text, _skip(text, name_end) + 1)
        end = _decode(text, value_start)[1]
        members.append(_Member(name, at, name_end, value_start, end))
        at = _skip(text, end)
        at = _skip(text, at + 1) if text[at] == "," else at
    return members


def _item(text: str, start: int, token: str, where: str) -> int:
    """Where the item of a list begins."""
    starts = []
    at = _skip(text, start + 1)
    while text[at] != "]":
        starts.append(at)
        at = _skip(text, _decode(text, at)[1])
        at = _skip(text, at + 1) if text[at] == "," else at
    if not _INDEX.fullmatch(token) or int(token) >= len(starts):
        said = f"{where} is a list of {len(starts)}, and has no item `{token}`"
        raise OutputRefused(said, hint="use an existing item: they count from 0, and none is added")
    return starts[int(token)]


def _added(text: str, start: int, members: list[_Member], tokens: list[str], engine_id: str) -> str:
    style = _style(text, members)
    if not members:
        return _into_empty(text, start, tokens, engine_id, style)
    first, last = members[0], members[-1]
    if "\n" in text[start : first.at]:
        before_last = text[members[-2].end if members[1:] else start : last.at]
        indent = _line_start(text, last.at if "\n" in before_last else first.at)
        new = f",{style.newline}{indent}{_member(tokens, engine_id, indent, style)}"
    else:
        between = text[members[-2].end : last.at] if members[1:] else ", " if " " in style.colon else ","
        new = between + _member(tokens, engine_id, None, style)
    return text[: last.end] + new + text[last.end :]


def _into_empty(text: str, start: int, tokens: list[str], engine_id: str, style: _Style) -> str:
    end = _skip(text, start + 1)  # of the blanks between the braces
    if start != _skip(text, 0) and "\n" not in text.strip():
        return text[: start + 1] + _member(tokens, engine_id, None, style) + text[end:]
    outer = _line_start(text, start)
    indent = outer + style.unit
    new = f"{style.newline}{indent}{_member(tokens, engine_id, indent, style)}{style.newline}{outer}"
    return text[: start + 1] + new + text[end:]


def _member(tokens: list[str], engine_id: str, indent: str | None, style: _Style) -> str:
    """A member as text; `indent` is that of its line, None within a line."""
    value = nested(tokens[1:], engine_id)
    unit = None if indent is None else style.unit
    separators = ("," if indent is not None else ", " if " " in style.colon else ",", style.colon)
    written = json.dumps(value, indent=unit, ensure_ascii=False, separators=separators)
    written = written.replace("\n", f"{style.newline}{indent}")
    return f"{quoted(tokens[0])}{style.colon}{written}"


def _style(text: str, members: list[_Member]) -> _Style:
    indented = _INDENT.search(text)
    colon = text[members[-1].name_end : members[-1].start] if members else _colon(text)
    return _Style(newline_of(text), indented[1] if indented else "  ", ": " if "\n" in colon else colon)


def _colon(text: str) -> str:
    """As the first member of the file has it."""
    start = _skip(text, 0)
    members = _members(text, start) if text[start] == "{" else []
    return text[members[0].name_end : members[0].start] if members else ": "


def _line_start(text: str, at: int) -> str:
    """The blanks at the beginning of the line."""
    begin = text.rfind("\n", 0, at) + 1
    found = re.match(r"[ \t]*", text[begin:at])
    return found[0] if found else ""
