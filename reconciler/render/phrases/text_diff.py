"""A unified diff of two texts, bounded in time and size.

What does not count for an engine (trailing blanks, line ends, Unicode normal form) is not shown as a
difference. A common beginning and end are set aside before difflib is asked, and two texts that differ in
more lines than it can compare quickly are only counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Literal, NamedTuple

from reconciler.core.engine.spec import meaning_of_text
from reconciler.render.phrases.sanitize import sanitize, shorten, shorten_pair
from reconciler.render.phrases.words import counted

CONTEXT = 3
_COMPARABLE = 1_000  # lines; difflib's worst case at this size stays around a second


class DiffLine(NamedTuple):
    """One line of a diff. `@` opens a hunk; `text` is harmless already and has no mark in front."""

    mark: Literal["@", " ", "-", "+"]
    text: str


def diff_lines(old: str, new: str, *, limit: int, ellipsis: str = "…") -> list[DiffLine]:
    """The differences of two texts, with three lines of context; lines over `limit` characters are cut."""
    before, after = meaning_of_text(old).split("\n"), meaning_of_text(new).split("\n")
    head, tail = _common_ends(before, after)
    gone, come = len(before) - head - tail, len(after) - head - tail
    if gone > _COMPARABLE or come > _COMPARABLE:
        sizes = f"{counted(gone, 'line')} removed, {counted(come, 'line')} added"
        return [DiffLine("@", f"@@ from line {head + 1}: {sizes} @@")]
    first = max(0, head - CONTEXT)
    keep = max(0, tail - CONTEXT)
    lines: list[DiffLine] = []
    for hunk in _hunks(before[first : len(before) - keep], after[first : len(after) - keep]):
        lines += _hunk_lines(hunk, before, after, first, limit, ellipsis)
    return lines


Opcode = tuple[str, int, int, int, int]


def _common_ends(before: list[str], after: list[str]) -> tuple[int, int]:
    """How many lines are equal at the beginning, and how many of the rest at the end."""
    most = min(len(before), len(after))
    head = next((index for index in range(most) if before[index] != after[index]), most)
    most -= head
    tail = next((index for index in range(most) if before[-1 - index] != after[-1 - index]), most)
    return head, tail


def _hunks(before: list[str], after: list[str]) -> Iterator[list[Opcode]]:
    from difflib import SequenceMatcher

    return iter(SequenceMatcher(None, before, after).get_grouped_opcodes(CONTEXT))


def _hunk_lines(
    hunk: list[Opcode], before: list[str], after: list[str], first: int, limit: int, ellipsis: str
) -> Iterator[DiffLine]:
    start, end = hunk[0], hunk[-1]
    ranges = f"-{_range(start[1], end[2], first)} +{_range(start[3], end[4], first)}"
    yield DiffLine("@", f"@@ {ranges} @@")
    for tag, old_from, old_to, new_from, new_to in hunk:
        old = before[first + old_from : first + old_to]
        new = after[first + new_from : first + new_to]
        if tag == "equal":
            yield from (DiffLine(" ", sanitize(shorten(line, limit, ellipsis))) for line in old)
            continue
        pairs = [_pair(one, other, limit, ellipsis) for one, other in zip_longest(old, new)]
        yield from (DiffLine("-", line) for line, _ in pairs[: len(old)])
        yield from (DiffLine("+", line) for _, line in pairs[: len(new)])


def _pair(old: str | None, new: str | None, limit: int, ellipsis: str) -> tuple[str, str]:
    one, other = shorten_pair(old or "", new or "", limit, ellipsis)
    return sanitize(one), sanitize(other)


def _range(start: int, end: int, first: int) -> str:
    length = end - start
    begin = first + start + (1 if length else 0)  # an empty range names the line before it, as in diff(1)
    return str(begin) if length == 1 else f"{begin},{length}"
