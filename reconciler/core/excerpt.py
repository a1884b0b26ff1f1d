"""A line of a file as a finding may show it, and which of its characters is meant.

The column in the file is another thing: the line may be cut at both ends, and passwords in it are masked.
"""

from __future__ import annotations

from typing import NamedTuple


class Excerpt(NamedTuple):
    """`caret` is an index into `text`, or its length where something is missing at the end; None where no place is
    known."""

    text: str
    caret: int | None = None

    def masked(self, pattern: str, mask: str) -> Excerpt:
        """The same with `mask` (a template, as for `re.sub`) in place of each match, the caret still on its character;
        one that stood inside a match stands on the mask.
        """
        import re  # only where something may have to be masked

        parts: list[str] = []
        end, caret = 0, self.caret
        for found in re.finditer(pattern, self.text):
            instead = found.expand(mask)
            parts += [self.text[end : found.start()], instead]
            end = found.end()
            if self.caret is not None and self.caret >= found.start():
                begin = sum(map(len, parts)) - len(instead)
                inside = self.caret < end
                caret = begin if inside else sum(map(len, parts)) + self.caret - end
        return Excerpt("".join(parts) + self.text[end:], caret)

    def window(self, size: int, ellipsis: str = "…") -> Excerpt:
        """At most `size` characters around the caret, the ellipses where something is left out not counted."""
        text, caret = self
        if len(text) <= size:
            return self
        first = min(max((caret or 0) - size // 3, 0), len(text) - size)
        last = first + size
        before, after = ellipsis if first else "", ellipsis if last < len(text) else ""
        moved = None if caret is None else caret - first + len(before)
        return Excerpt(before + text[first:last] + after, moved)
