"""What there is to say about one engine in the lockfile, before it becomes a line of a table or a JSON object."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from reconciler.core.commands import only, reconcile
from reconciler.core.duration import format_duration, seconds_between
from reconciler.core.engine.spec import SpecRecord
from reconciler.core.frozen import dataclass
from reconciler.core.lockfile.entry import FAILED, IN_PROGRESS, UNCERTAIN, Entry
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.model import Change
from reconciler.core.plan.uncertain import how_to_settle
from reconciler.render.phrases.sanitize import sanitize
from reconciler.render.phrases.style import Style
from reconciler.render.phrases.words import counted

SERVING = "serving"
PROTECTED = "protected"
GONE, DRIFTED = "gone", "drifted"
UNUSED = "unused"  # nothing serves and nothing is under way; only superseded engines are left

_STYLES: dict[str, Style] = {IN_PROGRESS: "cyan", FAILED: "red", UNCERTAIN: "magenta", SERVING: "green"}
_WORDS = {
    (IN_PROGRESS, True): "serving, replacement in progress",
    (FAILED, True): "serving, replacement failed",
    (UNCERTAIN, True): "serving, replacement outcome unknown",
    (IN_PROGRESS, False): "being created",
    (FAILED, False): "failed",
    (UNCERTAIN, False): "outcome unknown",
}


if TYPE_CHECKING:  # only with --refresh
    from reconciler.core.plan.drift import Actual


@dataclass(frozen=True, slots=True)
class Row:
    """One engine. `retired_at` is set for one whose file is gone."""

    key: str
    entry: Entry
    retired_at: str | None = None
    gone: bool = False  # the platform no longer has the engine that serves
    drift: tuple[Change, ...] = ()  # what the lockfile has of it, against what the platform has

    @property
    def status(self) -> str:
        """`in_progress`, `failed` or `uncertain` when something is pending; else `serving`, or `unused`."""
        if self.entry.pressing is not None:
            return self.entry.pressing.status
        return SERVING if self.entry.current is not None else UNUSED

    @property
    def style(self) -> Style:
        if self.gone or self.drift:
            return "red" if self.gone else "yellow"
        return "dim" if self.retired_at else _STYLES.get(self.status, "plain")

    @property
    def spec(self) -> SpecRecord:
        """The spec of the engine that serves; else of the newest there is."""
        known = (self.entry.current, self.entry.pressing, *reversed(self.entry.superseded))
        return next((part.spec for part in known if part is not None), {})

    @property
    def protected(self) -> bool:
        """Whether a guard keeps it from being replaced or retired."""
        return self.entry.kept.protect

    def words(self, now: str) -> str:
        """The status for people, with the age of what is under way, and whether it is protected."""
        status = "retired" if self.retired_at else self._status_words(now)
        if self.gone or self.drift:
            status += ", gone from the platform" if self.gone else ", changed on the platform"
        if self._updating and not self.retired_at:
            status += ", update not confirmed"
        return f"{status}, protected" if self.protected else status

    @property
    def _updating(self) -> bool:
        """Whether a change in place got no answer."""
        return self.entry.current is not None and bool(self.entry.current.updating)

    def _status_words(self, now: str) -> str:
        pending = self.entry.pressing
        if pending is None:
            hold = self.entry.hold
            return self.status if hold is None else f"{self.status}, rolled back by {sanitize(hold.by)}"
        words = _WORDS.get((pending.status, self.entry.current is not None), pending.status)
        seconds = seconds_between(pending.submitted_at, now)
        if pending.status != IN_PROGRESS or seconds is None:
            return words
        return f"{words} (submitted {format_duration(seconds)} ago)"

    @property
    def drift_hint(self) -> str | None:
        """What a person can do about an engine that is gone or was changed elsewhere."""
        if self.gone:
            return f"run `{reconcile('apply', '--refresh', only(self.key))}` to recreate it"
        if self.drift:
            fix = reconcile("apply", "--fix-drift", only(self.key))
            return f"bring the change into its file, or run `{fix}` to overwrite it"
        return None

    @property
    def hint(self) -> str | None:
        """What a person can do about a failed or uncertain engine, with the exact command."""
        pending = self.entry.pressing
        if pending is None and self.entry.hold is not None and not self.retired_at:
            release = reconcile("release", arguments=[self.key])
            return f"held since {self.entry.hold.since}; edit its file, or run `{release}`"
        if pending is None and self._updating and not self.retired_at:
            return f"an update got no answer; run `{reconcile('apply', only(self.key))}`, which checks it"
        if pending is None or pending.status == IN_PROGRESS or self.retired_at:
            return None
        if self.entry.unresolved:
            return how_to_settle(self.key, self.entry.unresolved)
        return f"edit its file, or try again: {reconcile('apply', '--retry-failed', only(self.key))}"


def engine_rows(
    lockfile: Lockfile, keys: Callable[[str], bool] | None, actual: Actual | None = None
) -> list[Row]:
    """The engines in use, sorted by key; `actual` is what the platform has. Raises `LockfileError` when an entry cannot
    be read.
    """
    rows = []
    gone = actual.gone if actual is not None else frozenset()
    drifted = actual.drifted if actual is not None else {}
    for key in sorted(lockfile.engines):
        entry = lockfile.entry(key) if keys is None or keys(key) else None
        if entry is not None:
            lost = entry.current is not None and entry.current.engine_id in gone
            rows.append(Row(key, entry, gone=lost, drift=drifted.get(key, ())))
    return rows


def retired_rows(lockfile: Lockfile, keys: Callable[[str], bool] | None) -> list[Row]:
    """The retired ones, sorted by key, oldest first."""
    return [
        Row(key, retired.entry, retired.retired_at)
        for key in sorted(lockfile.retired)
        if keys is None or keys(key)
        for retired in lockfile.retired_of(key)
    ]


def tally(rows: list[Row]) -> dict[str, int]:
    """How many engines serve, and how many have something pending. An engine can count in both."""
    counts = {
        "engines": len(rows),
        SERVING: sum(row.entry.current is not None for row in rows),
        PROTECTED: sum(row.protected for row in rows),
    }
    counts |= {GONE: sum(row.gone for row in rows), DRIFTED: sum(bool(row.drift) for row in rows)}
    return counts | {
        name: sum(row.status == name for row in rows) for name in (IN_PROGRESS, FAILED, UNCERTAIN)
    }


def status_sentence(rows: list[Row], gone: list[Row], *, listed: bool) -> str:
    """`42 engines: 40 serving, 1 failed.`; `listed`: whether those that are retired are shown, too."""
    counts = tally(rows)
    named = (
        (SERVING, "serving"),
        (IN_PROGRESS, "in progress"),
        (FAILED, "failed"),
        (UNCERTAIN, "uncertain"),
        (PROTECTED, "protected"),
        (GONE, "gone"),
        (DRIFTED, "drifted"),
    )
    parts = [f"{counts[name]:,} {words}" for name, words in named if counts[name]]
    sentence = counted(len(rows), "engine") + (f": {', '.join(parts)}" if parts else "")
    if not gone:
        return f"{sentence}."
    return f"{sentence}; {len(gone):,} retired{'' if listed else ' (--all lists them)'}."
