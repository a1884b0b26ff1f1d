"""The project as it was at a commit: implements the port `Base`.

Trees and blobs are read by path, never checked out, and without the network as long as the clone has them; a partial
clone fetches what it left out. A file that is a link here is looked up where the link leads, as it is read here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from reconciler.adapters.engine_files.files import EngineFiles
from reconciler.adapters.git.command import GitFailed, GitTexts, call_git
from reconciler.adapters.project.places import find_git
from reconciler.adapters.project.safe_read import MAX_FILE_BYTES, FileRefused, SafeFiles
from reconciler.core.engine.overlay import ALL, EngineChoice
from reconciler.core.engine.spec import Desired
from reconciler.core.errors import Diagnostic, GitError
from reconciler.core.patterns import lazy_pattern

_PATHS_AT_ONCE = 500  # arguments of one command
_TREE_LINE = lazy_pattern(r"[0-9]{6} blob ([0-9a-f]+)\t(.*)", re.DOTALL)


class GitBase:
    """The project around `root` at `commit`, a full id. `id_length` is that of the repo's object ids."""

    def __init__(
        self,
        root: Path,
        commit: str,
        engines_dir: str = "engines",
        id_length: int = 40,
        choice: EngineChoice = ALL,
    ) -> None:
        found = find_git(root)
        if found is None:
            raise GitError("no git repository here, so no base to compare with")
        self._root = root
        self._top = os.path.realpath(found[0])
        self._commit = commit
        self._id_length = id_length
        self._known: dict[str, str | None] = {}
        self._engines = EngineFiles(root, engines_dir, files=_FilesThen(str(root), self.read), choice=choice)

    def blob_ids(self, paths: Collection[str]) -> Mapping[str, str]:
        """See the port."""
        self._look_up([path for path in paths if path not in self._known])
        return {path: blob for path in paths if (blob := self._known[path]) is not None}

    def load(self, key: str, path: str) -> Desired | list[Diagnostic]:
        """See the port."""
        return self._engines.load(key, path, self._id_length)

    def read(self, path: str) -> bytes | None:
        """See the port."""
        blob = self.blob_ids([path]).get(path)
        if blob is None:
            return None
        found = GitTexts(self._root).read_blobs([blob])
        if blob in found:
            return found[blob]
        return call_git(self._root, ["cat-file", "blob", blob], network=True)

    def _look_up(self, paths: Sequence[str]) -> None:
        places = {path: self._place(path) for path in paths}
        asked = sorted({place for place in places.values() if place is not None})
        found: dict[str, str] = {}
        for start in range(0, len(asked), _PATHS_AT_ONCE):
            found |= dict(_entries(self._list(asked[start : start + _PATHS_AT_ONCE])))
        self._known |= {path: found.get(place) if place else None for path, place in places.items()}

    def _list(self, places: Sequence[str]) -> bytes:
        command = ["--literal-pathspecs", "ls-tree", "-z", "--full-tree", self._commit, "--", *places]
        try:
            return call_git(self._root, command)
        except GitFailed:  # a clone without trees fetches them
            return call_git(self._root, command, network=True)

    def _place(self, path: str) -> str | None:
        """The path in the repository; None for one that leads out of it, or that no tree can have."""
        if "\0" in path:
            return None
        place = os.path.relpath(os.path.realpath(self._root / path), self._top)
        return None if place == "." or place.split(os.sep)[0] == ".." else place.replace(os.sep, "/")


class _FilesThen(SafeFiles):
    """Files of a commit, with the caps that files here have."""

    def __init__(self, root: str, read: Callable[[str], bytes | None]) -> None:
        super().__init__(root)
        self._read_then = read

    def find(self, path: str) -> str:
        return path

    def read(self, path: str) -> bytes:
        content = self._read_then(path)
        if content is None:
            raise FileRefused("missing")
        if len(content) > MAX_FILE_BYTES:
            raise FileRefused("too large")
        return content


def _entries(output: bytes) -> Iterator[tuple[str, str]]:
    for line in os.fsdecode(output).split("\0"):
        found = _TREE_LINE.fullmatch(line)
        if found is not None:
            yield found[2], found[1]
