"""The projects of one repository: found, opened one by one, and asked which of them a diff touches.

Each keeps its own settings, lockfile, ledger and lease. What is wrong with one is kept beside it, and the others go on.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters.project.settings import read_settings_file
from reconciler.core.commands import reconcile
from reconciler.core.errors import ReconcileError, UsageError
from reconciler.core.frozen import dataclass, replace
from reconciler.core.project_list import Listed, ProjectList, Skipped, is_vendored, tidied, touches
from reconciler.core.settings.kinds import NAME_PATTERN, matches
from reconciler.core.settings.model import OVERLAYS, SETTINGS_FILE
from reconciler.core.values import shown
from reconciler.project.opened import Project, Surroundings
from reconciler.project.opening import project_of, settings_of

if TYPE_CHECKING:
    from reconciler.core.settings.model import Settings


@dataclass(frozen=True, slots=True)
class Repository:
    """What was asked for: `globs` are patterns of project folders, `environment` the only one that counts, or None for
    all that are declared. `variables` are those of the process.
    """

    start: Path
    variables: Mapping[str, str]
    globs: tuple[str, ...] = ()
    environment: str | None = None
    changed_since: str | None = None


def projects_of(asked: Repository) -> tuple[Path, ProjectList]:
    """The repository's root, and its projects. Raises `GitError` or `UsageError` where none can be looked for."""
    from reconciler.adapters.checkout.projects import find_projects  # git, only for several

    globs = [tidied(glob) for glob in asked.globs]
    found = find_projects(asked.start, globs)
    projects = [_listed(found.top, folder, asked) for folder in found.folders]
    skipped = list(found.skipped)
    if asked.environment is not None:
        without = [one for one in projects if one.error is None and not one.environments]
        if without and len(without) == len(projects):
            raise UsageError(
                f"no project has the environment {shown(asked.environment)}",
                hint=f"run `{reconcile('projects')}` to list projects and environments",
            )
        skipped += [Skipped(one.folder, f"it has no environment `{asked.environment}`") for one in without]
        projects = [one for one in projects if one not in without]
    removed: list[str] = []
    if asked.changed_since is not None:
        projects, removed = _touched(found.top, projects, asked, in_git=found.in_git)
    return found.top, ProjectList(tuple(projects), tuple(removed), tuple(sorted(skipped)))


@dataclass(frozen=True, slots=True)
class Place:
    """One project: its root, and the settings file that was named instead of its own, as seen from `start`."""

    root: Path
    start: Path
    config: str | None = None


def environments_of(place: Place, variables: Mapping[str, str]) -> tuple[str, ...]:
    """Those that the settings of the project declare, as they list them; without a list the one that a run is for.
    Raises `InvalidInput` with all that is wrong in its settings.
    """
    path = place.root / SETTINGS_FILE if place.config is None else place.start / place.config
    name = place.config or SETTINGS_FILE
    declared = (read_settings_file(path, explicit=place.config is not None, name=name).values or {}).get(
        OVERLAYS
    )
    names = [one for one in declared if isinstance(one, str)] if isinstance(declared, Mapping) else []
    # A name that is none is an error of the file, and none of a flag.
    usable = next((name for name in names if matches(NAME_PATTERN, name)), None)
    first = settings_in(place, usable, variables)
    return tuple(names) or (first.environment,)


def settings_in(place: Place, environment: str | None, variables: Mapping[str, str]) -> Settings:
    """The settings for one environment, None for the one that they choose. Raises as `settings_of` does."""
    return settings_of(place.root, place.start, place.config, {"environment": environment}, variables)


def _listed(top: Path, folder: str, asked: Repository) -> Listed:
    root = top if folder == "." else top / folder
    try:
        names = environments_of(Place(root, root), asked.variables)
        if asked.environment is not None:
            names = tuple(name for name in names if name == asked.environment)
        settings = {name: _open(root, name, asked).settings for name in names}
    except ReconcileError as error:
        return Listed(folder, error=error)
    lockfiles = {name: _from_top(folder, one.lockfile) for name, one in settings.items()}
    return Listed(folder, names, lockfiles, {name: one.api_key_env for name, one in settings.items()})


