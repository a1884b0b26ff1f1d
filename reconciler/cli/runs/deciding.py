"""What people decide without a run (resolve, import, rollback, release): recorded here and, where runs share, there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from reconciler.adapters.outputs.files import LockfileAndOutputs, wanted_files
from reconciler.adapters.storage.lease_file import FileLease
from reconciler.app.ports import Journal, LockfileStore
from reconciler.app.recorded import read_recorded_state
from reconciler.app.settling import Publish, record_facts
from reconciler.cli.ci import in_ci
from reconciler.cli.runs.interrupts import held_together
from reconciler.cli.screen import tell
from reconciler.cli.stderr import warn
from reconciler.cli.wiring.git_hints import how_to_pull, how_to_record
from reconciler.cli.wiring.publishing import PublishTarget, target_of_run
from reconciler.core.ledger.journal import Decision, Record
from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
from reconciler.core.lockfile.model import Lockfile
from reconciler.project.opened import WRITTEN, Project
from reconciler.render.phrases.sanitize import sanitize


class Recorded(NamedTuple):
    """Where a decision stands now, and the command that brings this checkout or the branch in step with it. `published`
    says that the branch has it, `proposed` is the address of the pull request that brings it there.
    """

    where: str
    step: str | None
    published: bool = False
    proposed: str | None = None


def record_decision(
    project: Project,
    without_key: str,
    carry_out: Callable[..., None],
    check: Callable[[PublishTarget, str | None], None] = lambda target, tip: None,
) -> Recorded:
    """Have a decision written here and where runs share, and say where it stands. `without_key` is what to do
    for that without an API key; `check` may refuse it, given the tip of the branch.
    """
    project.lockfile.read()  # raises where git has a lockfile and the work tree has not
    lockfile = LockfileAndOutputs(
        project.root, project.settings.lockfile, project.settings.output_rules, note=project.private / WRITTEN
    )
    target = target_of_run(project.root, project.settings)
    if target is None:
        carry_out(lockfile, project.known_journal)
        _warn(lockfile.problems)
        step = how_to_record(project.root, project.settings.lockfile, _outputs(project, lockfile))
        return Recorded(f"recorded in {project.settings.lockfile}", step)
    target.check_seal(without_key)
    seen = target.look_when_free(project.settings.lease_wait or 0.0, project.journal)
    check(target, seen.branch_tip)
    ledger_writer = target.writer(seen)

    def publish(settled: Lockfile, records: Sequence[Record]) -> Lockfile:
        with held_together(ledger_writer):
            ledger_writer.acquire()
            return ledger_writer.finish(settled, records).lockfile

    carry_out(lockfile, project.journal, shared=seen, publish=publish)
    target.keep(ledger_writer.seen)
    _warn(lockfile.problems)
    seen = ledger_writer.seen
    proposed = target.propose(seen)
    if seen.proposal is not None:
        where = "recorded; applications see it once the pull request is merged"
        return Recorded(where, None, proposed=proposed)
    written = [project.settings.lockfile, *_outputs(project, lockfile)]
    tip = None if in_ci() else seen.branch_tip
    step = None if tip is None else how_to_pull(project.root, target.branch, tip, written)
    return Recorded("recorded and published", step, published=True)


def finish_cut_off(project: Project, without_key: str, kind: str, key: str) -> Decision | None:
    """Write, here and where runs share, what was decided by a command that was killed before it could. Returns the
    decision of this kind about the key where one was among that.
    """
    records = project.journal.read()[0]
    written: list[Record] = []

    def carry_out(
        lockfile: LockfileStore,
        journal: Journal,
        shared: RemoteSnapshot | None = None,
        publish: Publish | None = None,
    ) -> None:
        recorded = read_recorded_state(lockfile, journal, shared)
        if recorded.unwritten:
            record_facts(lockfile, journal, recorded, (), publish)
            written.extend(records)

    if records:
        with FileLease(project.private).hold():
            record_decision(project, without_key, carry_out)
    decided = [one for one in written if isinstance(one, Decision) and (one.kind, one.key) == (kind, key)]
    if not decided:
        return None
    word = {"adopt": "import"}.get(kind, kind)
    tell(f"{sanitize(key)}: an earlier {word} was interrupted; it is recorded now")
    return decided[-1]


def _outputs(project: Project, lockfile: LockfileAndOutputs) -> list[str]:
    return wanted_files(lockfile.read()[0], project.settings.output_rules)


def _warn(problems: Sequence[str]) -> None:
    for one in problems:
        warn(one)
