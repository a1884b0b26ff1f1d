"""Changes in place: name, description and locales of the engine that serves, without a new one.

They are planned where the settings ask for it (`metadata_changes: in_place`), and nothing else goes on with the engine.
An engine that keeps its ID comes before one that was made for exactly this and is kept in reserve: that is the point.
"""

from __future__ import annotations

from collections.abc import Collection

from reconciler.core.engine.fingerprint import same_sources
from reconciler.core.engine.spec import Desired, record_of
from reconciler.core.frozen import replace
from reconciler.core.lockfile.entry import Entry, Provisioned
from reconciler.core.plan.actions import action_for
from reconciler.core.plan.changes import changes_between, changes_of_kept
from reconciler.core.plan.model import Action, Kind


def update(wanted: Desired, entry: Entry, gone: Collection[str]) -> Action | None:
    """The serving engine as its file wants it, where that differs in nothing that a job is needed for. What the
    platform no longer has cannot be changed.
    """
    current = entry.current
    if current is None or entry.pending is not None or entry.uncertain or current.engine_id in gone:
        return None
    if entry.hold is not None and entry.hold.holds_back(wanted.fingerprint):
        return None
    if not same_sources(current.spec, record_of(wanted.spec)):
        return None
    return _update(wanted, entry, current, "engine file changed")


def confirm(wanted: Desired, entry: Entry) -> Action | None:
    """The serving engine is recorded as its file wants it, but a change of it has no answer: so it is made sure."""
    if entry.current is None or not entry.current.updating:
        return None
    return _update(wanted, entry, entry.current, "an earlier update got no answer")


def put_back(wanted: Desired, entry: Entry) -> Action | None:
    """The serving engine is recorded as its file wants it, and the platform has it otherwise."""
    if entry.current is None:
        return None
    reason = "drift: it was changed on the platform, and is set back to what its file asks for"
    return _update(wanted, entry, entry.current, reason)


def _update(wanted: Desired, entry: Entry, current: Provisioned, reason: str) -> Action:
    changes = (*changes_between(current.spec, wanted.spec), *changes_of_kept(entry.kept, wanted.kept))
    return replace(
        action_for(wanted, Kind.UPDATE, reason, wanted.spec),
        engine_id=current.engine_id,
        changes=changes,
        unconfirmed=bool(current.updating),
    )
