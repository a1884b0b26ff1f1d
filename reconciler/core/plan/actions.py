"""How an action is begun from what an engine file asks for, and from what is recorded of it."""

from __future__ import annotations

from reconciler.core.engine.fingerprint import same_meaning
from reconciler.core.engine.spec import Desired, Spec
from reconciler.core.frozen import replace
from reconciler.core.lockfile.entry import Entry, Pending, Provisioned
from reconciler.core.plan.model import Action, Kind


def action_for(wanted: Desired, kind: Kind, reason: str, spec: Spec | None = None) -> Action:
    return Action(
        wanted.key,
        kind,
        reason,
        file=wanted.file,
        fingerprint=wanted.fingerprint,
        spec=spec,
        files=wanted.files,
        kept=None if kind is Kind.NONE else wanted.kept,
    )


def of_pending(action: Action, pending: Pending) -> Action:
    """The action, about the operation that is pending."""
    return replace(
        action,
        engine_id=pending.engine_id,
        job_id=pending.job_id,
        operation_id=pending.operation_id,
    )


def serves(entry: Entry, wanted: Desired) -> bool:
    """Whether what serves is what the file asks for, or what it was rolled back to."""
    held = entry.hold is not None and entry.hold.holds_back(wanted.fingerprint)
    return held or (entry.current is not None and means(entry.current, wanted))


def means(part: Provisioned | Pending, wanted: Desired) -> bool:
    return same_meaning(part.fingerprint, part.spec, wanted.fingerprint)
