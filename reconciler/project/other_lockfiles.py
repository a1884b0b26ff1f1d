"""Engines that other lockfiles of the repository name, too: those of other environments, and of other projects.

A project's folder, or a lockfile, may be a copy of another one's. Then both have the same engines, and what one of them
does to its engine happens to that of the other.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from reconciler.adapters.project.places import find_git
from reconciler.adapters.project.safe_read import FileRefused, SafeFiles
from reconciler.core.errors import GitError, InvalidInput
from reconciler.core.frozen import replace
from reconciler.core.patterns import lazy_pattern
from reconciler.core.plan.model import Kind
from reconciler.core.values import shown

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.app.planning import PlanResult
    from reconciler.core.outputs.named import Read
    from reconciler.core.settings.model import Settings

ID, SUFFIX = '"engineId"', ".json"  # in every lockfile, and of it
_NAMED = lazy_pattern(rb'"engineId"\s*:\s*"([^"\\]{1,200})"')
_LOCKFILE = (lazy_pattern(rb'"version"\s*:\s*[0-9]'), lazy_pattern(rb'"(?:engines|retired)"\s*:\s*\{'))
_MOST = 1 << 28  # bytes of a lockfile


def named_by(content: bytes | None, engines: Collection[str]) -> set[str]:
    """Which of the engines a lockfile names, whatever its version and its state; none where it is another file."""
    if content is None or not all(one.search(content) for one in _LOCKFILE):
        return set()
    return {one.decode("utf-8", "replace") for one in _NAMED.findall(content)}.intersection(engines)


def named_in_work_tree(top: Path, own: Collection[str], engines: Collection[str]) -> dict[str, str]:
    """The engines that a lockfile in the work tree at `top` names, each with its path; `own` ones are left out."""
    from reconciler.adapters.checkout.named_files import files_with

    return _named(top, files_with(top, ID, SUFFIX), own, engines)


def _named(top: Path, paths: Iterable[str], own: Collection[str], engines: Collection[str]) -> dict[str, str]:
    read = reader_of(SafeFiles(str(top), _MOST))
    found: dict[str, str] = {}
    for path in paths:
        if path not in own:
            found = dict.fromkeys(named_by(read(path), engines), shown(path)) | found
    return found


def hold_shared(root: Path, settings: Settings, planned: PlanResult, allowed: Collection[str]) -> PlanResult:
    """The plan; what would change an engine in place is held back where another lockfile has that engine, too."""
    changed = {
        action.engine_id
        for action in planned.plan.actions
        if action.kind is Kind.UPDATE and action.guard is None and not action.unconfirmed
    } - {None}
    if not changed:
        return planned
    engines = {engine for engine in changed if engine is not None}
    shared = _shared(root, settings, engines)
    if not shared:
        return planned
    from reconciler.core.plan.guards import hold_shared_update

    actions = tuple(hold_shared_update(action, shared, allowed) for action in planned.plan.actions)
    return replace(planned, plan=replace(planned.plan, actions=actions))


def _shared(root: Path, settings: Settings, engines: Collection[str]) -> dict[str, str]:
    around = find_git(root)
    if around is not None:
        own = os.path.relpath(os.path.realpath(root / settings.lockfile), around[0]).replace(os.sep, "/")
        with suppress(GitError):  # a plan needs no git
            return named_in_work_tree(around[0], (own,), engines)
    return _named(root, settings.lockfiles.values(), (settings.lockfile,), engines)


def reader_of(files: SafeFiles) -> Read:
    """Reads what is there. What cannot be read is an error, and never absent."""

    def read(file: str) -> bytes | None:
        try:
            return files.read(file)
        except FileRefused as refused:
            if refused.reason == "missing":
                return None
            what = f"{shown(file)} cannot be read ({refused.reason}), so it is unknown which engines it names"
            raise InvalidInput(what) from refused

    return read
