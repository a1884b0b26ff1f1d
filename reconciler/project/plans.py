"""A plan as it is shown, with what stands beside its actions: a lockfile that git ignores or that was edited by hand,
and a host that only the settings file names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.adapters.project.places import find_git
from reconciler.core.errors import Diagnostic, GitError, InvalidInput, Severity
from reconciler.core.frozen import replace
from reconciler.core.settings.model import SETTINGS
from reconciler.project.hand_edits import hand_edits, source_edits
from reconciler.project.planner import planner_of

if TYPE_CHECKING:
    from reconciler.app.planning import PlanResult, Request
    from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
    from reconciler.project.opened import Project

_HOSTS = {  # sources of a host that the API key may go to
    name: {"default", *SETTINGS[name].named_outside} for name in ("api_url", "mcp_url")
}


def plan_alone(project: Project, request: Request, shared: RemoteSnapshot | None = None) -> PlanResult:
    """The plan for a request, compared with no other branch. Raises what `Planner.plan` raises."""
    planned = _with_ignored(project, planner_of(project, request).plan(shared))
    sources = project.settings.source_of
    if project.settings_file is not None and any(sources[one] not in _HOSTS[one] for one in _HOSTS):
        planned = _with_key_destination(project, planned)
    return planned


def with_hand_edits(project: Project, planned: PlanResult) -> PlanResult:
    """The plan, saying what was edited in the lockfile and in what is recorded of sources, unless the base told it."""
    told = {(one.file, one.line) for one in planned.plan.diagnostics}
    found = [*hand_edits(project, planned.recorded.on_disk), *source_edits(project)]
    new = [one for one in found if (one.file, one.line) not in told]
    if not new:
        return planned
    return replace(planned, plan=replace(planned.plan, diagnostics=(*planned.plan.diagnostics, *new)))


def _with_ignored(project: Project, planned: PlanResult) -> PlanResult:
    """The plan, saying that git ignores the lockfile, where applying it would be refused for that."""
    if not planned.plan.changes_anything or find_git(project.root) is None:
        return planned
    from reconciler.adapters.checkout.ignored import refuse_if_ignored  # git, only with something to record

    try:
        refuse_if_ignored(project.root, project.settings.lockfile)
    except InvalidInput as error:
        told = Diagnostic(error.message, hint=error.hint, severity=Severity.WARNING)
        return replace(planned, plan=replace(planned.plan, diagnostics=(*planned.plan.diagnostics, told)))
    except GitError:
        return planned  # a plan needs no git; the apply says what is wrong with it
    return planned


def _with_key_destination(project: Project, planned: PlanResult) -> PlanResult:
    """The plan, saying where the settings file alone would send the API key."""
    from reconciler.core.settings.trust import key_destination  # only where the file names a host

    told = key_destination(project.settings, project.settings_file or "")
    return replace(planned, plan=replace(planned.plan, diagnostics=(*planned.plan.diagnostics, *told)))
