"""Promote engines from one environment to another: what the first one tested becomes what the second one asks for.

Everything is decided from files: engine files, and each environment's lockfile and journal. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

from reconciler.core.errors import Diagnostic, ExitCode, InvalidInput
from reconciler.core.frozen import dataclass
from reconciler.core.plan.environments.promotion import (
    BY_HAND,
    REFUSED,
    UNCHANGED,
    WRITTEN,
    CannotWrite,
    Edits,
    Promoted,
    Refusal,
    refusal,
)

if TYPE_CHECKING:
    from reconciler.app.ports import Engines
    from reconciler.app.recorded import RecordedState
    from reconciler.core.engine.spec import Desired


class Promoter(Protocol):
    """Finds out what has to be written."""

    def edits(self, wanted: Desired, source: str, target: str, others: Iterable[str]) -> Edits:
        """What gives `target` what `wanted` is in `source`, and leaves `others` as they are. Raises `CannotWrite`, and
        `InvalidInput` for files that cannot be read.
        """
        ...


@dataclass(frozen=True)
class Side:
    """An environment: its name, the engine files that it chooses, and how those are read."""

    name: str
    engines: Engines
    found: Mapping[str, str]


@dataclass(frozen=True)
class Promotion:
    """From one environment to another. `others` gives the further environments that an engine belongs to."""

    source: Side
    target: Side
    tested: RecordedState
    promoter: Promoter
    others: Callable[[str], Iterable[str]]

    def of(self, key: str) -> tuple[Promoted, list[Diagnostic]]:
        """What is to be done about one engine that the source has, and what is wrong with its files."""
        wanted = self.source.engines.load(key, self.source.found[key], 40)
        if isinstance(wanted, list):
            return _invalid(key, self.source.name), wanted
        doubtful = key in self.tested.doubts
        entry = self.tested.folded.entry(key)
        refused = refusal(entry, wanted, self.source.name, doubtful=doubtful)
        if refused is not None:
            return Promoted(key, REFUSED, wanted.fingerprint, refusal=refused), []
        if key not in self.target.found:
            hint = "change `include` or `exclude` of that environment in the settings"
            refused = Refusal(f"it is not chosen for {self.target.name}", hint)
            return Promoted(key, REFUSED, wanted.fingerprint, refusal=refused), []
        assert entry is not None and entry.current is not None  # `refusal` saw them
        current = entry.current
        return self._written(wanted, current.engine_id, current.updated_at or current.provisioned_at)

    def _written(
        self, wanted: Desired, engine_id: str, tested_at: str | None
    ) -> tuple[Promoted, list[Diagnostic]]:
        key, source, target = wanted.key, self.source.name, self.target.name
        until_now = self.target.engines.load(key, self.target.found[key], 40)
        if not isinstance(until_now, list) and until_now.fingerprint == wanted.fingerprint:
            return Promoted(key, UNCHANGED, wanted.fingerprint, engine_id, tested_at), []
        from reconciler.core.engine.spec import record_of
        from reconciler.core.plan.changes import changes_between

        changes = (
            () if isinstance(until_now, list) else changes_between(record_of(until_now.spec), wanted.spec)
        )
        try:
            edits = self.promoter.edits(wanted, source, target, self.others(key))
        except InvalidInput as error:
            return _invalid(key, target), list(error.diagnostics)
        except CannotWrite as error:
            by_hand = Refusal(error.reason, "\n".join(error.steps) or f"edit the files of {target} yourself")
            return Promoted(
                key, BY_HAND, wanted.fingerprint, engine_id, tested_at, changes, refusal=by_hand
            ), []
        return Promoted(key, WRITTEN, wanted.fingerprint, engine_id, tested_at, changes, edits), []


def _invalid(key: str, environment: str) -> Promoted:
    refused = Refusal(f"its files are not valid in {environment}", "fix the errors first", ExitCode.INVALID)
    return Promoted(key, REFUSED, refusal=refused)
