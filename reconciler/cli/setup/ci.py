"""`reconcile init --ci`: writes the workflows that are missing or its own, and says what it left alone and why."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click

from reconciler.adapters.checkout.ignored import ignored
from reconciler.adapters.checkout.surroundings import web_address
from reconciler.adapters.project.ci_files import CiFile, write
from reconciler.cli.checks.workflows import workflows_of
from reconciler.cli.setup.ci_facts import ci_files, facts_of, top_of
from reconciler.cli.setup.ci_steps import steps
from reconciler.core.ci_files import State, state_of
from reconciler.core.commands import Option, git, git_path, reconcile
from reconciler.core.errors import GitError, UsageError
from reconciler.project.opened import Project
from reconciler.render.phrases.sanitize import sanitize

_NOTES = {
    State.FOREIGN: "skipped: not written by init",
    State.EDITED: "skipped: edited since init wrote it",
}


def set_up_ci(project: Project, system: str, source: str | None, others: Sequence[str]) -> Iterator[str]:
    """Writes the files, line by line of what is said about it. All of them are looked at before one is written.

    `others` are files of the project that are to be committed with them.
    """
    top, remote = top_of(project.root), project.settings.remote
    facts, doubts = facts_of(project, system, source, remote)
    files = ci_files(top, system, facts)
    _refuse_among_engines(project, top, files)
    rules = _ignored(top, files)
    for file in files:
        yield _written(top, file, rules.get(file.path))
    if any(file.state in _NOTES and not file.is_current for file in files):
        options: list[Option] = [("--ci", system), *([("--source", source)] if source else []), "--diff"]
        yield from ("", "To see what init would change in the files that it skipped:")
        yield f"  {reconcile('init', *options)}"
    doubts += [
        f"{sanitize(name)} runs reconcile, too; check that nothing is applied twice."
        for name in _others(top, files)
    ]
    yield from ("", *(f"note: {one}" for one in doubts), "Left to do:")
    ours = [str(top / one.path) for one in files if one.state is not State.FOREIGN and one.path not in rules]
    engines = project.settings.engines  # as a folder: the example is going to be renamed
    named = dict.fromkeys(engines if one.startswith(f"{engines}/") else one for one in others)
    add = git("add", "--", *(git_path(one) for one in (*named, *ours)))
    left = steps(system, facts, project.settings, files, web_address(top, remote))
    for number, (said, line) in enumerate((*left, ("Commit, push, and open a pull request.", add)), 1):
        yield f"  {number}. {sanitize(said)}"
        if line:
            yield f"     {sanitize(line)}"


def differences(project: Project, system: str, source: str | None) -> Iterator[str]:
    """What init would have the files hold, as differences to what they hold. Nothing is written."""
    top, remote = top_of(project.root), project.settings.remote
    files = ci_files(top, system, facts_of(project, system, source, remote)[0])
    _refuse_among_engines(project, top, files)
    for file in files:
        before = (file.before or b"").decode("utf-8", "replace").replace("\r\n", "\n")
        for line in difflib.unified_diff(
            before.splitlines(),
            file.text.splitlines(),
            f"a/{file.path}" if file.before is not None else "/dev/null",
            f"b/{file.path}",
            lineterm="",
        ):
            yield sanitize(line)


def _refuse_among_engines(project: Project, top: Path, files: list[CiFile]) -> None:
    """Raises `UsageError` where a file would be taken for an engine."""
    engines = project.root.resolve() / project.settings.engines
    for file in files:
        if (top / file.path).is_relative_to(engines):
            raise UsageError(
                f"{file.path} would be in the engines folder {project.settings.engines}/",
                hint="set `engines` in reconcile.yaml to a folder for engines alone, and move them there",
            )


def _written(top: Path, file: CiFile, rule: str | None) -> str:
    note = f"  (git ignores it: {sanitize(rule)})" if rule is not None else ""
    name = git_path(str(top / file.path))
    if file.state in _NOTES and not file.is_current:
        return f"kept     {name}  ({_NOTES[file.state]}){note}"
    if file.is_current:
        return f"kept     {name}{note}"
    write(top, file)
    return f"{'created' if file.state is State.ABSENT else 'updated'}  {name}{note}"


def _others(top: Path, files: list[CiFile]) -> list[str]:
    """Workflows that speak of reconcile and are none of these, whatever environment they are for."""
    ours = {file.path for file in files}
    return [
        name
        for name, _ in workflows_of(top)
        if name not in ours and state_of((top / name).read_bytes()) is State.FOREIGN
    ]


def _ignored(top: Path, files: list[CiFile]) -> dict[str, str]:
    try:
        return ignored(top, [file.path for file in files])
    except GitError:  # no repository yet, or a git that does not work; doctor says so
        return {}


def shown(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)
