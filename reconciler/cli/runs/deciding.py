"""What people decide without a run (resolve, import, rollback, release): recorded here and, where runs share, there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reconciler.adapters.outputs.files import LockfileAndOutputs
from reconciler.cli.runs.interrupts import held_together
from reconciler.cli.stderr import warn
from reconciler.cli.wiring.project import WRITTEN, Project
from reconciler.cli.wiring.publishing import PublishTarget, target_of_run
from reconciler.core.ledger.journal import Record
from reconciler.core.lockfile.model import Lockfile


def record_decision(
    project: Project,
    without_key: str,
    carry_out: Callable[..., None],
    check: Callable[[PublishTarget, str | None], None] = lambda target, tip: None,
) -> bool:
    """Have a decision written here and where runs share, and say whether that was done. `without_key` is what to do
    for that without an API key; `check` may refuse it, given the tip of the branch.
    """
    lockfile = LockfileAndOutputs(
        project.root, project.settings.lockfile, project.settings.engines, note=project.private / WRITTEN
    )
    target = target_of_run(project.root, project.settings)
    if target is None:
        carry_out(lockfile, project.known_journal)
        _warn(lockfile.problems)
        return False
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
    target.propose(ledger_writer.seen)
    return True


def _warn(problems: Sequence[str]) -> None:
    for one in problems:
        warn(one)
