"""A plan is data: ordered actions, frozen, serialisable, with a digest, and bound to the lockfile it was made from.

Nothing in it is a callback, a client or a path of this machine. Every view renders the same plan, and apply does
what is in it and nothing more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.core.digests import sha256
from reconciler.core.errors import Diagnostic, ExitCode, Severity, most_severe
from reconciler.core.frozen import dataclass, field, replace

if TYPE_CHECKING:  # plans without a create need none
    from reconciler.core.engine.spec import LifecycleOptions, Spec
    from reconciler.core.outputs.places import Write
    from reconciler.core.sources.news import EngineNews

PLAN_VERSION = 1


class Kind(StrEnum):
    """What is done about one engine (docs/design.md, section 4). `NONE` is in a plan only where there is something to
    say.
    """

    CREATE = "create"
    REPLACE = "replace"
    RECREATE = "recreate"  # drift: the platform no longer has the engine
    UPDATE = "update"  # name, description or locales are changed on the engine that serves
    RESUME = "resume"
    RESTORE = "restore"
    DISCARD = "discard"
    MOVE = "move"
    RETIRE = "retire"
    DELETE = "delete"  # retire, and delete the engine on the platform as soon as the lockfile is published without it
    RECORD = "record"  # only what the lockfile keeps beside the spec changes: protection, outputs
    NONE = "none"


CREATING = (Kind.CREATE, Kind.REPLACE, Kind.RECREATE)  # issue a provisioning job


class Condition(StrEnum):
    """Why an engine with action `none` is not simply unchanged."""

    FAILED = "failed"  # its job failed, or its create call was refused; waits for an edit or --retry-failed
    UNCERTAIN = "uncertain"  # its create call has no known outcome; waits for a person
    DRIFTED = "drifted"  # the platform has other values than the lockfile; waits for an edit or --fix-drift


class Origin(StrEnum):
    """Where an action comes from, seen from a branch (core/plan/attribution.py)."""

    BRANCH = "branch"  # this branch asks for it
    MERGED = "merged"  # the base asks for it already: merged, not applied yet
    RUNNING = "running"  # another run is at it


@dataclass(frozen=True, slots=True)
class Change:
    """One difference in a field, old against new. `None` on a side means that there is nothing on it.

    `field` is `name`, `description`, `locales`, `sources`, `protect` or `outputs`. Locales and outputs: one change per
    item added or removed. Links: one change per URL. Content: one change per text, with digests and lengths
    (characters), the file it lives in where it has one, and, after enrichment, the texts themselves (`None`: not to be
    had, e.g. git has no such blob).
    """

    field: str
    old: str | None = None
    new: str | None = None
    content: bool = False  # old/new are digests of content sources, and the texts may be below
    old_chars: int | None = None
    new_chars: int | None = None
    file: str | None = None
    old_text: str | None = None
    new_text: str | None = None


class Submission(NamedTuple):
    """What a create call sends, and what goes on record before it is sent."""

    spec: Spec
    fingerprint: str
    files: Mapping[str, str]
    kept: LifecycleOptions | None
    instead_of: str | None = None  # the serving engine whose place it takes, for the same configuration
    because: str | None = None


class Alteration(NamedTuple):
    """What a call sends that changes an engine in place, and what goes on record before it is sent. With `look_first`
    an earlier call may have done it already.
    """

    engine_id: str
    spec: Spec
    fingerprint: str
    files: Mapping[str, str]
    kept: LifecycleOptions | None
    look_first: bool


class Awaited(NamedTuple):
    """The job that an action waits for, and the operation that it belongs to."""

    job_id: str
    operation_id: str
    engine_id: str | None


@dataclass(frozen=True, slots=True)
class Action:
    """What will be done about one engine, and why.

    A saved plan and a view need not have all of it. What a run needs of an action, it takes as one piece that is whole
    (`submission`, `alteration`, `awaited`); an action without it is reported as not started.

    `engine_id` is the engine the action is about: serving now (replace, update, retire, move, none), gone (recreate),
    switched to (restore), waited for (resume), dropped (discard). `job_id` and `operation_id` name the operation under
    way where there is one.
    """

    key: str
    kind: Kind
    reason: str
    file: str | None = None
    changes: tuple[Change, ...] = ()
    engine_id: str | None = None
    job_id: str | None = None
    operation_id: str | None = None
    fingerprint: str | None = None  # of the spec that is asked for
    from_key: str | None = None  # move: the name until now
    condition: Condition | None = None
    hint: str | None = None  # what a person can do, often an exact command
    spec: Spec | None = None  # create, replace, recreate, update: what is sent
    files: Mapping[str, str] = field(default_factory=dict)
    origin: Origin | None = None  # where the plan was compared with a base; it is no part of the digest
    kept: LifecycleOptions | None = (
        None  # what the lockfile keeps beside the spec from then on; None leaves it as it is
    )
    guard: str | None = None  # why it is held back: it is shown, and not performed
    rolled_back: bool = False  # the guard is a hold that a rollback left, which is no failure
    drift: tuple[
        Change, ...
    ] = ()  # what the lockfile has of the serving engine, against what the platform has
    instead_of: str | None = (
        None  # recreate, resume, replace: the serving engine that is gone, or see `because`
    )
    because: str | None = None  # `sources`: pages changed that the serving engine learned from
    unconfirmed: bool = False  # update: an earlier one got no answer, so the engine may have it already

    @property
    def overlay(self) -> str | None:
        """The file of the overlay over the engine file, as far as the files of the spec are known."""
        stem = (
            self.file[: self.file.rindex(".") + 1] if self.file is not None and len(self.files) > 1 else None
        )
        names = (one for one in self.files if stem and one.startswith(stem) and one != self.file)
        return next((one for one in names if one.endswith((".yaml", ".yml"))), None)

    @property
    def read_from(self) -> str | None:
        """The engine file and its overlay, as they are shown."""
        return self.file if self.overlay is None else f"{self.file} + {self.overlay}"

    @property
    def creates(self) -> bool:
        """Whether it issues a provisioning job, which costs money."""
        return self.kind in CREATING and self.guard is None

    @property
    def updates(self) -> bool:
        """Whether it changes an engine in place, which makes no job."""
        return self.kind is Kind.UPDATE and self.guard is None

    @property
    def waits(self) -> bool:
        """Whether a job that is already running is waited for."""
        waits = self.kind is Kind.RESUME or (self.kind is Kind.MOVE and self.job_id is not None)
        return waits and self.guard is None

    @property
    def submission(self) -> Submission | None:
        """What its create call is made of; None if it makes none."""
        if not self.creates or self.spec is None or self.fingerprint is None:
            return None
        return Submission(self.spec, self.fingerprint, self.files, self.kept, self.instead_of, self.because)

    @property
    def alteration(self) -> Alteration | None:
        """What its call is made of that changes an engine in place; None if it makes none."""
        if not self.updates or self.spec is None or self.fingerprint is None or self.engine_id is None:
            return None
        return Alteration(
            self.engine_id, self.spec, self.fingerprint, self.files, self.kept, self.unconfirmed
        )

    @property
    def awaited(self) -> Awaited | None:
        """The job that it waits for; None if it waits for none."""
        if not self.waits or self.job_id is None or self.operation_id is None:
            return None
        return Awaited(self.job_id, self.operation_id, self.engine_id)

    @property
    def changes_anything(self) -> bool:
        """Whether it calls the platform or changes the lockfile. One that is held back may still add protection."""
        return self.kept is not None if self.guard is not None else self.kind is not Kind.NONE


@dataclass(frozen=True)
class Plan:
    """Actions sorted by key. `unchanged` are the keys with nothing to do and nothing to say.

    With an error among `diagnostics` there are no actions: half a plan is no plan.
    """

    environment: str
    actions: tuple[Action, ...] = ()
    unchanged: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    lockfile: str = "engines.lock.json"  # its path, relative to the project's root
    lockfile_digest: str = "absent"  # of lockfile and journal as they were read
    unwritten: int = (
        0  # entries that the journal knows more of than the lockfile: a run was cut off; apply writes them
    )
    outputs: tuple[
        Write, ...
    ] = ()  # places in other files that do not have their engine's ID; apply writes them
    outputs_failed: tuple[str, ...] = ()  # why some of them cannot be written, in sentences
    sources: tuple[
        EngineNews, ...
    ] = ()  # what became of the pages of each engine that has some, where they were looked at

    @cached_property
    def digest(self) -> str:
        """`sha256:<hex>` over what the plan would do and the lockfile it was made from; views do not count."""
        contents = [
            PLAN_VERSION,
            self.environment,
            self.lockfile_digest,
            [digest_input(a) for a in self.actions],
        ]
        text = json.dumps(contents, ensure_ascii=True, separators=(",", ":"))
        return "sha256:" + sha256(text.encode())

    @property
    def changes_anything(self) -> bool:
        """Whether applying it would call the platform or write the lockfile."""
        return self.unwritten > 0 or any(action.changes_anything for action in self.actions)

    @property
    def invalid(self) -> bool:
        return any(diagnostic.severity is Severity.ERROR for diagnostic in self.diagnostics)

    def summary(self) -> dict[str, int]:
        """How many engines each action is planned for, every kind named; `unchanged`, `failed`, `uncertain` too.

        Those that are held back count as `guarded` only.
        """
        counts = {kind.value: 0 for kind in Kind if kind is not Kind.NONE}
        conditions = {condition.value: 0 for condition in Condition}
        counts |= {"unchanged": len(self.unchanged), **conditions, "guarded": 0}
        for action in self.actions:
            name = action.condition.value if action.condition else action.kind.value
            counts["guarded" if action.guard is not None else name] += 1
        return counts

    def with_actions(self, actions: tuple[Action, ...]) -> Plan:
        """The same plan with actions that carry more to show, such as texts."""
        return replace(self, actions=actions)


def digest_input(action: Action) -> list[Any]:
    """What makes an action what it is: all that applying it depends on, and nothing of how it is shown."""
    more: list[Any] = []  # nothing for most engines
    if action.kept is not None and (action.kept.protect or action.kept.outputs):
        places = [[one.file, one.pointer, one.key] for one in action.kept.outputs]
        more.append([action.kept.protect, places])
    if action.guard is not None:
        more.append("guarded")
    if action.because is not None:
        more.append(action.because)
    if action.drift:
        more.append([[one.field, one.old, one.new] for one in action.drift])
    return [
        action.key,
        action.kind.value,
        action.fingerprint,
        action.engine_id,
        action.job_id,
        action.operation_id,
        action.from_key,
        action.condition.value if action.condition else None,
        *more,
    ]


def exit_code_of(plan: Plan, detailed: bool) -> ExitCode:
    """What a plan alone ends with (docs/design.md, section 7)."""
    if plan.invalid:
        return ExitCode.INVALID
    if not detailed:
        return ExitCode.OK
    drifted = any(action.drift for action in plan.actions)
    aged = any(one.needs_attention for one in plan.sources)
    codes = [ExitCode.CHANGES] if plan.changes_anything or plan.outputs or drifted or aged else []
    conditions = {action.condition for action in plan.actions}
    if any(action.guard is not None and not action.rolled_back for action in plan.actions):
        codes.append(ExitCode.GUARD)
    if Condition.UNCERTAIN in conditions:
        codes.append(ExitCode.UNCERTAIN)
    if Condition.FAILED in conditions or plan.outputs_failed:
        codes.append(ExitCode.FAILED)
    return most_severe(codes)
