"""Whether git would ever commit what an apply writes: files that its rules ignore stay on this machine.

The rules are git's own: `.gitignore` in any folder, `.git/info/exclude` and `core.excludesFile`. What git tracks
already, no rule ignores.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from reconciler.adapters.git.command import GitFailed, call_git
from reconciler.adapters.project.places import find_git
from reconciler.core.commands import git_path
from reconciler.core.errors import InvalidInput
from reconciler.core.patterns import lazy_pattern

_NOTHING_IGNORED = 1  # how git check-ignore ends then
_SPECIAL = lazy_pattern(r"([\\*?\[ ])")


def refuse_if_ignored(root: Path, name: str) -> None:
    """Raises `InvalidInput` for a lockfile that git ignores, with the rule and the way out, and `GitError`."""
    top, path = _in_repo(root, name)
    if top is None:
        return
    folders = [folder.as_posix() for folder in Path(path).parents if folder.name]
    rules = _rules(top, [path, *folders])
    if path not in rules:
        return
    rule = rules[path]
    ignored = next((folder for folder in folders if folder in rules), None)
    file = git_path(str(top / Path(path).parent / ".gitignore"))
    exception = "!" + _SPECIAL.sub(r"\\\1", Path(path).name)
    way = f"remove that rule, or add the line `{exception}` to the end of {file}"
    if ignored is not None:  # git does not look into such a folder, so no exception is read
        way = f"remove that rule, which ignores the folder {ignored}/, or move the lockfile (setting `lockfile`)"
    raise InvalidInput(f"{name} is ignored by git ({rule}), so its engine IDs cannot be committed", hint=way)


def to_add(root: Path, names: Iterable[str]) -> list[str]:
    """Those of the project's files that differ from what git has, and that it does not ignore. Raises `GitError`."""
    places = {name: _in_repo(root, name) for name in names}
    top = next((top for top, _ in places.values() if top is not None), None)
    if top is None:
        return []
    asked = [f":(top,literal){path}" for found, path in places.values() if found == top]
    look = ["status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all", "--ignored=no"]
    said = os.fsdecode(call_git(top, [*look, "--", *asked])).split("\0")
    changed = {line[3:] for line in said if line}
    return [name for name, (found, path) in places.items() if found == top and path in changed]


def ignored(top: Path, paths: Iterable[str]) -> dict[str, str]:
    """The rule that ignores it, for each of these files of the work tree at `top` that git ignores: itself, or a folder
    it is in. Raises `GitError`."""
    above = {
        path: [path, *(folder.as_posix() for folder in Path(path).parents if folder.name)] for path in paths
    }
    rules = _rules(top, {one for places in above.values() for one in places})
    hit = {path: next((rules[one] for one in places if one in rules), None) for path, places in above.items()}
    return {path: rule for path, rule in hit.items() if rule is not None}


def _in_repo(root: Path, name: str) -> tuple[Path | None, str]:
    """The work tree that holds a file, where its links lead, and its path there."""
    file = Path(os.path.realpath(root / name))
    found = find_git(file.parent)
    return (None, "") if found is None else (found[0], file.relative_to(found[0]).as_posix())


def _rules(top: Path, paths: Iterable[str]) -> dict[str, str]:
    """The rule that ignores it, for each of the paths that one ignores: `.gitignore:1: *.json`."""
    asked = "\0".join(paths).encode("utf-8", "surrogateescape")
    try:
        said = call_git(top, ["check-ignore", "--verbose", "-z", "--stdin"], stdin=asked)
    except GitFailed as error:
        if error.status != _NOTHING_IGNORED:
            raise
        return {}
    words = iter(os.fsdecode(said).split("\0"))
    rules: dict[str, str] = {}
    for source, line, pattern, path in zip(words, words, words, words, strict=False):
        if not pattern.startswith("!"):  # an exception is listed like a rule
            rules[path] = f"{source}:{line}: {pattern}"
    return rules
