"""Merge two versions of one entry: the side that knows more wins, and every engine of both is still named.

The result does not depend on which side is which.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from reconciler.core.engine.spec import LifecycleOptions
from reconciler.core.frozen import dataclass, replace
from reconciler.core.lockfile.entry import (
    FAILED,
    IN_PROGRESS,
    UNCERTAIN,
    Entry,
    Hold,
    Pending,
    Provisioned,
    Superseded,
)
from reconciler.core.lockfile.pruning import is_used
from reconciler.core.lockfile.transitions import submit_unresolved, superseded_by, superseded_by_dropping

UNKNOWN_TIME = "1970-01-01T00:00:00Z"  # for a time that neither side wrote down
_NEVER = (False, "")
_Part = TypeVar("_Part", Provisioned, Superseded)


@dataclass(frozen=True, slots=True)
class Doubled:
    """A key for which both sides made an engine. Both are kept; `kept` serves."""

    key: str
    kept: str
    other: str


def merge_entries(
    key: str, one: Entry, two: Entry, base: Entry | None = None
) -> tuple[Entry, Doubled | None]:
    """Both in one. With a `base`, what one side left as it was follows the other, so that nothing that was resolved or
    lifted comes back; without one, what either side has counts as new.
    """
    current, doubled = _current(key, one, two, base)
    if current is not None and not _same(one, two):
        current = _as_changed(current, _newest(one, two)[current.engine_id])
    superseded = _superseded(one, two, current)
    pending, overtaken = _pending(one, two, base, current, superseded)
    known = {past.engine_id for past in superseded} | {made.engine_id for made in (current, pending) if made}
    superseded += [past for past in overtaken if past.engine_id not in known]
    superseded.sort(key=lambda past: (past.replaced_at, past.engine_id))
    kept = _kept(one, two, base)
    hold = _hold(one, two, base)
    sides = [side for side in (one, two) if side.kept == kept]
    pending = None if pending is None else _read_there(pending, sides)
    merged = Entry(_filed(current, kept, one, two), pending, tuple(superseded), kept, hold=hold)
    merged = replace(merged, pruning=_pruning(one, two, base, merged))
    for call in _unresolved(one, two, base, merged):
        merged = submit_unresolved(merged, _read_there(call, sides))
    return merged, doubled


def _same(one: Entry, two: Entry) -> bool:
    """Whether the same engine serves on both sides."""
    mine, yours = one.current, two.current
    return mine is not None and yours is not None and mine.engine_id == yours.engine_id


def _read_there(call: Pending, sides: Sequence[Entry]) -> Pending:
    """The call without its files where the protection and outputs are not from a side that has it, as in `_filed`."""
    known = any(call.operation_id in _operations(side) for side in sides)
    return call if known else replace(call, files={})


def _hold(one: Entry, two: Entry, base: Entry | None) -> Hold | None:
    """The side that changed it wins; where both did, the newer hold."""
    before = base.hold if base is not None else None
    if before in (one.hold, two.hold):
        return two.hold if one.hold == before else one.hold
    both = [hold for hold in (one.hold, two.hold) if hold is not None]
    return max(both, key=lambda hold: (hold.since, hold.operation_id), default=None)


def _pruning(one: Entry, two: Entry, base: Entry | None, merged: Entry) -> dict[str, str]:
    """The engines that are being deleted: the side that changed that wins, and where an engine is in use again on a
    side that knows nothing of it, it is not.
    """
    before = base.pruning if base is not None else {}
    found = {}
    for engine_id in sorted({*one.pruning, *two.pruning} & set(merged.engine_ids)):
        mine, yours, then = (marks.get(engine_id) for marks in (one.pruning, two.pruning, before))
        if base is not None and then in (mine, yours):
            begun = yours if mine == then else mine
        else:
            begun = max(mine or "", yours or "")
        used = any(is_used(side, engine_id) and engine_id not in side.pruning for side in (one, two))
        if begun and not used:
            found[engine_id] = begun
    return found


def _kept(one: Entry, two: Entry, base: Entry | None) -> LifecycleOptions:
    """The side that changed it wins. Where both did, protection holds, and outputs are those of the side that names
    more.
    """
    if base is not None and base.kept in (one.kept, two.kept):
        return two.kept if one.kept == base.kept else one.kept
    protect = one.kept.protect or two.kept.protect
    outputs = max(one.kept.outputs, two.kept.outputs, key=lambda outputs: (len(outputs), repr(outputs)))
    return LifecycleOptions(protect, outputs)


def _filed(current: Provisioned | None, kept: LifecycleOptions, one: Entry, two: Entry) -> Provisioned | None:
    """Its files are those of the side that its protection and outputs are from; where that is neither, or both differ,
    there are none, so that the next plan reads the file again.
    """
    sides = [side.current for side in (one, two) if side.kept == kept and side.current is not None]
    files = [made.files for made in sides if current is not None and made.engine_id == current.engine_id]
    if current is None or (current.files in files[:1] and files.count(current.files) == len(files)):
        return current
    return replace(current, files=files[0] if len(files) == 1 else {})


def _unresolved(one: Entry, two: Entry, base: Entry | None, merged: Entry) -> list[Pending]:
    """Calls that neither side knows the outcome of. One that a side has no longer was resolved there."""
    calls = {call.operation_id: call for call in (*one.unresolved, *two.unresolved)}
    answered = {part.operation_id for part in (merged.current, merged.pending, *merged.superseded) if part}
    before = {call.operation_id for call in base.unresolved} if base is not None else set()
    resolved = {name for name in before if any(name not in _operations(side) for side in (one, two))}
    left = [call for name, call in calls.items() if name not in answered | resolved]
    return sorted(left, key=lambda call: (call.submitted_at or "", call.operation_id))


def _operations(entry: Entry) -> set[str | None]:
    parts = (entry.current, entry.pending, *entry.uncertain, *entry.superseded)
    return {part.operation_id for part in parts if part is not None}


def _current(
    key: str, one: Entry, two: Entry, base: Entry | None
) -> tuple[Provisioned | None, Doubled | None]:
    mine, yours = one.current, two.current
    before = base.current if base is not None else None
    if mine is None or yours is None or mine.engine_id == yours.engine_id:
        return _fuller(mine, yours, before), None
    if before is not None and before.engine_id in (mine.engine_id, yours.engine_id):
        return (yours if mine.engine_id == before.engine_id else mine), None
    kept, other = sorted(
        (mine, yours), key=lambda made: (made.provisioned_at or "", made.engine_id), reverse=True
    )
    left_mine, left_yours = _left(two, mine.engine_id), _left(one, yours.engine_id)
    if left_mine != left_yours:  # one side moved on from the other's engine, or did so later
        return (yours if left_mine > left_yours else mine), None
    if left_mine != _NEVER:
        return kept, None
    return kept, Doubled(key, kept.engine_id, other.engine_id)


def _left(entry: Entry, engine_id: str) -> tuple[bool, str]:
    """Whether and when this side left the engine. One that never served there was overtaken, which counts for less."""
    return next(
        ((past.status is None, past.replaced_at) for past in entry.superseded if past.engine_id == engine_id),
        _NEVER,
    )


def _fuller(
    mine: Provisioned | None, yours: Provisioned | None, before: Provisioned | None
) -> Provisioned | None:
    """Of two records of one engine the one that holds more; of one and none, the one. What was changed in place since
    the base, or last, is how the engine is now.
    """
    if mine is None or yours is None:
        return mine or yours
    changed = [made for made in (mine, yours) if before is not None and _change(made) != _change(before)]
    newest = (
        changed[0] if len(changed) == 1 else max(mine, yours, key=lambda made: (*_change(made), repr(made)))
    )
    fuller = max(mine, yours, key=lambda made: (made.summary is not None, repr(made)))
    if _change(fuller) == _change(newest):
        return fuller
    return replace(newest, summary=newest.summary or fuller.summary)


def _change(made: Provisioned | Superseded) -> tuple[int, str, str, tuple[int, ...]]:
    """How often an engine was changed in place, when last, to what, and by which calls without an answer."""
    changed = made.fingerprint if made.revision else ""
    return made.revision or 0, made.updated_at or "", changed, made.updating


def _superseded(one: Entry, two: Entry, current: Provisioned | None) -> list[Superseded]:
    """Every engine that either side left, save the one that serves; completed is known better than running."""
    left = [*one.superseded, *two.superseded]
    known = {past.engine_id for past in left if past.status is None}
    for made in (one.current, two.current):
        if made is not None and current is not None and made.engine_id not in (current.engine_id, *known):
            left.append(superseded_by(made, current.provisioned_at or made.provisioned_at or UNKNOWN_TIME))
    newest = _newest(one, two)
    found: dict[str, Superseded] = {}
    for past in sorted(left, key=lambda past: (_rank(past.status), past.replaced_at, repr(past))):
        found.setdefault(past.engine_id, _as_changed(past, newest[past.engine_id]))
    if current is not None:
        found.pop(current.engine_id, None)
    return list(found.values())


def _newest(one: Entry, two: Entry) -> dict[str, Provisioned | Superseded]:
    """Of each engine what the side has of it that changed it in place last."""
    found: dict[str, Provisioned | Superseded] = {}
    for side in (one, two):
        parts: list[Provisioned | Superseded] = [*side.superseded]
        for part in [*parts, side.current] if side.current is not None else parts:
            other = found.setdefault(part.engine_id, part)
            if (_change(part), repr(part)) > (_change(other), repr(other)):
                found[part.engine_id] = part
    return found


def _as_changed(part: _Part, newest: Provisioned | Superseded) -> _Part:
    """What one side has of an engine, with how the other changed it in place."""
    if _change(part) == _change(newest):
        return part
    return replace(
        part,
        fingerprint=newest.fingerprint,
        spec=newest.spec,
        files=newest.files,
        revision=newest.revision,
        updated_at=newest.updated_at,
        updating=newest.updating,
    )


def _pending(
    one: Entry, two: Entry, base: Entry | None, current: Provisioned | None, superseded: list[Superseded]
) -> tuple[Pending | None, list[Superseded]]:
    """The answered operation that is still pending for the merged entry, and what is left of the other."""
    both = [side.pending for side in (one, two) if side.pending and side.pending.status != UNCERTAIN]
    open_: dict[str, Pending] = {}
    for pending in both:
        over = _is_settled(pending, current, superseded) or _is_dropped(pending, one, two, base)
        if not over and not _is_overtaken(pending, current, one, two):
            before = open_.get(pending.operation_id, pending)
            open_[pending.operation_id] = max(before, pending, key=_progress)
    kept = max(open_.values(), key=lambda pending: (pending.submitted_at or "", repr(pending)), default=None)
    at = (kept.submitted_at if kept else current.provisioned_at if current else None) or UNKNOWN_TIME
    rest = sorted((pending for pending in both if pending is not kept), key=_progress, reverse=True)
    return kept, [past for pending in rest for past in superseded_by_dropping(pending, at)]


def _is_overtaken(pending: Pending, current: Provisioned | None, one: Entry, two: Entry) -> bool:
    """Whether it began before what serves now came to serve, on a side that knows nothing of it."""
    if current is None or (pending.submitted_at or "") >= (current.provisioned_at or ""):
        return False
    serving = [side for side in (one, two) if side.current and side.current.engine_id == current.engine_id]
    return not any(pending.operation_id in _operations(side) for side in serving)


def _is_dropped(pending: Pending, one: Entry, two: Entry, base: Entry | None) -> bool:
    """Whether one side let go of an operation that made nothing, which both had."""
    if base is None or base.pending is None or base.pending.operation_id != pending.operation_id:
        return False
    return any(pending.operation_id not in _operations(side) for side in (one, two))


def _is_settled(pending: Pending, current: Provisioned | None, superseded: list[Superseded]) -> bool:
    """Whether the operation ended or was overtaken on the other side. People may have named another engine there."""
    if current is not None and current.operation_id == pending.operation_id:
        return True
    if pending.engine_id is not None:
        return any(past.engine_id == pending.engine_id for past in superseded)
    return any(past.operation_id == pending.operation_id for past in superseded)


def _progress(pending: Pending) -> tuple[bool, int, str]:
    """What is known furthest of one operation: first of all its engine."""
    order = {UNCERTAIN: 0, IN_PROGRESS: 1, FAILED: 2}
    return pending.engine_id is not None, order[pending.status], repr(pending)


def _rank(status: str | None) -> int:
    return {None: 0, FAILED: 1}.get(status, 2)
