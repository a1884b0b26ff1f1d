"""From difference to action: the table of docs/design.md, section 4, as one pure function.

`make_plan` is given what is desired and where things stand (the folded lockfile), and says what is to be done. An
uncertain operation stops everything else for its key: whatever was made must be known before more is made.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from reconciler.core.commands import only, reconcile
from reconciler.core.engine.fingerprint import meaning_of
from reconciler.core.engine.spec import Desired, SpecRecord
from reconciler.core.frozen import dataclass, replace
from reconciler.core.lockfile.entry import (
    FAILED,
    IN_PROGRESS,
    Entry,
    Hold,
    Pending,
    Provisioned,
)
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.actions import action_for, means, of_pending, serves
from reconciler.core.plan.changes import changes_between, changes_of_kept
from reconciler.core.plan.in_place import confirm, put_back, update
from reconciler.core.plan.model import Action, Change, Condition, Kind
from reconciler.core.plan.reuse import bring_back, readopt, restore
from reconciler.core.plan.uncertain import how_to_settle, report_uncertain

_FILE_CHANGED = "engine file changed"


@dataclass(frozen=True, slots=True)
class PlanInput:
    """What is compared. `present` names every key that has a file; `desired` holds those that were read.

    Keys in `present` that are not in `desired` are taken as unchanged: their files are those the lockfile names.
    `selected` limits the plan to some keys. `gone` are engines that the platform is known to have no longer, `alive`
    those that it is known to have: both empty where nobody asked it.
    """

    lockfile: Lockfile
    desired: Mapping[str, Desired]
    present: Collection[str]
    selected: Callable[[str], bool] = lambda key: True
    retry_failed: bool = False
    gone: Collection[str] = ()
    alive: Collection[str] = ()
    deletes: bool = False  # whether an engine goes with its file
    in_place: bool = False  # whether a change of name, description or locales keeps the engine
    drifted: Collection[str] | None = (
        None  # keys whose engine the platform has otherwise, where that is overwritten
    )


def actions_for(situation: PlanInput) -> tuple[Action, ...]:
    """The actions, sorted by key; engines with nothing to do and nothing to say have none."""
    lockfile, desired = situation.lockfile, situation.desired
    gone = [key for key in lockfile.engines if key not in situation.present]
    moves = _moves(situation, gone)
    moved = {action.from_key for action in moves.values()}
    held_up = _held_up(lockfile, desired, gone)
    actions = list(moves.values())
    for key, wanted in desired.items():
        if key in held_up and key not in moves and situation.selected(key):
            actions.append(held_up[key])
        elif key not in moves and situation.selected(key):
            action = _decide(key, wanted, situation) or _record(wanted, lockfile)
            actions += [action] if action is not None else []
    for key in gone:
        entry = lockfile.entry(key)
        if key not in moved and situation.selected(key) and entry is not None:
            actions.append(report_uncertain(key, entry, None) or _retire(key, entry, situation.deletes))
    return tuple(sorted(actions, key=lambda action: action.key))


def taken_over(lockfile: Lockfile, desired: Mapping[str, Desired], present: Collection[str]) -> set[str]:
    """Of the engines without a file those whose entries new keys take over, or wait for."""
    gone = [key for key in lockfile.engines if key not in present]
    moves = _moves(PlanInput(lockfile, desired, present), gone).values()
    return {*(one.from_key for one in moves if one.from_key), *_waiting(lockfile, desired, gone).values()}


def _held_up(lockfile: Lockfile, desired: Mapping[str, Desired], gone: Iterable[str]) -> dict[str, Action]:
    """New keys that would take over an entry, were it not uncertain: creating now could make their engine twice."""
    held_up: dict[str, Action] = {}
    for key, source in _waiting(lockfile, desired, gone).items():
        action = action_for(
            desired[key],
            Kind.NONE,
            f"`{source}` was identical, and the outcome of its create call is unknown",
        )
        entry = lockfile.entry(source)
        hint = how_to_settle(source, entry.unresolved if entry is not None else ())
        held_up[key] = replace(action, condition=Condition.UNCERTAIN, hint=hint)
    return held_up


def _waiting(lockfile: Lockfile, desired: Mapping[str, Desired], gone: Iterable[str]) -> dict[str, str]:
    """New keys, and the uncertain entry that each would take over."""
    entries = {key: entry for key in sorted(gone) if (entry := lockfile.entry(key)) is not None}
    doubtful = {key: entry for key, entry in entries.items() if entry.unresolved}
    asked = _by_meaning(doubtful, lambda entry: (entry.current, entry.pending, *entry.uncertain))
    found: dict[str, str] = {}
    for key in sorted(desired) if doubtful else ():
        source = _first(asked, desired[key], doubtful)
        if key in lockfile.engines or source is None:
            continue
        del doubtful[source]
        found[key] = source
    return found


def _by_meaning(
    entries: Mapping[str, Entry], parts: Callable[[Entry], Iterable[Provisioned | Pending | Hold | None]]
) -> dict[str, list[str]]:
    """The keys of the entries by what these parts of them mean, so that nobody has to look through all of them for
    each engine file: a folder of thousands may be moved.
    """
    keys: dict[str, list[str]] = {}
    for key, entry in entries.items():
        known = (part for part in parts(entry) if part is not None)
        for meaning in {meaning_of(part.fingerprint, part.spec) for part in known}:
            keys.setdefault(meaning, []).append(key)
    return keys


def _first(keys: Mapping[str, list[str]], wanted: Desired, left: Collection[str]) -> str | None:
    """The first key of that meaning that is left; those that are not are forgotten on the way."""
    found = keys.get(wanted.fingerprint, [])
    while found and found[0] not in left:
        found.pop(0)
    return found[0] if found else None


def _moves(situation: PlanInput, gone: Iterable[str]) -> dict[str, Action]:
    """New keys that take over the entry of a key whose file is gone, because they ask for the same."""
    lockfile, desired, selected = situation.lockfile, situation.desired, situation.selected
    left = {key: entry for key in sorted(gone) if (entry := lockfile.entry(key)) is not None}
    movable = _by_meaning(left, _movable_parts)
    moves: dict[str, Action] = {}
    for key in sorted(desired) if left else ():
        if key in lockfile.engines or bring_back(lockfile, desired[key], situation.gone) is not None:
            continue
        source = _first(movable, desired[key], left)
        if source is not None and (selected(key) or selected(source)):
            moves[key] = _move(source, left.pop(source), desired[key])
    return moves


def _movable_parts(entry: Entry) -> tuple[Provisioned | Pending | Hold | None, ...]:
    """What another key can take over."""
    pending = entry.pending
    if entry.unresolved:
        return ()
    running = pending if pending is not None and pending.status == IN_PROGRESS else None
    return entry.current, entry.hold if entry.current is not None else None, running


def _move(source: str, entry: Entry, wanted: Desired) -> Action:
    action = action_for(
        wanted,
        Kind.MOVE,
        f"the file of `{source}` was removed, and this one is identical",
    )
    action = replace(action, from_key=source)
    if entry.current is not None and serves(entry, wanted) and not _waits_for_stand_in(entry, wanted):
        return replace(action, engine_id=entry.current.engine_id)
    assert entry.pending is not None  # `_can_move` saw one or the other
    return of_pending(action, entry.pending)


def _is_stood_in(entry: Entry, wanted: Desired) -> bool:
    """Whether something is pending in the place of the serving engine, which was gone."""
    pending = entry.standing_in
    return pending is not None and means(pending, wanted)


def _waits_for_stand_in(entry: Entry, wanted: Desired) -> bool:
    pending = entry.standing_in
    return pending is not None and pending.status == IN_PROGRESS and means(pending, wanted)


def _decide(key: str, wanted: Desired, situation: PlanInput) -> Action | None:
    lockfile, gone = situation.lockfile, situation.gone
    entry = lockfile.entry(key)
    if entry is None:
        return bring_back(lockfile, wanted, gone) or _create(wanted, "not in the lockfile")
    uncertain = report_uncertain(key, entry, wanted)
    if uncertain is not None:
        return uncertain
    if entry.current is not None and means(entry.current, wanted):
        if entry.current.engine_id in gone or _is_stood_in(entry, wanted):
            from reconciler.core.plan.recreate import recreate  # only where one is gone

            alive, retry = situation.alive, situation.retry_failed
            return recreate(wanted, entry, entry.current, gone=gone, alive=alive, retry_failed=retry)
        if entry.pending is not None:
            return _discard(wanted, entry.pending)
        if situation.drifted is not None and key in situation.drifted:
            return put_back(wanted, entry)
        return confirm(wanted, entry) if situation.in_place or situation.drifted is not None else None
    pending = entry.pending if entry.pending is not None and means(entry.pending, wanted) else None
    if pending is not None and pending.status == IN_PROGRESS:
        return of_pending(action_for(wanted, Kind.RESUME, "its job is still running"), pending)
    if situation.in_place and (updated := update(wanted, entry, gone)) is not None:
        return updated
    # Whatever was ever made for this is looked for before another engine is paid for.
    made = restore(wanted, entry, gone) or readopt(wanted, entry) or bring_back(lockfile, wanted, gone)
    if entry.hold is not None and entry.hold.holds_back(wanted.fingerprint):
        held = _held(made or _replace(wanted, entry), entry, entry.hold)
        return _of_gone(replace(held, rolled_back=not _is_gone(entry, gone)), entry, gone)
    if made is None and pending is not None:
        return _after_failure(wanted, entry, pending, situation.retry_failed)
    return _of_gone(made or _replace(wanted, entry), entry, gone)


def _is_gone(entry: Entry, gone: Collection[str]) -> bool:
    return entry.current is not None and entry.current.engine_id in gone


def _of_gone(action: Action, entry: Entry, gone: Collection[str]) -> Action:
    """The action, saying that the platform no longer has what serves."""
    if entry.current is None or not _is_gone(entry, gone):
        return action
    reason = f"{action.reason}; drift: the platform no longer has {entry.current.engine_id}"
    return replace(action, reason=reason)


def _held(action: Action, entry: Entry, hold: Hold) -> Action:
    """What is not done because its engine was rolled back from it. What its file says beside the spec still counts."""
    release = reconcile("release", arguments=[action.key])
    return replace(
        action,
        kept=None if action.kept == entry.kept else action.kept,
        guard=f"rolled back by {hold.by} at {hold.since}",
        hint=f"edit {action.file}, or run `{release}`",
        rolled_back=True,
    )


def _record(wanted: Desired, lockfile: Lockfile) -> Action | None:
    """The engine is as asked for; what the lockfile keeps of its file beside that may not be."""
    entry = lockfile.entry(wanted.key)
    if entry is None or entry.current is None:
        return None
    if entry.hold is not None and not entry.hold.holds_back(wanted.fingerprint):
        reason = "its file asks for this engine now, so the hold is over"
        return replace(action_for(wanted, Kind.RECORD, reason), engine_id=entry.current.engine_id)
    if entry.kept == wanted.kept:
        return None
    protection = "protection added to its file" if wanted.protect else "protection removed from its file"
    words = [protection] if entry.kept.protect != wanted.protect else []
    words += ["its outputs changed"] if set(entry.kept.outputs) != set(wanted.outputs) else []
    return replace(
        action_for(wanted, Kind.RECORD, ", and ".join(words) or "the order of its outputs changed"),
        engine_id=entry.current.engine_id,
        changes=changes_of_kept(entry.kept, wanted.kept),
    )


def _after_failure(wanted: Desired, entry: Entry, pending: Pending, retry_failed: bool) -> Action:
    """The pending operation was for what is wanted, and failed: say so, or try again."""
    if not retry_failed:
        action = of_pending(action_for(wanted, Kind.NONE, f"failed: {pending.error}"), pending)
        again = reconcile("apply", "--retry-failed", only(wanted.key))
        hint = f"edit {wanted.file}, or run `{again}`"
        return replace(action, condition=Condition.FAILED, hint=hint)
    reason = f"retry after a failure ({pending.error})"
    if entry.current is None:
        return _create(wanted, reason)
    return replace(_replace(wanted, entry), reason=reason)


def _create(wanted: Desired, reason: str) -> Action:
    return action_for(wanted, Kind.CREATE, reason, wanted.spec)


def _replace(wanted: Desired, entry: Entry) -> Action:
    old = entry.current or entry.pending
    record: SpecRecord | None = old.spec if old is not None else None
    action = action_for(wanted, Kind.REPLACE, _FILE_CHANGED, wanted.spec)
    if record is not None:
        changes = (*changes_between(record, wanted.spec), *changes_of_kept(entry.kept, wanted.kept))
        reason = _overlay_changed(wanted, old) or _what_changed(changes)
        action = replace(action, changes=changes, reason=reason)
    if entry.current is None and entry.pending is not None:
        what = "failed" if entry.pending.status == FAILED else "is still running"
        action = replace(action, reason=f"{action.reason}; the previous operation {what}")
    engine_id = entry.current.engine_id if entry.current is not None else None
    return replace(action, engine_id=engine_id)


def _overlay_changed(wanted: Desired, old: Provisioned | Pending | None) -> str | None:
    """What happened to the overlay, where the engine file and its texts are as they were recorded."""
    before = old.files if old is not None else {}
    changed = {one for one in {*before, *wanted.files} if before.get(one) != wanted.files.get(one)}
    if len(changed) != 1 or wanted.file in changed:
        return None
    (file,) = changed
    if not file.startswith(wanted.file[: wanted.file.rindex(".") + 1]) or not file.endswith(
        (".yaml", ".yml")
    ):
        return None
    happened = (
        "changed"
        if file in before and file in wanted.files
        else "added"
        if file in wanted.files
        else "removed"
    )
    return f"{posixpath.basename(file)} {happened}"


def _what_changed(changes: Sequence[Change]) -> str:
    """Which file made the difference: a text's own where only texts in files of their own changed."""
    files = [
        change.file
        for change in changes
        if change.content and change.old is not None and change.new is not None
    ]
    names = sorted({posixpath.basename(file) for file in files if file is not None})
    return (
        f"{', '.join(names)} changed"
        if names and len(files) == len(changes) and None not in files
        else _FILE_CHANGED
    )


def _discard(wanted: Desired, pending: Pending) -> Action:
    what = "failed" if pending.status == FAILED else "was in progress"
    reason = f"engine file matches the serving engine again; the replacement that {what} is discarded"
    return of_pending(action_for(wanted, Kind.DISCARD, reason), pending)


def _retire(key: str, entry: Entry, deletes: bool) -> Action:
    engine_id = entry.current.engine_id if entry.current is not None else None
    if engine_id is None and entry.pending is not None:
        engine_id = entry.pending.engine_id
    kind = Kind.DELETE if deletes and entry.current is not None else Kind.RETIRE
    return Action(key, kind, "engine file removed", engine_id=engine_id)
