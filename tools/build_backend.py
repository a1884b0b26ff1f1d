"""Builds with the exact releases that constraints.txt names, whoever builds and with whichever installer.

Constraints that an installer is given do not hold for the environment in which it builds, so the newest hatchling of
that day would run there. Here the build says by itself what it needs, and constraints.txt stays the one place that
names releases. It is hatchling that builds; it is imported only once it is there.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

_NEEDED = ("hatchling", "packaging", "pathspec", "pluggy", "trove-classifiers")
_CONSTRAINTS = Path(__file__).resolve().parent.parent / "constraints.txt"


def _pinned(*names: str) -> list[str]:
    lines = _CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    pins = {line.partition("==")[0]: line for line in lines if "==" in line and not line.startswith("#")}
    return [pins[name] for name in names]


def _imported() -> list[str]:
    """What the command needs wherever it runs: its manual pages are made by asking it (man_pages.py)."""
    project = tomllib.loads((_CONSTRAINTS.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [re.split(r"[\[<>=~! ]", one)[0] for one in project["dependencies"] if ";" not in one]


def get_requires_for_build_wheel(config_settings: Any = None) -> list[str]:
    return _pinned(*_NEEDED)


def get_requires_for_build_sdist(config_settings: Any = None) -> list[str]:
    return _pinned(*_NEEDED, *_imported())


def get_requires_for_build_editable(config_settings: Any = None) -> list[str]:
    return _pinned(*_NEEDED, "editables")


def build_wheel(
    wheel_directory: str, config_settings: Any = None, metadata_directory: str | None = None
) -> str:
    from hatchling import build

    return build.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_sdist(sdist_directory: str, config_settings: Any = None) -> str:
    from hatchling import build

    return build.build_sdist(sdist_directory, config_settings)


def build_editable(
    wheel_directory: str, config_settings: Any = None, metadata_directory: str | None = None
) -> str:
    from hatchling import build

    return build.build_editable(wheel_directory, config_settings, metadata_directory)
