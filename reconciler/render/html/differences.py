"""What changes of one engine, side by side: values as rows of a table, texts as rows of lines.

Texts are bounded twice: each one, and all of a report together, so that a file stays one that a browser opens at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Any

from reconciler.core.engine.spec import Spec, meaning_of_text
from reconciler.core.plan.model import Action, Change
from reconciler.render.html.texts import line, lines
from reconciler.render.phrases.sanitize import sanitize, shorten, shorten_pair
from reconciler.render.phrases.style import Look
from reconciler.render.phrases.text_diff import DiffLine, diff_lines
from reconciler.render.phrases.words import content_title, counted, short_digest

_LOOK = Look()
_LONGEST = 400  # characters of one line
_VALUE = 4_000  # of one value
_MAX_LINES = 400  # of one text's differences
_PREVIEW = 40  # lines of a text that is new or gone as a whole
_ROOM = 12_000_000  # characters of all texts in one report

Row = str | list[str | None]  # a hunk's head; a line that both sides have; the old line and the new one


class Differences:
    """Of all engines of one report, which share its room."""

    def __init__(self, room: int = _ROOM) -> None:
        self._room = room

    def of(self, action: Action) -> dict[str, Any]:
        """`values`, `texts` and `drift` as the script reads them, each only where there is something to show."""
        told: dict[str, Any] = {}
        if action.changes:
            told["values"] = list(_values(one for one in action.changes if not one.content))
            told["texts"] = [self._text(change) for change in action.changes if change.content]
        elif action.spec is not None and not action.drift:
            told["values"] = list(_asked_for(action.spec))
            told["texts"] = [self._new_text(*one) for one in _texts_of(action.spec)]
        if action.drift:
            told["drift"] = list(_values(action.drift))
        return {name: rows for name, rows in told.items() if rows}

    def _text(self, change: Change) -> dict[str, Any]:
        rows: list[Row] | None = None
        if change.old is not None and change.new is not None:
            if change.old_text is not None and change.new_text is not None:
                rows = _rows(diff_lines(change.old_text, change.new_text, limit=_LONGEST))
        else:
            text = change.new_text if change.old is None else change.old_text
            rows = None if text is None else _preview(text, gone=change.new is None)
        return self._bounded(content_title(change, _LOOK), rows, change)

    def _new_text(self, title: str, text: str) -> dict[str, Any]:
        return self._bounded(title, _preview(text, gone=False), None)

    def _bounded(self, title: str, rows: list[Row] | None, change: Change | None) -> dict[str, Any]:
        """The rows if there are any and they fit; otherwise the digests."""
        size = sum(
            len(cell or "") for row in rows or () for cell in (row if isinstance(row, list) else [row])
        )
        fits = size <= self._room
        if rows is None or not fits:
            rows = [] if change is None else [[_digest(change.old), _digest(change.new)]]
            rows += [] if fits else ["… not shown for lack of space"]
        else:
            self._room -= size
        one_side = change is None or change.old is None or change.new is None
        return {"title": title, "rows": rows} | ({"sides": 1} if one_side else {})


def _digest(digest: str | None) -> str | None:
    return None if digest is None else short_digest(digest)


def _values(changes: Iterable[Change]) -> Iterator[dict[str, str | None]]:
    """One row for each field: items that were removed on one side, those that were added on the other."""
    fields: dict[str, list[Change]] = {}
    for change in changes:
        fields.setdefault(change.field, []).append(change)
    for name, members in fields.items():
        between = ", " if name == "locales" else "\n"
        old = [one.old for one in members if one.old is not None]
        new = [one.new for one in members if one.new is not None]
        before, after = shorten_pair(between.join(old), between.join(new), _VALUE)
        yield {
            "field": "link" if name == "sources" else line(name),
            "old": lines(before, 2 * _VALUE) if old else None,
            "new": lines(after, 2 * _VALUE) if new else None,
        }


def _asked_for(spec: Spec) -> Iterator[dict[str, str | None]]:
    yield {"field": "name", "new": line(spec.name, _VALUE)}
    if spec.description:
        yield {"field": "description", "new": lines(spec.description.rstrip(), _VALUE)}
    if spec.locales:
        yield {"field": "locales", "new": line(", ".join(spec.locales), _VALUE)}
    links = [source.payload for source in spec.sources if source.type == "link"]
    if links:
        yield {"field": "link", "new": lines("\n".join(links), 10 * _VALUE)}


def _texts_of(spec: Spec) -> Iterator[tuple[str, str]]:
    for source in spec.sources:
        if source.type == "content":
            length = len(meaning_of_text(source.payload))
            shown = Change("sources", content=True, file=source.file, new_chars=length)
            yield content_title(shown, _LOOK), source.payload


def _preview(text: str, *, gone: bool) -> list[Row]:
    every = text.rstrip().split("\n")
    kept = [sanitize(shorten(one, _LONGEST)) for one in every[:_PREVIEW]]
    rows: list[Row] = [[one, None] if gone else [None, one] for one in kept]
    return [*rows, *_more(len(every) - _PREVIEW)]


def _rows(diff: list[DiffLine]) -> list[Row]:
    """The lines of a unified diff with those that were replaced beside those that they were replaced by."""
    rows: list[Row] = []
    gone: list[str] = []
    come: list[str] = []

    def settle() -> None:
        rows.extend([old, new] for old, new in zip_longest(gone, come))
        gone.clear()
        come.clear()

    for one in diff[:_MAX_LINES]:
        if one.mark == "-":
            if come:
                settle()
            gone.append(one.text)
        elif one.mark == "+":
            come.append(one.text)
        else:
            settle()
            rows.append(one.text if one.mark == "@" else [one.text])
    settle()
    return [*rows, *_more(len(diff) - _MAX_LINES)]


def _more(number: int) -> list[Row]:
    return [f"… {counted(number, 'more line')}"] if number > 0 else []
