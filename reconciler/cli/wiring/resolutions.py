"""The last resolution of each key that was made on this machine, kept for `resolve --undo`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reconciler.adapters.storage.durable_files import read_regular, replace_file
from reconciler.core.errors import InvalidInput
from reconciler.core.frozen import dataclass
from reconciler.core.ledger.journal import Begin, Settlement, canonical, read_record
from reconciler.core.ledger.undoing import Resolution

_FILE = "resolved.json"


@dataclass(frozen=True, slots=True)
class Resolutions:
    """In the private folder of a project and environment."""

    private: Path

    def remember(self, resolution: Resolution, *, published: bool) -> None:
        """As the last one of its key. Raises `StorageError`."""
        document = {
            "begin": json.loads(canonical(resolution.begin)),
            "resolved": json.loads(canonical(resolution.settled)),
            "insteadOf": resolution.instead_of,
            "entry": resolution.entry,
            "published": published,
        }
        self._write({**self._read(), resolution.begin.key: document})

    def recall(self, key: str) -> tuple[Resolution, bool] | None:
        """The last one, and whether it was published. Raises `InvalidInput` for a file that was edited."""
        document = self._read().get(key)
        if document is None:
            return None
        try:
            begin = read_record(dict(document["begin"]), _FILE, 1)
            settled = read_record(dict(document["resolved"]), _FILE, 1)
            instead_of, entry = document["insteadOf"], document["entry"]
        except (KeyError, TypeError, ValueError) as error:
            raise self._unreadable() from error
        if not isinstance(begin, Begin) or not isinstance(settled, Settlement):
            raise self._unreadable()
        return Resolution(begin, settled, instead_of, entry), document.get("published") is True

    def forget(self, key: str) -> None:
        """It was taken back."""
        self._write({name: one for name, one in self._read().items() if name != key})

    def _read(self) -> dict[str, Any]:
        content = read_regular(self.private / _FILE, _FILE)
        if not content:
            return {}
        try:
            document = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise self._unreadable() from error
        if not isinstance(document, dict):
            raise self._unreadable()
        return document

    def _write(self, document: dict[str, Any]) -> None:
        self.private.mkdir(parents=True, exist_ok=True)
        replace_file(self.private / _FILE, json.dumps(document, indent=2).encode(), _FILE)

    def _unreadable(self) -> InvalidInput:
        return InvalidInput(
            f"{self.private / _FILE} cannot be read",
            hint="delete it; earlier resolutions can then no longer be undone",
        )
