"""Merge two lockfiles that grew apart, as documents: nothing that either side names is lost.

Whoever made an engine recorded it in one of them, so the merged file names every engine of both. Two sides that changed
different keys merge without ado. Where both changed one key, the side that knows more of it wins (it has the other's
engine among those it replaced); where both made an engine, the newer one serves, the other is kept in `superseded`,
and the conflict is reported. The result does not depend on which side is ours.

With a base this is a three-way merge. Without one (a stale checkout against the branch's tip, a file with conflict
markers) what only one side has counts as new, save that no engine ends up in two entries; then a moved or retired entry
may be back in its old place, and the next plan moves or retires it again, with no call.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from reconciler.core.entry import FAILED, IN_PROGRESS, UNCERTAIN, Entry, Pending, Provisioned, Superseded
from reconciler.core.entry_format import Document, entry_document, read_entry
from reconciler.core.errors import LockfileError
from reconciler.core.lockfile import Lockfile
from reconciler.core.transitions import superseded_by, superseded_by_dropping

_UNKNOWN = "1970-01-01T00:00:00Z"  # for a time that neither side wrote down


@dataclass(frozen=True, slots=True)
class Doubled:
    """A key for which both sides made an engine. Both are kept; `kept` serves."""

    key: str
    kept: str
    other: str


@dataclass(frozen=True, slots=True)
class Merged:
    """The merged lockfile, and what a person should hear of."""

    lockfile: Lockfile
    doubled: tuple[Doubled, ...] = ()


def merge(base: Lockfile | None, ours: Lockfile, theirs: Lockfile) -> Merged:
    """Both sides in one. Raises `LockfileError` for two uncertain operations of one key: a person must settle one."""
    if ours == theirs or theirs == base:
        return Merged(ours)
    if ours == base:
        return Merged(theirs)
    engines: dict[str, Document] = {}
    doubled: list[Doubled] = []
    alone: dict[str, Document] = {}  # on one side only, and nothing tells whether the other ever had it
    for key in ours.engines.keys() | theirs.engines.keys():
        before = None if base is None else base.engines.get(key)
        mine, yours = ours.engines.get(key), theirs.engines.get(key)
        picked: Document | None
        if base is not None and mine == before:
            picked = yours
        elif mine == yours or (base is not None and yours == before):
            picked = mine
        elif mine is not None and yours is not None:
            picked = _merge_documents(key, mine, yours, doubled)
        else:
            picked = mine if mine is not None else yours
            if base is None and picked is not None:
                alone[key] = picked
                continue
        if picked is not None:
            engines[key] = picked
    merged = replace(ours, engines=_with_lone_entries(engines, alone))
    merged = replace(merged, retired=_merge_retired(base, ours, theirs, merged))
    return Merged(merged, tuple(sorted(doubled, key=lambda one: one.key)))


def _with_lone_entries(engines: dict[str, Document], alone: Mapping[str, Document]) -> dict[str, Document]:
    """Those whose engines are not all in other entries: else the one side moved what the other still has."""
    used = {name for document in engines.values() for name in _names_of(document)}
    named = {key: set(_names_of(document)) for key, document in alone.items()}
    for key, names in sorted(named.items(), key=lambda item: (-len(item[1]), item[0])):
        if not names <= used:
            engines[key] = alone[key]
            used |= names
    return engines


def _merge_documents(key: str, mine: Document, yours: Document, doubled: list[Doubled]) -> Document:
    one, two = read_entry(mine, f"engines.{key}"), read_entry(yours, f"engines.{key}")
    current = _current(key, one, two, doubled)
    superseded = _superseded(one, two, current)
    pending, overtaken = _pending(key, one, two, current, superseded)
    known = {past.engine_id for past in superseded}
    superseded += [past for past in overtaken if past.engine_id not in known]
    superseded.sort(key=lambda past: (past.replaced_at, past.engine_id))
    return entry_document(Entry(current, pending, tuple(superseded)))


def _current(key: str, one: Entry, two: Entry, doubled: list[Doubled]) -> Provisioned | None:
    mine, yours = one.current, two.current
    if mine is None or yours is None or mine.engine_id == yours.engine_id:
        return _fuller(mine, yours)
    left_mine, left_yours = _replaced_at(two, mine.engine_id), _replaced_at(one, yours.engine_id)
    if left_mine is not None or left_yours is not None:  # one side moved on from the other's engine
        return yours if (left_mine or "") >= (left_yours or "") else mine
    kept, other = sorted(
        (mine, yours), key=lambda made: (made.provisioned_at or "", made.engine_id), reverse=True
    )
    doubled.append(Doubled(key, kept.engine_id, other.engine_id))
    return kept


def _fuller(mine: Provisioned | None, yours: Provisioned | None) -> Provisioned | None:
    """Of two records of one engine the one that holds more; of one and none, the one."""
    known = [made for made in (mine, yours) if made is not None]
    return max(known, key=lambda made: (made.summary is not None, repr(made)), default=None)


def _replaced_at(entry: Entry, engine_id: str) -> str | None:
    return next((past.replaced_at for past in entry.superseded if past.engine_id == engine_id), None)


def _superseded(one: Entry, two: Entry, current: Provisioned | None) -> list[Superseded]:
    """Every engine that either side left, save the one that serves; completed is known better than running."""
    left = [*one.superseded, *two.superseded]
    known = {past.engine_id for past in left}
    for made in (one.current, two.current):
        if made is not None and current is not None and made.engine_id not in (current.engine_id, *known):
            left.append(superseded_by(made, current.provisioned_at or made.provisioned_at or _UNKNOWN))
    found: dict[str, Superseded] = {}
    for past in sorted(left, key=lambda past: (_rank(past.status), past.replaced_at, repr(past))):
        found.setdefault(past.engine_id, past)
    if current is not None:
        found.pop(current.engine_id, None)
    return list(found.values())


def _pending(
    key: str, one: Entry, two: Entry, current: Provisioned | None, superseded: list[Superseded]
) -> tuple[Pending | None, list[Superseded]]:
    """The operation that is still pending for the merged entry, and what it overtakes."""
    settled = {past.operation_id for past in superseded} | {current.operation_id if current else None}
    open_: dict[str, Pending] = {}
    for pending in (one.pending, two.pending):
        if pending is None or pending.operation_id in settled:
            continue
        before = open_.get(pending.operation_id)
        open_[pending.operation_id] = pending if before is None else max(before, pending, key=_progress)
    unanswered = [pending for pending in open_.values() if pending.status == UNCERTAIN]
    if len(unanswered) > 1:
        raise LockfileError(
            f"both sides have an uncertain operation for `{key}`",
            hint=f"settle one of them first: reconcile resolve {key} …, on the branch that has it",
        )
    if not open_:
        return None, []
    kept = max(
        open_.values(), key=lambda pending: (pending in unanswered, pending.submitted_at or "", repr(pending))
    )
    rest = [pending for pending in open_.values() if pending is not kept]
    at = kept.submitted_at or _UNKNOWN
    return kept, [past for pending in rest for past in superseded_by_dropping(pending, at)]


def _progress(pending: Pending) -> tuple[bool, int, str]:
    """What is known furthest of one operation: first of all its engine."""
    order = {UNCERTAIN: 0, IN_PROGRESS: 1, FAILED: 2}
    return pending.engine_id is not None, order[pending.status], repr(pending)


def _rank(status: str | None) -> int:
    return {None: 0, FAILED: 1}.get(status, 2)


def _merge_retired(
    base: Lockfile | None, ours: Lockfile, theirs: Lockfile, merged: Lockfile
) -> dict[str, tuple[Document, ...]]:
    """Both sides' retired entries; where they differ, without those whose engines are in use again."""
    used: set[str] | None = None
    retired: dict[str, tuple[Document, ...]] = {}
    for key in ours.retired.keys() | theirs.retired.keys():
        before = None if base is None else base.retired.get(key, ())
        mine, yours = ours.retired.get(key, ()), theirs.retired.get(key, ())
        if mine == yours:
            retired[key] = mine
            continue
        if used is None:
            used = {name for document in merged.engines.values() for name in _names_of(document)}
        both = [*mine, *(one for one in yours if one not in mine)]
        documents = _distinct(yours if mine == before else mine if yours == before else both)
        left = [one for one in documents if not set(_names_of(one)) <= used]
        kept = tuple(sorted(left, key=lambda one: (one["retiredAt"], sorted(_names_of(one)))))
        if kept:
            retired[key] = kept
    return retired


def _distinct(documents: Iterable[Document]) -> list[Document]:
    """Those that are not wholly named by another; of two that name the same, the earlier retired."""
    ordered = sorted(documents, key=lambda one: (-len(set(_names_of(one))), one["retiredAt"], str(one)))
    kept: list[Document] = []
    for one in ordered:
        if not any(set(_names_of(one)) <= set(_names_of(other)) for other in kept):
            kept.append(one)
    return kept


def _names_of(document: Document) -> Iterator[str]:
    """The engines of an entry, and the operations that have none."""
    for part in (document, document.get("pending"), *(document.get("superseded") or ())):
        if isinstance(part, dict):
            name = part.get("engineId") or part.get("operationId")
            if isinstance(name, str):
                yield name
