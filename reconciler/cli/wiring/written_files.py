"""Files that a flag names for a command to write: looked at before anything else is done."""

from __future__ import annotations

import os
from itertools import combinations
from pathlib import Path

from reconciler.adapters.project.places import find_git, refuse_link_out
from reconciler.adapters.storage.durable_files import mapped
from reconciler.core.commands import folder_for
from reconciler.core.errors import StorageError, UsageError
from reconciler.core.settings.model import SETTINGS_FILE, Settings

_EXAMPLES = {
    "--out": "plan.json",
    "--output": "engines.txt",
    "--report": "report.json",
    "--report-html": "report.html",
}


def check_written(root: Path, settings: Settings, option: str, name: str, file: Path) -> None:
    """Raises `InvalidInput` where a link leads `file` out of the project, `UsageError` where reconcile or git reads it
    itself, and `StorageError` where there is no place for it. `name` is the file as it was given to `option`.
    """
    example = f"{option} {_EXAMPLES[option]}"
    if file.name == "-":  # elsewhere it stands for the standard output, and nobody wants a file of this name
        raise UsageError(f"{option} - : it takes a file", hint=f"name one, such as {example}")
    refuse_link_out(root, file, f"{option} {name}")
    reader = _reader(root, settings, file)
    if reader is not None:
        raise UsageError(
            f"{option} {name}: {reader} reads that file itself",
            hint=f"choose another name, such as {example}",
        )
    _check_folder(f"{option} {name}", file.parent)
    with mapped("write", f"{option} {name}"):
        taken = _exists(file)
    if taken and file.is_dir():
        raise StorageError(f"{option} {name} is a folder", hint=f"name a file, such as {example}")
    if taken and not file.is_file():
        raise StorageError(
            f"{option} {name} is not a regular file", hint=f"choose another name, such as {example}"
        )


def check_apart(files: dict[str, Path]) -> None:
    """Raises `UsageError` where two options name one file, of which only the last to be written would stay."""
    for (first, one), (second, other) in combinations(files.items(), 2):
        if os.path.realpath(one) == os.path.realpath(other):
            raise UsageError(
                f"{first} and {second} name the same file",
                hint=f"choose another one, such as {second} {_EXAMPLES[second]}",
            )


def _check_folder(named: str, folder: Path) -> None:
    with mapped("write", named):
        missing = not _exists(folder)
    if missing:
        raise StorageError(
            f"{named}: there is no folder {folder}", hint=f"run `{folder_for(str(folder))}` to create it"
        )
    if not folder.is_dir():
        raise StorageError(f"{named}: {folder} is not a folder", hint="choose another place")


def _exists(file: Path) -> bool:
    """As the system sees it, links followed. Raises `OSError` for what it cannot look at, such as a name too long."""
    try:
        os.stat(file)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _reader(root: Path, settings: Settings, file: Path) -> str | None:
    """Who would take what is written there for something else, or miss what is in its place."""
    place = Path(os.path.realpath(file))
    ours = {os.path.realpath(root / name) for name in (settings.lockfile, SETTINGS_FILE)}
    if str(place) in ours or Path(os.path.realpath(root / settings.engines)) in place.parents:
        return "reconcile"
    found = find_git(root)
    folders = () if found is None else (found[0] / ".git", found[1])
    return "git" if any(one == place or one in place.parents for one in folders) else None
