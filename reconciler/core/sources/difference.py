"""What changed between two main texts, bounded in size and in time: enough to see whether it matters.

Texts come from the web: everything here is hostile and goes through `render/phrases/sanitize` before it is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.core.digests import sha256
from reconciler.core.frozen import dataclass
from reconciler.core.sources.main_text import normalized

MOST_LINES = 20  # lines of a difference that are kept
LINE_WIDTH = 200  # characters kept of a line, around what changed in it
MOST_MARKS = 400  # paragraphs that marks are kept of
_COMPARED = 1500  # lines that are compared one by one; difflib is quadratic


@dataclass(frozen=True, slots=True)
class TextChange:
    """`lines` in the order of the page: (`-` or `+`, text). `left_out` lines more changed, which are not shown."""

    lines: tuple[tuple[str, str], ...] = ()
    left_out: int = 0

    def __bool__(self) -> bool:
        return bool(self.lines or self.left_out)


def difference(old: str, new: str) -> TextChange:
    """What changed from one main text to another; empty where they have the same digest."""
    before, after = normalized(old).split("\n"), normalized(new).split("\n")
    changes = list(_changes(before, after))
    shown = changes[:MOST_LINES]
    return TextChange(tuple(_narrowed(shown)), len(changes) - len(shown))


def marks_of(text: str) -> tuple[str, ...]:
    """A short mark for each paragraph: kept in place of the text, they still tell later which paragraphs are new."""
    lines = normalized(text).split("\n")
    return tuple(_mark(line) for line in lines[:MOST_MARKS] if line)


def difference_from_marks(marks: Sequence[str], new: str) -> TextChange:
    """The paragraphs that are new since the marks were taken. Those that are gone are only counted, in `left_out`."""
    known = set(marks)
    lines = [line for line in normalized(new).split("\n") if line]
    fresh = [line for line in lines[:MOST_MARKS] if _mark(line) not in known]
    gone = len(known.difference(_mark(line) for line in lines))
    shown = tuple(("+", _cut(line, 0)) for line in fresh[:MOST_LINES])
    return TextChange(shown, len(fresh) - len(shown) + gone)


def _mark(line: str) -> str:
    return sha256(line.encode("utf-8", "surrogatepass"))[:10]


def _changes(before: list[str], after: list[str]) -> Iterator[tuple[str, str]]:
    """Lines that differ. What both begin and end with is set aside first: most changes are small."""
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    if max(len(old), len(new)) > _COMPARED:
        known, kept = set(old), set(new)
        yield from (("-", line) for line in old if line not in kept)
        yield from (("+", line) for line in new if line not in known)
        return
    from difflib import SequenceMatcher

    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            yield from (("-", line) for line in old[a:b] if line)
            yield from (("+", line) for line in new[c:d] if line)


def _narrowed(changes: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """A line that replaces another is cut around the first letter that differs, and so is the one it replaces."""
    removed = [line for sign, line in changes if sign == "-"]
    added = [line for sign, line in changes if sign == "+"]
    paired = {}
    for one, other in zip(removed, added, strict=False):
        paired["-", one] = paired["+", other] = _first_difference(one, other)
    for sign, line in changes:
        yield sign, _cut(line, paired.get((sign, line), 0))


def _first_difference(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))


def _cut(line: str, around: int) -> str:
    if len(line) <= LINE_WIDTH:
        return line
    start = max(0, min(around - LINE_WIDTH // 3, len(line) - LINE_WIDTH))
    piece = line[start : start + LINE_WIDTH]
    return ("…" if start else "") + piece + ("…" if start + LINE_WIDTH < len(line) else "")
