"""The end of a run: what it came to goes into the lockfile, on top of whatever somebody else wrote there meanwhile.

Whoever pulls, switches branches or edits while jobs run must not lose what they wrote, nor may the run lose an
engine. So the two are merged, and the next plan shows what is still to be done.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from reconciler.app.ledger_writer import LedgerWriter
from reconciler.app.ports import Journal, LockfileStore, Observer
from reconciler.core.errors import GitError, InvalidInput, ReconcileError, StorageError
from reconciler.core.frozen import replace
from reconciler.core.ledger.fold import fold
from reconciler.core.ledger.journal import Decision, Record, union
from reconciler.core.lockfile.merge import merge
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.model import Kind
from reconciler.core.run.machine import Run
from reconciler.core.run.outcome import Outcome, Result, Status, outcome_of

OVERTAKEN = "its entry in the lockfile changed during the run; run again"


class Ending:
    """Writes down what a finished run came to. `on_disk` is the lockfile as it was when the plan was made."""

    def __init__(
        self,
        run: Run,
        on_disk: Lockfile,
        lockfile: LockfileStore,
        journal: Journal,
        observer: Observer,
        ledger_writer: LedgerWriter | None = None,
    ) -> None:
        self._run = run
        self._on_disk = on_disk
        self._lockfile = lockfile
        self._journal = journal
        self._observer = observer
        self._ledger_writer = ledger_writer

    def write(self, ours: Lockfile, owed: Sequence[Record]) -> Outcome:
        """The outcome. `owed` are facts that are not in the journal yet, though they should be.

        The remote comes first, then the work tree's lockfile, then the journal is emptied: only when everything else
        has what it holds.
        """
        outcome = outcome_of(self._run, ours)
        try:
            past = self._ledger_writer.past if self._ledger_writer is not None else frozenset()
            known = (one for one in self._journal.read()[0] if one.operation not in past)
            records = union(known, self._run.records)
            if self._ledger_writer is not None and not self._ledger_writer.publishes:
                return self._report(outcome, self._ledger_writer, records)
            outcome, ours = self._publish(outcome, ours, records)
            outcome = self._write_here(outcome, ours, records)
        except ReconcileError as error:
            if owed:
                with suppress(StorageError):  # it was refused before, and the outcome says what was made
                    self._journal.append(owed)
            return replace(outcome, unwritten=error.message)
        return outcome if outcome.unpublished else self._compact(outcome)

    def _report(self, outcome: Outcome, ledger_writer: LedgerWriter, records: Sequence[Record]) -> Outcome:
        """What this run knows is on the ledger, for the one that publishes; its own journal stays until then."""
        try:
            ledger_writer.report(records)
        except GitError as error:
            hint = f"; {error.hint}" if error.hint else ""
            return replace(outcome, unpublished=f"{error.message}{hint}")
        if ledger_writer.lost is not None:
            return replace(outcome, lease_lost=True, unpublished=ledger_writer.lost)
        return outcome

    def _publish(
        self, outcome: Outcome, ours: Lockfile, records: Sequence[Record]
    ) -> tuple[Outcome, Lockfile]:
        """What the branch has now. Where it cannot be published, the journal keeps everything for the next run."""
        if self._ledger_writer is None:
            return outcome, ours
        try:
            merged = self._ledger_writer.finish(ours, records)
        except (
            GitError,
            InvalidInput,
        ) as error:  # the latter: what is on the remote cannot be read or merged
            hint = f"; {error.hint}" if error.hint else ""
            lost = outcome.lease_lost or self._ledger_writer.lost is not None
            return replace(outcome, lease_lost=lost, unpublished=f"{error.message}{hint}"), ours
        if self._ledger_writer.lost is not None:
            return replace(outcome, lease_lost=True, unpublished=self._ledger_writer.lost), ours
        for one in merged.doubled:
            self._observer.notice(
                f"{one.key}: two engines were created; {one.kept} serves, {one.other} is kept"
            )
        for revived in merged.revived:
            self._observer.notice(
                f"{revived.key}: uses {revived.engine_id} again, which was deleted in the meantime"
            )
        return replace(outcome, published=True), merged.lockfile

    def _write_here(self, outcome: Outcome, ours: Lockfile, records: Sequence[Record]) -> Outcome:
        newest, _ = self._lockfile.read()
        final = ours
        if newest != self._on_disk:
            final = merge(self._on_disk, ours, newest).lockfile
            final = fold(final, [one for one in records if not isinstance(one, Decision)])
            outcome = _as_it_is(outcome, ours, final)
        if final != newest:
            self._lockfile.write(final)
            outcome = replace(outcome, wrote=True)
        return outcome

    def _compact(self, outcome: Outcome) -> Outcome:
        """A journal that stays is harmless: what it repeats counts once."""
        try:
            self._journal.compact(published=self._ledger_writer is not None)
        except StorageError as error:
            if outcome.wrote:
                return replace(outcome, unwritten=error.message)
            self._observer.notice(error.message)
        return outcome


def _as_it_is(outcome: Outcome, ours: Lockfile, final: Lockfile) -> Outcome:
    """Nothing is reported as done that the lockfile does not have."""
    results = tuple(
        one if ours.engines.get(one.key) == final.engines.get(one.key) else _overtaken(one)
        for one in outcome.results
    )
    return replace(outcome, results=results)


def _overtaken(result: Result) -> Result:
    local = result.kind in (Kind.RESTORE, Kind.DISCARD, Kind.MOVE, Kind.RETIRE, Kind.DELETE)
    if (local and result.status is Status.DONE) or result.status is Status.NOT_STARTED:
        return replace(result, status=Status.NOT_STARTED, error=OVERTAKEN)
    return result
