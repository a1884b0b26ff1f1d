"""Outputs of a run that has nothing to apply: somebody may have edited such a file, or mended one that could not be
written before.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.stderr import say, warn
from reconciler.core.errors import ReconcileError
from reconciler.core.lockfile.model import Lockfile

if TYPE_CHECKING:
    from reconciler.app.planning import PlanResult
    from reconciler.cli.wiring.publishing import PublishTarget
    from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
    from reconciler.core.outputs.rules import OutputRules
    from reconciler.core.settings.model import Settings


def bring_outputs_up_to_date(
    root: Path, private: Path, settings: Settings, planned: PlanResult, target: PublishTarget | None
) -> list[str]:
    """Sets right what does not have the ID that serves, here and on the branch, and says what could not be."""
    recorded = planned.recorded
    if planned.plan.invalid or not _has_outputs(recorded.folded):
        return []
    problems = _here(root, private, settings.output_rules, recorded.on_disk)
    if target is not None and recorded.shared is not None and not target.proposes:
        problems += _on_branch(target, planned, recorded.shared)
    problems = list(dict.fromkeys(problems))
    for one in problems:
        warn(one)
    return problems


def _has_outputs(lockfile: Lockfile) -> bool:
    return any("outputs" in document for document in lockfile.engines.values())


def _here(root: Path, private: Path, rules: OutputRules, lockfile: Lockfile) -> list[str]:
    from reconciler.adapters.outputs.files import OutputFiles
    from reconciler.adapters.storage.lease_file import FileLease  # only with outputs

    files = OutputFiles(root, rules)
    try:
        edits, problems = files.edits(lockfile)
        if not edits:
            return problems
        with FileLease(private).hold():
            problems = files.write(lockfile)
    except ReconcileError as error:
        return [error.message]
    _report(edits, "")
    return problems


def _on_branch(target: PublishTarget, planned: PlanResult, seen: RemoteSnapshot) -> list[str]:
    from reconciler.adapters.git.outputs_at_tip import outputs_at_tip
    from reconciler.cli.runs.interrupts import held_together  # asyncio, only to publish

    try:
        ledger = target.ledger()
        rules = target.settings.output_rules
        found = outputs_at_tip(ledger.remote, seen.branch_tip, ledger.folder, seen.lockfile, rules)
        if found.files:
            ledger_writer = target.writer(seen)
            with held_together(ledger_writer):
                ledger_writer.acquire()
                ledger_writer.finish(planned.recorded.folded, planned.recorded.records)
            target.keep(ledger_writer.seen)
            if ledger_writer.seen.outputs_failed:
                return list(ledger_writer.seen.outputs_failed)
            _report(found.files, f" on {ledger.branch}")
    except ReconcileError as error:
        return [f"the outputs on the branch could not be updated: {error.message}"]
    return [f"on the branch {one}" for one in found.problems]


def _report(files: dict[str, bytes], where: str) -> None:
    say(f"updated{where}: {', '.join(sorted(files))}")
