"""Merge two lockfiles that grew apart: nothing that either side names is lost, and nothing is named twice.

Whoever made an engine recorded it in one of them, so the merged file names every engine of both. Two sides that changed
different keys merge without ado. Where both changed one key, the side that knows more of it wins (it has the other's
engine among those it replaced); where both made an engine, the newer one serves, the other is kept in `superseded`,
and the conflict is reported. The result does not depend on which side is ours.

With a base this is a three-way merge: where one side moved or retired an entry, what the other side changed follows it
there, and an engine that one side deleted is not brought back by the other. Without one (a file with conflict markers)
what only one side has counts as new; an entry that the other side moved or retired may then be back in its old place,
and the next plan moves or retires it again, with no call. Either way an engine ends up in one entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.core.frozen import dataclass, replace
from reconciler.core.lockfile.deleted import Revived, deleted_since, without_deleted
from reconciler.core.lockfile.entry import Entry
from reconciler.core.lockfile.entry_format import (
    Document,
    entry_document,
    read_entry,
    read_retired,
    retired_document,
)
from reconciler.core.lockfile.follow import with_followed
from reconciler.core.lockfile.merge_entry import Doubled, merge_entries
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.lockfile.names import names_of
from reconciler.core.lockfile.pruning import without_superseded

__all__ = ["Doubled", "Merged", "Revived", "merge"]


@dataclass(frozen=True, slots=True)
class Merged:
    """The merged lockfile, and what a person should hear of."""

    lockfile: Lockfile
    doubled: tuple[Doubled, ...] = ()
    revived: tuple[Revived, ...] = ()


def merge(base: Lockfile | None, ours: Lockfile, theirs: Lockfile) -> Merged:
    """Both sides in one. Raises `LockfileError` for an entry that cannot be read."""
    if ours == theirs or theirs == base:
        return Merged(ours)
    if ours == base:
        return Merged(theirs)
    deleted = deleted_since(base, ours, theirs)
    if base is not None:
        ours, theirs = with_followed(base, ours, theirs)
    merging = _Merging(base, ours, theirs)
    merging.merge_keys()
    merging.join_moved()
    retired = merging.merge_retired()
    merging.tell_apart()
    lockfile, revived = without_deleted(replace(ours, engines=merging.engines, retired=retired), deleted)
    doubled = tuple(sorted(merging.doubled, key=lambda one: (one.key, one.kept, one.other)))
    return Merged(lockfile, doubled, revived)


class _Merging:
    """One merge on its way: the entries picked so far, and which of them names an engine."""

    def __init__(self, base: Lockfile | None, ours: Lockfile, theirs: Lockfile) -> None:
        self._base = base
        self._ours = ours
        self._theirs = theirs
        self._sides = (ours, theirs)
        self.engines: dict[str, Document] = {}
        self.doubled: list[Doubled] = []
        self._homes: dict[str, str] = {}
        self._twice: dict[str, set[str]] = {}

    def merge_keys(self) -> None:
        """Key by key; where one side moved what the other has, an engine may then be in two entries."""
        base = {} if self._base is None else self._base.engines
        for key in sorted(self._ours.engines.keys() | self._theirs.engines.keys()):
            mine, yours = self._ours.engines.get(key), self._theirs.engines.get(key)
            before = base.get(key)
            picked = _three_way(before, mine, yours) if self._base is not None else None
            if picked is None and mine is not None and yours is not None:
                picked = mine if mine == yours else self._join(key, mine, yours, before)
            elif picked is None and (self._base is None or before not in (mine, yours)):
                picked = mine if mine is not None else yours
            if picked is not None:
                self.engines[key] = picked

    def _join(self, key: str, one: Document, two: Document, before: Document | None = None) -> Document:
        place = f"engines.{key}"
        base = read_entry(before, place) if before is not None else None
        entry, doubled = merge_entries(key, read_entry(one, place), read_entry(two, place), base)
        if doubled is not None:
            self.doubled.append(doubled)
        return entry_document(entry)

    def join_moved(self) -> None:
        """Entries that name the same engine are one that was moved, unless some side has both keys."""
        named = [(name, key) for key, document in self.engines.items() for name in names_of(document)]
        self._homes = dict(named)
        if len(self._homes) == len(named):
            return
        picked, self.engines, self._homes = self.engines, {}, {}
        for key in sorted(picked, key=lambda key: self._precedence(key, picked[key])):
            document = picked[key]
            for home in sorted({self._homes[name] for name in names_of(document) if name in self._homes}):
                if not self._beside(key, home):
                    document = self._join(home, self.engines[home], document)
                    self.engines.pop(key, None)
                    key = home
            self._settle(key, document)

    def _precedence(self, key: str, document: Document) -> tuple[bool, int, str]:
        """Where something moved, its new key comes first; where nothing tells which is new, what names more."""
        old = self._base is not None and key in self._base.engines
        return old, -len(set(names_of(document))), key

    def _beside(self, key: str, other: str) -> bool:
        return any(key in side.engines and other in side.engines for side in self._sides)

    def _settle(self, key: str, document: Document) -> None:
        self.engines[key] = document
        for name in names_of(document):
            home = self._homes.setdefault(name, key)
            if home not in self.engines:
                self._homes[name] = key
            elif home != key:
                self._twice.setdefault(name, {home}).add(key)

    def tell_apart(self) -> None:
        """An engine that is in two entries all the same stays where it serves or is pending, not in the other's past.

        What one side has like that already is not for a merge to mend.
        """
        for name, keys in sorted(self._twice.items()):
            entries = {
                key: read_entry(self.engines[key], f"engines.{key}")
                for key in sorted(keys)
                if name in names_of(self.engines.get(key, {}))
            }
            if any(
                all(side.engines.get(key) == self.engines[key] for key in entries) for side in self._sides
            ):
                continue
            serving = [key for key, entry in entries.items() if _is_now(entry, name)]
            homes = self._moved_to(serving, name) if len(serving) > 1 else serving
            for key in sorted(entries.keys() - set(homes or list(entries)[:1])):
                self._put(key, self._given_up(key, entries[key], name))

    def _moved_to(self, keys: list[str], name: str) -> list[str]:
        """Where the side that has all of these keys has it: it knows of the move, and the other side does not."""
        places = {
            tuple(key for key in keys if name in names_of(side.engines[key]))
            for side in self._sides
            if all(key in side.engines for key in keys)
        }
        return list(places.pop()) if len(places) == 1 else keys

    def _given_up(self, key: str, entry: Entry, name: str) -> Entry:
        """The entry without an engine that has its place elsewhere; what the other side has there serves instead."""
        entry = without_superseded(entry, name)
        if entry.pending is not None and entry.pending.engine_id == name:
            entry = replace(entry, pending=None)
        if entry.current is None or entry.current.engine_id != name:
            return entry
        entry = replace(entry, current=None)
        past = {one.engine_id for one in entry.superseded}
        there = [side.entry(key) for side in self._sides]
        made = [one.current for one in there if one and one.current and one.current.engine_id in past]
        newest = max(made, key=lambda one: (one.provisioned_at or "", repr(one)), default=None)
        if newest is None:
            return entry
        return replace(without_superseded(entry, newest.engine_id), current=newest)

    def _put(self, key: str, entry: Entry) -> None:
        if entry.empty:
            del self.engines[key]
        else:
            self.engines[key] = entry_document(entry)

    def merge_retired(self) -> dict[str, tuple[Document, ...]]:
        """Both sides' retired entries. What is in use again, or was changed by the other side, is no longer retired."""
        base = {} if self._base is None else self._base.retired
        retired: dict[str, tuple[Document, ...]] = {}
        for key in sorted(self._ours.retired.keys() | self._theirs.retired.keys()):
            mine, yours = (side.retired.get(key, ()) for side in self._sides)
            if mine == yours:
                retired[key] = mine
                continue
            before = base.get(key, ()) if self._base is not None else None
            documents = yours if mine == before else mine if yours == before else (*mine, *yours)
            left = [one for one in _distinct(documents) if not self._taken_back(one)]
            if left:
                retired[key] = tuple(sorted(left, key=lambda one: (one["retiredAt"], sorted(names_of(one)))))
        return retired

    def _taken_back(self, document: Document) -> bool:
        """Whether an entry has its engines; what the retired one knows goes there, too."""
        homes = sorted({self._homes[name] for name in names_of(document) if name in self._homes})
        for home in homes[:1]:
            known = entry_document(read_retired(document, f"retired.{home}").entry)
            self._settle(home, self._join(home, self.engines[home], known))
        return bool(homes)


def _three_way(before: Document | None, mine: Document | None, yours: Document | None) -> Document | None:
    """The side that changed the entry, where only one did."""
    if mine == before:
        return yours
    return mine if yours == before else None


def _is_now(entry: Entry, engine_id: str) -> bool:
    return any(part is not None and part.engine_id == engine_id for part in (entry.current, entry.pending))


def _distinct(documents: Iterable[Document]) -> list[Document]:
    """Each engine in one of them: what was retired twice becomes one, retired when it was first."""
    kept: list[Document] = []
    for one in sorted(documents, key=lambda one: (-len(set(names_of(one))), one["retiredAt"], str(one))):
        names = set(names_of(one))
        same = next((other for other in kept if names & set(names_of(other))), None)
        if same is None:
            kept.append(one)
        elif not names <= set(names_of(same)):
            kept[kept.index(same)] = _join_retired(same, one)
    return kept


def _join_retired(one: Mapping[str, object], two: Mapping[str, object]) -> Document:
    first, second = read_retired(dict(one), "retired"), read_retired(dict(two), "retired")
    entry, _ = merge_entries("retired", first.entry, second.entry)
    return retired_document(replace(first, entry=entry, retired_at=min(first.retired_at, second.retired_at)))
