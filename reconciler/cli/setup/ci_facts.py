"""What workflows have to know of a project, and what the repository already has in their place."""

from __future__ import annotations

import re
from collections.abc import Collection
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from reconciler.adapters.checkout.surroundings import default_branch
from reconciler.adapters.project.ci_files import (
    GITHUB,
    INCLUDING,
    PIPELINES,
    WORKFLOWS,
    CiFile,
    look_at,
    templates,
)
from reconciler.adapters.project.places import find_git
from reconciler.app.planning import validate_engines
from reconciler.cli.checks.workflows import seen_from
from reconciler.cli.version import commit_of
from reconciler.core.ci_files import NO_COMMIT, OWNER, Facts, github_workflow, gitlab_pipeline
from reconciler.core.engine.spec import Desired
from reconciler.core.errors import InvalidInput, Severity, UsageError
from reconciler.core.path_filters import filters_for, plain
from reconciler.core.settings.model import SETTINGS, SETTINGS_FILE, Settings
from reconciler.core.values import shown
from reconciler.project.opened import Project

_ENVIRONMENT = SETTINGS["environment"]
_PACKAGE = "lingo-reconcile"
_NAME = r"(?!\.{1,2}(?:[/@:]|$))[A-Za-z0-9_.][A-Za-z0-9_.-]*"  # `..` would be another folder
_SOURCE = {
    GITHUB: re.compile(rf"(?P<name>{_NAME}/{_NAME})(?:@(?P<commit>[0-9a-f]{{40}}))?"),
    "gitlab": re.compile(
        rf"(?P<name>https://{_NAME}(?::[0-9]+)?(?:/{_NAME})+)(?:@(?P<commit>[0-9a-f]{{40}}))?"
    ),
}
_EXAMPLES = {GITHUB: "acme/reconcile@<COMMIT>", "gitlab": "https://github.com/acme/reconcile@<COMMIT>"}


def top_of(root: Path) -> Path:
    """Where workflows go: the root of the repository, and of the project where there is none yet."""
    found = find_git(root)
    return root.resolve() if found is None else found[0]


def facts_of(project: Project, system: str, source: str | None, remote: str) -> tuple[Facts, list[str]]:
    """What the workflows are made from, and what could not be determined for them. `source` is --source."""
    settings, top = project.settings, top_of(project.root)
    name, commit = _source(system, source)
    inside = project.root.resolve().relative_to(top).as_posix()
    folder = "" if inside == "." else inside
    prefix = f"{folder}/" if folder else ""
    engines, doubts = _engines(project)
    facts = Facts(
        source=name,
        commit=commit,
        folder=folder,
        files=_filters(top, project, prefix + settings.engines, engines),
        lockfile=prefix + settings.lockfile,
        settings_file=prefix + SETTINGS_FILE,
        environment=settings.environment,
        branch=settings.branch or default_branch(top, remote),
        pull_request=settings.publish == "pr",
        key_variable=settings.api_key_env,
        suffix=_suffix(settings),
    )
    return facts, doubts


def ci_files(top: Path, system: str, facts: Facts) -> list[CiFile]:
    """Every file of the system: what it is to hold, and what stands there. Nothing is written."""
    found = templates(system)
    if system == GITHUB:
        texts = {
            f"{WORKFLOWS}/{name.removesuffix('.yml')}{facts.suffix}.yml": github_workflow(text, facts)
            for name, text in found.items()
        }
    else:
        (text,) = found.values()
        texts = {
            pipeline(facts): gitlab_pipeline(text, facts),
            INCLUDING: f"include:\n  - local: {PIPELINES}\n",
        }
    return look_at(top, texts, system)


def pipeline(facts: Facts) -> str:
    return PIPELINES.replace("*", facts.suffix)


def _suffix(settings: Settings) -> str:
    """Of names that must not be those of the project's own environment, which needs no choice."""
    chosen = settings.source_of["environment"] in (_ENVIRONMENT.flag, _ENVIRONMENT.variable)
    return f"-{settings.environment}" if chosen and settings.environment != _ENVIRONMENT.default else ""


def _source(system: str, given: str | None) -> tuple[str, str]:
    """Where reconcile comes from, and its commit: as given, as this installation says, or what stands for both."""
    repository = _repository()
    known = repository.removeprefix("https://github.com/") if system == GITHUB else repository
    commit = commit_of() or NO_COMMIT
    if given is None:
        return known, commit
    found = _SOURCE[system].fullmatch(given)
    if found is None:
        raise UsageError(
            f"--source {shown(given)}: write it like {_EXAMPLES[system]}, with a commit of 40 digits"
        )
    return found["name"], found["commit"] or commit


def _repository() -> str:
    """The address in this package's own metadata."""
    unknown = f"https://github.com/{OWNER}/reconcile"
    try:
        said = metadata(_PACKAGE).get_all("Project-URL") or []
    except PackageNotFoundError:
        return unknown
    return next((one.removeprefix("Repository, ") for one in said if one.startswith("Repository, ")), unknown)


def _engines(project: Project) -> tuple[Collection[Desired], list[str]]:
    """The valid engine files, and what is to be said where some are not: their sources are not known."""
    try:
        valid, findings = validate_engines(project.engines)
    except InvalidInput:  # none yet, or the folder is missing
        return (), []
    wrong = any(one.severity is Severity.ERROR for one in findings)
    said = [
        "Some engine files are invalid, so paths of their sources may be missing. Fix them and run init again."
    ]
    return valid.values(), said if wrong else []


def _filters(top: Path, project: Project, folder: str, engines: Collection[Desired]) -> list[str]:
    wanted = sorted({path for one in engines for path in seen_from(top, project.root, one)})
    whole = f"{plain(folder)}/**"
    return [whole, *(one for one in filters_for(wanted, [folder]) if one != whole)]
