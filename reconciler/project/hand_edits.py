"""Wires the look for edits by hand: the lockfile as it is here against what a run wrote last, as git knows it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters.project.places import find_git, folder_in_repo
from reconciler.adapters.storage.durable_files import read_regular
from reconciler.core.engine.fingerprint import blob_id
from reconciler.core.errors import GitError, StorageError
from reconciler.project.opened import WRITTEN, Project

if TYPE_CHECKING:
    from reconciler.core.errors import Diagnostic
    from reconciler.core.lockfile.model import Lockfile


def source_edits(project: Project) -> list[Diagnostic]:
    """What somebody edited in what is recorded of sources, since a run committed it."""
    name = project.settings.sources_file
    if find_git(project.root) is None or not (project.root / name).is_file():
        return []
    from reconciler.adapters.checkout.last_written import last_written
    from reconciler.adapters.checkout.lockfile_log import content_at
    from reconciler.core.sources.edits import edits_of_sources

    try:
        content = read_regular(project.root / name, name) or b""
        written = last_written(project.root, name)
        if written is None or written.blob == blob_id(content, len(written.blob or "")):
            return []
        then = content_at(project.root, f"{written.commit}:./{name}", content)
    except (GitError, OSError, StorageError):  # a warning is no reason to end a plan
        return []
    return edits_of_sources(then or b"", content, name, f"commit {written.commit[:12]}")


def hand_edits(project: Project, lockfile: Lockfile) -> list[Diagnostic]:
    """What somebody edited in the `lockfile` of the work tree since a run wrote it; outside of git nothing is claimed.

    A file that is as a run on this machine left it is not looked into, and git is not started.
    """
    name = project.settings.lockfile
    if find_git(project.root) is None or not (lockfile.engines or lockfile.retired):
        return []
    from reconciler.core.lockfile.model import content_of, digest_of

    try:
        content = content_of(lockfile) or read_regular(project.root / name, name) or b""
        noted = (read_regular(project.private / WRITTEN, WRITTEN) or b"").decode("ascii", "replace").strip()
    except StorageError:  # those who need the files tell it
        return []
    if noted and noted == digest_of(content):
        return []
    try:
        return _since_written(project, lockfile, content)
    except (GitError, OSError):  # a warning is no reason to end a plan
        return []


def _since_written(project: Project, lockfile: Lockfile, content: bytes) -> list[Diagnostic]:
    """Against the last commit of this branch that a run made, and what the ledger had when it was fetched last."""
    from reconciler.adapters.checkout.last_written import last_written  # git, only for a file from elsewhere

    name, found = project.settings.lockfile, []
    written = last_written(project.root, name)
    if written is not None and written.blob == blob_id(content, len(written.blob or "")):
        return []
    from reconciler.adapters.checkout.lockfile_log import content_at
    from reconciler.adapters.git.refs import PUBLISHED_FILE, tracking_ref
    from reconciler.core.lockfile.hand_edits import findings_between
    from reconciler.project.sealing import ledger_ref

    if written is not None:
        then = content_at(project.root, f"{written.commit}:./{name}", content)
        if then == content:
            return []
        found = findings_between(then or b"", lockfile, content, name, f"commit {written.commit[:12]}")
    if found:
        return found
    ledger = ledger_ref(project.settings.environment, Path(folder_in_repo(project.root)))
    published = content_at(project.root, f"{tracking_ref(ledger)}:{PUBLISHED_FILE}", content)
    if published is None or published == content:
        return []
    since = "a run published it"
    return findings_between(published, lockfile, content, name, since, ancestor=False)
