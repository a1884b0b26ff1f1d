"""Merge two versions of one entry: the side that knows more wins, and every engine of both is still named.

The result does not depend on which side is which.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconciler.core.engine.spec import LifecycleOptions
from reconciler.core.errors import LockfileError
from reconciler.core.lockfile.entry import (
    FAILED,
    IN_PROGRESS,
    UNCERTAIN,
    Entry,
    Pending,
    Provisioned,
    Superseded,
)
from reconciler.core.lockfile.transitions import superseded_by, superseded_by_dropping

_UNKNOWN = "1970-01-01T00:00:00Z"  # for a time that neither side wrote down
_NEVER = (False, "")


@dataclass(frozen=True, slots=True)
class Doubled:
    """A key for which both sides made an engine. Both are kept; `kept` serves."""

    key: str
    kept: str
    other: str


def merge_entries(key: str, one: Entry, two: Entry) -> tuple[Entry, Doubled | None]:
    """Both in one. Raises `LockfileError` for two uncertain operations: a person must settle one first."""
    current, doubled = _current(key, one, two)
    superseded = _superseded(one, two, current)
    pending, overtaken = _pending(key, one, two, current, superseded)
    known = {past.engine_id for past in superseded} | {made.engine_id for made in (current, pending) if made}
    superseded += [past for past in overtaken if past.engine_id not in known]
    superseded.sort(key=lambda past: (past.replaced_at, past.engine_id))
    return Entry(current, pending, tuple(superseded), _kept(one, two)), doubled


def _kept(one: Entry, two: Entry) -> LifecycleOptions:
    """Protection that either side knows of holds; outputs are those of the side that names more."""
    protect = one.kept.protect or two.kept.protect
    outputs = max(one.kept.outputs, two.kept.outputs, key=lambda outputs: (len(outputs), repr(outputs)))
    return LifecycleOptions(protect, outputs)


def without_superseded(entry: Entry, engine_id: str) -> Entry:
    """The entry without this engine among those it replaced; it has its place elsewhere."""
    return replace(entry, superseded=tuple(past for past in entry.superseded if past.engine_id != engine_id))


def _current(key: str, one: Entry, two: Entry) -> tuple[Provisioned | None, Doubled | None]:
    mine, yours = one.current, two.current
    if mine is None or yours is None or mine.engine_id == yours.engine_id:
        return _fuller(mine, yours), None
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


def _fuller(mine: Provisioned | None, yours: Provisioned | None) -> Provisioned | None:
    """Of two records of one engine the one that holds more; of one and none, the one."""
    known = [made for made in (mine, yours) if made is not None]
    return max(known, key=lambda made: (made.summary is not None, repr(made)), default=None)


def _superseded(one: Entry, two: Entry, current: Provisioned | None) -> list[Superseded]:
    """Every engine that either side left, save the one that serves; completed is known better than running."""
    left = [*one.superseded, *two.superseded]
    known = {past.engine_id for past in left if past.status is None}
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
    """The operation that is still pending for the merged entry, and what is left of the other."""
    both = [pending for pending in (one.pending, two.pending) if pending is not None]
    open_: dict[str, Pending] = {}
    for pending in both:
        if not _is_settled(pending, current, superseded):
            before = open_.get(pending.operation_id, pending)
            open_[pending.operation_id] = max(before, pending, key=_progress)
    unanswered = [pending for pending in open_.values() if pending.status == UNCERTAIN]
    if len(unanswered) > 1:
        raise LockfileError(
            f"both sides have an uncertain operation for `{key}`",
            hint=f"settle one of them first: reconcile resolve {key} …, on the branch that has it",
        )
    kept = max(
        open_.values(),
        key=lambda pending: (pending in unanswered, pending.submitted_at or "", repr(pending)),
        default=None,
    )
    at = (kept.submitted_at if kept else current.provisioned_at if current else None) or _UNKNOWN
    rest = sorted((pending for pending in both if pending is not kept), key=_progress, reverse=True)
    return kept, [past for pending in rest for past in superseded_by_dropping(pending, at)]


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
