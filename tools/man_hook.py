"""Puts the manual pages into an sdist, made from the commands of its sources (man_pages.py)."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ManHook(BuildHookInterface):  # type: ignore[type-arg]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if Path(self.root, "man").is_dir():  # an sdist of an unpacked sdist
            build_data["force_include"][str(Path(self.root, "man"))] = "man"
            return
        self._folder = tempfile.TemporaryDirectory()
        command = [sys.executable, str(Path(self.root, "tools", "man_pages.py")), self._folder.name]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=120)  # noqa: S603
        build_data["force_include"][self._folder.name] = "man"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if hasattr(self, "_folder"):
            self._folder.cleanup()
