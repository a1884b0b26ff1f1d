"""Where the project is, and what its `reconcile.yaml` holds.

Both are looked for in a folder that may come from a stranger (a fork's pull request, a shared temporary
folder), so the search stops where others could have left a file for us to find, and opening one never blocks,
never follows a link out of the project and never reads without end.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.adapters.project.safe_read import MAX_FILE_BYTES, FileRefused, SafeFiles
from reconciler.core.errors import Diagnostic, InvalidInput, StorageError
from reconciler.core.settings.model import SETTINGS_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reconciler.core.settings.model import Place

_SIGNS_OF_A_ROOT = (SETTINGS_FILE, "engines.lock.json")
_MISSPELT = "reconcile.yml"


class SettingsFile(NamedTuple):
    """What the file says, None when there is none, and where in it each thing stands."""

    values: Mapping[str, Any] | None
    place: Place | None


def find_root(start: Path) -> Path:
    """The nearest folder from `start` upwards with settings, a lockfile or `engines/`; else `start` itself.

    The search ends at the git top level, before a folder of another owner, and before one that everybody may
    write to: settings left there by a stranger would decide where the API key is sent.
    """
    here = os.path.realpath(start)
    owner = os.stat(here).st_uid if os.path.isdir(here) else None
    folder = here
    while not _is_root(folder):
        above = os.path.dirname(folder)
        if above == folder or os.path.lexists(os.path.join(folder, ".git")) or not _is_trusted(above, owner):
            return start
        folder = above
    return start if folder == here else type(start)(folder)


def read_settings_file(path: Path, *, explicit: bool = False, name: str | None = None) -> SettingsFile:
    """Reads `reconcile.yaml`. `explicit` is for a file named with `--config`: it must exist, and may be
    anywhere.

    `name` is what messages call it. Raises `InvalidInput` when it is not a readable mapping, `StorageError`
    when the disk refuses. What the keys and values mean is checked by `core.settings.resolve`, all at once.
    """
    name = name or str(path)
    data = _content(path, explicit, name)
    if data is None:
        return SettingsFile(None, None)
    from reconciler.adapters.yaml.reader import read_yaml

    document = read_yaml(data, name)
    if document.value is None:
        return SettingsFile({}, document.place)
    if not isinstance(document.value, dict):
        line, col, excerpt = document.place(())
        raise InvalidInput(
            f"{name} must contain settings, one `name: value` per line",
            diagnostics=[
                Diagnostic(
                    "not a mapping", name, line, col, excerpt, "write settings such as `concurrency: 4`"
                )
            ],
        )
    return SettingsFile(document.value, document.place)


def _is_root(folder: str) -> bool:
    return any(os.path.lexists(os.path.join(folder, sign)) for sign in _SIGNS_OF_A_ROOT) or os.path.isdir(
        os.path.join(folder, "engines")
    )


def _is_trusted(folder: str, owner: int | None) -> bool:
    try:
        status = os.stat(folder)
    except OSError:
        return False
    is_shared = status.st_mode & stat.S_ISVTX and status.st_mode & stat.S_IWOTH  # like /tmp
    return not is_shared and status.st_uid in (owner, 0)


def _content(path: Path, explicit: bool, name: str) -> bytes | None:
    # A file that was named may be anywhere, so its own folder is the one that it must not lead out of.
    folder, file = os.path.split(os.path.realpath(path) if explicit else os.path.abspath(path))
    try:
        return SafeFiles(folder).read(file)
    except FileRefused as refusal:
        if refusal.reason == "unreadable":
            raise StorageError(
                f"{name} cannot be read: {refusal.detail}", hint="check permissions"
            ) from refusal
        if refusal.reason == "missing" and not explicit and not os.path.lexists(path):
            _refuse_misspelt(path)
            return None
        raise _unusable(name, *_WORDS[refusal.reason]) from refusal


_WORDS = {
    "missing": ("does not exist", "check the path given with --config, and any link in it"),
    "outside": ("is a link that leads out of the project", "replace the link with the file itself"),
    "not a file": ("is not a regular file", "use a regular file"),
    "too large": (f"is larger than {MAX_FILE_BYTES >> 20} MiB", "check that it is the right file"),
}


def _refuse_misspelt(path: Path) -> None:
    """A file that is nearly named right would be overlooked in silence."""
    if os.path.lexists(path.parent / _MISSPELT):
        raise _unusable(_MISSPELT, "has a name that is not read", f"rename it to {SETTINGS_FILE}")


def _unusable(name: str, what: str, hint: str) -> InvalidInput:
    return InvalidInput(f"{name} cannot be read", diagnostics=[Diagnostic(f"it {what}", name, hint=hint)])
