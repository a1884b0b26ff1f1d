"""How the commands that a run shows are to be written, so that they act on its project from where they are read.

At a desk that is the folder the run was started in. What a CI system shows is read by people who have a clone of their
own: there a command goes by the clone's root, and cannot count on the run's variables.
"""

from __future__ import annotations

import os
from pathlib import Path

import click

from reconciler.adapters.project.places import find_git
from reconciler.cli import ci
from reconciler.cli.options import given
from reconciler.core.commands import Invocation
from reconciler.core.frozen import replace
from reconciler.core.settings.model import SETTINGS, Settings


def invocation_of(ctx: click.Context, start: Path, root: Path) -> Invocation:
    """What the command line tells of it, without the settings, which may be what is wrong."""
    found = find_git(root)
    real = root.resolve()
    top = real if found is None else found[0]
    config, environment = given(ctx, "config") or "", given(ctx, "environment") or ""
    if ci.in_ci() or ci.has_summary() or ctx.params.get("comment"):
        folder = os.path.relpath(real, top)
        config = os.path.relpath(start / config, root) if config else ""
        return Invocation(
            "" if folder == "." else folder,
            config,
            environment,
            here=str(top),
            root=str(real),
        )
    here = Path.cwd()
    leads = here.resolve() != top if found is None else find_git(here) != found
    way = os.path.relpath(real, here) if real.is_relative_to(here) else str(real)
    return Invocation(
        given(ctx, "directory") or "",
        config,
        environment,
        git=way if leads else "",
        here=str(here),
        root=str(real),
    )


def invocation_at(ctx: click.Context, root: Path, environment: str) -> Invocation:
    """The same for one project of several, which lies elsewhere than the command line says; `environment` is empty for
    the one that its settings choose.
    """
    found = find_git(root)
    real = root.resolve()
    top = real if found is None else found[0]
    if ci.in_ci() or ci.has_summary() or ctx.params.get("comment"):
        return Invocation(_from(real, top), "", environment, here=str(top), root=str(real))
    here = Path.cwd()
    way = _from(real, here)
    leads = here.resolve() != top if found is None else find_git(here) != found
    return Invocation(way, "", environment, git=(way or ".") if leads else "", here=str(here), root=str(real))


def _from(folder: Path, here: Path) -> str:
    way = os.path.relpath(folder, here.resolve())
    return "" if way == "." else way


def with_settings(invocation: Invocation, settings: Settings) -> Invocation:
    """The same, with what only the settings tell."""
    given_now = _is_given(settings, "environment")
    environment = settings.environment if given_now else invocation.environment
    return replace(
        invocation,
        environment=environment,
        publish=_publish(settings),
        lockfile=settings.lockfile,
        key_variable=settings.api_key_env,
    )


def _publish(settings: Settings) -> str:
    """How a command publishes as this run does; empty where the settings file says so."""
    if settings.publish is None:
        return "true" if ci.in_ci() else ""
    if not _is_given(settings, "publish"):
        return ""
    return "pr" if settings.publish == "pr" else str(bool(settings.publish)).lower()


def _is_given(settings: Settings, name: str) -> bool:
    """Whether the value comes from a flag or a variable, which the reader of a command does not have."""
    return settings.source_of[name] in (SETTINGS[name].flag, SETTINGS[name].variable)
