"""What goes on record before a call, and after one that changed an engine in place."""

from __future__ import annotations

from reconciler.core.engine.spec import LifecycleOptions, record_of
from reconciler.core.ledger.journal import Announcement, Begin, Update, UpdateBegin, UpdateRefusal
from reconciler.core.lockfile.lifecycle_options import lifecycle_document
from reconciler.core.platform.update import NotUpdated
from reconciler.core.run.operations import Change, Creation


def begin_of(operation: Creation | Change, at: str) -> Announcement:
    """The begin of an operation; nothing is called before it is durable."""
    key = operation.action.key
    if isinstance(operation, Change):
        return UpdateBegin(operation.id, key, operation.alteration.engine_id, operation.number, at)
    spec, fingerprint, files, kept, instead_of, because = operation.submission
    record = record_of(spec)
    return Begin(operation.id, key, fingerprint, record, dict(files), at, _kept(kept), instead_of, because)


def update_of(operation: Change, at: str) -> Update:
    """The engine has what was asked for."""
    change, key = operation.alteration, operation.action.key
    record, files, number = record_of(change.spec), dict(change.files), operation.number
    return Update(
        operation.id, key, change.engine_id, number, change.fingerprint, record, files, at, _kept(change.kept)
    )


def refusal_of(operation: Change, answer: NotUpdated, at: str) -> UpdateRefusal:
    """The engine was not changed."""
    key, engine_id = operation.action.key, operation.alteration.engine_id
    message, status = answer.message, answer.status or 0
    return UpdateRefusal(operation.id, key, engine_id, operation.number, message, status, at)


def _kept(kept: LifecycleOptions | None) -> dict[str, object] | None:
    return lifecycle_document(kept) if kept is not None else None
