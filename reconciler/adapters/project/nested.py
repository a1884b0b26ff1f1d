"""Projects inside of a project: what lies in one is its own, and not for another to write or to take."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from reconciler.adapters.project.safe_read import real_path
from reconciler.core.errors import InvalidInput
from reconciler.core.settings.model import SETTINGS_FILE


def folders_to(path: str) -> Iterator[str]:
    """Every folder on the way to a path (relative, with forward slashes), the farthest out first."""
    parts = path.split("/")
    return ("/".join(parts[:count]) for count in range(1, len(parts)))


def project_inside(root: Path, path: str) -> str | None:
    """The folder of the project below `root` that `path` lies in, as it is written or where its links lead; None where
    it is `root`'s own.
    """
    leads = real_path(str(root / path)) or os.path.join(os.path.realpath(root), path)
    real = os.path.relpath(leads, os.path.realpath(root)).replace(os.sep, "/")
    ways = [path] if real == path else [path, real]
    for folder in (one for way in ways if not way.startswith("../") for one in folders_to(way)):
        if os.path.lexists(root / folder / SETTINGS_FILE):
            return folder
    return None


def refuse_inside(root: Path, setting: str, path: str) -> None:
    """Raises `InvalidInput` where a setting names a path in another project."""
    other = project_inside(root, path)
    if other is not None:
        raise InvalidInput(
            f"the setting `{setting}` is {path}, which belongs to another project: {other}/{SETTINGS_FILE}",
            hint=f"choose a path outside of {other}/, or run reconcile there",
        )
