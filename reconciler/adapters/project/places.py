"""Where reconcile keeps its own files for a project, found without running git.

The journal and the lease are this machine's and not the project's, so they live in the git directory (in the
worktree's own, since two worktrees have two lockfiles), or in `.reconcile/` outside of git. Projects in
subfolders of one repo, and environments other than the first, each have their own.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from reconciler.adapters.project.safe_read import SafeFiles, real_path
from reconciler.core.digests import sha256
from reconciler.core.errors import InvalidInput, StorageError
from reconciler.core.settings.model import Settings

_LONGEST = 1 << 20  # bytes that are looked at of a file of git's
_PRIVATE = ".reconcile"
DEFAULT_ENVIRONMENT = Settings().environment


def private_folder(root: Path, environment: str) -> Path:
    """The folder for the project at `root`; it may not exist yet."""
    found = find_git(root)
    if found is None:
        base, inside = root / _PRIVATE, Path()
    else:
        top, git_dir = found
        base, inside = git_dir / "reconcile", root.resolve().relative_to(top)
    if inside.parts:
        base = base / "projects" / _one_name(inside.parts)
    folder = base if environment == DEFAULT_ENVIRONMENT else base / "environments" / environment
    if found is None:
        _refuse_links(root, folder)
    return folder


def _refuse_links(root: Path, folder: Path) -> None:
    """Outside of git the folder came with the project, with whatever was put in it."""
    refuse_link_out(root, folder, _PRIVATE)
    try:
        names = os.listdir(folder) if folder.is_dir() else []
    except OSError as error:
        raise StorageError(f"cannot read {folder}: {error.strerror}", hint="check its permissions") from error
    for name in names:
        refuse_link_out(root, folder / name, f"{_PRIVATE}/{name}")


def _one_name(parts: Sequence[str]) -> str:
    """A folder's path as a single file name; file systems allow 255 bytes for one."""
    name = "%2F".join(part.replace("%", "%25") for part in parts)
    encoded = os.fsencode(name)
    if len(encoded) <= 200:
        return name
    return "%" + sha256(encoded)  # no other name has a bare `%`


def find_git(start: Path) -> tuple[Path, Path] | None:
    """The work tree that holds `start` and its git directory, or None. Worktrees and submodules have a `.git` file."""
    for folder in (start.resolve(), *start.resolve().parents):
        marker = folder / ".git"
        if marker.is_dir():
            return folder, marker
        if marker.is_file():
            content = _read(marker).strip()
            if content.startswith("gitdir:"):
                return folder, _resolved(folder, content.removeprefix("gitdir:").strip(), marker)
    return None


def git_folder_around(start: Path) -> Path | None:
    """Git's own folder, or a bare repository, if `start` lies in one; None in a work tree and outside of git."""
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / ".git").exists():
            return None
        if folder.name == ".git" or (
            (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()
        ):
            return folder
    return None


def folder_in_repo(root: Path) -> str:
    """The project's folder from the root of its repository, where annotations count from; empty for the root."""
    found = find_git(root)
    inside = "" if found is None else root.resolve().relative_to(found[0]).as_posix()
    return "" if inside == "." else inside


def refuse_link_out(root: Path, file: Path, name: str) -> None:
    """The one decision about links that lead out of the project. Raises `InvalidInput` where `file` lies in it, and a
    link in its path ends outside, or in `.git`.

    A pull request may put a link in the place of any file that a run reads or writes. A path that lies elsewhere was
    chosen by the person, who may name any. The project is the folder `root`, and for what lies around it the git
    repository.
    """
    found = find_git(root)
    for boundary in {root.absolute(), *((found[0],) if found is not None else ())}:
        inside = _below(boundary, file)
        if inside is None or ".git" in inside.split("/") or SafeFiles(str(boundary)).inside(inside):
            continue
        where = real_path(str(file))
        ends = "cannot be followed" if where is None else f"ends at {where}"
        raise InvalidInput(
            f"{name} leads out of the project: a link in its path {ends}",
            hint="replace the link with the file itself, or choose another file",
        )


def refuse_links(root: Path, path: str) -> None:
    """Raises `InvalidInput` where a part of this path in the project is a link: what it leads to is another file."""
    at = root
    for part in path.split("/"):
        at /= part
        if at.is_symlink():
            raise InvalidInput(
                f"{path} is behind a link, and a run writes it",
                hint="replace the link with the file or folder itself",
            )


def _below(boundary: Path, file: Path) -> str | None:
    """The path from the boundary as it is written; None for one that lies elsewhere."""
    written = os.path.abspath(file)
    for top in (str(boundary), os.path.realpath(boundary)):
        prefix = top.rstrip(os.sep) + os.sep
        if written.startswith(prefix):
            return written[len(prefix) :].replace(os.sep, "/")
    return None


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
    config = config_file(found[1])
    text = _read(config).lower() if config.is_file() else ""
    lines = (line.replace(" ", "").strip() for line in text.splitlines())
    return 64 if "objectformat=sha256" in lines else 40


def config_file(git_dir: Path) -> Path:
    """The repo's own configuration, which all its worktrees share."""
    common = git_dir / "commondir"
    if common.is_file():
        git_dir = _resolved(git_dir, _read(common).strip(), common)
    return git_dir / "config"


def _resolved(folder: Path, path: str, named_in: Path) -> Path:
    """Where a file of git's says that something is."""
    try:
        return (folder / path).resolve()
    except (OSError, ValueError) as error:  # no path at all, or links in a circle
        raise StorageError(f"{named_in} does not name a folder", hint="clone the repository again") from error


def _read(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return os.fsdecode(stream.read(_LONGEST))
    except OSError as error:
        raise StorageError(
            f"cannot read {file}: {error.strerror or error}", hint="check the permissions of the repository"
        ) from error
