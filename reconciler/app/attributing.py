"""Attribute a plan: compare what it would do with the base of a branch.

Only engines that a plan speaks of are looked at, all their files in one question to git; and a spec of the base is read
only where the bytes differ, because a file that was merely reformatted asks for the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Protocol

from reconciler.core.errors import LockfileError
from reconciler.core.frozen import replace
from reconciler.core.lockfile import model as lockfile_format
from reconciler.core.plan.attribution import Evidence, attributed, paths_of_gone

if TYPE_CHECKING:
    from reconciler.app.planning import PlanResult
    from reconciler.app.ports import Engines, LockfileStore
    from reconciler.core.engine.spec import Desired
    from reconciler.core.errors import Diagnostic
    from reconciler.core.lockfile.model import Lockfile
    from reconciler.core.plan.model import Action, Plan


class Base(Protocol):
    """The project as it was at the base of a branch. Paths are relative to its root. All may raise `GitError`."""

    def blob_ids(self, paths: Collection[str]) -> Mapping[str, str]:
        """The git blob ids of those of these files that the base has."""
        ...

    def load(self, key: str, path: str) -> Desired | list[Diagnostic]:
        """What an engine file asked for then, or what was wrong with it."""
        ...

    def read(self, path: str) -> bytes | None:
        """A file's content then; None where the base has no such file."""
        ...


def attribute(
    planned: PlanResult, engines: Engines, lockfile: LockfileStore, base: Base, folder: str, id_length: int
) -> Plan:
    """The plan, each action with its origin. `folder` is that of the engine files. Raises `GitError`."""
    plan, folded = planned.plan, planned.recorded.folded
    if not plan.actions:
        return plan
    evidence = {one.key: _evidence_here(one, folded, engines, folder, id_length) for one in plan.actions}
    paths = {path for one in evidence.values() for path in (*one.here, *one.gone)}
    ids = base.blob_ids(sorted(paths | {lockfile.path}))
    before = _lockfile_then(base, lockfile, ids, planned)
    for action in plan.actions:
        known = evidence[action.key]
        known = replace(
            known,
            base={path: ids[path] for path in (*known.here, *known.gone) if path in ids},
            relisted=before is not None and _is_relisted(action, before, planned.recorded.on_disk),
        )
        evidence[action.key] = replace(known, base_meaning=_meaning_then(action, known, base))
    return plan.with_actions(attributed(plan.actions, evidence))


def _evidence_here(
    action: Action, folded: Lockfile, engines: Engines, folder: str, id_length: int
) -> Evidence:
    """What the work tree and the lockfile tell of an action."""
    here, meaning = action.files, action.fingerprint
    if not here and action.file is not None:  # left alone, so the plan says nothing of its files
        loaded = engines.load(action.key, action.file, id_length)
        if isinstance(loaded, list):
            return Evidence({action.file: engines.blob_ids(action.file, id_length) or ""})
        here, meaning = loaded.files, loaded.fingerprint
    entry = folded.entry(action.key)
    gone: tuple[str, ...] = ()
    if action.file is not None:  # an overlay that is not here may be what the branch removed
        gone = tuple(one for one in engines.overlay_names(action.file) if one not in here)
    if action.from_key is not None or action.file is None:
        gone = (*gone, *_gone(action.from_key or action.key, folded, folder))
    return Evidence(here, gone=gone, meaning=meaning, pending=entry.pressing if entry else None)


def _gone(key: str, folded: Lockfile, folder: str) -> tuple[str, ...]:
    entry = folded.entry(key)
    parts = (entry.current, entry.pending) if entry is not None else ()
    recorded = [path for part in parts if part is not None for path in part.files]
    return paths_of_gone(key, recorded, folder)


def _meaning_then(action: Action, known: Evidence, base: Base) -> Desired | None:
    """What the file asked for at the base, where the question is open and can be answered."""
    if known.same_files or action.file is None or action.file not in known.base:
        return None
    loaded = base.load(action.key, action.file)
    return None if isinstance(loaded, list) else loaded


def _lockfile_then(
    base: Base, lockfile: LockfileStore, ids: Mapping[str, str], planned: PlanResult
) -> Lockfile | None:
    """The base's lockfile; None where it cannot be read, and then nobody is said to have changed it."""
    content = base.read(lockfile.path) if lockfile.path in ids else b""
    if content is None:
        return None
    if content and content == lockfile.read()[1]:
        return planned.recorded.on_disk
    try:
        return lockfile_format.parse(content, lockfile.path) if content.strip() else lockfile_format.EMPTY
    except LockfileError:
        return None


def _is_relisted(action: Action, before: Lockfile, now: Lockfile) -> bool:
    """Whether the lockfile's entry was changed since the base: by hand, or by a run on this branch."""
    keys = [key for key in (action.key, action.from_key) if key is not None]
    return any(before.engines.get(key) != now.engines.get(key) for key in keys)
