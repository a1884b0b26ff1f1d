"""Puts into a wheel what stands elsewhere in a clone: the commit it is built from, so that `reconcile --version` can
say it, the workflows that `reconcile init --ci` writes, and the manual pages, where what makes them is installed.

The commit only where the sources are a clone: in an archive nothing says which commit it is of. An editable
installation runs from its clone, which says so itself and has the workflows.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CommitHook(BuildHookInterface):  # type: ignore[type-arg]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version != "editable":
            build_data["force_include"] |= _templates(Path(self.root))
        self._folder = tempfile.TemporaryDirectory()
        if version != "editable":
            build_data["shared_data"] |= _manual(Path(self.root), Path(self._folder.name, "man"))
        commit = None if version == "editable" else _commit_of(Path(self.root))
        if commit is not None:
            file = Path(self._folder.name, "commit.txt")
            file.write_text(commit + "\n", encoding="ascii")
            build_data["force_include"][str(file)] = "reconciler/commit.txt"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        self._folder.cleanup()


def _templates(root: Path) -> dict[str, str]:
    """As reconciler/adapters/project/ci_files.py looks for them. Raises where the sources lack them."""
    workflows = sorted((root / ".github" / "workflows").glob("engines-*.yml"))
    pipeline = root / "docs" / "ci" / "gitlab-ci.yml"
    if not workflows or not pipeline.is_file():
        raise FileNotFoundError(f"{root} lacks .github/workflows/engines-*.yml or docs/ci/gitlab-ci.yml")
    found = {str(file): f"reconciler/ci_templates/github/{file.name}" for file in workflows}
    return found | {str(pipeline): "reconciler/ci_templates/gitlab/gitlab-ci.yml"}


def _manual(root: Path, made: Path) -> dict[str, str]:
    """The pages of an sdist, or new ones. Where they cannot be made, because the command's dependencies are missing or
    are other ones, there are none: an installation from a clone must not fail for a thing that is not needed.
    """
    folder, maker = root / "man", root / "tools" / "man_pages.py"
    if not folder.is_dir() and maker.is_file():
        command = [sys.executable, str(maker), str(made)]
        try:
            subprocess.run(command, capture_output=True, check=True, timeout=120)  # noqa: S603
        except (OSError, subprocess.SubprocessError):
            return {}
        folder = made
    return {str(page): f"share/man/man1/{page.name}" for page in sorted(folder.glob("*.1"))}


def _commit_of(root: Path) -> str | None:
    git_folder = root / ".git"
    if not git_folder.exists():
        return None
    command = ["git", f"--git-dir={git_folder}", "rev-parse", "--verify", "HEAD"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, check=True, timeout=30)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None  # without git, or without a commit, the wheel names none
    return done.stdout.decode("ascii", "replace").strip() or None
