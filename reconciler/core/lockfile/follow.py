"""Where one side moved or retired an entry that the other side went on with: the change follows it there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property

from reconciler.core.frozen import replace
from reconciler.core.lockfile.entry import Entry
from reconciler.core.lockfile.entry_format import (
    Document,
    entry_document,
    read_entry,
    read_retired,
    retired_document,
)
from reconciler.core.lockfile.merge_entry import merge_entries
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.lockfile.names import names_of


def with_followed(base: Lockfile, ours: Lockfile, theirs: Lockfile) -> tuple[Lockfile, Lockfile]:
    """Both sides, and of every entry of the base that one of them moved or retired, what the other one changed is where
    it is by now. Only calls of unknown outcome stay at their key, so that somebody is asked about them.
    """
    mine, yours = _Side(ours), _Side(theirs)
    for key, before in base.engines.items():
        for here, there in ((mine, yours), (yours, mine)):
            changed = here.lockfile.engines.get(key)
            if changed not in (None, before) and key not in there.lockfile.engines:
                _follow(key, before, here, there)
    return mine.done(), yours.done()


class _Side:
    """A side of the merge, and its entries as they become."""

    def __init__(self, lockfile: Lockfile) -> None:
        self.lockfile = lockfile
        self.engines = dict(lockfile.engines)
        self.retired = dict(lockfile.retired)

    @cached_property
    def _keys(self) -> dict[str, set[str]]:
        """The keys of the entries that name an engine or an operation. What follows an entry keeps its names."""
        keys: dict[str, set[str]] = {}
        for key, document in self.engines.items():
            for name in names_of(document):
                keys.setdefault(name, set()).add(key)
        return keys

    def homes(self, names: Collection[str]) -> list[str]:
        """The keys of the entries that name any of these."""
        found = {key for name in names for key in self._keys.get(name, ())}
        return sorted(key for key in found if key in self.engines)

    def put(self, key: str, document: Document) -> None:
        self.engines[key] = document
        for name in names_of(document):
            self._keys.setdefault(name, set()).add(key)

    def done(self) -> Lockfile:
        changed = self.engines != self.lockfile.engines or self.retired != self.lockfile.retired
        return (
            replace(self.lockfile, engines=self.engines, retired=self.retired) if changed else self.lockfile
        )


def _follow(key: str, before: Document, here: _Side, there: _Side) -> None:
    names = set(names_of(before))
    homes = there.homes(names)
    changed = here.engines[key]
    if len(homes) == 1 and homes[0] not in here.lockfile.engines:
        there.put(homes[0], _joined(homes[0], there.engines[homes[0]], changed, before))
        del here.engines[key]
        return
    retired = there.retired.get(key, ())
    found = next((one for one in reversed(retired) if names & set(names_of(one))), None)
    if homes or found is None:
        return
    entry, asked = _told_apart(read_entry(changed, f"engines.{key}"))
    known = read_retired(found, f"retired.{key}")
    joined, _ = merge_entries(key, known.entry, entry, read_entry(before, f"engines.{key}"))
    there.retired[key] = tuple(
        retired_document(replace(known, entry=joined)) if one is found else one for one in retired
    )
    if asked.empty:
        del here.engines[key]
    else:
        here.put(key, entry_document(asked))


def _told_apart(entry: Entry) -> tuple[Entry, Entry]:
    """What can be retired, and the calls that somebody has to be asked about."""
    uncertain = entry.unresolved
    pending = None if entry.pending in uncertain else entry.pending
    asked = Entry(pending=uncertain[-1], uncertain=uncertain[:-1]) if uncertain else Entry()
    return replace(entry, pending=pending, uncertain=()), asked


def _joined(key: str, one: Mapping[str, object], two: Mapping[str, object], before: Document) -> Document:
    place = f"engines.{key}"
    entry, _ = merge_entries(
        key, read_entry(dict(one), place), read_entry(dict(two), place), read_entry(before, place)
    )
    return entry_document(entry)
