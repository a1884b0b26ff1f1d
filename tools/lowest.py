"""Prints every direct dependency in the lowest release that pyproject.toml allows, for `make lowest`.

What only tests use is in the release of constraints.txt, and what comes along is left to the installer. Linters stay
out, and so does the far end of MCP, whose tests are skipped without it: they ask for newer releases of what we use than
we do.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_LEFT_OUT = frozenset({"import-linter", "mcp", "mypy", "ruff", "types-jsonschema", "zizmor"})
_BOUND = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?>=([0-9.]+)")


def lowest() -> dict[str, str]:
    """Names and releases."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    needed = [*project["dependencies"], *(one for name in extras if name != "dev" for one in extras[name])]
    pinned = _pinned(extras["dev"])
    return {name: pinned[name] for name in pinned.keys() - _LEFT_OUT} | _bounds(needed)


def _bounds(requirements: Iterable[str]) -> dict[str, str]:
    return dict(found.group(1, 2) for one in requirements if (found := _BOUND.match(one)))


def _pinned(requirements: Iterable[str]) -> dict[str, str]:
    lines = (_ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = {
        name.lower().replace("_", "-"): release
        for name, _, release in (line.partition("==") for line in lines)
    }
    return {name: pins[name.lower().replace("_", "-")] for name in _bounds(requirements)}


if __name__ == "__main__":
    print("\n".join(f"{name}=={release}" for name, release in sorted(lowest().items())))
