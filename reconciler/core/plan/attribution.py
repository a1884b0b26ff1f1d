"""Whose change is it? Each action of a plan, seen from a branch and its base.

A plan compares files with the lockfile, so in a pull request it also shows what was merged before and is not applied
yet, and what another run is doing right now. A reviewer wants to see first what *this* branch does. Nothing is guessed
from times or authors: what counts is what the files of an engine meant at the base.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

from reconciler.core.engine.fingerprint import same_meaning
from reconciler.core.engine.spec import Desired
from reconciler.core.frozen import dataclass, field, replace
from reconciler.core.lockfile.entry import IN_PROGRESS, UNCERTAIN, Pending
from reconciler.core.plan.model import Action, Condition, Kind, Origin

_SUFFIXES = (".yaml", ".yml")
_ORDER = {origin: place for place, origin in enumerate(Origin)}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one action.

    `here` maps the files that its spec was read from to their git blob ids; it is empty where the file is gone, and
    `gone` then says what that file may have been called. `base` has the ids of those of all these paths that the base
    has. `meaning` is the fingerprint of the spec, and `base_meaning` what the file asked for at the base; None where
    that cannot be told. `relisted` is True when the branch itself changed what the lockfile says of the engine.
    """

    here: Mapping[str, str] = field(default_factory=dict)
    base: Mapping[str, str] = field(default_factory=dict)
    gone: tuple[str, ...] = ()
    meaning: str | None = None
    base_meaning: Desired | None = None
    pending: Pending | None = None
    relisted: bool = False

    @property
    def same_files(self) -> bool:
        """Whether the files are byte by byte those of the base; then what they mean need not be asked."""
        return all(self.base.get(path) == blob for path, blob in self.here.items())


def origin_of(action: Action, evidence: Evidence) -> Origin:
    """Another run's when one is at exactly this; this branch's when it changed what is asked for; else merged."""
    if evidence.here and _is_under_way(evidence):
        return Origin.RUNNING
    if _is_changed(action, evidence):
        return Origin.BRANCH
    if action.kind is Kind.RESUME or action.condition is Condition.UNCERTAIN:
        return Origin.RUNNING
    return Origin.MERGED


def _is_under_way(evidence: Evidence) -> bool:
    pending, meaning = evidence.pending, evidence.meaning
    if pending is None or meaning is None or pending.status not in (IN_PROGRESS, UNCERTAIN):
        return False
    return same_meaning(pending.fingerprint, pending.spec, meaning)


def _is_changed(action: Action, evidence: Evidence) -> bool:
    """A file that is gone here but not at the base was removed, or renamed, by this branch."""
    if evidence.relisted or any(path in evidence.base for path in evidence.gone):
        return True
    if evidence.same_files:
        return False
    then = evidence.base_meaning
    if then is None or then.fingerprint != evidence.meaning:
        return True
    return action.kept is not None and action.kept != then.kept


def attributed(actions: Iterable[Action], evidence: Mapping[str, Evidence]) -> tuple[Action, ...]:
    """The same actions, each with its origin; `evidence` has one for every action, by key."""
    return tuple(replace(action, origin=origin_of(action, evidence[action.key])) for action in actions)


def by_origin(actions: Iterable[Action]) -> list[Action]:
    """This branch's first, then what was merged, then other runs'; otherwise in the order they came."""
    return sorted(actions, key=lambda one: 0 if one.origin is None else _ORDER[one.origin])


def foreign(actions: Iterable[Action]) -> list[Action]:
    """The actions that are known not to be this branch's."""
    return [one for one in actions if one.origin not in (None, Origin.BRANCH)]


def paths_of_gone(key: str, recorded: Iterable[str], folder: str) -> tuple[str, ...]:
    """What the engine file of a key whose file is gone may have been called: as it was recorded, or by its place."""
    known = [path for path in recorded if path.endswith(_SUFFIXES) and _is_named(path, key)]
    prefix = "" if folder in ("", ".") else folder.strip("/") + "/"
    return tuple(dict.fromkeys([*known, *(f"{prefix}{key}{suffix}" for suffix in _SUFFIXES)]))


def _is_named(path: str, key: str) -> bool:
    stem = unicodedata.normalize("NFC", path.rpartition(".")[0])
    return stem == key or stem.endswith(f"/{key}")
