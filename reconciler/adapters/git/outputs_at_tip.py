"""Outputs on a branch's newest tip: what a commit of the lockfile puts beside it.

The tip's own version of each file is edited, not that of the work tree: so nothing that lies around here gets into the
commit, and nothing that somebody else pushed meanwhile is undone. What stands there otherwise is never replaced: no
file makes room for a folder. A file that the tip's rules ignore belongs to whoever has it, and is not committed.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from reconciler.adapters.git.command import GitFailed, call_git
from reconciler.adapters.git.remote import GitRemote
from reconciler.adapters.outputs.files import edits_for, wanted_files
from reconciler.adapters.project.nested import folders_to
from reconciler.adapters.project.safe_read import MAX_FILE_BYTES
from reconciler.core.frozen import dataclass, field
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.outputs.rules import OutputRules
from reconciler.core.settings.model import SETTINGS_FILE

_FILE, _EXECUTABLE, _FOLDER = "100644", "100755", "040000"
_NOTHING_IGNORED = 1  # how git check-ignore ends then


@dataclass(frozen=True, slots=True)
class AtTip:
    """Files by their path in the repository, which of them are executable, what could not be done, and which of the
    outputs git ignores there.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    executable: frozenset[str] = frozenset()
    problems: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def outputs_at_tip(
    remote: GitRemote, tip: str | None, folder: str, lockfile: Lockfile, rules: OutputRules
) -> AtTip:
    """What changes on the branch; `folder` is the project's in the repository. Raises `GitError`, `LockfileError`."""
    names = wanted_files(lockfile, rules)
    if not names or tip is None:
        return AtTip(problems=edits_for(lockfile, {}, rules).problems)
    paths = {name: f"{folder}/{name}" if folder else name for name in names}
    signs = {
        name: [f"{paths[name][: -len(name)]}{one}/{SETTINGS_FILE}" for one in folders_to(name)]
        for name in names
    }
    looked_at = {one for path in paths.values() for one in (path, *_folders(path))}
    modes = remote.modes(tip, sorted(looked_at.union(*signs.values())))
    new = [path for path in paths.values() if path not in modes]
    ignored = _ignored(remote, tip, new) if new else frozenset()
    wrong = {name: why for name, path in paths.items() if (why := _obstacle(path, modes)) is not None}
    others = {name: one for name in names for one in signs[name] if one in modes}
    wrong |= {name: f"it belongs to another project, that of {one}" for name, one in others.items()}
    usable = [name for name in names if name not in wrong and paths[name] not in ignored]
    contents = dict(zip(usable, remote.read([(tip, paths[name]) for name in usable]), strict=True))
    wrong |= {
        name: "it is larger than 1 MiB"
        for name, content in contents.items()
        if content and len(content) > MAX_FILE_BYTES
    }
    edits = edits_for(lockfile, {name: contents[name] for name in usable if name not in wrong}, rules)
    return AtTip(
        {paths[name]: content for name, content in edits.files.items()},
        frozenset(path for path, mode in modes.items() if mode == _EXECUTABLE),
        [f"{name} is not written: {why}" for name, why in wrong.items()] + edits.problems,
        [name for name in names if paths[name] in ignored and name not in wrong],
    )


def _folders(path: str) -> Iterator[str]:
    """Every folder above it in the repository, the nearest first."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _obstacle(path: str, modes: Mapping[str, str]) -> str | None:
    for folder in _folders(path):
        if modes.get(folder, _FOLDER) != _FOLDER:
            return f"`{folder}` is a file, a link or a submodule on the branch"
    if modes.get(path, _FILE) not in (_FILE, _EXECUTABLE):
        return "it is not a regular file"
    return None


def _ignored(remote: GitRemote, tip: str, paths: Sequence[str]) -> frozenset[str]:
    """Those of the paths that the rules of this commit (and of this clone) ignore.

    Git reads rules from a work tree, so it gets one that holds nothing but the commit's `.gitignore` files.
    """
    rules = sorted({f"{folder}/.gitignore" for path in paths for folder in _folders(path)} | {".gitignore"})
    modes = remote.modes(tip, rules)
    rules = [path for path in rules if modes.get(path) in (_FILE, _EXECUTABLE)]
    with tempfile.TemporaryDirectory(prefix="reconcile-") as tree:
        for path, content in zip(rules, remote.read([(tip, path) for path in rules]), strict=True):
            file = Path(tree, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content or b"")
        taste = ["-c", f"core.excludesFile={os.devnull}", f"--work-tree={tree}"]
        asked = "\0".join(paths).encode()
        try:
            said = call_git(remote.root, [*taste, "check-ignore", "--no-index", "-z", "--stdin"], stdin=asked)
        except GitFailed as error:
            if error.status != _NOTHING_IGNORED:
                raise
            return frozenset()
    return frozenset(said.decode("utf-8", "replace").split("\0")) - {""}
