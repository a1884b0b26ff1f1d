"""Changes in place: what their facts do to a lockfile.

From its begin to its answer such a call is among those that its engine is `updating` by: the platform may have what is
recorded, or what one of them asked for. The call is idempotent, so nothing waits for a person: the next run that finds
one open looks, or issues a newer one. They are numbered for each engine, so no fact is applied twice, and an old one
does not undo a newer one.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from reconciler.core.frozen import replace
from reconciler.core.ledger.journal import Update, UpdateBegin, UpdateRefusal
from reconciler.core.ledger.working_copy import WorkingCopy
from reconciler.core.lockfile import transitions
from reconciler.core.lockfile.entry import Entry, Provisioned, Superseded
from reconciler.core.lockfile.lifecycle_options import read_lifecycle

_Part = Provisioned | Superseded


def next_number(part: _Part) -> int:
    """The number of an engine's next change in place."""
    return max((part.revision or 0, *part.updating)) + 1


def take_in(copy: WorkingCopy, fact: UpdateBegin | Update | UpdateRefusal, past: Collection[str]) -> None:
    """Change the working copy by a fact. `past` names operations that the ledger has moved past."""
    entry = copy.entry(fact.key)
    part = _part(entry, fact.engine_id) if entry is not None else None
    if entry is None or part is None or fact.operation in past or fact.number <= (part.revision or 0):
        return
    if isinstance(fact, Update):
        copy.put(fact.key, _updated(entry, part, fact))
        return
    open_ = set(part.updating) - {fact.number}
    if isinstance(fact, UpdateBegin):
        open_.add(fact.number)
    copy.put(fact.key, _with(entry, part, updating=tuple(sorted(open_))))


def _updated(entry: Entry, part: _Part, fact: Update) -> Entry:
    entry = _with(
        entry,
        part,
        fingerprint=fact.fingerprint,
        spec=fact.spec,
        files=fact.files,
        revision=fact.number,
        updated_at=transitions.seconds(fact.at),
        updating=tuple(number for number in part.updating if number > fact.number),
    )
    if not isinstance(part, Provisioned):
        return entry
    entry = transitions.unheld(entry, fact.fingerprint)
    return entry if fact.kept is None else transitions.keep(entry, read_lifecycle(fact.kept), fact.files)


def _part(entry: Entry, engine_id: str) -> _Part | None:
    """The engine, if its job completed."""
    past = [one for one in entry.superseded if one.status is None]
    parts = (entry.current, *past)
    return next((part for part in parts if part is not None and part.engine_id == engine_id), None)


def _with(entry: Entry, part: _Part, **values: Any) -> Entry:
    if isinstance(part, Provisioned):
        return replace(entry, current=replace(part, **values))
    return replace(
        entry, superseded=tuple(replace(one, **values) if one is part else one for one in entry.superseded)
    )
