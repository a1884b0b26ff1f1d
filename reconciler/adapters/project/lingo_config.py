"""What Lingo's own configuration says of an engine: `engineId` in i18n.json or .lingo/config.json."""

from __future__ import annotations

from pathlib import Path

from reconciler.adapters.storage.durable_files import read_regular
from reconciler.core.errors import InvalidInput
from reconciler.core.strict_json import JsonRefused, read_json
from reconciler.core.values import ID, shown

CONFIGS = ("i18n.json", ".lingo/config.json")


def configured_id(path: Path, name: str) -> str:
    """The `engineId` in it. Raises `InvalidInput`, and `StorageError` for what is no file."""
    content = read_regular(path, name)
    if content is None:
        raise InvalidInput(f"there is no file {name}")
    try:
        document = read_json(content)
    except JsonRefused as refused:
        raise InvalidInput(f"{name} cannot be read: {refused.reason}") from refused
    found = document.get("engineId") if isinstance(document, dict) else None
    if not ID.accepts(found):
        raise InvalidInput(
            f"{name} has no `engineId`" if found is None else f"{name}: {shown(found)} is not an ID"
        )
    return found
