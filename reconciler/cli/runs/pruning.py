"""A run that deletes engines: look, choose, ask, lease, look again, delete, publish, report."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from reconciler.adapters.outputs.files import LockfileAndOutputs
from reconciler.adapters.system.clock import UtcClock
from reconciler.app.pruning import Deletion, Pruner, Result, Shares
from reconciler.app.recorded import RecordedState, read_recorded_state
from reconciler.cli.ci import in_ci
from reconciler.cli.runs.interrupts import Interrupts
from reconciler.cli.stderr import say, warn
from reconciler.cli.wiring.git_hints import how_to_pull, how_to_record
from reconciler.cli.wiring.in_use import InUse, settings_beside
from reconciler.cli.wiring.publishing import PublishTarget
from reconciler.core.commands import reconcile
from reconciler.core.errors import ExitCode, LeaseHeld, ReconcileError
from reconciler.core.frozen import dataclass
from reconciler.core.ledger.fold import fold
from reconciler.core.ledger.journal import Pruning
from reconciler.core.ledger.pruning import begun_by, prune_of
from reconciler.core.lockfile.merge import merge
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.lockfile.names import used_in
from reconciler.core.plan.pruning import Listed, begun_in
from reconciler.project.opened import WRITTEN, Project

if TYPE_CHECKING:
    from reconciler.app.ledger_writer import LedgerWriter
    from reconciler.core.ledger.journal import Record
    from reconciler.core.ledger.remote_snapshot import RemoteSnapshot


@dataclass(frozen=True, slots=True)
class Done:
    """What became of the engines, and whether the run was interrupted or stopped by an error."""

    deletions: Sequence[Deletion]
    interrupted: bool = False
    error: ReconcileError | None = None


def end_deletions(
    project: Project, target: PublishTarget | None, known: Lockfile, decided: Collection[str]
) -> ExitCode:
    """Delete what an earlier run began to delete, or this one by retiring it. Whatever keeps that from being done is
    told, and left to the next run. `known` is where things stand, as far as it was looked at; `decided` are the engines
    that this run has decided to delete.
    """
    if not begun_in(known):
        return ExitCode.OK
    try:
        if decided:
            _note_decided(project, target, known, decided)
        return _end_deletions(project, target)
    except LeaseHeld as error:
        say(f"note: {error.message}; the next run deletes what is left")
        return ExitCode.OK
    except ReconcileError as error:
        hint = f" ({error.hint})" if error.hint else ""
        warn(f"engines that are out of use are not deleted yet: {error.message}{hint}")
        return ExitCode.FAILED


def _note_decided(
    project: Project, target: PublishTarget | None, known: Lockfile, decided: Collection[str]
) -> None:
    """What this run decided is a fact in this machine's journal, where no ledger has it."""
    from reconciler.adapters.storage.lease_file import FileLease

    if target is not None:  # the decision went there with the lockfile
        return
    facts = [
        Pruning(prune_of(one.engine_id), one.key, one.engine_id, one.left, one.begun or one.left)
        for one in begun_in(known)
        if one.engine_id in decided
    ]
    if facts:
        with FileLease(project.private).hold():
            project.journal.append(facts)


