"""The part of a plan that needs no platform: restore, discard, move, retire, record, and taking up an overtaken job."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from reconciler.core.engine.fingerprint import same_meaning
from reconciler.core.lockfile import transitions
from reconciler.core.lockfile.entry import Entry, Retired
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.model import Action, Kind


def perform_all(lockfile: Lockfile, actions: Collection[Action], at: str) -> Lockfile:
    """The lockfile after these actions; those that call the platform change nothing here.

    The lockfile must be the one that the plan was made from. Moves and retirements come first, so that a key that
    became free can be taken by another.
    """
    pending = [action for action in actions if action.kind in _LOCAL and action.guard is None]
    for action in sorted(pending, key=lambda one: _LOCAL.index(one.kind)):
        lockfile = _perform(lockfile, action, at)
    return _keep(lockfile, actions)


_LOCAL = (Kind.MOVE, Kind.RETIRE, Kind.RESTORE, Kind.DISCARD, Kind.RESUME, Kind.RECORD)


def _keep(lockfile: Lockfile, actions: Collection[Action]) -> Lockfile:
    """Protection that an action adds although it is held back: all that is done for it."""
    added = {one.key: one.kept for one in actions if one.guard is not None and one.kept is not None}
    entries: dict[str, Entry | None] = {}
    for key, kept in added.items():
        entry = lockfile.entry(key)
        if entry is not None:
            entries[key] = replace(entry, kept=kept)
    return lockfile.with_entries(entries) if entries else lockfile


def _perform(lockfile: Lockfile, action: Action, at: str) -> Lockfile:
    if action.kind is Kind.MOVE:
        return _move(lockfile, action, at)
    entry = lockfile.entry(action.key)
    if action.kind is Kind.RETIRE:
        return lockfile if entry is None else _retire(lockfile, action.key, entry, at)
    if entry is None:
        lockfile, entry = _out_of_retirement(lockfile, action)
    changed = _CHANGES[action.kind](entry, action, at)
    return lockfile.with_entry(action.key, _with_kept(changed, action))


def _move(lockfile: Lockfile, action: Action, at: str) -> Lockfile:
    assert action.from_key is not None and action.fingerprint is not None  # every move has both
    entry = lockfile.entry(action.from_key)
    assert entry is not None  # the plan saw one
    current = entry.current
    if current is not None and same_meaning(current.fingerprint, current.spec, action.fingerprint):
        entry = transitions.drop(entry, at)
    entry = _with_kept(transitions.refile(entry, action.fingerprint, action.files), action)
    return lockfile.with_entries({action.from_key: None, action.key: entry})


def _with_kept(entry: Entry, action: Action) -> Entry:
    return entry if action.kept is None else replace(entry, kept=action.kept)


def _retire(lockfile: Lockfile, key: str, entry: Entry, at: str) -> Lockfile:
    lockfile = lockfile.with_entry(key, None)
    if not entry.engine_ids:
        return lockfile
    before = lockfile.retired_of(key)
    return lockfile.with_retired(key, (*before, Retired(entry, transitions.seconds(at))))


def _out_of_retirement(lockfile: Lockfile, action: Action) -> tuple[Lockfile, Entry]:
    retired = lockfile.retired_of(action.key)
    found = next(one for one in reversed(retired) if action.engine_id in one.entry.engine_ids)
    rest = tuple(one for one in retired if one is not found)
    return lockfile.with_retired(action.key, rest), found.entry


def _restore(entry: Entry, action: Action, at: str) -> Entry:
    assert action.fingerprint is not None  # every restore has one
    if (
        entry.current is not None and entry.current.engine_id == action.engine_id
    ):  # out of retirement, as it was
        return transitions.refile(transitions.drop(entry, at), action.fingerprint, action.files)
    return transitions.restore(entry, action.fingerprint, action.files, at)


def _take_up(entry: Entry, action: Action, at: str) -> Entry:
    """A resume of what is pending changes only its files; one of an overtaken engine makes it pending again."""
    assert action.fingerprint is not None  # every resume has one
    if entry.pending is not None and entry.pending.operation_id == action.operation_id:
        return transitions.refile(entry, action.fingerprint, action.files)
    return transitions.readopt(entry, action.fingerprint, action.files, at)


def _discard(entry: Entry, action: Action, at: str) -> Entry:
    return transitions.drop(entry, at)


def _record(entry: Entry, action: Action, at: str) -> Entry:
    assert action.fingerprint is not None  # every record has one
    return transitions.refile(entry, action.fingerprint, action.files)


_CHANGES = {Kind.RESTORE: _restore, Kind.DISCARD: _discard, Kind.RESUME: _take_up, Kind.RECORD: _record}
