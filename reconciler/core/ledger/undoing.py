"""Taking a resolution back: what a person said of a call was a mistake, and nothing was built on it yet.

The call is of unknown outcome again, under a new operation: facts about the old one that come late say nothing of it.
An engine that was named by mistake leaves the entry, and the one before it serves again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from reconciler.core.frozen import dataclass, replace
from reconciler.core.ledger.journal import (
    Acceptance,
    Begin,
    Decision,
    Record,
    Refusal,
    Settlement,
    UncertainOutcome,
)
from reconciler.core.lockfile import transitions
from reconciler.core.lockfile.entry import FAILED, Entry

if TYPE_CHECKING:
    from reconciler.core.ledger.working_copy import WorkingCopy

UNDO = "undo"
_TAKEN_BACK = "its resolution was undone"


@dataclass(frozen=True, slots=True)
class Resolution:
    """The last resolution of a key. `instead_of` is the engine that served before it; `entry` is the digest of all that
    was recorded of the key right after it.
    """

    begin: Begin
    settled: Settlement
    instead_of: str | None
    entry: str


def undoing(resolution: Resolution, operation: str, at: str) -> list[Record]:
    """The facts that take it back; `operation` is new."""
    begin, settled = resolution.begin, resolution.settled
    decision = Decision(
        undo_of(settled.operation),
        begin.key,
        UNDO,
        at,
        engine_id=settled.engine_id,
        about=settled.operation,
        instead_of=resolution.instead_of,
    )
    reopened = replace(begin, operation=operation)
    return [decision, reopened, UncertainOutcome(operation, _TAKEN_BACK, at)]


def undo_of(operation: str) -> str:
    """What the fact goes by that takes a resolution of this operation back; there is only ever one."""
    return f"{UNDO}-{operation}"


def undone(records: Iterable[Record]) -> frozenset[str]:
    """The operations whose resolution was taken back, and that have no answer of their own."""
    records = tuple(records)
    found = {one.about for one in records if isinstance(one, Decision) and one.kind == UNDO and one.about}
    if not found:
        return frozenset()
    return frozenset(found - {one.operation for one in records if isinstance(one, Acceptance)})


def still_told(records: Iterable[Record]) -> tuple[Record, ...]:
    """The records without what such an operation left behind."""
    records = tuple(records)
    gone = undone(records)
    if not gone:
        return records
    kinds = Begin | Settlement | UncertainOutcome | Refusal
    return tuple(one for one in records if not (isinstance(one, kinds) and one.operation in gone))


def take_back(copy: WorkingCopy, decision: Decision) -> None:
    """The entry without what the resolution made of the operation."""
    entry = copy.entry(decision.key)
    if entry is not None and decision.about is not None:
        copy.put(decision.key, _without(entry, decision.about, decision))


def _without(entry: Entry, operation: str, decision: Decision) -> Entry:
    entry = transitions.without(entry, operation)
    engine_id, pending, current = decision.engine_id, entry.pending, entry.current
    if pending is not None and pending.operation_id == operation:
        named = engine_id is not None and pending.engine_id == engine_id
        if named or (pending.status == FAILED and pending.engine_id is None):
            entry = transitions.unpend(entry)
    if engine_id is None:
        return entry
    if current is not None and (current.engine_id, current.operation_id) == (engine_id, operation):
        entry = transitions.step_down(entry, decision.instead_of)
    kept = tuple(
        one for one in entry.superseded if (one.engine_id, one.operation_id) != (engine_id, operation)
    )
    return replace(entry, superseded=kept)
