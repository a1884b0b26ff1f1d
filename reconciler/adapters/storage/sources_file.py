"""The file beside the lockfile that says what engines learned from: replaced in one step, and only ever read whole."""

from __future__ import annotations

from pathlib import Path

from reconciler.adapters.storage.durable_files import read_regular, replace_file
from reconciler.core.sources import state as format_
from reconciler.core.sources.state import SourcesState


class SourcesFile:
    """`path` is relative to `root`, as people know it."""

    def __init__(self, root: Path, path: str) -> None:
        self.path = path
        self._file = root / path

    def read(self) -> SourcesState:
        """Nothing where there is no file. Raises `LockfileError` for one that cannot be read, `StorageError`."""
        content = read_regular(self._file, self.path)
        return format_.EMPTY if content is None else format_.parse(content, self.path)

    def write(self, state: SourcesState) -> bool:
        """Replace it durably where that changes it, and say whether it did. Raises as `read` does."""
        if state == self.read():
            return False
        replace_file(self._file, format_.render(state), self.path)
        return True
