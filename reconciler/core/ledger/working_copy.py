"""A lockfile while facts are put into it: entries are read once, and where each operation is stays known."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Final

from reconciler.core.frozen import replace
from reconciler.core.lockfile.entry import Entry, Retired
from reconciler.core.lockfile.entry_format import Document
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.lockfile.names import names_of
from reconciler.core.lockfile.text.document import TextDocument


class _Retired:
    """Where an operation of a retired entry is."""


RETIRED: Final = _Retired()


class WorkingCopy:
    """`homes` tells under which key an operation is, or `RETIRED`; of those in the lockfile only `wanted` ones."""

    def __init__(self, lockfile: Lockfile, wanted: Collection[str]) -> None:
        self._lockfile = lockfile
        self._entries: dict[str, Entry | None] = {}
        self._retired: dict[str, tuple[Retired, ...]] = {}
        self.homes: dict[str, str | _Retired] = {}
        for key, document in lockfile.engines.items():
            for name in _operations_in(document):
                if name in wanted:
                    self.homes[name] = key
        for documents in lockfile.retired.values():
            for document in documents:
                self.homes |= {name: RETIRED for name in _operations_in(document) if name in wanted}

    def entry(self, key: str) -> Entry | None:
        """The entry as it is now."""
        if key not in self._entries:
            self._entries[key] = self._lockfile.entry(key)
        return self._entries[key]

    def put(self, key: str, entry: Entry | None) -> None:
        """The entry from now on; None, or an empty one, takes the key out."""
        self._entries[key] = None if entry is None or entry.empty else entry
        for name in _operations(entry) if entry is not None else ():
            self.homes[name] = key

    def retired(self, key: str) -> tuple[Retired, ...]:
        """The retired entries of a key, oldest first."""
        if key not in self._retired:
            self._retired[key] = self._lockfile.retired_of(key)
        return self._retired[key]

    def put_retired(self, key: str, retired: tuple[Retired, ...]) -> None:
        """The retired entries of a key from now on."""
        self._retired[key] = retired
        for one in retired:
            self.homes |= dict.fromkeys(_operations(one.entry), RETIRED)

    def change_retired(self, operation: str, change: Callable[[Entry], Entry]) -> None:
        """Change the retired entry that holds an operation."""
        for key in {*self._lockfile.retired, *self._retired}:
            held = self.retired(key)
            changed = tuple(
                replace(one, entry=change(one.entry)) if operation in _operations(one.entry) else one
                for one in held
            )
            if changed != held:
                self.put_retired(key, changed)

    def keys_with(self, engine_id: str) -> tuple[list[str], list[str]]:
        """The keys whose entry names this engine, and those of which a retired one does."""
        engines = [
            *self._lockfile.engines,
            *(key for key in self._entries if key not in self._lockfile.engines),
        ]
        retired = [
            *self._lockfile.retired,
            *(key for key in self._retired if key not in self._lockfile.retired),
        ]
        return (
            [key for key in engines if self._entry_names(key, engine_id)],
            [key for key in retired if self._retired_names(key, engine_id)],
        )

    def _entry_names(self, key: str, engine_id: str) -> bool:
        if key not in self._entries:
            return engine_id in names_of(self._lockfile.engines[key])
        entry = self._entries[key]
        return entry is not None and engine_id in entry.engine_ids

    def _retired_names(self, key: str, engine_id: str) -> bool:
        if key not in self._retired:
            return any(engine_id in names_of(one) for one in self._lockfile.retired[key])
        return any(engine_id in one.entry.engine_ids for one in self._retired[key])

    def names(self, engine_id: str) -> bool:
        """Whether an entry names this engine, in use or retired."""
        return any(self.keys_with(engine_id))

    def lockfile(self) -> Lockfile:
        """All of it as a lockfile; the very same one where nothing changed."""
        lockfile = self._lockfile
        entries = {key: one for key, one in self._entries.items() if one != self._lockfile.entry(key)}
        if entries:
            lockfile = lockfile.with_entries(entries)
        retired = {key: one for key, one in self._retired.items() if one != self._lockfile.retired_of(key)}
        return lockfile.with_retirements(retired) if retired else lockfile


def _operations(entry: Entry) -> Iterator[str]:
    return (part.operation_id for part in entry.parts if part.operation_id is not None)


def _operations_in(document: Document) -> Iterator[str]:
    if isinstance(document, TextDocument):
        yield from (operation for _, _, operation in document.names() if operation is not None)
        return
    parts = [document, document.get("pending")]
    for part in (*parts, *(document.get("uncertain") or ()), *(document.get("superseded") or ())):
        if isinstance(part, dict) and isinstance(part.get("operationId"), str):
            yield part["operationId"]
