"""On which line of its file an engine changes, so that an annotation stands beside what a reviewer reads.

Only for the few engines that are annotated: finding a place takes the slow reader. Wherever nothing is found, an
annotation stands at the top of the file, so nothing here is an error.
"""

from __future__ import annotations

from typing import Any

from reconciler.adapters.project.safe_read import FileRefused, SafeFiles
from reconciler.adapters.yaml.reader import Path, YamlDocument, read_yaml
from reconciler.core.errors import InvalidInput
from reconciler.core.plan.model import Action, Change


class EngineLines:
    """`root` is the project's folder. Called with an action, gives a line from 1, or None."""

    def __init__(self, root: str) -> None:
        self._files = SafeFiles(root)

    def __call__(self, action: Action) -> int | None:
        if action.file is None:
            return None
        try:
            document = read_yaml(self._files.read(action.file), action.file)
            return _line_in(document, action)
        except (FileRefused, InvalidInput):
            return None


def _line_in(document: YamlDocument, action: Action) -> int | None:
    if not isinstance(document.value, dict):
        return None
    path = next(
        (found for change in action.changes if (found := _path_of(change, document.value))), ("name",)
    )
    line, _, _ = document.place(path, of="value" if len(path) > 1 else "key")
    return line


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
