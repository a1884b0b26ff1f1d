"""Path filters of GitHub workflows: which files start one, and which filters a set of files needs.

The language is GitHub's own ("Filter pattern cheat sheet" in its documentation): `*` stays in a folder, `**` does
not, `?` and `+` repeat the character before them, and of several patterns that match the last one counts.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from functools import cache

from reconciler.core.patterns import lazy_pattern

_TOKEN = lazy_pattern(r"\*\*/|\*\*|\*|\[[^\]]*\]|\\.|.", re.DOTALL)
_WILD = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "?", "+": "+"}
_SPECIAL = lazy_pattern(r"[*?+\[\]!\\]")
_NAMED = 3  # files of one folder that are named one by one


def selected(path: str, patterns: Sequence[str]) -> bool:
    """Whether a change of this file gets through `paths:`."""
    through = False
    for pattern in patterns:
        if _expression(pattern.removeprefix("!")).fullmatch(path):
            through = not pattern.startswith("!")
    return through


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(_part(token) for token in _TOKEN.findall(pattern)), re.DOTALL)


def _part(token: str) -> str:
    if token in _WILD:
        return _WILD[token]
    if len(token) > 2:  # a class of characters
        return "[" + re.escape(token[1:-1]).replace(r"\-", "-") + "]"
    return re.escape(token[-1])


def filters_for(paths: Iterable[str], folders: Collection[str]) -> list[str]:
    """Patterns that let every one of these files through: one for each of the `folders`, and for what lies elsewhere
    its name, or its folder where that holds several."""
    inside: set[str] = set()
    elsewhere = defaultdict(list)
    for path in paths:
        folder = next((one for one in folders if path.startswith(one + "/")), None)
        if folder is not None:
            inside.add(folder)
        else:
            elsewhere[path.rpartition("/")[0]].append(path)
    filters = [f"{plain(folder)}/**" for folder in sorted(inside)]
    for folder, files in sorted(elsewhere.items()):
        many = folder and len(files) > _NAMED
        filters += [f"{plain(folder)}/**"] if many else [plain(file) for file in sorted(files)]
    return filters


def plain(path: str) -> str:
    """A path as a pattern: where a sign would mean something, any text of its folder may stand."""
    return _SPECIAL.sub("*", path)
