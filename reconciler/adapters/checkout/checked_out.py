"""Whether files that are not here are gone, or only not checked out: implements the port `Checkout`.

An engine whose file is gone is retired, so git is asked about every such file first. One that it has in its index and
keeps out of the work tree (a sparse checkout, a submodule that was not fetched, a link that leads nowhere) is not gone.
A deletion that is committed or staged is one. A file that is only missing in the work tree was deleted by a person at
a desk; in CI there is none.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from reconciler.adapters.git.command import GitFailed, call_git
from reconciler.adapters.git.hints import git_command
from reconciler.adapters.project.places import find_git
from reconciler.adapters.project.safe_read import real_path
from reconciler.core.commands import git
from reconciler.core.errors import Diagnostic, GitError

_AT_ONCE = 200  # paths of one command
_SHOWN = 5
_LINK, _SUBMODULE = "120000", "160000"
_SUFFIXES = (".yaml", ".yml")
_CHECK_OUT = "checkout -- PATHS"
_UPDATE = "submodule update --init -- PATHS"


class Cause(NamedTuple):
    """Why a file is not here though it is not gone, and git's commands that bring it back: for `paths` from `top`, or
    for the file itself. `advice` stands in their place where there are none.
    """

    words: str
    top: Path
    steps: str = _CHECK_OUT
    paths: tuple[str, ...] = ()
    first: str = ""  # before git's commands
    advice: str = ""


class _Entry(NamedTuple):
    """A file in git's index. `tag` is git's letter for its state, in lower case where changes are to be overlooked."""

    tag: str
    mode: str
    blob: str


class _Place(NamedTuple):
    """A file that is not here: the last folder on the way to it, and what comes then and is no folder."""

    name: str  # from the project's root
    folder: Path
    obstacle: Path
    target: str  # with every link resolved


class GitCheckout:
    """The work tree around `root`. `at_desk`: a file that is only missing in the work tree was deleted by a person."""

    def __init__(self, root: Path, engines: str, *, at_desk: bool) -> None:
        self._root = Path(os.path.realpath(root))
        self._engines = engines.strip("/") or "."
        self._at_desk = at_desk

    def not_gone(self, files: Mapping[str, Sequence[str]]) -> list[Diagnostic]:
        """See the port."""
        if find_git(self._root) is None:
            return []
        names = {key: [*recorded, *self._usual(key)] for key, recorded in sorted(files.items())}
        try:
            causes = self._causes({name for some in names.values() for name in some}, at_desk=self._at_desk)
        except GitError as error:
            return [_untold(list(names), error)]
        found: dict[Cause, dict[str, str]] = {}
        for key, some in names.items():
            name = next((name for name in some if name in causes), None)
            if name is not None:
                found.setdefault(causes[name], {})[key] = name
        return [_finding(cause, self._root, some) for cause, some in found.items()]

    def folder_not_gone(self, *, at_desk: bool = False) -> Diagnostic | None:
        """See the port, for which files that are only missing are not gone: whoever plans needs some."""
        if find_git(self._root) is None:
            return None
        try:
            names = self._tracked() or [f"{self._engines}/…"]  # a submodule's are not known
            causes = self._causes(names, at_desk=at_desk)
        except GitError:  # that there are none is an error in any case
            return None
        if not causes:
            return None
        cause = next(iter(causes.values()))
        return _diagnostic("the engine files are", cause, self._root, [self._engines], None)

    def missing(self, name: str) -> Diagnostic | None:
        """Why a file is not here that git has in its index, or that was not checked out. Raises `GitError`."""
        cause = self._causes([name], at_desk=False).get(name)
        return None if cause is None else _diagnostic(f"{name} is", cause, self._root, [name], None)

    def _usual(self, key: str) -> list[str]:
        prefix = "" if self._engines == "." else self._engines + "/"
        return [f"{prefix}{key}{suffix}" for suffix in _SUFFIXES]

    def _tracked(self) -> list[str]:
        """The engine files that git's index has or, without one, the commit."""
        folder = f":(literal){self._engines}"
        listed = call_git(self._root, ["ls-files", "-z", "--", folder])
        if not listed and not _has_index(self._root):
            listed = _in_head(self._root, ["--name-only", "HEAD", "--", self._engines])
        return [name for name in os.fsdecode(listed).split("\0") if name.endswith(_SUFFIXES)]

    def _causes(self, names: Iterable[str], *, at_desk: bool) -> dict[str, Cause]:
        """Why files are not here, for those of them that are not gone. Raises `GitError`."""
        tops: dict[Path, list[_Place]] = {}
        for name in sorted(names):
            place = _place(self._root, name)
            found = None if place is None else find_git(place.folder)
            if place is not None and found is not None:
                tops.setdefault(found[0], []).append(place)
        causes: dict[str, Cause] = {}
        for top, places in tops.items():
            causes |= _Repository(top, at_desk=at_desk).causes(places)
        return causes


