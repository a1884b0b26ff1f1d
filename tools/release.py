"""Cuts a release from CHANGELOG.md, and checks that tag, version and changelog agree.

    python tools/release.py cut 0.3.0 2026-12-24   # CHANGELOG.md and the version, ready to commit
    python tools/release.py check v0.3.0 acme/reconcile
    python tools/release.py notes v0.3.0           # what the release says, as Markdown
    git tag --list | python tools/release.py moving v0.3.0   # v0, or nothing where a newer release has it

A tag is pushed by hand, and everything after it happens by itself (.github/workflows/release.yml): so what could be
wrong with it is found before anything is built.
"""

from __future__ import annotations

import datetime
import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", re.ASCII)
_TAG = re.compile(rf"v(?P<version>{_VERSION.pattern})", re.ASCII)
_SECTION = re.compile(r"^## \[(?P<name>[^\]]+)\](?: - (?P<date>\S+))?$", re.MULTILINE)
_UNRELEASED = "Unreleased"
_LITERAL = re.compile(r'^__version__ = "([^"]*)"$', re.MULTILINE)


class Wrong(Exception):
    """Something that a person has to put right; it is printed as it is."""


def version_of(tag: str) -> str:
    """`v0.2.0` → `0.2.0`."""
    found = _TAG.fullmatch(tag)
    if found is None:
        raise Wrong(f"{tag} is not a release's tag; write one such as v0.2.0")
    return found["version"]


def sections(changelog: str) -> dict[str, tuple[str | None, str]]:
    """Date and text by name, in the order of the file."""
    heads = list(_SECTION.finditer(changelog))
    ends = [head.start() for head in heads[1:]] + [len(changelog)]
    return {
        head["name"]: (head["date"], changelog[head.end() : end].strip())
        for head, end in zip(heads, ends, strict=True)
    }


def notes(changelog: str, tag: str) -> str:
    """The section of a release, as the release on GitHub shows it."""
    version = version_of(tag)
    found = sections(changelog).get(version)
    if found is None:
        raise Wrong(
            f"CHANGELOG.md has no section [{version}]; run `python tools/release.py cut {version} DATE`"
        )
    if not re.search(r"^- \S", found[1], re.MULTILINE):
        raise Wrong(f"CHANGELOG.md: section [{version}] has no entry")
    return found[1] + "\n"


def cut(changelog: str, package: str, version: str, date: str) -> tuple[str, str]:
    """CHANGELOG.md and reconciler/__init__.py with what is unreleased as `version`."""
    if not _VERSION.fullmatch(version):
        raise Wrong(f"{version} is not a version; write one such as 0.2.0")
    _check_date(date)
    names = sections(changelog)
    if next(iter(names), None) != _UNRELEASED or not re.search(r"^- \S", names[_UNRELEASED][1], re.MULTILINE):
        raise Wrong("CHANGELOG.md has nothing under [Unreleased]")
    newest = max((name for name in names if _VERSION.fullmatch(name)), key=_ordered, default=None)
    if newest is not None and _ordered(version) <= _ordered(newest):
        raise Wrong(f"{version} does not follow {newest}")
    literal = _LITERAL.search(package)
    if literal is None:
        raise Wrong('reconciler/__init__.py has no line `__version__ = "…"`')
    if _VERSION.fullmatch(literal[1]) and _ordered(version) < _ordered(literal[1]):
        raise Wrong(f"{version} is older than {literal[1]} in reconciler/__init__.py")
    head = f"## [{_UNRELEASED}]\n"
    released = changelog.replace(head, f"{head}\n## [{version}] - {date}\n", 1)
    return released, _LITERAL.sub(f'__version__ = "{version}"', package)


def check(root: Path, tag: str, repository: str) -> list[str]:
    """What does not agree, in words."""
    version = version_of(tag)
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    literal = _LITERAL.search((root / "reconciler/__init__.py").read_text(encoding="utf-8"))
    wrong = []
    if literal is None or literal[1] != version:
        wrong.append(f"reconciler/__init__.py says {literal[1] if literal else 'nothing'}, the tag {version}")
    try:
        notes(changelog, tag)
        _check_date(sections(changelog)[version][0] or "")
    except Wrong as error:
        wrong.append(str(error))
    released = [name for name in sections(changelog) if name != _UNRELEASED]
    if released and released[0] != version:
        wrong.append(f"the newest section of CHANGELOG.md is [{released[0]}]")
    urls = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"].get("urls", {})
    home = f"https://github.com/{repository}"
    strange = sorted(name for name, url in urls.items() if name != "Documentation" and not _under(url, home))
    if strange:
        wrong.append(f"pyproject.toml: {', '.join(strange)} in [project.urls] must be under {home}")
    return wrong


def moving(tag: str, tags: Iterable[str]) -> str:
    """The tag that follows the newest release of a major version, or nothing where a newer one has it."""
    version = _ordered(version_of(tag))
    found = (_TAG.fullmatch(one.strip()) for one in tags)
    others = [_ordered(one["version"]) for one in found if one is not None]
    newest = max((one for one in others if one[0] == version[0]), default=version)
    return f"v{version[0]}" if version >= newest else ""


def _under(url: str, home: str) -> bool:
    return url == home or url.startswith((home + "/", home + "#"))


def _ordered(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _check_date(date: str) -> None:
    try:
        read = datetime.date.fromisoformat(date)
    except ValueError:
        read = None
    if read is None or str(read) != date:  # Python takes 20261129 and 2026-W48-7, too
        raise Wrong(f"`{date}` is not a date; write one such as 2026-11-29")


def main(arguments: list[str]) -> int:
    changelog, package = _ROOT / "CHANGELOG.md", _ROOT / "reconciler/__init__.py"
    try:
        match arguments:
            case ["cut", version, date]:
                texts = (file.read_text(encoding="utf-8") for file in (changelog, package))
                for file, text in zip((changelog, package), cut(*texts, version, date), strict=True):
                    file.write_text(text, encoding="utf-8")
            case ["check", tag, repository]:
                if wrong := check(_ROOT, tag, repository):
                    raise Wrong("\n".join(wrong))
            case ["notes", tag]:
                print(notes(changelog.read_text(encoding="utf-8"), tag), end="")
            case ["moving", tag]:
                print(moving(tag, sys.stdin))
            case _:
                raise Wrong(__doc__.split("\n\n")[1])
    except Wrong as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
