"""The workflows and pipelines that `reconcile init --ci` starts from, and the files that it makes of them.

The templates are this repository's own workflows and the pipeline of docs/ci, so they are what is tested and
documented; a wheel carries a copy of each (tools/commit_hook.py). A new `engines-*.yml` is a new template.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from reconciler.adapters.storage.durable_files import mapped, read_regular, replace_file
from reconciler.core.ci_files import State, marked, renewed, state_of
from reconciler.core.errors import StorageError
from reconciler.core.frozen import dataclass

GITHUB, GITLAB = "github", "gitlab"
WORKFLOWS = ".github/workflows"
PIPELINES, INCLUDING = "ci/engines*.yml", ".gitlab-ci.yml"  # one for each environment
_PACKAGE = Path(__file__).parents[2]
_VARIANTS = frozenset({"engines-apply-pr.yml"})  # `publish: pr` makes it of engines-apply.yml


@dataclass(frozen=True, slots=True)
class CiFile:
    """One file: where it goes in the repository, what it is to hold, what stands there, and whose that is."""

    path: str
    text: str
    before: bytes | None
    state: State

    @property
    def is_current(self) -> bool:
        return self.before is not None and self.before.replace(b"\r\n", b"\n") == self.text.encode()


def templates(system: str, package: Path = _PACKAGE) -> dict[str, str]:
    """Their texts by name. Raises `StorageError` where this installation has none."""
    folder = package / "ci_templates" / system
    if not folder.is_dir():  # a clone: there they are where they are used
        folder = package.parent / (WORKFLOWS if system == GITHUB else "docs/ci")
    pattern = "engines-*.yml" if system == GITHUB else "gitlab-ci.yml"
    found = {file.name: file.read_text(encoding="utf-8") for file in sorted(folder.glob(pattern))}
    if not found:
        raise StorageError(
            "this installation of reconcile lacks the workflows", hint="install it from a wheel or a clone"
        )
    return {name: text for name, text in found.items() if name not in _VARIANTS}


def look_at(top: Path, texts: Mapping[str, str], system: str) -> list[CiFile]:
    """What is to be done about each of these files of the repository at `top`. Nothing is written. Raises
    `StorageError` where one cannot be, or would be elsewhere.
    """
    return [_look_at(top, path, text, system) for path, text in texts.items()]


def _look_at(top: Path, path: str, text: str, system: str) -> CiFile:
    target = top / path
    for folder in (target, *target.parents):
        if folder == top:
            break
        if os.path.islink(folder):  # git has the link, and what it leads to may be anywhere
            name = folder.relative_to(top).as_posix()
            raise StorageError(
                f"{name} is a link, so {path} is not written", hint=f"replace {name} by what it is"
            )
        if folder != target and os.path.lexists(folder) and not folder.is_dir():
            name = folder.relative_to(top).as_posix()
            raise StorageError(
                f"{name} is not a folder, so {path} cannot be written", hint=f"move {name} out of the way"
            )
    before = read_regular(target, path)
    state = state_of(before)
    fresh = text if before is None or state is State.FOREIGN else renewed(text, before)
    return CiFile(path, marked(fresh, system), before, state)


def write(top: Path, file: CiFile) -> None:
    """Raises `StorageError`."""
    target = top / file.path
    with mapped("write", file.path):
        target.parent.mkdir(parents=True, exist_ok=True)
    crlf = file.before is not None and b"\r\n" in file.before
    content = file.text.replace("\n", "\r\n") if crlf else file.text
    replace_file(target, content.encode(), file.path)
