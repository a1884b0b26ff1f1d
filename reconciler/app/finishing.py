"""The end of a run: what it came to goes into the lockfile, on top of whatever somebody else wrote there meanwhile.

Whoever pulls, switches branches or edits while jobs run must not lose what they wrote, nor may the run lose an
engine. So entries that only one side touched are taken from that side. Where both touched one, nothing is guessed:
the file as it is now gets every fact of the journal, and the next plan shows what is still to be done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from reconciler.app.ports import Journal, LockfileStore, Observer
from reconciler.core.errors import ReconcileError, StorageError
from reconciler.core.fold import fold
from reconciler.core.journal import Record, union
from reconciler.core.lockfile import Lockfile
from reconciler.core.outcome import Outcome, Result, Status
from reconciler.core.plan import Kind
from reconciler.core.results import outcome_of
from reconciler.core.run import Run

OVERTAKEN = "somebody else changed its entry in the lockfile while the run went on; run again"

Value = TypeVar("Value")


class Ending:
    """Writes down what a finished run came to. `on_disk` is the lockfile as it was when the plan was made."""

    def __init__(
        self, run: Run, on_disk: Lockfile, lockfile: LockfileStore, journal: Journal, observer: Observer
    ) -> None:
        self._run = run
        self._on_disk = on_disk
        self._lockfile = lockfile
        self._journal = journal
        self._observer = observer

    def write(self, ours: Lockfile, owed: Sequence[Record]) -> Outcome:
        """The outcome. `owed` are facts that are not in the journal yet, though they should be."""
        outcome = outcome_of(self._run, ours)
        try:
            newest, _ = self._lockfile.read()
            final = ours
            if newest != self._on_disk:
                records = union(self._journal.read()[0], self._run.records)
                final = on_top_of(newest, self._on_disk, ours, records)
                outcome = _as_it_is(outcome_of(self._run, final), ours, final)
            if final != newest:
                self._lockfile.write(final)
                outcome = replace(outcome, wrote=True)
        except ReconcileError as error:
            if owed:
                with suppress(StorageError):  # it was refused before, and the outcome says what was made
                    self._journal.append(owed)
            return replace(outcome, unwritten=error.message)
        return self._compact(outcome)

    def _compact(self, outcome: Outcome) -> Outcome:
        """A journal that stays is harmless: what it repeats counts once."""
        try:
            self._journal.compact()
        except StorageError as error:
            if outcome.wrote:
                return replace(outcome, unwritten=error.message)
            self._observer.notice(error.message)
        return outcome


def on_top_of(newest: Lockfile, before: Lockfile, ours: Lockfile, records: Iterable[Record]) -> Lockfile:
    """`ours` came from `before`, and so did `newest`, by somebody else: both changes, with no engine forgotten.

    `records` is everything the journal knows, for the case that both changed one entry.
    """
    engines = _merged(newest.engines, before.engines, ours.engines)
    retired = _merged(newest.retired, before.retired, ours.retired)
    if engines is None or retired is None:
        return fold(newest, records)
    return Lockfile(engines, retired)


def _merged(
    newest: Mapping[str, Value], before: Mapping[str, Value], ours: Mapping[str, Value]
) -> dict[str, Value] | None:
    """Both sides' changes, key by key; None when both changed one key, and not to the same."""
    merged = dict(newest)
    for key in before.keys() | ours.keys():
        mine = ours.get(key)
        if mine == before.get(key) or mine == newest.get(key):
            continue
        if newest.get(key) != before.get(key):
            return None
        if mine is None:
            del merged[key]
        else:
            merged[key] = mine
    return merged


def _as_it_is(outcome: Outcome, ours: Lockfile, final: Lockfile) -> Outcome:
    """Nothing is reported as done that the lockfile does not have."""
    results = tuple(
        one if ours.engines.get(one.key) == final.engines.get(one.key) else _overtaken(one)
        for one in outcome.results
    )
    return replace(outcome, results=results)


def _overtaken(result: Result) -> Result:
    local = result.kind in (Kind.RESTORE, Kind.DISCARD, Kind.MOVE, Kind.RETIRE)
    if (local and result.status is Status.DONE) or result.status is Status.NOT_STARTED:
        return replace(result, status=Status.NOT_STARTED, error=OVERTAKEN)
    return result
