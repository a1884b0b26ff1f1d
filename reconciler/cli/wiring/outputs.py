"""Outputs of a run that has nothing to apply: somebody may have edited such a file, or mended one that could not be
written before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli.pull_requests.publishing import proposes
from reconciler.cli.stderr import say, warn
from reconciler.cli.wiring.project import Project
from reconciler.cli.wiring.publishing import keep, new_sharer, open_ledger
from reconciler.core.errors import ReconcileError
from reconciler.core.lockfile.model import Lockfile
from reconciler.render.phrases.sanitize import printable

if TYPE_CHECKING:
    from reconciler.app.planning import Planned


def bring_outputs_up_to_date(project: Project, planned: Planned) -> list[str]:
    """Sets right what does not have the ID that serves, here and on the branch, and says what could not be."""
    standing = planned.standing
    if planned.plan.invalid or not _has_outputs(standing.folded):
        return []
    problems = _here(project, standing.on_disk)
    if standing.shared is not None and not proposes(project):
        problems += _on_branch(project, planned)
    problems = list(dict.fromkeys(problems))
    for one in problems:
        warn(printable(one))
    return problems


def _has_outputs(lockfile: Lockfile) -> bool:
    return any("outputs" in document for document in lockfile.engines.values())


def _here(project: Project, lockfile: Lockfile) -> list[str]:
    from reconciler.adapters.outputs.files import OutputFiles
    from reconciler.adapters.storage.lease_file import FileLease  # only with outputs

    files = OutputFiles(project.root)
    try:
        edits, problems = files.edits(lockfile)
        if not edits:
            return problems
        with FileLease(project.private).hold():
            problems = files.write(lockfile)
    except ReconcileError as error:
        return [error.message]
    _tell(edits, "")
    return problems


def _on_branch(project: Project, planned: Planned) -> list[str]:
    from reconciler.adapters.git.outputs_at_tip import outputs_at_tip

    seen = planned.standing.shared
    assert seen is not None  # the caller looked
    try:
        ledger = open_ledger(project)
        found = outputs_at_tip(ledger.remote, seen.branch_tip, ledger.folder, seen.lockfile)
        if found.files:
            sharer = new_sharer(project, seen)
            sharer.acquire()
            sharer.finish(planned.standing.folded, planned.standing.records)
            keep(project, sharer.seen)
            _tell(found.files, f" on {ledger.branch}")
    except ReconcileError as error:
        return [f"the outputs on the branch could not be brought up to date: {error.message}"]
    return [f"on the branch {one}" for one in found.problems]


def _tell(files: dict[str, bytes], where: str) -> None:
    say(printable(f"brought up to date{where}: {', '.join(sorted(files))}"))
