"""The last thing a run does: engines whose deletion began go, now that all else is recorded and published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reconciler.core.errors import ExitCode, most_severe
from reconciler.core.plan.model import Action, Kind

if TYPE_CHECKING:
    from reconciler.cli.wiring.publishing import PublishTarget
    from reconciler.core.lockfile.model import Lockfile
    from reconciler.project.opened import Project


def with_deletions(
    code: ExitCode,
    project: Project,
    target: PublishTarget | None,
    known: Lockfile | None,
    actions: Sequence[Action] = (),
) -> ExitCode:
    """How the run ends. `known` is where things stand by now; None for one that left something unrecorded. `actions`
    are those that it carried out.
    """
    if known is None or not (
        any("pruning" in one for one in known.engines.values())
        or any("pruning" in one for some in known.retired.values() for one in some)
    ):
        return code
    deleted = [one for one in actions if one.kind is Kind.DELETE and one.guard is None]
    decided = {one.engine_id for one in deleted if one.engine_id is not None}
    from reconciler.cli.runs.pruning import end_deletions  # the network, only then

    return most_severe([code, end_deletions(project, target, known, decided)])
