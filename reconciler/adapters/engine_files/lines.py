"""On which line of its file an engine changes, so that an annotation stands beside what a reviewer reads.

Only for the few engines that are annotated: finding a place takes the slow reader. Wherever nothing is found, an
annotation stands at the top of the file, so nothing here is an error.
"""

from __future__ import annotations

from typing import Any

from reconciler.adapters.project.safe_read import FileRefused, SafeFiles
from reconciler.adapters.yaml.reader import Path, YamlDocument, read_yaml
from reconciler.core.engine.overlay import is_of_overlay, merged
from reconciler.core.errors import InvalidInput
from reconciler.core.plan.model import Action, Change


class EngineLines:
    """`root` is the project's folder. Called with an action, gives the file and a line from 1, or None."""

    def __init__(self, root: str) -> None:
        self._files = SafeFiles(root)

    def __call__(self, action: Action) -> tuple[str, int] | None:
        if action.file is None:
            return None
        try:
            read = [
                (one, read_yaml(self._files.read(one), one)) for one in _files(action.file, action.overlay)
            ]
        except (FileRefused, InvalidInput):
            return None
        return _place_in(read, action)


def _files(file: str, overlay: str | None) -> tuple[str, ...]:
    return (file,) if overlay is None else (file, overlay)


def _place_in(read: list[tuple[str, YamlDocument]], action: Action) -> tuple[str, int] | None:
    """Where the first change stands that is still there: in the file that says what counts of it."""
    values = [document.value for _, document in read]
    if not all(isinstance(value, dict) for value in values):
        return None
    value = values[0] if len(values) == 1 else merged(*values)
    path = next((found for change in action.changes if (found := _path_of(change, value))), None)
    if path is None:
        path = _removed(action, values[-1]) if len(values) > 1 else ("name",)
    file, document = read[1] if len(read) > 1 and is_of_overlay(path, *values) else read[0]
    line, _, _ = document.place(path, of="value" if len(path) > 1 else "key")
    return file, line


def _removed(action: Action, overlay: dict[str, Any]) -> Path:
    """The field that an overlay takes away, where that is the change."""
    gone = (change.field for change in action.changes if overlay.get(change.field, "") is None)
    return (next(gone, "name"),)


def _path_of(change: Change, value: dict[str, Any]) -> Path | None:
    """Where the new value stands; for what is gone, the field that it was in, if that is still there."""
    items = value.get(change.field)
    if items is None:
        return None
    index = _index_of(change, items) if isinstance(items, list) else None
    return (change.field,) if index is None else (change.field, index)


def _index_of(change: Change, items: list[Any]) -> int | None:
    if change.field == "locales":
        return items.index(change.new) if change.new in items else None
    for index, item in enumerate(items):
        if isinstance(item, dict) and _is_meant(change, item):
            return index
    return None


def _is_meant(change: Change, source: dict[str, Any]) -> bool:
    if not change.content:
        return change.new is not None and source.get("payload") == change.new
    if change.file is not None:
        name = source.get("file")
        return isinstance(name, str) and change.file.rpartition("/")[2] == name.rpartition("/")[2]
    return change.new_text is not None and source.get("payload") == change.new_text
