"""A folder of wheels, packed again from what the tests run with: so that installing can be tried without a network."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution
from pathlib import Path

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)", re.MULTILINE)


def pinned(requirements: str) -> list[str]:
    return [found["name"] for found in _PIN.finditer(requirements)]


def fill(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """The digest of each package's wheel, by the package's name."""
    folder.mkdir()
    return {
        name: hashlib.sha256(_pack(folder, distribution(name)).read_bytes()).hexdigest() for name in names
    }


def _pack(folder: Path, installed: Distribution) -> Path:
    tag = re.findall(r"^Tag: (\S+)$", installed.read_text("WHEEL") or "", re.MULTILINE)[0]
    name = re.sub(r"[-_.]+", "_", installed.metadata["Name"])
    wheel = folder / f"{name}-{installed.version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in installed.files or []:
            if ".." not in file.parts and file.suffix != ".pyc":  # scripts are made by who installs
                archive.write(str(file.locate()), str(file))
    return wheel


def with_digests(requirements: str, digests: dict[str, str]) -> str:
    """The requirements with these files in place of those of a registry; each keeps its release and marker."""
    entries = re.sub(r"\\\n\s*", "", requirements).splitlines()
    kept = [(entry, _PIN.match(entry)) for entry in entries]
    return "\n".join(
        f"{entry.partition(' --hash=')[0]} --hash=sha256:{digests[found['name']]}"
        for entry, found in kept
        if found is not None and found["name"] in digests
    )
