"""One engine in the lockfile: what serves now, what is under way, what came before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.core.engine.spec import NOTHING_KEPT, LifecycleOptions, SpecRecord
from reconciler.core.frozen import dataclass, field

IN_PROGRESS = "in_progress"
FAILED = "failed"
UNCERTAIN = "uncertain"
SOURCES = "sources"  # the one reason that is recorded for an engine in the place of another


@dataclass(frozen=True, slots=True)
class Provisioned:
    """An engine whose job completed: the one applications use. Times are UTC, `2026-11-24T11:08:13Z`.

    `revision` counts the changes of its name, description or locales in place, of which the last was made at
    `updated_at`. `updating` numbers those that have no answer: the platform may have what is recorded, or what one of
    them asked for.
    """

    engine_id: str
    fingerprint: str
    spec: SpecRecord
    files: Mapping[str, str] = field(default_factory=dict)
    job_id: str | None = None
    operation_id: str | None = None
    provisioned_at: str | None = None
    summary: Mapping[str, int] | None = None
    revision: int | None = None
    updated_at: str | None = None
    updating: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Pending:
    """The operation under way, or the one that failed. Without an engine id none is known to exist.

    `instead_of` is the serving engine whose place it takes, though it is for the same configuration: `because` its
    `sources` changed, or, without a word, since the platform no longer has it.
    """

    status: str  # in_progress | failed | uncertain
    operation_id: str
    fingerprint: str
    spec: SpecRecord
    files: Mapping[str, str] = field(default_factory=dict)
    engine_id: str | None = None
    job_id: str | None = None
    submitted_at: str | None = None
    error: str | None = None
    instead_of: str | None = None
    because: str | None = None

    @property
    def refreshes(self) -> bool:
        """Whether it takes the place of an engine that still serves, since pages changed that it learned from."""
        return self.because == SOURCES


@dataclass(frozen=True, slots=True)
class Superseded:
    """An engine that was replaced, overtaken or discarded, with everything needed to come back to it.

    `status` is None for one whose job completed; otherwise `in_progress` or `failed` as of `replaced_at`.
    """

    engine_id: str
    fingerprint: str
    spec: SpecRecord
    replaced_at: str
    files: Mapping[str, str] = field(default_factory=dict)
    job_id: str | None = None
    operation_id: str | None = None
    provisioned_at: str | None = None
    summary: Mapping[str, int] | None = None
    status: str | None = None
    error: str | None = None
    submitted_at: str | None = None
    revision: int | None = None
    updated_at: str | None = None
    updating: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Hold:
    """What the engine file asked for when `by` rolled its engine back: nothing switches forward to that again until
    the file changes or the hold is released. `operation_id` names the rollback.
    """

    operation_id: str
    fingerprint: str
    spec: SpecRecord
    by: str
    since: str

    def holds_back(self, fingerprint: str) -> bool:
        """Whether this is what the file asked for then."""
        from reconciler.core.engine.fingerprint import same_meaning  # digests, only where an engine is held

        return same_meaning(self.fingerprint, self.spec, fingerprint)


@dataclass(frozen=True, slots=True)
class Entry:
    """One engine in the lockfile: what serves now, what is under way, and what came before (oldest first).

    `uncertain` holds create calls with an unknown outcome beside `pending`, oldest first; the newest one is `pending`
    itself where nothing else is. `kept` is what its file said beside the spec when it was last applied. `pruning` names
    engines whose deletion on the platform began, and when: nothing switches back to them. An entry of nothing else is
    empty.
    """

    current: Provisioned | None = None
    pending: Pending | None = None
    superseded: tuple[Superseded, ...] = ()
    kept: LifecycleOptions = NOTHING_KEPT
    uncertain: tuple[Pending, ...] = ()
    hold: Hold | None = None
    pruning: Mapping[str, str] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        return self.current is None and self.pending is None and not self.superseded and not self.uncertain

    @property
    def unresolved(self) -> tuple[Pending, ...]:
        """Every create call with an unknown outcome. While there is one, nothing is created for the key."""
        if self.pending is not None and self.pending.status == UNCERTAIN:
            return (*self.uncertain, self.pending)
        return self.uncertain

    @property
    def unanswered(self) -> tuple[Pending, ...]:
        """Every operation of which no engine is known, those that were given up on included: an answer may yet come."""
        if self.pending is not None and self.pending.engine_id is None:
            return (*self.uncertain, self.pending)
        return self.uncertain

    @property
    def pressing(self) -> Pending | None:
        """What wants attention first: the newest call with an unknown outcome, else what is pending."""
        return self.unresolved[-1] if self.unresolved else self.pending

    @property
    def parts(self) -> Iterator[Provisioned | Pending | Superseded]:
        """Everything in it that belongs to an operation."""
        parts = (self.current, self.pending, *self.uncertain, *self.superseded)
        return (part for part in parts if part is not None)

    @property
    def standing_in(self) -> Pending | None:
        """What is pending in the place of the serving engine, which was gone when it began."""
        pending, current = self.pending, self.current
        if pending is None or current is None or pending.instead_of != current.engine_id:
            return None
        return pending

    @property
    def engine_ids(self) -> tuple[str, ...]:
        """Every engine on the platform that this entry answers for."""
        known = (self.current, self.pending, *self.superseded)
        return tuple(part.engine_id for part in known if part is not None and part.engine_id is not None)


@dataclass(frozen=True, slots=True)
class Retired:
    """An entry whose file is gone. Nothing of it was deleted on the platform."""

    entry: Entry
    retired_at: str
