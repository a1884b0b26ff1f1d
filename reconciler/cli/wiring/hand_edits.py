"""Wires the look for edits by hand: the lockfile as it is here against what a run wrote last, as git knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.adapters.project.places import find_git
from reconciler.adapters.storage.durable_files import read_regular
from reconciler.cli.wiring.project import WRITTEN, Project
from reconciler.core.errors import StorageError

if TYPE_CHECKING:
    from reconciler.core.errors import Diagnostic
    from reconciler.core.lockfile.model import Lockfile


def hand_edits(project: Project, lockfile: Lockfile) -> list[Diagnostic]:
    """What somebody edited in the `lockfile` of the work tree since a run wrote it; outside of git nothing is claimed.

    A file that is as a run on this machine left it is not looked into, and git is not started.
    """
    name = project.settings.lockfile
    if find_git(project.root) is None or not (lockfile.engines or lockfile.retired):
        return []
    try:
        content = read_regular(project.root / name, name) or b""
        noted = (read_regular(project.private / WRITTEN, WRITTEN) or b"").decode("ascii", "replace").strip()
    except StorageError:  # those who need the files tell it
        return []
    from reconciler.adapters.storage.lockfile_store import digest_of

    if noted == digest_of(content):
        return []
    from reconciler.adapters.git.lockfile_log import last_written  # git, only for a file from elsewhere
    from reconciler.core.lockfile.hand_edits import findings_between

    found = last_written(project.root, name)
    if found is None:
        return []
    commit, then = found
    if then == content:
        return []
    return findings_between(then, lockfile, content, name, f"commit {commit[:12]}")
