"""Wires `plan --base`: which commit a plan is compared with, as asked for or as the CI system tells."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import ci
from reconciler.cli.stderr import say
from reconciler.core.commands import git
from reconciler.core.errors import ExitCode, GitError, InvalidInput, ReconcileError, UsageError
from reconciler.core.frozen import replace
from reconciler.core.patterns import lazy_pattern
from reconciler.core.settings.model import Settings
from reconciler.render.phrases.sanitize import sanitize

if TYPE_CHECKING:
    from reconciler.adapters.checkout.base import GitBase
    from reconciler.adapters.checkout.merge_base import Aim
    from reconciler.app.planning import PlanResult
    from reconciler.core.errors import Diagnostic
    from reconciler.core.plan.model import Plan
    from reconciler.project.opened import Project

AUTO, NONE = "auto", "none"
_MERGE_REF = lazy_pattern(r"refs/pull/[0-9]+/merge")
_ID = lazy_pattern(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SHOWN = 5  # keys that a refusal names


def attributed(project: Project, planned: PlanResult, asked: str | None, *, needed: bool) -> PlanResult:
    """The plan, each change marked with its origin where there is a base to compare with.

    Asked for with --base, or `needed`, a base that cannot be found is an error; in a pull request's run, where it is
    looked for unasked, the plan is shown without. One that was named is looked for even where there is no change to
    mark, so that a typing error never passes for an answer.
    """
    if asked == NONE and needed:
        raise UsageError("--fail-on-foreign needs a base to compare with", hint="remove `--base none`")
    if asked is None and needed:
        asked = AUTO
    if planned.plan.invalid or asked == NONE:
        if asked is not None and asked not in (NONE, AUTO):
            _check_named(project, asked, refuse=False)
        return planned
    if asked is None and ci.merges_into() is None:
        return planned
    try:
        return _compared(project, planned, asked or AUTO)
    except GitError as error:
        if asked is not None and (planned.plan.actions or asked != AUTO):
            raise
        hint = f" ({error.hint})" if error.hint else ""
        note = f"note: cannot tell whose changes these are: {error.message}{hint}"
        say(note)
        return planned


def _compared(project: Project, planned: PlanResult, asked: str) -> PlanResult:
    from reconciler.adapters.checkout.base import GitBase  # git, only with a base
    from reconciler.adapters.checkout.merge_base import MergeBase
    from reconciler.app.attributing import attribute

    _check_repository(project.root)
    settings = project.settings
    aim = _aim(project.settings) if asked == AUTO else _named(asked)
    commit = MergeBase(project.root, settings.remote).find(aim)
    base = GitBase(project.root, commit, settings.engines, project.id_length, settings.choice)
    plan = attribute(planned, project.engines, project.lockfile, base, settings.engines, project.id_length)
    changed = [*_setting_changes(project, base), *_lockfile_edits(project, planned, base, commit)]
    changed += _source_edits(project, base, commit)
    return replace(planned, plan=replace(plan, diagnostics=(*plan.diagnostics, *changed)))


def _lockfile_edits(project: Project, planned: PlanResult, base: GitBase, commit: str) -> list[Diagnostic]:
    """What this branch changes in the lockfile that no run changes."""
    from reconciler.adapters.storage.durable_files import read_regular
    from reconciler.core.lockfile.hand_edits import findings_between, newly_out_of_use

    name = project.settings.lockfile
    before, content = base.read(name), read_regular(project.root / name, name)
    if before is None or content is None or before == content:
        return []
    now, base_ = planned.recorded.on_disk, f"the base, commit {commit[:12]}"
    edited = findings_between(before, now, content, name, base_)
    return [*edited, *newly_out_of_use(before, now, content, name, base_)]


def _source_edits(project: Project, base: GitBase, commit: str) -> list[Diagnostic]:
    """What this branch changes in what is recorded of sources, and no run changes."""
    from reconciler.adapters.storage.durable_files import read_regular

    name = project.settings.sources_file
    before, content = base.read(name), read_regular(project.root / name, name)
    if before is None or content is None or before == content:
        return []
    from reconciler.core.sources.edits import edits_of_sources

    return edits_of_sources(before, content, name, f"the base, commit {commit[:12]}")


def _setting_changes(project: Project, base: GitBase) -> list[Diagnostic]:
    """What this branch changes of the settings that decide where things go and what holds a run back."""
    from reconciler.adapters.project.settings import read_settings_file
    from reconciler.adapters.yaml.reader import read_yaml
    from reconciler.core.settings.trust import changes

    name = project.settings_file
    if name is None:
        return []
    then = base.read(name)
    now = read_settings_file(project.root / name, name=name).values or {}
    try:
        before = read_yaml(then, name).value if then is not None else {}
    except InvalidInput:  # nothing was set by it
        before = {}
    return changes(before if isinstance(before, dict) else {}, now, name)


def _check_named(project: Project, name: str, *, refuse: bool) -> None:
    """Whether there is such a base, which is all that is asked of git. Without `refuse` it is told and no error: the
    files are wrong, and that is for the plan to show.
    """
    from reconciler.adapters.checkout.merge_base import MergeBase

    try:
        _check_repository(project.root)
        MergeBase(project.root, project.settings.remote).check(_named(name))
    except ReconcileError as error:
        if refuse:
            raise
        hint = f" ({error.hint})" if error.hint else ""
        say(f"error: {error.message}{hint}", "error")


def _check_repository(root: Path) -> None:
    from reconciler.adapters.project.places import find_git

    if find_git(root) is None:
        raise InvalidInput("--base needs a git repository", hint=f"{git('init')}, or remove --base")


def refusal_of_foreign(plan: Plan) -> ExitCode:
    """For --fail-on-foreign: says what is not this branch's, and how the run is to end for it."""
    from reconciler.core.plan.attribution import foreign
    from reconciler.render.phrases.origins import origin_words

    found = foreign(plan.actions)
    if not found:
        return ExitCode.OK
    named = ", ".join(f"{one.key} ({origin_words(one)})" for one in found[:_SHOWN])
    more = f", and {len(found) - _SHOWN:,} more" if len(found) > _SHOWN else ""
    what = f"{len(found):,} of {len(plan.actions):,} changes {'is' if len(found) == 1 else 'are'} not this branch's"
    click.echo(sanitize(f"refused: {what}: {named}{more}"), err=True)
    return ExitCode.GUARD


