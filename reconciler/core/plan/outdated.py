"""Which actions the branch has overtaken: its tip asks for something else of an engine than the checkout does.

An older commit never undoes a newer one. A run that was checked out before the branch moved on (a job that was run
again, one that waited for the lease, a clone at a desk) holds such an engine back and applies the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from unicodedata import normalize

from reconciler.core.commands import git
from reconciler.core.frozen import dataclass, replace
from reconciler.core.ledger.journal import Decision
from reconciler.core.lockfile.entry import Entry
from reconciler.core.lockfile.model import EMPTY, Lockfile
from reconciler.core.plan.model import Action, Kind

_SUFFIXES = (".yaml", ".yml")


def _no_overlays(path: str) -> Iterable[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Branch:
    """The branch as it was seen: its name, its tip, and the files that changed there since the checkout left it, with
    their blob ids (None: gone). `here` gives the blob id of a file of the checkout, None where there is none.
    """

    name: str
    tip: str
    moved_on: Mapping[str, str | None]
    here: Callable[[str], str | None]
    recorded: Lockfile = EMPTY  # what the branch's lockfile says
    overlays: Callable[[str], Iterable[str]] = _no_overlays  # what those over an engine file may be called

    def says_otherwise(self, paths: Iterable[str]) -> bool:
        """Whether one of these files changed there, to something else than it is here. A path that another system
        recorded counts in both forms that Unicode has for it.
        """
        return any(
            form in self.moved_on and self.moved_on[form] != self.here(form)
            for path in paths
            for form in _forms(path)
        )


def _forms(path: str) -> Iterable[str]:
    return (path,) if path.isascii() else {path, normalize("NFC", path), normalize("NFD", path)}


def hold_outdated(
    actions: Sequence[Action], lockfile: Lockfile, branch: Branch, settings_file: str | None
) -> tuple[Action, ...]:
    """The actions, with the reason on those that are held back. Changed settings hold back all of them."""
    settings = settings_file is not None and branch.says_otherwise([settings_file])
    outdated = [
        action.kind is not Kind.NONE
        and action.guard is None
        and (settings or branch.says_otherwise(_paths(action, lockfile, branch.overlays)))
        for action in actions
    ]
    return tuple(
        action
        if not old
        else replace(action, files={}, kept=None)
        if _only_waits(action, branch.recorded)
        else _held(action, branch, settings_file if settings else "this engine")
        for action, old in zip(actions, outdated, strict=True)
    )


def overtaken(
    decisions: Iterable[Decision],
    lockfile: Lockfile,
    before: Mapping[str, str | None],
    now: Mapping[str, str | None],
) -> list[str]:
    """The keys of what was decided to move, retire, restore or roll back before the branch said otherwise of it.

    `before` and `now` are what the branch had changed at the first and at the last look, as in `Branch.moved_on`.
    """
    changed = {path: blob for path, blob in now.items() if path not in before or before[path] != blob}
    found: list[str] = []
    for decision in decisions if changed else ():
        if decision.kind not in ("move", "retire", "delete", "restore", "rollback"):
            continue
        files = decision.files or {}
        keys = filter(None, (decision.from_key, None if files else decision.key))
        paths = {*files, *(path for key in keys for path in _recorded_paths(lockfile.entry(key)))}
        if any(path in changed and changed[path] != files.get(path) for path in paths):
            found.append(decision.key)
    return found


def _only_waits(action: Action, recorded: Lockfile) -> bool:
    """Whether it waits for a job that is pending on the branch anyway."""
    entry = recorded.entry(action.key) if action.kind is Kind.RESUME else None
    pending = entry.pending if entry is not None else None
    return pending is not None and pending.operation_id == action.operation_id


def _paths(action: Action, lockfile: Lockfile, overlays: Callable[[str], Iterable[str]]) -> Iterator[str]:
    """Every file that the action is about, here or on the branch."""
    yield from action.files
    if action.file is not None:
        yield action.file
        yield from overlays(action.file)
    for key in filter(None, (action.from_key, action.key if not action.files else None)):
        yield from _recorded_paths(lockfile.entry(key))


def _recorded_paths(entry: Entry | None) -> Iterator[str]:
    parts = (entry.current, entry.pending) if entry is not None else ()
    for path in {path for part in parts if part is not None for path in part.files}:
        stem, dot, suffix = path.rpartition(".")
        yield from (stem + one for one in _SUFFIXES) if f"{dot}{suffix}" in _SUFFIXES else [path]


def _held(action: Action, branch: Branch, what: str | None) -> Action:
    reason = f"`{branch.name}` is at {branch.tip[:12]}, which changes {what} and is applied by its own run"
    return replace(action, kept=None, guard=reason, hint=f"run `{git('pull')}`, then run again")
