"""The part of a plan that needs no platform, as decisions: facts that outlive a lockfile which is not merged yet."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import asdict

from reconciler.core.digests import sha256
from reconciler.core.frozen import replace
from reconciler.core.ledger.fold import fold
from reconciler.core.ledger.journal import Decision
from reconciler.core.lockfile.lifecycle_options import lifecycle_document
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.model import Action, Kind

# Moves and retirements come first, so that a key that became free can be taken by another.
_LOCAL = (Kind.MOVE, Kind.RETIRE, Kind.DELETE, Kind.RESTORE, Kind.DISCARD, Kind.RESUME, Kind.RECORD)


def perform_all(lockfile: Lockfile, actions: Collection[Action], at: str) -> Lockfile:
    """The lockfile after these actions; those that call the platform change nothing here."""
    return fold(lockfile, decisions_of(lockfile, actions, at))


def decisions_of(lockfile: Lockfile, actions: Collection[Action], at: str) -> tuple[Decision, ...]:
    """What these actions decide without a call, in order. `lockfile` is the one that the plan was made from."""
    local = [action for action in actions if action.kind in _LOCAL and action.guard is None]
    local.sort(key=lambda one: _LOCAL.index(one.kind))
    return (*(_decision(lockfile, action, at) for action in local), *_held(lockfile, actions, at))


def _decision(lockfile: Lockfile, action: Action, at: str) -> Decision:
    engine_id, about = action.engine_id, action.operation_id
    if action.kind in (Kind.RETIRE, Kind.DELETE):
        engine_id, about = _serving_or_pending(lockfile, action.key)
    restores = action.kind is Kind.RESTORE
    decision = Decision(
        "",
        action.key,
        action.kind.value,
        at,
        engine_id=engine_id,
        about=about,
        instead_of=_serving_or_pending(lockfile, action.key)[0] if restores else action.instead_of,
        from_key=action.from_key,
        fingerprint=action.fingerprint,
        files=dict(action.files) or None,
        kept=lifecycle_document(action.kept) if action.kept is not None else None,
    )
    return named(decision)


def _held(lockfile: Lockfile, actions: Collection[Action], at: str) -> Iterator[Decision]:
    """Protection that an action adds although it is held back: all that is done for it."""
    for action in actions:
        if action.guard is not None and action.kept is not None and action.key in lockfile.engines:
            engine_id, about = _serving_or_pending(lockfile, action.key)
            kept = lifecycle_document(action.kept)
            yield named(Decision("", action.key, "hold", at, engine_id=engine_id, about=about, kept=kept))


def _serving_or_pending(lockfile: Lockfile, key: str) -> tuple[str | None, str | None]:
    """The engine that serves, or else the operation that is pending."""
    entry = lockfile.entry(key)
    if entry is None or entry.current is not None:
        return (entry.current.engine_id if entry is not None and entry.current is not None else None), None
    return None, entry.pending.operation_id if entry.pending is not None else None


def named(decision: Decision) -> Decision:
    """The decision under a name of its own: a digest of all that it says."""
    text = json.dumps(asdict(decision), sort_keys=True, separators=(",", ":"))
    return replace(decision, operation="d-" + sha256(text.encode())[:24])
