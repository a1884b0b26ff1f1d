"""What is decided without a call: move, retire (and delete), restore, discard, resume, record and hold by a run; undo,
adopt, rollback and release by a person.

Decisions are facts like any other, so that they outlive a lockfile that waits for its pull request to be merged. Each
names the engine or operation that it is about, and does nothing where that is not in its place any more: so a decision
that is applied again, or late, changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from reconciler.core.frozen import replace
from reconciler.core.ledger.journal import Decision
from reconciler.core.ledger.pruning import put_marked
from reconciler.core.ledger.undoing import take_back
from reconciler.core.lockfile import transitions
from reconciler.core.lockfile.entry import Entry, Hold, Provisioned, Retired
from reconciler.core.lockfile.lifecycle_options import read_lifecycle
from reconciler.core.lockfile.pruning import brought_back

if TYPE_CHECKING:
    from reconciler.core.ledger.working_copy import WorkingCopy


def carry_out(copy: WorkingCopy, decision: Decision) -> None:
    """Change the working copy as decided, where the decision still fits."""
    _WAYS[decision.kind](copy, decision)


def _move(copy: WorkingCopy, decision: Decision) -> None:
    source = decision.from_key or ""
    entry = copy.entry(source)
    if entry is None or copy.entry(decision.key) is not None or not _is_about(entry, decision):
        return
    if entry.current is not None and entry.current.engine_id == decision.engine_id:
        entry = transitions.drop(entry, decision.at)
    copy.put(source, None)
    copy.put(decision.key, _as_filed(entry, decision))


def _retire(copy: WorkingCopy, decision: Decision) -> None:
    entry = copy.entry(decision.key)
    if entry is None or entry.unresolved or not _is_about(entry, decision):
        return
    copy.put(decision.key, None)
    if entry.engine_ids:
        retired = Retired(entry, transitions.seconds(decision.at))
        copy.put_retired(decision.key, (*copy.retired(decision.key), retired))


def _delete(copy: WorkingCopy, decision: Decision) -> None:
    """Retire, and delete what served: as soon as no application can read it any more."""
    engine_id = decision.engine_id
    before = len(copy.retired(decision.key))
    _retire(copy, decision)
    if engine_id is not None and len(copy.retired(decision.key)) > before:
        at = transitions.seconds(decision.at)
        put_marked(copy, decision.key, engine_id, at, at)


def _restore(copy: WorkingCopy, decision: Decision) -> None:
    before = copy.entry(decision.key)
    entry = _taken_out_of_retirement(copy, decision)
    if entry is None:
        return
    serving = entry.current.engine_id if entry.current is not None else None
    if serving == decision.engine_id and before is None:  # out of retirement, as it was
        entry = transitions.drop(entry, decision.at)
    elif before is not None and serving != decision.instead_of:  # another engine came to serve since
        return
    elif any(
        one.engine_id == decision.engine_id and one.engine_id not in entry.pruning for one in entry.superseded
    ):
        entry = transitions.restore(entry, decision.engine_id or "", decision.files or {}, decision.at)
    serves = entry.current is not None and entry.current.engine_id == decision.engine_id
    copy.put(decision.key, _as_filed(entry, decision) if serves else entry)


def _discard(copy: WorkingCopy, decision: Decision) -> None:
    entry = copy.entry(decision.key)
    if entry is None or entry.pending is None or entry.pending.operation_id != decision.about:
        return
    entry = transitions.drop(entry, decision.at)
    copy.put(decision.key, _as_filed(entry, decision, refile=False))


def _resume(copy: WorkingCopy, decision: Decision) -> None:
    entry = _taken_out_of_retirement(copy, decision)
    if entry is None:
        return
    pending = entry.pending
    if pending is None or pending.operation_id != decision.about:
        entry = transitions.readopt(
            entry, decision.about or "", decision.files or {}, decision.at, decision.instead_of
        )
    # Of one that another operation came after, the files and all that they say are old by now.
    copy.put(decision.key, _as_filed(entry, decision) if _is_about(entry, decision) else entry)


def _record(copy: WorkingCopy, decision: Decision) -> None:
    entry = copy.entry(decision.key)
    if entry is not None and _is_about(entry, decision):
        copy.put(decision.key, _as_filed(entry, decision))


def _hold(copy: WorkingCopy, decision: Decision) -> None:
    """An action that a guard holds back may still add protection."""
    entry = copy.entry(decision.key)
    if entry is None or not _is_about(entry, decision):
        return
    copy.put(decision.key, _as_filed(entry, decision))


def _adopt(copy: WorkingCopy, decision: Decision) -> None:
    """An engine that exists already serves from now on; where another one came to serve, or may have been made
    meanwhile, it is kept in reserve.
    """
    engine_id, spec = decision.engine_id, decision.spec
    if engine_id is None or spec is None:
        return
    if decision.operation in copy.homes or copy.names(engine_id):
        _drop_again(copy, decision)
        return
    adopted = Provisioned(
        engine_id,
        decision.fingerprint or "",
        spec,
        decision.files or {},
        operation_id=decision.operation,
        provisioned_at=transitions.seconds(decision.at),
    )
    entry = copy.entry(decision.key) or Entry()
    if entry.current is not None or entry.unresolved:
        former = transitions.superseded_by(adopted, decision.at)
        copy.put(decision.key, replace(entry, superseded=(*entry.superseded, former)))
        return
    entry = transitions.drop(entry, decision.at)
    copy.put(decision.key, _as_filed(replace(entry, current=adopted), decision))


def _rollback(copy: WorkingCopy, decision: Decision) -> None:
    entry = copy.entry(decision.key)
    serving = entry.current.engine_id if entry is not None and entry.current is not None else None
    if entry is None or serving != decision.instead_of or decision.spec is None:
        _drop_again(copy, decision)
        return
    found = [one for one in entry.superseded if one.engine_id == decision.engine_id and one.status is None]
    if not found or decision.engine_id in entry.pruning:
        return
    by, since = decision.by or "", transitions.seconds(decision.at)
    hold = Hold(decision.operation, decision.fingerprint or "", decision.spec, by, since)
    needed = not hold.holds_back(found[-1].fingerprint)  # else it is the one that the file asks for
    rolled_back = transitions.roll_back(
        entry, decision.engine_id or "", hold if needed else None, decision.at
    )
    copy.put(decision.key, rolled_back)


def _drop_again(copy: WorkingCopy, decision: Decision) -> None:
    """What was pending then, and made nothing, is brought back by its begin, which comes before the decision."""
    entry = copy.entry(decision.key)
    current, pending = (entry.current, entry.pending) if entry is not None else (None, None)
    if entry is None or current is None or current.engine_id != decision.engine_id or pending is None:
        return
    if pending.operation_id == decision.about:
        copy.put(decision.key, transitions.drop(entry, decision.at))


def _release(copy: WorkingCopy, decision: Decision) -> None:
    entry = copy.entry(decision.key)
    if entry is not None and entry.hold is not None and entry.hold.operation_id == decision.about:
        copy.put(decision.key, replace(entry, hold=None))


_WAYS: dict[str, Callable[[WorkingCopy, Decision], None]] = {
    "move": _move,
    "retire": _retire,
    "restore": _restore,
    "discard": _discard,
    "resume": _resume,
    "record": _record,
    "hold": _hold,
    "undo": take_back,
    "adopt": _adopt,
    "rollback": _rollback,
    "release": _release,
    "delete": _delete,
}


def _is_about(entry: Entry, decision: Decision) -> bool:
    """Whether the entry is still as the decision found it: the same engine serves, or the same operation is pending."""
    if decision.about is not None:
        parts = (entry.pending, entry.current)
        return any(part is not None and part.operation_id == decision.about for part in parts)
    return decision.engine_id == (entry.current.engine_id if entry.current is not None else None)


def _as_filed(entry: Entry, decision: Decision, *, refile: bool = True) -> Entry:
    """Read from these files from now on, and keep what the file says beside its spec."""
    if decision.fingerprint is not None:
        entry = transitions.unheld(entry, decision.fingerprint)
    if refile and decision.fingerprint is not None and decision.files is not None:
        entry = transitions.refile(entry, decision.fingerprint, decision.files)
    if decision.kept is None:
        return entry
    return transitions.keep(entry, read_lifecycle(decision.kept), decision.files or {})


def _taken_out_of_retirement(copy: WorkingCopy, decision: Decision) -> Entry | None:
    """The entry with the engine; one that was retired comes back, and joins what has its key by now."""
    entry = copy.entry(decision.key)
    if entry is not None and decision.engine_id in entry.engine_ids:
        return entry
    retired = copy.retired(decision.key)
    found = next((one for one in reversed(retired) if decision.engine_id in one.entry.engine_ids), None)
    if found is None:
        return entry
    copy.put_retired(decision.key, tuple(one for one in retired if one is not found))
    found = brought_back(found)
    return found.entry if entry is None else transitions.join(found, entry)
