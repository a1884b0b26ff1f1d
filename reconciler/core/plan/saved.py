"""A saved plan: what was reviewed, and whether it still is what would be done.

It may have passed through the hands of others, so nothing is taken from it but a choice. The plan is always made anew,
from the files and the lockfile as they are; of that, what the saved plan has as well is applied, if it is the same for
every engine the saved plan touches. So a forged one can leave out, and can be refused, and no more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.core.commands import FILE, reconcile
from reconciler.core.digests import sha256
from reconciler.core.errors import Diagnostic, GuardRefused
from reconciler.core.frozen import dataclass, replace
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.model import Action, Condition, Plan, digest_input

VERSION = 1
NAMED = 20  # differences that are listed one by one

_HELD = "held back when the plan was made"


@dataclass(frozen=True, slots=True)
class Split:
    """That a plan is for so many shards; `run` is random, one for each time that it is made."""

    shards: int
    run: str


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """`plan` has the actions as far as they are compared. `entries` are digests of what was recorded, by key."""

    plan: Plan
    entries: Mapping[str, str]
    retry_failed: bool = False
    refresh: bool = False  # the platform was asked about engines
    fix_drift: bool = False  # and what was changed there is to be set back
    split: Split | None = None
    whole: tuple[Action, ...] = ()  # of a part: all that the plan does, by which its limits are judged
    check_sources: bool = False  # pages were looked at

    @property
    def keys(self) -> frozenset[str]:
        """Every engine that it names."""
        return frozenset(key for action in self.plan.actions for key in _keys_of(action))

    def check_for(self, environment: str, lockfile: str) -> None:
        """Raises `GuardRefused` when it was made for another environment or lockfile."""
        for what, theirs, ours in (
            ("environment", self.plan.environment, environment),
            ("lockfile", self.plan.lockfile, lockfile),
        ):
            if theirs != ours:
                raise GuardRefused(
                    f"the plan was made for the {what} `{theirs}`, but this run is for `{ours}`",
                    hint="choose the environment with --env; nothing was done"
                    if what == "environment"
                    else _again(),
                )

    def still(self, actions: Sequence[Action], lockfile: Lockfile) -> tuple[Action, ...]:
        """Of the actions as they are now those that it has. Raises `GuardRefused` with all that differs.

        What it only reports is reported, if it is still so; what it holds back stays held back.
        """
        now = {action.key: action for action in actions}
        differences = [
            Diagnostic(f"`{saved.key}`: {words}", saved.file, key=saved.key)
            for saved in self.plan.actions
            if (words := self._difference(saved, now.get(saved.key), lockfile))
        ]
        if differences:
            raise _refusal(differences)
        return tuple(self._chosen(now))

    def _difference(self, saved: Action, now: Action | None, lockfile: Lockfile) -> str | None:
        if not acts(saved):
            return _new_drift(saved, now)
        if now is None or not acts(now):
            return f"the plan would {saved.kind} it, but there is nothing to do now"
        if now.kind is not saved.kind:
            return f"the plan would {saved.kind} it, but now the action is to {now.kind} it"
        if now.fingerprint != saved.fingerprint:
            return "its file changed since the plan"
        recorded = all(self.entries.get(key) == entry_digest(lockfile, key) for key in _keys_of(saved))
        if not recorded or digest_input(now) != digest_input(saved):
            return "its record in the lockfile changed since the plan"
        return None

    def _chosen(self, now: Mapping[str, Action]) -> Iterator[Action]:
        for saved in self.plan.actions:
            action = now.get(saved.key)
            if action is None:
                continue
            if saved.guard is not None and action.condition is None:
                yield replace(action, kept=None, guard=_HELD, hint=_again())
            elif acts(saved) or action.condition is not None:
                yield action


def _new_drift(saved: Action, now: Action | None) -> str | None:
    """That the platform says something else of an engine now than the plan reports."""
    if saved.condition is not Condition.DRIFTED:
        return None
    same = now is not None and now.condition is saved.condition and now.drift == saved.drift
    return None if same else "what the platform has of it changed since the plan"


def acts(action: Action) -> bool:
    """Whether it does something, as opposed to reporting it."""
    return action.condition is None and action.guard is None


def _keys_of(action: Action) -> tuple[str, ...]:
    return (action.key,) if action.from_key is None else (action.key, action.from_key)


def _refusal(differences: Sequence[Diagnostic]) -> GuardRefused:
    shown = list(differences[:NAMED])
    more = len(differences) - len(shown)
    if more:
        shown.append(Diagnostic(f"and {more:,} more engines"))
    return GuardRefused(
        "the plan is out of date: files, lockfile or platform changed since it was made; nothing was done",
        hint=_again(),
        diagnostics=shown,
    )


def _again() -> str:
    return f"run `{reconcile('plan', ('--out', FILE))}` and have the new plan reviewed"


def entry_digest(lockfile: Lockfile, key: str) -> str:
    """`sha256:<hex>` of everything that is recorded under a key, in use or retired; the same for nothing at all."""
    entry, retired = lockfile.engines.get(key), lockfile.retired.get(key, ())
    recorded = [entry and dict(entry), [dict(one) for one in retired]]
    text = json.dumps(recorded, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return "sha256:" + sha256(text.encode())


def apply_document(
    plan: Plan,
    lockfile: Lockfile,
    retry_failed: bool,
    refresh: bool = False,
    fix_drift: bool = False,
    split: Split | None = None,
    check_sources: bool = False,
) -> dict[str, Any]:
    """What a plan file has beside the plan for reading it: how to tell whether it still holds."""
    keys = sorted({key for action in plan.actions for key in _keys_of(action)})
    document: dict[str, Any] = {
        "version": VERSION,
        "entries": {key: entry_digest(lockfile, key) for key in keys},
    }
    flags = {"retryFailed": retry_failed, "refresh": refresh or fix_drift, "fixDrift": fix_drift}
    flags["checkSources"] = check_sources
    document |= {name: True for name, given in flags.items() if given}
    return document if split is None else document | {"split": {"shards": split.shards, "run": split.run}}
