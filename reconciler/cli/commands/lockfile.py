"""`reconcile lockfile merge` and `reconcile lockfile repair`: two lockfiles become one, with no engine lost."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.adapters.storage.durable_files import read_regular, replace_file
from reconciler.cli.command import Group
from reconciler.cli.opening import open_project
from reconciler.cli.options import global_options
from reconciler.cli.screen import tell
from reconciler.cli.stderr import warn
from reconciler.cli.wiring.git_hints import how_to_add
from reconciler.core.commands import git, git_path
from reconciler.core.errors import InvalidInput, LockfileError
from reconciler.core.lockfile import model as format_
from reconciler.core.lockfile.conflict import take_apart
from reconciler.core.lockfile.merge import Merged, merge
from reconciler.core.lockfile.model import Lockfile
from reconciler.render.phrases.sanitize import sanitize


@click.group("lockfile", cls=Group, docs="publishing.md")
def command() -> None:
    """Merge lockfiles that have diverged."""


@command.command("merge", example="BASE OURS THEIRS", docs="publishing.md")
@click.argument("base", type=Path)
@click.argument("ours", type=Path)
@click.argument("theirs", type=Path)
@click.argument("name", required=False)
@global_options
def merge_command(base: Path, ours: Path, theirs: Path, name: str | None) -> None:
    """Merge BASE, OURS and THEIRS into OURS, as git's merge driver.

    For lockfiles, and for the files beside them (`engines.sources.json`).

    `reconcile init` sets it up: `merge=reconcile-lockfile` in .gitattributes, and in the repository's configuration
    `merge.reconcile-lockfile.driver` with the full path of this program, since git may run where PATH lacks it.
    """
    shown = name or str(ours)
    try:
        if shown.endswith(".sources.json"):
            _merge_sources(base, ours, theirs, shown)
            return
        sides = _read(base, f"{shown} (base)"), _must_read(ours, f"{shown} (ours)")
        merged = merge(*sides, _must_read(theirs, f"{shown} (theirs)"))
    except LockfileError:
        from reconciler.adapters.checkout.merge_driver import leave_conflict  # git, only here

        leave_conflict(base, ours, theirs)
        raise
    merged.lockfile.check()
    replace_file(ours, format_.render(merged.lockfile), str(ours))
    _report(merged, shown)


@command.command("repair", docs="publishing.md")
@global_options
@click.pass_context
def repair_command(ctx: click.Context) -> None:
    """Repair a lockfile that git could not merge.

    Merges its two sides, found in its conflict markers or in git's index, and writes the result.
    """
    project = open_project(ctx)
    name = project.settings.lockfile
    file = project.root / name
    content = read_regular(file, name)
    if content is None:
        raise InvalidInput(f"no {name}", hint="nothing to repair")
    sides = take_apart(content, name)
    base, ours, theirs = sides.base, sides.ours, sides.theirs
    if ours == content:
        from reconciler.adapters.checkout.unmerged import sides_of  # git, only without markers

        format_.parse(content, name)
        unmerged = sides_of(project.root, name, content)
        if unmerged is None:
            click.echo(sanitize(f"{name} is intact; nothing to repair"))
            return
        if unmerged.ours is None or unmerged.theirs is None:
            path = git_path(name)
            raise LockfileError(
                f"{name} was deleted on one side of the merge",
                hint=f"run `{git('add', path)}` to keep it, or `{git('rm', path)}` to remove it",
            )
        base, ours, theirs = unmerged.base, unmerged.ours, unmerged.theirs
    merged = merge(_base(base), _parse(ours, f"{name} (ours)"), _parse(theirs, f"{name} (theirs)"))
    merged.lockfile.check()
    replace_file(file, format_.render(merged.lockfile), name)
    _report(merged, name)
    add = how_to_add(project.root, name)
    tell(sanitize(f"{name} is repaired; review it" + (f", then `{add}`" if add else "")))


def _merge_sources(base: Path, ours: Path, theirs: Path, name: str) -> None:
    """The same for the file beside the lockfile, of which two branches may both have begun one."""
    from reconciler.core.sources import state as sources

    before, *sides = (sources.parse(read_regular(one, name) or b"", name) for one in (base, ours, theirs))
    replace_file(ours, sources.render(sources.merge(before, *sides)), str(ours))


def _base(content: bytes | None) -> Lockfile | None:
    """What was before, as far as the markers show it whole; without it, what one side lacks counts as new."""
    try:
        return None if content is None else _parse(content, "base")
    except LockfileError:
        return None


def _parse(content: bytes, name: str) -> Lockfile:
    return format_.parse(content, name) if content.strip() else format_.EMPTY


def _read(file: Path, name: str) -> Lockfile | None:
    """A lockfile, or None where there is none: two branches may both have begun one."""
    content = read_regular(file, name)
    return _parse(content, name) if content and content.strip() else None


def _must_read(file: Path, name: str) -> Lockfile:
    lockfile = _read(file, name)
    if lockfile is None:
        raise LockfileError(f"{name} is empty on one side", hint="restore it, then merge again")
    return lockfile


def _report(merged: Merged, name: str) -> None:
    for one in merged.doubled:
        text = (
            f"{name}: both sides created an engine for `{one.key}`: {one.kept} serves, "
            f"{one.other} is kept in `superseded`"
        )
        warn(text)
    for revived in merged.revived:
        warn(
            f"{name}: `{revived.key}` uses {revived.engine_id}, which the other side deleted on the platform"
        )
