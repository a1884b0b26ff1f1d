"""Where reconcile keeps its own files for a project, found without running git.

The journal and the lease are this machine's and not the project's, so they live in the git directory (in the
worktree's own, since two worktrees have two lockfiles), or in `.reconcile/` outside of git. Projects in
subfolders of one repo, and environments other than the first, each have their own.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from reconciler.core.errors import StorageError
from reconciler.core.settings.model import Settings

DEFAULT_ENVIRONMENT = Settings().environment


def private_folder(root: Path, environment: str) -> Path:
    """The folder for the project at `root`; it may not exist yet."""
    found = find_git(root)
    if found is None:
        base, inside = root / ".reconcile", Path()
    else:
        top, git_dir = found
        base, inside = git_dir / "reconcile", root.resolve().relative_to(top)
    if inside.parts:
        base = base / "projects" / _one_name(inside.parts)
    return base if environment == DEFAULT_ENVIRONMENT else base / "environments" / environment


def _one_name(parts: Sequence[str]) -> str:
    """A folder's path as a single file name; file systems allow 255 bytes for one."""
    name = "%2F".join(part.replace("%", "%25") for part in parts)
    encoded = os.fsencode(name)
    if len(encoded) <= 200:
        return name
    return "%" + hashlib.sha256(encoded).hexdigest()  # no other name has a bare `%`


def find_git(start: Path) -> tuple[Path, Path] | None:
    """The work tree that holds `start` and its git directory, or None. Worktrees and submodules have a `.git` file."""
    for folder in (start.resolve(), *start.resolve().parents):
        marker = folder / ".git"
        if marker.is_dir():
            return folder, marker
        if marker.is_file():
            content = _read(marker).strip()
            if content.startswith("gitdir:"):
                return folder, (folder / content.removeprefix("gitdir:").strip()).resolve()
    return None


def folder_in_repo(root: Path) -> str:
    """The project's folder from the root of its repository, where annotations count from; empty for the root."""
    found = find_git(root)
    inside = "" if found is None else root.resolve().relative_to(found[0]).as_posix()
    return "" if inside == "." else inside


# What git leaves in its directory while something is to be merged by hand.
_UNDER_WAY = (
    *("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "REBASE_HEAD", "AUTO_MERGE"),
    *("rebase-merge", "rebase-apply"),
)


def merge_under_way(root: Path) -> bool:
    """Whether a merge, rebase, cherry-pick or stash may have left files unmerged; git is not asked."""
    found = find_git(root)
    return found is not None and any((found[1] / name).exists() for name in _UNDER_WAY)


def object_id_length(root: Path) -> int:
    """How long the repo's object ids are in hex digits: 64 in the sha256 format, otherwise 40."""
    found = find_git(root)
    if found is None:
        return 40
    git_dir = found[1]
    common = git_dir / "commondir"
    if common.is_file():
        git_dir = (git_dir / _read(common).strip()).resolve()
    config = git_dir / "config"
    text = _read(config).lower() if config.is_file() else ""
    lines = (line.replace(" ", "").strip() for line in text.splitlines())
    return 64 if "objectformat=sha256" in lines else 40


def _read(file: Path) -> str:
    try:
        return os.fsdecode(file.read_bytes())
    except OSError as error:
        raise StorageError(
            f"cannot read {file}: {error.strerror or error}", hint="check the permissions of the repository"
        ) from error