def _end_deletions(project: Project, target: PublishTarget | None) -> ExitCode:
    from reconciler.adapters.storage.lease_file import FileLease
    from reconciler.cli.wiring.api_key import api_key
    from reconciler.render.text.pruning import by_hand, prune_outcome

    in_use = InUse(project, lambda name: settings_beside(project, name), online=True)
    recorded: RecordedState | None = None

    def idle(folded: Lockfile, reasons: Mapping[str, str]) -> list[Listed]:
        facts = recorded.records if recorded is not None else ()
        begun = {one.engine_id for one in begun_by(facts)}
        return [one for one in _idle(folded, reasons) if one.engine_id in begun]

    run = DeletingRun(project, in_use, target, api_key(project.settings), idle)
    seen = run.look()
    recorded = run.recorded(seen)
    folded = recorded.folded
    for one in _idle(folded, {}):
        if one not in idle(folded, {}):
            warn(
                f"{one.key}: {one.engine_id} is marked as being deleted in {project.settings.lockfile}, but no run "
                f"recorded that it began; it stays until `{reconcile('prune')}`"
            )
    shared = seen if target is None or seen is None else in_use.look()
    reasons = in_use.reasons(folded, shared)
    for one in begun_in(folded):
        if one.engine_id in reasons:
            say(f"note: {one.key}: {one.engine_id} is deleted later: {reasons[one.engine_id]}")
    wanted = idle(folded, reasons)
    if not wanted:
        return ExitCode.OK
    with FileLease(project.private).hold():
        done = run.run(seen, wanted)
    told = [(one.listed, one.result.value, one.reason) for one in done.deletions]
    hand = [one.listed for one in done.deletions if one.result in (Result.BY_HAND, Result.LEFT)]
    by_hands = any(one.result is Result.BY_HAND for one in done.deletions)
    click.echo(prune_outcome(told) + (by_hand(hand) if by_hands else ""), nl=False, err=True)
    if done.error is not None:
        raise done.error
    failed = any(one.result is not Result.DELETED for one in done.deletions)
    return ExitCode.INTERRUPTED if done.interrupted else ExitCode.FAILED if failed else ExitCode.OK


def _idle(folded: Lockfile, reasons: Mapping[str, str]) -> list[Listed]:
    return [one for one in begun_in(folded) if one.engine_id not in reasons and not one.running]


