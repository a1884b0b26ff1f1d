"""Promotion: an engine of one environment gets the content that another environment tested.

Tested means that the environment's own lockfile has it as serving: its job completed, nothing about it is in progress
or in doubt, and its files are still those that were provisioned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from reconciler.core.commands import only, reconcile
from reconciler.core.engine.spec import Desired
from reconciler.core.errors import ExitCode
from reconciler.core.frozen import dataclass
from reconciler.core.lockfile.entry import FAILED, Entry
from reconciler.core.plan.actions import means
from reconciler.core.plan.model import Change

WRITTEN, UNCHANGED, REFUSED, BY_HAND = "promoted", "unchanged", "refused", "by hand"


class Refusal(NamedTuple):
    """Why an engine is not promoted, what to do about it, and the exit code that it means."""

    reason: str
    hint: str
    code: ExitCode = ExitCode.GUARD


class CannotWrite(Exception):
    """Why it is left to a person, and what is to be edited, one sentence each."""

    def __init__(self, reason: str, steps: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.reason, self.steps = reason, tuple(steps)


class Edits(NamedTuple):
    """Texts of files until now and then, by path; None for a file that is not there."""

    before: Mapping[str, str | None]
    files: Mapping[str, str | None]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Promoted:
    """What became of one engine. `changes` are those of its content, `edits` those of files."""

    key: str
    status: str
    fingerprint: str | None = None
    engine_id: str | None = None
    provisioned_at: str | None = None
    changes: tuple[Change, ...] = ()
    edits: Edits | None = None
    refusal: Refusal | None = None

    @property
    def code(self) -> ExitCode:
        return ExitCode.OK if self.refusal is None else self.refusal.code


def refusal(entry: Entry | None, wanted: Desired, environment: str, *, doubtful: bool) -> Refusal | None:
    """Why this environment has not tested what its files ask for. Commands are those of that environment."""
    key = wanted.key
    apply = f"run `{reconcile('apply', only(key))}`"
    if doubtful or (entry is not None and entry.unresolved):
        hint = f"run `{reconcile('plan', only(key))}`, which shows the commands that resolve it"
        return Refusal("the outcome of a create call is unknown", hint, ExitCode.UNCERTAIN)
    if entry is None or entry.empty:
        return Refusal(f"it is not recorded in {environment}", apply)
    if entry.hold is not None:
        hint = f"run `{reconcile('release', arguments=[key])}`, then apply it"
        return Refusal(f"it was rolled back by {entry.hold.by}, and is held", hint)
    if entry.pending is not None and entry.pending.status == FAILED:
        hint = f"edit its files, or run `{reconcile('apply', '--retry-failed', only(key))}`"
        return Refusal(f"its job failed: {entry.pending.error or 'no reason given'}", hint, ExitCode.FAILED)
    if entry.pending is not None or (entry.current is not None and entry.current.updating):
        hint = f"run `{reconcile('collect', only(key))}`"
        return Refusal("its job has not completed", hint, ExitCode.RUNNING)
    if entry.current is None:
        return Refusal(f"no engine of it serves in {environment}", apply)
    if not means(entry.current, wanted):
        return Refusal(f"its files differ from what {environment} tested", apply)
    return None
