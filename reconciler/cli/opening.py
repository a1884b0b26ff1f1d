"""Opens the project that a command is for: the last place that knows the command line."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from reconciler.adapters.project.settings import find_root
from reconciler.cli import ci
from reconciler.cli.invocation import invocation_of, with_settings
from reconciler.cli.options import given
from reconciler.cli.stderr import warn
from reconciler.core.commands import show_commands_for
from reconciler.core.errors import StorageError
from reconciler.core.settings.model import SETTINGS, Settings
from reconciler.project.opened import Project, Surroundings
from reconciler.project.opening import project_of, settings_of


def start_folder(ctx: click.Context) -> Path:
    """The folder that the command works from: -C, or the current one, which is there in any case."""
    try:
        os.getcwd()
    except OSError as error:
        raise StorageError(
            f"the current folder cannot be used: {error.strerror}", hint="change to a folder that exists"
        ) from error
    folder = Path(given(ctx, "directory") or ".")
    if not os.path.isdir(folder):  # unlike Path.is_dir, never raises
        raise click.UsageError(f"-C {folder}: no such folder.", ctx)
    return folder.absolute()


def engine_keys(ctx: click.Context, project: Project, words: Iterable[str]) -> tuple[str, ...]:
    """The keys and patterns that the words of the line stand for; a word may be the path of an engine file."""
    if not (named := tuple(words)):
        return ()
    from reconciler.adapters.project.engine_paths import key_of  # only where an engine is named

    root, engines = str(project.root), project.settings.engines
    bases = (str(start_folder(ctx)), root, os.getcwd())  # the last where -C was typed, and the path completed
    listed = project.settings.listed
    return tuple(key_of(word, bases, root, engines, listed) for word in named)


def with_engine_keys(ctx: click.Context, project: Project, flags: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a command, of which those that name engines have their keys."""
    named = {
        name: flags[name]
        for name in ("only", "allow_replace", "allow_retire", "allow_prune")
        if flags.get(name)
    }
    return {**flags, **{name: engine_keys(ctx, project, words) for name, words in named.items()}}


def open_project(ctx: click.Context, **flags: Any) -> Project:
    """The project around the start folder. Raises `InvalidInput` or `UsageError` with all that is wrong in
    its settings.
    """
    start = start_folder(ctx)
    root = find_root(start)
    config = given(ctx, "config")
    invocation = invocation_of(ctx, start, root)
    show_commands_for(invocation)
    flags = {"environment": given(ctx, "environment"), **flags}
    settings = settings_of(root, start, config, flags, os.environ)
    show_commands_for(with_settings(invocation, settings))
    api_url = SETTINGS["api_url"]
    if settings.source_of["api_url"] == api_url.older:
        warn(f"{api_url.older} is deprecated; use {api_url.variable}")
    return project_of(root, start, config, settings, surroundings_of(settings))


def surroundings_of(settings: Settings) -> Surroundings:
    """The process around a project with these settings."""

    def key() -> str | None:
        from reconciler.cli.wiring.api_key import known_key  # only where something is sealed

        return known_key(settings)

    return Surroundings(key, ci.in_ci(), ci.branch(), warn)


def settings_of_environment(ctx: click.Context) -> Callable[[str], Settings]:
    """Gives the settings of another environment, as the settings file has them: flags and variables are about the one
    that the run is for.
    """
    start = start_folder(ctx)
    root, config = find_root(start), given(ctx, "config")
    return lambda name: settings_of(root, start, config, {"environment": name}, {})


def publishing(ctx: click.Context, project: Project, publish: bool | str | None) -> Project:
    """The project as --publish, --no-publish or --publish-pr has it; with --publish in the way that is set."""
    if publish is None or (publish is True and project.settings.publish == "pr"):
        return project
    return open_project(ctx, publish=publish)
