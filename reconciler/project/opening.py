"""Opens a project from values: a folder, what was asked for, and variables. The command and the Python API both do it
here; neither its flags nor the environment of the process are read.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters.project.nested import refuse_inside
from reconciler.adapters.project.places import refuse_link_out
from reconciler.adapters.project.settings import read_settings_file
from reconciler.core.settings.model import SETTINGS_FILE
from reconciler.core.settings.resolution import resolve
from reconciler.project.opened import Project, Surroundings

if TYPE_CHECKING:
    from reconciler.core.settings.model import Settings


def settings_of(
    root: Path,
    start: Path,
    config: str | None,
    given: Mapping[str, object],
    variables: Mapping[str, str],
) -> Settings:
    """The settings of the project at `root`: `given` like flags, then `variables`, then its file, or that at `config`
    as seen from `start`. Raises `InvalidInput` or `UsageError` with all that is wrong in them.
    """
    path = _file_of(root, start, config)
    if config is not None:
        refuse_link_out(root, path, config)
    file = read_settings_file(path, explicit=config is not None, name=config or SETTINGS_FILE)
    return resolve(given, variables, file.values, place=file.place, file_name=config or SETTINGS_FILE)


def project_of(
    root: Path, start: Path, config: str | None, settings: Settings, surroundings: Surroundings
) -> Project:
    """The project at `root` with these settings. Raises `InvalidInput` where its environments are not apart, a link
    stands in the place of its lockfile, or a setting names what belongs to a project inside.
    """
    if settings.lockfiles:
        from reconciler.adapters.project.environments import check_apart  # only with several environments

        check_apart(root, settings.lockfiles)
    for name in ("engines", "lockfile"):
        refuse_inside(root, name, getattr(settings, name))
    refuse_link_out(root, root / settings.lockfile, settings.lockfile)
    inside = os.path.relpath(_file_of(root, start, config), root).replace(os.sep, "/")
    return Project(root, settings, None if inside.startswith("../") else inside, surroundings)


def _file_of(root: Path, start: Path, config: str | None) -> Path:
    return root / SETTINGS_FILE if config is None else start / config
