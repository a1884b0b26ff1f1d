"""The projects of one repository as values: which there are, how they are chosen, and a CI system's jobs for them.

A folder's name comes from whoever opens a pull request, and a job's matrix is where it gets close to workflows, shells
and GitLab's variables. So a name that means something to any of them makes no job: its project is reported instead.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from reconciler.core.errors import Diagnostic, ReconcileError, UsageError
from reconciler.core.frozen import dataclass
from reconciler.core.patterns import lazy_pattern

MOST_JOBS = 256  # of one matrix on GitHub
MOST_GITLAB_JOBS = 200  # of one `parallel:matrix`
_KEY = "LINGO_API_KEY"
_LONGEST = 400  # bytes of a folder's path in a job
_ACTIVE = frozenset("`$\"'\\;&|<>{}*?!\u007f")
_JOINED = frozenset("\u200c\u200d\ufe0f")  # within emoji and scripts that need them
_PART = lazy_pattern(r"([1-9][0-9]{0,2})/([1-9][0-9]{0,2})")
_GLOB = lazy_pattern(r"\*\*/|\*\*|\*|\?|\[[^\]/]+\]|.", re.DOTALL)
# Folders that hold what others wrote, by the names that package managers and habits gave them.
_VENDORED = frozenset(
    (
        "node_modules",
        "bower_components",
        "vendor",
        "vendored",
        "third_party",
        "third-party",
        "site-packages",
        "Pods",
    )
)


class Skipped(NamedTuple):
    """A project that was seen and is not one of ours to run."""

    folder: str
    reason: str


@dataclass(frozen=True, slots=True)
class Listed:
    """One project: `folder` from the repository's root, `.` for the root itself. `keys` are the variables that have the
    API key of each environment. `changed` are the paths, from the root, by which a diff touches it; None where nobody
    asked. With an `error` its settings cannot be used.
    """

    folder: str
    environments: tuple[str, ...] = ()
    lockfiles: Mapping[str, str] | None = None
    keys: Mapping[str, str] | None = None
    changed: tuple[str, ...] | None = None
    error: ReconcileError | None = None


@dataclass(frozen=True, slots=True)
class ProjectList:
    """All that was found. `removed` are folders that held a project where the diff began."""

    projects: tuple[Listed, ...] = ()
    removed: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()


def from_top(folder: str, findings: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Findings about a project, with its files named from the repository's root."""
    prefix = "" if folder == "." else f"{folder}/"
    return [one if one.file is None else one._replace(file=prefix + one.file) for one in findings]


class Job(NamedTuple):
    """What a CI system starts; `key_variable` is where its API key is expected."""

    project: str
    environment: str
    key_variable: str = _KEY


def jobs_of(projects: Iterable[Listed]) -> tuple[list[Job], list[Skipped]]:
    """A job for each environment of each project, and the projects whose names may not stand in one.

    CI systems tell neither jobs that wait for each other nor environments apart by case: of two such jobs that wait,
    one would be dropped.
    """
    jobs: list[Job] = []
    refused: list[Skipped] = []
    first: dict[str, str] = {}
    for one in projects:
        reason = refusal_in_jobs(one.folder)
        other = first.setdefault(one.folder.casefold(), one.folder)
        if reason is None and other != one.folder:
            reason = f"differs only in case from {other}"
        if reason is not None:
            refused.append(Skipped(one.folder, reason))
        elif one.error is None:
            keys = one.keys or {}
            jobs += [Job(one.folder, name, keys.get(name, _KEY)) for name in one.environments]
    return jobs, refused


def refusal_in_jobs(folder: str) -> str | None:
    """Why a folder's name may not stand in a job's matrix, as the end of a sentence."""
    if len(folder.encode("utf-8", "surrogateescape")) > _LONGEST:
        return f"is longer than {_LONGEST} bytes"
    if any(part.startswith(("-", "~")) or part != part.strip() for part in folder.split("/")):
        return "has a part that begins with `-` or `~`, or has blanks around it"
    if "::" in folder or "##" in folder:
        return "has signs that a build log reads as a command"
    active = next((char for char in folder if char in _ACTIVE), None)
    if active is not None:
        return f"has the sign {active}, which shells and workflows read"
    if any(not char.isprintable() and char not in _JOINED for char in folder) or _hides(folder):
        return "has characters that cannot be seen"
    return None


def _hides(folder: str) -> bool:
    return any(unicodedata.category(char) in ("Cf", "Zl", "Zp") and char not in _JOINED for char in folder)


def part_of(jobs: Sequence[Job], part: str | None, most: int) -> list[Job]:
    """The jobs of one part, `2/3`, or all of them. Raises `UsageError` for more than `most`, or a part that is none."""
    number, parts = _numbers(part)
    chosen = list(jobs[number - 1 :: parts])
    if len(chosen) <= most:
        return chosen
    needed = -(-len(jobs) // most)
    raise UsageError(
        f"{len(chosen):,} jobs are too many for one matrix, which takes {most}",
        hint=f"make {needed} matrices, with `--part 1/{needed}` to `--part {needed}/{needed}`",
    )


def _numbers(part: str | None) -> tuple[int, int]:
    if part is None:
        return 1, 1
    found = _PART.fullmatch(part)
    if found is None or int(found[1]) > int(found[2]):
        raise UsageError("--part: write it like 1/2, the first of two")
    return int(found[1]), int(found[2])


def is_vendored(folder: str) -> bool:
    """Whether others wrote what is in there, as far as a name tells. Hidden folders are those of tools."""
    return any(part in _VENDORED or (part.startswith(".") and part != ".") for part in folder.split("/"))


def tidied(glob: str) -> str:
    """A pattern of project folders without `./` and a final `/`. Raises `UsageError` for one that leads out."""
    plain = re.sub(r"/{2,}", "/", glob)
    while plain.startswith("./"):
        plain = plain[2:]
    plain = plain.rstrip("/") if glob.rstrip("/") else glob
    if not plain or plain.startswith("/") or ".." in plain.split("/") or not plain.isprintable():
        raise UsageError(
            "--projects: a pattern is a path from the repository's root, without `..`",
            hint="write it like `apps/*`, `apps/**` or `.`",
        )
    return plain


def chosen_by(folder: str, globs: Sequence[str]) -> bool:
    """Whether one of the tidied patterns is the folder, or matches it. `*` stays in a folder, `**` does not."""
    return any(folder == glob or _expression(glob).fullmatch(folder) is not None for glob in globs)


@lru_cache(maxsize=64)
def _expression(glob: str) -> re.Pattern[str]:
    return re.compile("".join(map(_token, _GLOB.findall(glob))), re.DOTALL)


def _token(token: str) -> str:
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(token)
    if known is not None:
        return known
    if len(token) > 2:
        inside = token[1:-1]
        negated = inside.startswith("!")
        signs = re.escape(inside[negated:]).replace(r"\-", "-")
        return f"[{'^' * negated}{signs}]" if signs else re.escape(token)
    return re.escape(token)


def touches(changed: Iterable[str], files: Iterable[str], folders: Iterable[str]) -> list[str]:
    """Which of the changed paths are one of the files or lie in one of the folders. A changed path may be a submodule,
    or a link that was a folder: then it holds what lies below it.
    """
    exact, inside = set(files), tuple(f"{folder}/" for folder in folders)
    wanted = [*exact, *inside]
    return [
        path
        for path in changed
        if path in exact or path.startswith(inside) or any(one.startswith(f"{path}/") for one in wanted)
    ]
