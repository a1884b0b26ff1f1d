"""Files that a flag names for a command to write: looked at before anything else is done."""

from __future__ import annotations

from pathlib import Path

from reconciler.adapters.project.places import refuse_link_out
from reconciler.core.errors import StorageError, UsageError
from reconciler.core.settings.model import SETTINGS_FILE, Settings


def check_written(root: Path, settings: Settings, option: str, name: str, file: Path) -> None:
    """Raises `InvalidInput` where a link leads `file` out of the project, `UsageError` where reconcile reads it itself,
    and `StorageError` where there is no place for it. `name` is the file as it was given to `option`.
    """
    refuse_link_out(root, file, f"{option} {name}")
    if _is_ours(root, settings, file):
        raise UsageError(
            f"{option} {name}: reconcile reads that file itself",
            hint=f"choose another name, such as {option} {_EXAMPLES[option]}",
        )
    if not file.parent.is_dir():
        raise StorageError(f"{option} {name}: there is no folder {file.parent}", hint="create it first")
    if file.is_dir():
        raise StorageError(
            f"{option} {name} is a folder", hint=f"name a file, such as {option} {_EXAMPLES[option]}"
        )


_EXAMPLES = {"--out": "plan.json", "--report": "report.json", "--report-html": "report.html"}


def _is_ours(root: Path, settings: Settings, file: Path) -> bool:
    """Whether what is written there would be taken for something else, or be in its place."""
    place = file.resolve()
    ours = {(root / name).resolve() for name in (settings.lockfile, SETTINGS_FILE)}
    return place in ours or (root / settings.engines).resolve() in place.parents
