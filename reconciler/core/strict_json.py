"""JSON that others wrote, read strictly: UTF-8, no key twice, no numbers that JSON does not have, and no surprises.

Whatever is wrong is one `JsonRefused` with the reason in words, and never the many ways in which a parser can fail.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from reconciler.core.values import shown

_MARK = b"\xef\xbb\xbf"


class JsonRefused(ValueError):
    """Why it was not read, as the end of a sentence; `line` and `col` count from 1 where they are known."""

    def __init__(self, reason: str, line: int | None = None, col: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.col = col


def read_json(content: bytes, *, unique: bool = True) -> Any:
    """The document in `content`; a mark at its beginning is no part of it. Raises `JsonRefused`.

    Without `unique` a key may be there twice: the caller looks for that itself.
    """
    try:
        text = content.removeprefix(_MARK).decode()
    except UnicodeDecodeError as error:
        raise JsonRefused(f"it is not UTF-8 (byte {error.start})") from error
    try:
        return json.loads(text, parse_constant=_no_number, object_pairs_hook=_distinct if unique else None)
    except RecursionError as error:
        raise JsonRefused("it is nested too deeply") from error
    except json.JSONDecodeError as error:
        cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
        what = "it is incomplete" if cut else error.msg
        raise JsonRefused(f"not valid JSON: {what}", error.lineno, error.colno) from error
    except JsonRefused:
        raise
    except ValueError as error:  # a number of thousands of digits
        raise JsonRefused("not valid JSON: a number is too long") from error


def _no_number(name: str) -> NoReturn:
    raise JsonRefused(f"not valid JSON: {name} is not a number")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise JsonRefused(f"duplicate key `{shown(twice)}`")
    return document
