"""Engines that Lingo's own configuration names already: they are imported, not created a second time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from reconciler.adapters.project.lingo_config import CONFIGS, configured_id
from reconciler.adapters.project.safe_read import SafeFiles
from reconciler.adapters.storage.durable_files import read_regular
from reconciler.core.commands import KEY, reconcile
from reconciler.core.errors import ReconcileError


def proposals(start: Path, places: list[Path], lockfile: Path) -> Iterator[str]:
    """A command for each engine that a configuration in one of the places names, and the lockfile does not. `--from` is
    relative to `start`."""
    recorded = _content(lockfile)
    seen: set[str] = set()
    for place in places:
        for name in CONFIGS:
            engine = _engine_of(place, name)
            if engine is None or engine in seen or f'"{engine}"'.encode() in recorded:
                continue
            seen.add(engine)
            file = os.path.relpath(place / name, start)
            command = reconcile("import", ("--from", file), arguments=[KEY])
            yield f"{file} uses the engine {engine}. To adopt it, run `{command}`"


def _engine_of(place: Path, name: str) -> str | None:
    if not SafeFiles(str(place)).inside(name):  # a link out of the project
        return None
    try:
        return configured_id(place / name, name)
    except ReconcileError:  # no file, or one without an engine: then there is nothing to propose
        return None


def _content(lockfile: Path) -> bytes:
    try:
        return read_regular(lockfile, lockfile.name) or b""
    except ReconcileError:
        return b""