def _named(asked: str) -> Aim:
    from reconciler.adapters.checkout.merge_base import Aim

    return Aim((asked,))


def _aim(settings: Settings) -> Aim:
    """What the CI system says of the pull or merge request; at a desk, the branch that is published to."""
    from reconciler.adapters.checkout.merge_base import Aim

    remote = f"refs/remotes/{settings.remote}"
    into = ci.merges_into()
    if into is not None:
        merged, told = _github()
        then = told or os.environ.get("CI_MERGE_REQUEST_DIFF_BASE_SHA", "")
        return Aim((f"{remote}/{into}", into, *([then] if _ID.fullmatch(then) else [])), merged)
    branch = settings.branch
    if branch is not None:
        return Aim((f"{remote}/{branch}", branch))
    return Aim((f"{remote}/HEAD", f"{remote}/main", f"{remote}/master", "main", "master"))


def _github() -> tuple[frozenset[str], str]:
    """Ids by which the commit that GitHub merged to try is known, and the base's tip when the run was started."""
    pull = _event().get("pull_request")
    head, base = (_sha(pull, side) for side in ("head", "base"))
    known = {head} if head else set()
    if _MERGE_REF.fullmatch(os.environ.get("GITHUB_REF", "")):
        known.add(os.environ.get("GITHUB_SHA", ""))
    return frozenset(known - {""}), base


def _sha(pull: Any, side: str) -> str:
    found = pull.get(side) if isinstance(pull, dict) else None
    sha = found.get("sha") if isinstance(found, dict) else None
    return sha if isinstance(sha, str) and _ID.fullmatch(sha) else ""


def _event() -> Mapping[str, Any]:
    """The event that started the run; nothing where it cannot be read: it only helps."""
    path = os.environ.get("GITHUB_EVENT_PATH")
    if not path:
        return {}
    from reconciler.adapters.github.event_file import read_job_event

    try:
        event = read_job_event(Path(path))
    except InvalidInput:
        return {}
    return event if isinstance(event, dict) else {}