class _Repository:
    """One repository: that of the project, or a submodule."""

    def __init__(self, top: Path, *, at_desk: bool) -> None:
        self._top = top
        self._at_desk = at_desk

    def causes(self, places: Sequence[_Place]) -> dict[str, Cause]:
        paths = {place.name: self._path(place.target) for place in places}
        ways = {self._path(place.obstacle) for place in places}
        ways |= {self._path(folder) for folder in {place.folder for place in places} if _is_empty(folder)}
        entries = self._entries({*paths.values(), *ways})
        absent = self._absent_blobs({entries[path].blob for path in paths.values() if path in entries})
        nothing = {} if _has_index(self._top) else self._without_index(paths.values())
        found: dict[str, Cause] = {}
        for place in places:
            path = paths[place.name]
            entry = entries.get(path)
            cause = self._of_entry(entry, absent) if entry is not None else None
            cause = cause or self._of_way(place, entries) or nothing.get(path)
            if cause is not None:
                found[place.name] = cause
        return found

    def _of_entry(self, entry: _Entry, absent: frozenset[str]) -> Cause | None:
        tag = entry.tag.upper()
        if tag == "S" and self._is_sparse():
            return Cause("the checkout is sparse", self._top, "sparse-checkout disable")
        if tag == "S":
            steps = f"update-index --no-skip-worktree -- PATHS && {_CHECK_OUT}"
            return Cause("git leaves them out (skip-worktree)", self._top, steps)
        if entry.tag.islower():
            steps = f"update-index --no-assume-unchanged -- PATHS && {_CHECK_OUT}"
            return Cause("git ignores changes to them (assume-unchanged)", self._top, steps)
        if tag == "M":
            words = "an unfinished merge has to decide whether they stay"
            return Cause(
                words,
                self._top,
                advice=f"finish the merge (`{git_command(self._top, 'status')}` lists what is left)",
            )
        if entry.blob in absent:
            return Cause("this partial clone does not contain them", self._top)
        return self._of_missing()

    def _of_missing(self) -> Cause | None:
        """Why a file may be missing in the work tree alone, unless a person deleted it."""
        found = find_git(self._top)
        lock = None if found is None else found[1] / "index.lock"
        if lock is not None and lock.exists():
            words = f"git is running here, or was interrupted and left {lock.name} behind"
            return Cause(words, self._top, first=f"rm {shlex.quote(str(lock))} && ")
        if self._at_desk:
            return None
        return Cause("in git, but not in the work tree", self._top)

    def _of_way(self, place: _Place, entries: Mapping[str | None, _Entry]) -> Cause | None:
        """What stands in the way to a file."""
        obstacle = self._path(place.obstacle)
        if os.path.islink(place.obstacle):
            words = f"{obstacle} is a link to {os.readlink(place.obstacle)}, which does not exist"
            return Cause(words, self._top, advice="restore its target, or remove the link in a commit")
        for path in (obstacle, self._path(place.folder)):
            entry = entries.get(path)
            if path is None or entry is None:
                continue
            if entry.mode == _SUBMODULE:
                return Cause(f"the submodule {path} is not initialized", self._top, _UPDATE, (path,))
            if entry.mode == _LINK:
                words = f"the link {path} was checked out as a text file (core.symlinks is false)"
                return Cause(words, self._top, f"config core.symlinks true && {_CHECK_OUT}", (path,))
        return self._outdated(place)

    def _outdated(self, place: _Place) -> Cause | None:
        """For a submodule that stands at another commit than the one recorded, which has the file. Work of a person
        that goes on from the recorded commit counts as it stands.
        """
        if self._recorded is None:
            return None
        outer, path, commit = self._recorded
        inside = self._path(place.target)
        if _says(self._top, ["cat-file", "-e", f"{commit}^{{commit}}"]):
            if _says(self._top, ["merge-base", "--is-ancestor", commit, "HEAD"]):
                return None
            if not _says(self._top, ["cat-file", "-e", f"{commit}:{inside}"]):
                return None
        words = f"the submodule {path} is not at its recorded commit"
        return Cause(words, outer, _UPDATE, (path,))

    @cached_property
    def _recorded(self) -> tuple[Path, str, str] | None:
        """For a submodule: the repository it is in, its path there, and the commit that is recorded for it."""
        outer = find_git(self._top.parent)
        if outer is None:
            return None
        path = os.path.relpath(self._top, outer[0]).replace(os.sep, "/")
        said = call_git(outer[0], ["ls-files", "--stage", "--", f":(top,literal){path}"])
        mode, _, rest = said.decode("utf-8", "replace").partition(" ")
        return (outer[0], path, rest.split(" ")[0]) if mode == _SUBMODULE else None

    def _without_index(self, paths: Iterable[str | None]) -> dict[str | None, Cause]:
        """For a clone that nothing was checked out of (`--no-checkout`)."""
        wanted = sorted(path for path in paths if path is not None)
        listed = _in_head(self._top, ["--name-only", "HEAD", "--", *wanted])
        cause = Cause("nothing is checked out in this clone", self._top, "checkout HEAD -- PATHS")
        return dict.fromkeys((name for name in os.fsdecode(listed).split("\0") if name), cause)

    def _path(self, full: str | Path) -> str | None:
        """From the repository's root; None for what is not in it."""
        path = os.path.relpath(full, self._top).replace(os.sep, "/")
        return None if path.split("/")[0] == ".." else path

    def _entries(self, paths: Iterable[str | None]) -> dict[str | None, _Entry]:
        asked = sorted(path for path in paths if path not in (None, "."))
        entries: dict[str | None, _Entry] = {}
        for start in range(0, len(asked), _AT_ONCE):
            some = [f":(top,literal){path}" for path in asked[start : start + _AT_ONCE]]
            listed = call_git(self._top, ["ls-files", "-z", "-v", "--stage", "--full-name", "--", *some])
            for line in os.fsdecode(listed).split("\0"):
                about, _, path = line.partition("\t")
                if path:
                    tag, mode, blob, _ = about.split(" ")
                    entries[path] = _Entry(tag, mode, blob)
        return entries

    def _absent_blobs(self, blobs: Iterable[str]) -> frozenset[str]:
        """Those that the clone does not have; a partial one would fetch them."""
        asked = "".join(f"{blob}\n" for blob in sorted(blobs)).encode()
        if not asked:
            return frozenset()
        offline = ["-c", "protocol.allow=never", "cat-file", "--batch-check"]
        said = call_git(self._top, offline, stdin=asked).decode("ascii", "replace")
        return frozenset(line.split(" ")[0] for line in said.splitlines() if line.endswith(" missing"))

    def _is_sparse(self) -> bool:
        try:
            said = call_git(self._top, ["config", "--type=bool", "--get", "core.sparseCheckout"])
        except GitFailed:
            return False
        return said.strip() == b"true"


