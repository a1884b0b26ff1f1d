"""Writes engine IDs to the places that engine files ask for: in the work tree, and into what a commit will hold.

What cannot be done is told and left: the lockfile has the ID, and an application's broken file must not keep it from
being recorded.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.adapters.project.nested import project_inside
from reconciler.adapters.project.safe_read import FileRefused, SafeFiles
from reconciler.adapters.storage.durable_files import replace_file
from reconciler.adapters.storage.lockfile_store import LockfileFile
from reconciler.core.errors import ReconcileError
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.outputs.env_file import put_into_env
from reconciler.core.outputs.json_file import put_into_json
from reconciler.core.outputs.places import OutputRefused, Write, place_of, writes_of
from reconciler.core.outputs.rules import DEFAULT_RULES, OutputRules

_REFUSALS = {
    "outside": "it leads out of the project",
    "not a file": "it is not a regular file",
    "too large": "it is larger than 1 MiB",
    "unreadable": "it cannot be read",
    "not a folder": "its folder is a file or a link",
}


@dataclass(slots=True)
class Edits:
    """New contents by file, for those that change, through which writes, and what could not be done, in sentences."""

    files: dict[str, bytes] = field(default_factory=dict)
    writes: list[Write] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def wanted_files(lockfile: Lockfile, rules: OutputRules = DEFAULT_RULES) -> list[str]:
    """The files that engines' IDs belong into, from the project's root. Cheap where there is none."""
    return sorted(writes_of(lockfile, rules)[0])


def edits_for(
    lockfile: Lockfile, contents: Mapping[str, bytes | None], rules: OutputRules = DEFAULT_RULES
) -> Edits:
    """What has to change in these files; one that is None is not there yet. Others are not looked at."""
    files, problems = writes_of(lockfile, rules)
    edits = Edits(problems=problems)
    for file, writes in files.items():
        if file in contents:
            _edit(file, contents[file], writes, edits)
    return edits


def _edit(file: str, before: bytes | None, writes: list[Write], edits: Edits) -> None:
    content = before
    for write in writes:
        try:
            put = _put(file, content, write)
        except OutputRefused as error:
            hint = f" ({error.hint})" if error.hint else ""
            edits.problems.append(
                f"{place_of(write.output)} of `{write.key}` is not written: {error.message}{hint}"
            )
            continue
        if put != content:
            edits.writes.append(write)
        content = put
    if content is not None and content != before:
        edits.files[file] = content


def _put(file: str, content: bytes | None, write: Write) -> bytes:
    if write.output.pointer is None:
        return put_into_env(content, write.output.key or "", write.engine_id)
    if file.endswith(".json"):
        return put_into_json(content, write.output.pointer, write.engine_id)
    from reconciler.adapters.outputs.yaml_file import put_into_yaml  # ruamel.yaml, for YAML only

    return put_into_yaml(content, write.output.pointer, write.engine_id)


class OutputFiles:
    """The outputs in the work tree of the project at `root`."""

    def __init__(self, root: Path, rules: OutputRules = DEFAULT_RULES) -> None:
        self._root = root
        self._rules = rules
        self._files = SafeFiles(str(root))

    def edits(self, lockfile: Lockfile) -> tuple[dict[str, bytes], list[str]]:
        """What they are to become, for those that change, and what cannot be done. Raises `LockfileError`."""
        edits = self._edits(lockfile)
        return edits.files, edits.problems

    def behind(self, lockfile: Lockfile) -> tuple[list[Write], list[str]]:
        """The places that do not have their engine's ID, and what cannot be done. Raises `LockfileError`."""
        edits = self._edits(lockfile)
        return edits.writes, edits.problems

    def _edits(self, lockfile: Lockfile) -> Edits:
        contents: dict[str, bytes | None] = {}
        problems = []
        for file in wanted_files(lockfile, self._rules):
            if (other := project_inside(self._root, file)) is not None:
                problems.append(f"{file} is not written: it belongs to another project, in {other}")
                continue
            try:
                contents[file] = self._read(file)
            except FileRefused as refused:
                problems.append(f"{file} is not written: {_REFUSALS.get(refused.reason, refused.reason)}")
        edits = edits_for(lockfile, contents, self._rules)
        edits.problems[:0] = problems
        return edits

    def write(self, lockfile: Lockfile) -> list[str]:
        """Brings them all up to date, and says what could not be done. Raises `LockfileError` for a broken entry."""
        files, problems = self.edits(lockfile)
        for file, content in files.items():
            problems += self._replace(file, content)
        return problems

    def _read(self, file: str) -> bytes | None:
        if not self._files.inside(file):
            raise FileRefused("outside")
        if self._files.detour(file) is not None:
            raise FileRefused("not a folder")
        try:
            return self._files.read(file)
        except FileRefused as refused:
            if refused.reason != "missing" or os.path.lexists(self._root / file):
                raise
            return None

    def _replace(self, file: str, content: bytes) -> list[str]:
        path = self._root / file
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, content, file)
        except ReconcileError as error:
            return [f"{file} is not written: {error.message}"]
        except OSError as error:
            return [f"{file} is not written: {error.strerror or error}"]
        return []


class LockfileAndOutputs(LockfileFile):
    """The lockfile for those who write it: the outputs go with it. `problems` is what could not be done for them."""

    def __init__(self, root: Path, path: str, rules: OutputRules, *, note: Path | None = None) -> None:
        super().__init__(root, path, note=note)
        self.problems: list[str] = []
        self._outputs = OutputFiles(root, rules)

    def write(self, lockfile: Lockfile) -> None:
        """See the port. Outputs come first: a run that is killed in between finds the lockfile as it was, and does both
        again.
        """
        self.problems += self._outputs.write(lockfile)
        super().write(lockfile)
