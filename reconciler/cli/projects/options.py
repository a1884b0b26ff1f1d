"""Which projects of the repository a command is about: `--all-projects`, `--projects` and `--changed-since`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reconciler.cli.opening import start_folder
from reconciler.cli.options import given
from reconciler.core.errors import UsageError
from reconciler.core.settings.model import SETTINGS

if TYPE_CHECKING:
    from reconciler.core.project_list import ProjectList

Command = TypeVar("Command", bound=Callable[..., Any])

PROJECTS = click.option(
    "--projects",
    "globs",
    multiple=True,
    metavar="GLOB",
    help="Only projects whose folder matches, from the repository's root: `apps/*`. Repeatable.",
)
CHANGED_SINCE = click.option(
    "--changed-since",
    metavar="REF",
    help="Only projects with changes since this branch left REF.",
)
ALL_PROJECTS = click.option(
    "--all-projects",
    is_flag=True,
    help="Do it for every project of the repository that has a reconcile.yaml.",
)
ALL_ENVIRONMENTS = click.option(
    "--all-environments", is_flag=True, help="Do it for every environment that the settings list."
)


def project_options(command: Command) -> Command:
    """--all-projects, --projects and --changed-since."""
    return ALL_PROJECTS(PROJECTS(CHANGED_SINCE(command)))


def chooses_projects(flags: Mapping[str, Any]) -> bool:
    """Whether the command is about projects of the repository, and not the one around its start folder."""
    return bool(flags["all_projects"] or flags["globs"] or flags["changed_since"] is not None)


def is_for_several(flags: Mapping[str, Any]) -> bool:
    """Whether the command is about more than the one project or environment."""
    return chooses_projects(flags) or bool(flags["all_environments"])


def listed(
    ctx: click.Context, globs: tuple[str, ...], changed_since: str | None, environment: str | None
) -> tuple[Path, ProjectList]:
    """The repository's root and its projects, limited to an environment if there is one. Raises `UsageError` where
    there are none at all.
    """
    from reconciler.cli.invocation import invocation_of
    from reconciler.core.commands import reconcile, show_commands_for
    from reconciler.core.frozen import replace
    from reconciler.project.several import Repository, projects_of

    if given(ctx, "config") is not None:
        raise UsageError(
            "--config is about one project, so it cannot be used with several", hint="leave one of them out"
        )
    start = start_folder(ctx)
    show_commands_for(replace(invocation_of(ctx, start, start), environment=""))
    top, found = projects_of(Repository(start, os.environ, globs, environment, changed_since))
    if not found.projects and not found.skipped and changed_since is None:
        what = (
            "no project matches --projects" if globs else "no folder of the repository has a reconcile.yaml"
        )
        command = reconcile("projects", *([] if globs else [("--projects", "**")]))
        hint = f"run `{command}` to list {'all of them' if globs else 'folders with engines'}"
        raise UsageError(what, hint=hint)
    return top, found


def chosen_environment(ctx: click.Context) -> str | None:
    """The environment that --env or its variable names."""
    named: str | None = (
        given(ctx, "environment") or os.environ.get(SETTINGS["environment"].variable, "").strip() or None
    )
    return named