def _says(root: Path, question: Sequence[str]) -> bool:
    try:
        call_git(root, ["-c", "protocol.allow=never", *question])
    except GitFailed:
        return False
    return True


def _place(root: Path, name: str) -> _Place | None:
    """None where there is such a file."""
    if os.path.exists(root / name):
        return None
    folder = root
    for part in name.split("/"):
        there = folder / part
        if not os.path.isdir(there):
            return _Place(name, folder, there, real_path(str(root / name)) or str(root / name))
        folder = Path(os.path.realpath(there))
    return None


def _is_empty(folder: Path) -> bool:
    with os.scandir(folder) as entries:
        return next(entries, None) is None


def _has_index(root: Path) -> bool:
    found = find_git(root)
    return found is not None and (found[1] / "index").exists()


def _in_head(root: Path, arguments: Sequence[str]) -> bytes:
    """Files of the commit that is checked out; none before the first one."""
    try:
        return call_git(root, ["--literal-pathspecs", "ls-tree", "-r", "-z", *arguments])
    except GitFailed:
        return b""


def _several(keys: Sequence[str], files: str = "the engine file") -> str:
    more = f" and {len(keys) - _SHOWN:,} more" if len(keys) > _SHOWN else ""
    return f"{files}{'s' if len(keys) > 1 else ''} of {', '.join(keys[:_SHOWN])}{more}"


def _diagnostic(what: str, cause: Cause, root: Path, files: Sequence[str], key: str | None) -> Diagnostic:
    full = [str(root / file) for file in files]
    paths = cause.paths or (full if len(full) <= _SHOWN else [os.path.commonpath(full)])
    command = f"run `{cause.first}{git_command(cause.top, cause.steps, paths)}`"
    hint = f"{cause.advice or command}, then plan again"
    return Diagnostic(f"{what} not checked out: {cause.words}", files[0], hint=hint, key=key)


def _finding(cause: Cause, root: Path, files: Mapping[str, str]) -> Diagnostic:
    keys = list(files)
    sources = not all(name.endswith(_SUFFIXES) for name in files.values())
    what = _several(
        keys, "a source" if sources and len(keys) == 1 else "the file" if sources else "the engine file"
    )
    if len(keys) == 1:
        return _diagnostic(f"{what} is", cause, root, list(files.values()), keys[0])
    return _diagnostic(f"{what} are", cause, root, list(files.values()), None)


def _untold(keys: Sequence[str], error: GitError) -> Diagnostic:
    message = f"git cannot determine the state of {_several(keys)}: {error.message}"
    return Diagnostic(
        message, hint=error.hint or f"run `{git('status')}`, fix what it reports, then plan again"
    )
