"""Which engines the outputs of a project name right now, whatever the lockfile says: an application may read an old ID
there, since a pull request waits, or somebody put it back.

What stands in such a file is not looked at as JSON or YAML: an ID anywhere in it counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping

from reconciler.core.lockfile.entry import Entry
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.patterns import lazy_pattern

Read = Callable[[str], bytes | None]  # a file's content; None where there is no such file

_ID = lazy_pattern(r"[A-Za-z0-9_-]{1,128}", re.ASCII)


def files_named_by(lockfile: Lockfile) -> set[str]:
    """The outputs that a lockfile keeps, also those of retired engines. Raises `LockfileError`."""
    entries: list[Entry | None] = [
        lockfile.entry(key) for key, one in lockfile.engines.items() if "outputs" in one
    ]
    for key, some in lockfile.retired.items():
        if any("outputs" in one for one in some):
            entries += [retired.entry for retired in lockfile.retired_of(key)]
    return {output.file for entry in entries if entry is not None for output in entry.kept.outputs}


def named_in(
    files: Iterable[str], read: Read, engines: Collection[str], where: str = ""
) -> Mapping[str, str]:
    """Those of the engines that stand in one of the files, with the reason why each stays."""
    found: dict[str, str] = {}
    for file in sorted(files):
        content = read(file)
        if content:
            tokens = set(_ID.findall(content.decode("utf-8", "replace")))
            found = dict.fromkeys(tokens.intersection(engines), f"{file}{where} has it") | found
    return found
