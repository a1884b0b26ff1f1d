"""Says in a plan which places in other files do not have their engine's ID: applying it writes them.

What counts is the work tree, and the lockfile as it is once everything is done that needs no platform. An engine that
is made or replaced gets its new ID written when its job has completed, and until then the one that serves.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.app.planning import PlanResult
from reconciler.cli.wiring.project import Project
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.model import Plan


def with_outputs(project: Project, planned: PlanResult) -> PlanResult:
    """The plan, with the outputs that are behind and those that cannot be written. Raises `LockfileError`."""
    plan, lockfile = planned.plan, planned.recorded.folded
    if plan.invalid or not _asks(plan, lockfile):
        return planned
    from reconciler.adapters.outputs.files import OutputFiles  # only with outputs
    from reconciler.adapters.system.clock import UtcClock
    from reconciler.core.run.local_actions import perform_all

    then = perform_all(lockfile, plan.actions, UtcClock().now())
    behind, problems = OutputFiles(project.root).behind(then)
    return replace(planned, plan=replace(plan, outputs=tuple(behind), outputs_failed=tuple(problems)))


def _asks(plan: Plan, lockfile: Lockfile) -> bool:
    if any("outputs" in document for document in lockfile.engines.values()):
        return True
    return any(action.kept is not None and action.kept.outputs for action in plan.actions)
