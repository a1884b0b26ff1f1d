"""The plans of several projects or environments: each made by itself, with its own settings, and none hides another."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.adapters.project.places import folder_in_repo
from reconciler.adapters.project.settings import find_root
from reconciler.cli.invocation import invocation_at, invocation_of, with_settings
from reconciler.cli.opening import start_folder, surroundings_of
from reconciler.cli.options import given
from reconciler.cli.projects.options import chooses_projects, chosen_environment, listed
from reconciler.core.commands import Invocation, show_commands_for
from reconciler.core.errors import Diagnostic, ExitCode, ReconcileError, UsageError
from reconciler.core.frozen import dataclass, replace
from reconciler.core.plan.model import Plan
from reconciler.core.project_list import Listed, ProjectList
from reconciler.core.settings.model import SETTINGS, SETTINGS_FILE
from reconciler.project.opening import project_of
from reconciler.project.several import Place, environments_of, settings_in
from reconciler.render.phrases.project_plans import ProjectPlan

if TYPE_CHECKING:
    from reconciler.core.settings.model import Settings
    from reconciler.project.opened import Project


@dataclass(frozen=True, slots=True)
class Member:
    """One project for one environment, None for the one that its settings choose; or one whose settings are wrong."""

    place: Place
    folder: str
    environment: str | None = None
    error: ReconcileError | None = None
    around: bool = False  # the project that the command line is about, which may have been given --config


@dataclass(frozen=True)
class Made:
    """A member's plan. `project` is None where it could not be opened."""

    shown: ProjectPlan
    invocation: Invocation = Invocation()
    project: Project | None = None
    result: Any = None  # what the maker gave, for those who show more of it


Maker = Callable[["Project"], tuple[Plan, ExitCode, Any]]


def members_of(ctx: click.Context, flags: Mapping[str, Any]) -> tuple[list[Member], ProjectList]:
    """Who is planned, in order, and what was found on the way. Raises what `listed` and `environments_of` raise."""
    everywhere = bool(flags["all_environments"])
    if everywhere and given(ctx, "environment") is not None:
        raise UsageError("--all-environments cannot be used with --env", hint="leave one of them out")
    if not chooses_projects(flags):
        start = start_folder(ctx)
        place = Place(find_root(start), start, given(ctx, "config"))
        folder = folder_in_repo(place.root) or "."
        names = environments_of(place, os.environ)
        members = [Member(place, folder, name, around=True) for name in names]
        _check_one_lockfile(members)
        return members, ProjectList()
    environment = None if everywhere else chosen_environment(ctx)
    top, found = listed(ctx, flags["globs"], flags["changed_since"], environment)
    members = [
        member
        for one in found.projects
        for member in _of_project(top, one, environment, everywhere=everywhere)
    ]
    _check_one_lockfile(members)
    return members, found


def _check_one_lockfile(members: Sequence[Member]) -> None:
    """Raises `UsageError` where a variable would give the same lockfile to several environments of a project."""
    variable = SETTINGS["lockfile"].variable
    several = len({one.folder for one in members}) < len(members)
    if several and os.environ.get(variable):
        raise UsageError(
            f"{variable} is set, and this is about several environments, each with a lockfile of its own",
            hint=f"unset {variable}, or choose one environment with --env",
        )


def _of_project(top: Path, one: Listed, environment: str | None, *, everywhere: bool) -> Iterator[Member]:
    root = top if one.folder == "." else top / one.folder
    place = Place(root, root)
    if one.error is not None:
        yield Member(place, one.folder, error=one.error)
    elif everywhere:
        yield from (Member(place, one.folder, name) for name in one.environments)
    else:
        yield Member(place, one.folder, environment)


def made(ctx: click.Context, member: Member, maker: Maker) -> Made:
    """The member's plan; what keeps it from being made is in it, and no error. Hints that are made meanwhile, and after
    it, go by its project.
    """
    place = member.place
    if member.around:
        invocation = replace(
            invocation_of(ctx, place.start, place.root), environment=member.environment or ""
        )
    else:
        invocation = invocation_at(ctx, place.root, member.environment or "")
    show_commands_for(invocation)
    settings = project = None
    try:
        if member.error is not None:
            raise member.error
        settings = settings_in(place, member.environment, os.environ)
        invocation = with_settings(invocation, settings)
        show_commands_for(invocation)
        project = project_of(place.root, place.start, place.config, settings, surroundings_of(settings))
        plan, code, result = maker(project)
    except ReconcileError as error:
        return Made(_failed(member, error, settings), invocation, project)
    return Made(ProjectPlan(member.folder, plan.environment, plan, code), invocation, project, result)


def failure_of(error: ReconcileError) -> ProjectPlan:
    """What is shown where not even the projects are known."""
    findings = (Diagnostic(error.message, hint=error.hint), *error.diagnostics)
    return ProjectPlan(".", "", Plan("", diagnostics=findings), error.exit_code, error)


def _failed(member: Member, error: ReconcileError, settings: Settings | None) -> ProjectPlan:
    """A plan that says what is wrong; what is in no file is about the settings, unless those were read."""
    file = SETTINGS_FILE if settings is None else None
    findings = error.diagnostics or (Diagnostic(error.message, file, hint=error.hint),)
    name = member.environment or (settings.environment if settings is not None else "")
    lockfile = settings.lockfile if settings is not None else Plan("").lockfile
    plan = Plan(name, diagnostics=findings, lockfile=lockfile)
    return ProjectPlan(member.folder, name, plan, error.exit_code, error)
