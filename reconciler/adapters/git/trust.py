"""Which repository a command is for, and whether git and we trust it.

Git is never left to look for a repository: a folder with the plain files `HEAD`, `config`, `objects/` and `refs/`
passes for one, and its `config` can run programs. So it is told the git directory and the work tree that we found by
`.git`, which no commit can hold. Told so, it no longer asks who owns them (`safe.directory`); that is asked once, in
the very folder of `.git`.

A clone's own configuration is its owner's. It may include a file of the work tree, though, and that one belongs to
whoever wrote the commit.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from reconciler.adapters.project.places import find_git
from reconciler.core.commands import git
from reconciler.core.errors import GitError
from reconciler.core.frozen import dataclass

# Sections and keys that can run a program, or send what is pushed, or a password, elsewhere.
_POWERFUL_SECTIONS = frozenset(
    (
        "credential",
        "remote",
        "url",
        "http",
        "https",
        "protocol",
        "gpg",
        "ssh",
        "submodule",
        "uploadpack",
        "transfer",
        "bundle",
        "hook",
        "lfs",
    )
)
# Keys of any section that name a program, such as `filter.x.clean`, `diff.x.textconv` and `gc.recentObjectsHook`.
_POWERFUL_ENDINGS = (
    *("command", "cmd", "hook", "program", "helper", "driver"),
    *("textconv", "external", "clean", "smudge", "process", "bundleuri"),
)
_POWERFUL_KEYS = frozenset(
    f"core.{name}"
    for name in (
        "sshcommand",
        "askpass",
        "gitproxy",
        "fsmonitor",
        "alternaterefscommand",
        "hookspath",
        "pager",
    )
)


@dataclass(frozen=True, slots=True)
class Repository:
    """The work tree and the git directory of a project; without `top` there is none, and git is to say so."""

    git_dir: Path
    top: Path | None = None

    def arguments(self) -> list[str]:
        """So that git looks for nothing by itself."""
        work_tree = [] if self.top is None else [f"--work-tree={self.top}"]
        return [f"--git-dir={self.git_dir}", *work_tree]


def repository_of(root: Path) -> Repository:
    """The repository around the project."""
    found = find_git(root)
    return (
        Repository(Path(os.path.abspath(root)) / ".git") if found is None else Repository(found[1], found[0])
    )


def check_same(repository: Repository, said: str) -> None:
    """Raises `GitError` where git takes another git directory than we do."""
    if os.path.realpath(said) != os.path.realpath(repository.git_dir):
        raise GitError(
            f"git does not accept {repository.git_dir} as the repository of {repository.top}",
            hint=f"run `{git('status')}` to check the repository; `.git` may be incomplete",
        )


@dataclass(frozen=True, slots=True)
class Config:
    """All of git's configuration here: every value by its key as git spells it, the last one counting."""

    values: dict[str, tuple[str, ...]]

    def last(self, key: str) -> str:
        """The value that counts, empty where there is none. Only what stands between two dots has a case."""
        section, _, rest = key.partition(".")
        between, dot, name = rest.rpartition(".")
        return self.values.get(f"{section.lower()}.{between}{dot}{name.lower()}", ("",))[-1]

    def has_helper(self) -> bool:
        """Whether a program is named that knows passwords."""
        keys = (
            (key, values) for key, values in self.values.items() if key.endswith(".helper") and any(values)
        )
        return bool(self.last("core.askpass")) or any(key.startswith("credential.") for key, _ in keys)

    def addresses(self) -> Iterator[str]:
        """Every address that may hold a password."""
        for key, values in self.values.items():
            if key.endswith((".url", ".pushurl", ".proxy")):
                yield from values
            if key.startswith("url."):
                yield key


def parse_config(output: bytes, repository: Repository) -> Config:
    """What `config --list -z --show-origin` prints. Raises `GitError` for power that a file of the work tree has."""
    values: dict[str, tuple[str, ...]] = {}
    fields = os.fsdecode(output).split("\0")
    for origin, entry in zip(fields[:-1:2], fields[1::2], strict=False):
        key, _, value = entry.partition("\n")
        if _is_powerful(key) and (file := _in_work_tree(origin, repository)) is not None:
            raise GitError(
                f"git reads `{key}` from {file}, a file in the work tree that any commit can change",
                hint="move that setting to .git/config or ~/.gitconfig, and do not include files from the work tree",
            )
        values[key] = (*values.get(key, ()), value)
    return Config(values)


def _is_powerful(key: str) -> bool:
    key = key.lower()
    section = key.partition(".")[0]
    return section in _POWERFUL_SECTIONS or key in _POWERFUL_KEYS or key.endswith(_POWERFUL_ENDINGS)


def _in_work_tree(origin: str, repository: Repository) -> str | None:
    kind, _, name = origin.partition(":")
    if kind != "file" or repository.top is None:
        return None
    top, git_dir = os.path.realpath(repository.top), os.path.realpath(repository.git_dir)
    for file in (os.path.abspath(os.path.join(top, name)), os.path.realpath(os.path.join(top, name))):
        # The git directory is in the work tree, and is the clone's own; so are those of worktrees and submodules.
        if _is_below(file, top) and not any(
            _is_below(file, own) for own in (git_dir, os.path.join(top, ".git"))
        ):
            return os.path.relpath(file, top)
    return None


def _is_below(file: str, folder: str) -> bool:
    return os.path.commonpath([file, folder]) == folder
