"""Environments whose lockfiles are one file on this disk, by a link or otherwise, though their paths differ."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from reconciler.adapters.project.safe_read import real_path
from reconciler.core.errors import InvalidInput


def check_apart(root: Path, lockfiles: Mapping[str, str]) -> None:
    """Raises `InvalidInput` where two of the environments have one lockfile."""
    known: dict[object, str] = {}
    for name, path in lockfiles.items():
        for identity in _identities(root / path):
            other = known.setdefault(identity, name)
            if other != name:
                raise InvalidInput(
                    f"the environments `{other}` and `{name}` share one lockfile: {path} is {lockfiles[other]}",
                    hint="give each environment its own lockfile; one is a link to the other",
                )


def _identities(file: Path) -> list[object]:
    """Its path with every link resolved and, where it exists, what the system knows it by."""
    found: list[object] = [real_path(str(file)) or str(file)]
    try:
        status = os.stat(file)
    except OSError:  # it is yet to be made
        return found
    return [*found, (status.st_dev, status.st_ino)]
