"""Outputs on a branch's newest tip: what a commit of the lockfile puts beside it.

The tip's own version of each file is edited, not that of the work tree: so nothing that lies around here gets into the
commit, and nothing that somebody else pushed meanwhile is undone.
"""

from __future__ import annotations

from typing import NamedTuple

from reconciler.adapters.git.remote import GitRemote
from reconciler.adapters.outputs.files import edits_for, wanted_files
from reconciler.adapters.project.safe_read import MAX_FILE_BYTES
from reconciler.core.lockfile.model import Lockfile

_FILE, _EXECUTABLE = "100644", "100755"


class AtTip(NamedTuple):
    """Files by their path in the repository, which of them are executable, and what could not be done."""

    files: dict[str, bytes]
    executable: frozenset[str]
    problems: list[str]


def outputs_at_tip(remote: GitRemote, tip: str | None, folder: str, lockfile: Lockfile) -> AtTip:
    """What changes on the branch; `folder` is the project's in the repository. Raises `GitError`, `LockfileError`."""
    names = wanted_files(lockfile)
    if not names or tip is None:
        return AtTip({}, frozenset(), edits_for(lockfile, {}).problems)
    paths = {name: f"{folder}/{name}" if folder else name for name in names}
    modes = remote.modes(tip, list(paths.values()))
    usable = [name for name in names if modes.get(paths[name], _FILE) in (_FILE, _EXECUTABLE)]
    contents = dict(zip(usable, remote.read([(tip, paths[name]) for name in usable]), strict=True))
    large = [name for name, content in contents.items() if content and len(content) > MAX_FILE_BYTES]
    edits = edits_for(lockfile, {name: contents[name] for name in usable if name not in large})
    unfit = [f"{name} is not written: it is not a regular file" for name in names if name not in usable]
    unfit += [f"{name} is not written: it is larger than 1 MiB" for name in large]
    return AtTip(
        {paths[name]: content for name, content in edits.files.items()},
        frozenset(path for path, mode in modes.items() if mode == _EXECUTABLE),
        unfit + edits.problems,
    )