class DeletingRun:
    """Deletes engines that were chosen, under the lease. `choose` is asked once more then, with the reasons why engines
    must stay; only what it still gives, and was chosen before, is deleted.
    """

    def __init__(
        self,
        project: Project,
        in_use: InUse,
        target: PublishTarget | None,
        key: str,
        choose: Callable[[Lockfile, Mapping[str, str]], Sequence[Listed]],
    ) -> None:
        self._project = project
        self._in_use = in_use
        self._target = target
        self._key = key
        self._choose = choose
        self._seen: RemoteSnapshot | None = None
        self._known: dict[str | None, Mapping[str, str]] = {}  # by the branch's tip
        self._journal = project.journal if target is not None else project.known_journal
        self._lockfile = LockfileAndOutputs(
            project.root,
            project.settings.lockfile,
            project.settings.output_rules,
            note=project.private / WRITTEN,
        )

    def look(self) -> RemoteSnapshot | None:
        """What is on the remote; where runs share, once nobody has the lease. Raises `LeaseHeld`."""
        if self._target is None:
            return self._in_use.look()
        return self._target.look_when_free(self._project.settings.lease_wait or 0.0, self._journal)

    def recorded(self, seen: RemoteSnapshot | None) -> RecordedState:
        """Where things stand: with what is on the remote only where runs share."""
        return read_recorded_state(self._lockfile, self._journal, seen if self._target is not None else None)

    def run(self, seen: RemoteSnapshot | None, chosen: Sequence[Listed]) -> Done:
        """Delete what was chosen from what was seen. Under the lease of this machine. Raises `LeaseHeld` where another
        run came first; then nothing was done.
        """
        recorded = self.recorded(seen)
        recorded.folded.check()
        self._lockfile.check_writable()
        writer = self._target.writer(seen) if self._target is not None and seen is not None else None
        with Interrupts() as interrupts:
            if writer is not None:
                from reconciler.app.driver import END

                interrupts.hurry = lambda: writer.hurry(END)
                writer.acquire()
            try:
                deletions, facts, error = self._delete(recorded, chosen, writer, interrupts)
                self._finish(recorded, facts, writer)
            except ReconcileError:
                if writer is not None and writer.lost is None:
                    writer.leave()
                raise
        if self._target is not None and writer is not None:
            self._target.keep(writer.seen)
            self._target.propose(writer.seen)
            self._seen = writer.seen
        for problem in self._lockfile.problems:
            warn(problem)
        return Done(deletions, interrupts.asked, error)

    def next_step(self) -> str | None:
        """What brings this checkout or the branch in step, as a command."""
        root, name = self._project.root, self._project.settings.lockfile
        if self._target is None:
            return how_to_record(root, name, [])
        seen = self._seen
        tip = None if in_ci() or seen is None or seen.proposal is not None else seen.branch_tip
        return None if tip is None else how_to_pull(root, self._target.branch, tip, [name])

    def _delete(
        self,
        recorded: RecordedState,
        chosen: Sequence[Listed],
        writer: LedgerWriter | None,
        interrupts: Interrupts,
    ) -> tuple[list[Deletion], list[Record], ReconcileError | None]:
        wanted, stay = self._still_wanted(recorded.folded, chosen)
        serving = [engine for one in recorded.folded.engines.values() for engine in used_in(one)]
        shares = Shares(self._journal, UtcClock(), writer)

        async def connected() -> tuple[list[Deletion], list[Record], ReconcileError | None]:
            from reconciler.adapters.platform.engines import EngineClient

            settings = self._project.settings
            client = EngineClient(
                settings.api_url, self._key, random=random.random, concurrency=settings.concurrency
            )
            async with client as engines:
                pruner = Pruner(engines, shares, serving, self._used(recorded.folded))
                hurry = interrupts.hurry

                def interrupt() -> None:
                    hurry()
                    pruner.stop()

                interrupts.attach(interrupt)
                try:
                    return await pruner.run(wanted), pruner.facts, None
                except ReconcileError as error:  # what is known by now is recorded all the same
                    known = {one.listed.engine_id for one in pruner.done}
                    left = [
                        Deletion(one, Result.LEFT, error.message)
                        for one in wanted
                        if one.engine_id not in known
                    ]
                    return [*pruner.done, *left], pruner.facts, error

        deletions, facts, error = asyncio.run(connected())
        return [*stay, *deletions], facts, error

    def _still_wanted(
        self, folded: Lockfile, chosen: Sequence[Listed]
    ) -> tuple[list[Listed], list[Deletion]]:
        """What is still to be deleted, seen under the lease, and what is not any more."""
        seen = self._in_use.look()
        reasons = self._in_use.reasons(folded, seen)
        self._known[seen.branch_tip if seen is not None else None] = reasons
        still = {one.engine_id: one for one in self._choose(folded, reasons)}
        wanted = [still[one.engine_id] for one in chosen if one.engine_id in still]
        gone = [one for one in chosen if one.engine_id not in still]
        changed = "changed since the plan was shown"
        return wanted, [Deletion(one, Result.LEFT, reasons.get(one.engine_id, changed)) for one in gone]

    def _used(self, folded: Lockfile) -> Callable[[Collection[str]], Mapping[str, str]]:
        """Whether engines are in use by now; asked whenever the branch moved."""
        known = self._known

        def used(engines: Collection[str]) -> Mapping[str, str]:
            tip = self._in_use.newest_tip()
            if tip not in known:
                known[tip] = self._in_use.reasons(folded, self._in_use.look())
            return known[tip]

        return used

    def _finish(self, recorded: RecordedState, facts: Sequence[Record], writer: LedgerWriter | None) -> None:
        settled = fold(recorded.folded, facts)
        if writer is not None:
            merged = writer.finish(settled, [*recorded.records, *facts])
            settled = merged.lockfile
            for one in merged.revived:
                say(f"{one.key}: uses {one.engine_id} again, which was deleted in the meantime")
        newest, _ = self._lockfile.read()
        if newest != recorded.on_disk:
            settled = merge(recorded.on_disk, settled, newest).lockfile
        if settled != newest:
            self._lockfile.write(settled)
        self._journal.compact(published=writer is not None)