def _open(root: Path, environment: str, asked: Repository) -> Project:
    settings = settings_in(Place(root, root), environment, asked.variables)
    return project_of(root, root, None, settings, Surroundings())


def _touched(
    top: Path, projects: Sequence[Listed], asked: Repository, *, in_git: bool
) -> tuple[list[Listed], list[str]]:
    """The projects that the diff touches, and the folders of those that it removes."""
    if not in_git:
        raise UsageError("--changed-since needs a git repository", hint="start in a clone, or leave it out")
    from reconciler.adapters.checkout.changed import changed_since

    changed = changed_since(top, asked.changed_since or "")
    if changed is None:
        return [replace(one, changed=(".",)) for one in projects], []
    kept = []
    for one in projects:
        paths = _paths(top, one, asked, changed)
        if paths:
            kept.append(replace(one, changed=tuple(paths)))
    here = {one.folder for one in projects}
    removed = {
        posixpath.dirname(path) or "."
        for path in changed
        if posixpath.basename(path) == SETTINGS_FILE and not os.path.lexists(top / path)
    }
    return kept, sorted(folder for folder in removed - here if not is_vendored(folder))


def _paths(top: Path, listed: Listed, asked: Repository, changed: Sequence[str]) -> list[str]:
    """The changed paths that the project depends on. Of one with an error everything in its folder counts."""
    folder = listed.folder
    if listed.error is not None:
        return list(changed) if folder == "." else touches(changed, (), (folder,))
    root = top if folder == "." else top / folder
    projects = [_open(root, name, asked) for name in listed.environments]
    files = {_from_top(folder, SETTINGS_FILE), *(listed.lockfiles or {}).values()}
    folders = {_from_top(folder, project.settings.engines) for project in projects}
    found = touches(changed, *_followed(top, files, folders))
    rest = [path for path in changed if path not in found]
    if rest:
        for project in projects:
            found += [path for path in _sources(top, project, rest) if path not in found]
    return sorted(found)


def _followed(top: Path, files: Collection[str], folders: Collection[str]) -> tuple[set[str], set[str]]:
    """The files and folders, with what they and the links in the folders lead to."""
    from reconciler.adapters.checkout.links import targets, ways

    above = os.path.realpath(top)
    led = {one for path in (*files, *folders) for one in ways(os.path.join(above, path))}
    led.update(one for folder in folders for one in targets(os.path.join(above, folder), above))
    inside = {os.path.relpath(one, above) for one in led if one.startswith(f"{above}/")}
    return {*files, *inside}, {*folders, *inside}


def _sources(top: Path, project: Project, changed: Collection[str]) -> list[str]:
    """Of the changed paths those that its engine files name: sources and outputs."""
    from reconciler.adapters.project.safe_read import real_path
    from reconciler.app.planning import validate_engines

    try:
        valid, findings = validate_engines(project.engines)
    except ReconcileError:  # no engine files: there is nothing that one could name
        return []
    root = os.path.realpath(project.root)
    named = {
        path for one in valid.values() for path in (*one.files, *(output.file for output in one.outputs))
    }
    for file in {one.file for one in findings if one.file is not None}:
        named.update(_named_in(root, file))
    real = {f"{root}/{path}" for path in named}
    led = {leads for each in real if (leads := real_path(each)) is not None}
    wanted = {os.path.relpath(path, top) for path in real | led}
    return touches(changed, wanted, ())


def _named_in(root: str, file: str) -> Iterator[str]:
    """The files that an engine file names which is not valid, maybe just because one of them is gone."""
    from reconciler.adapters.project.safe_read import FileRefused, SafeFiles
    from reconciler.adapters.yaml.reader import read_yaml

    try:
        value = read_yaml(SafeFiles(root).read(file), file).value
    except (FileRefused, ReconcileError):  # it names nothing that could be read
        return
    sources = value.get("sources") if isinstance(value, dict) else None
    for source in sources if isinstance(sources, list) else ():
        name = source.get("file") if isinstance(source, dict) else None
        if isinstance(name, str) and "\0" not in name:
            yield posixpath.normpath(posixpath.join(posixpath.dirname(file), name))


def _from_top(folder: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(folder, path))
