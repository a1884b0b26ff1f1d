"""The top-level fields of a YAML file as the lines they stand on, so that one is moved and all else stays as it is.

What stands between two fields (blank lines, comments at the margin) belongs to the second one, and is never touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Span = tuple[int, int]  # lines, from 0, the end not included


def spans(text: str, places: Mapping[str, tuple[int, int]]) -> dict[str, Span] | None:
    """The lines of each field. `places` has line and column of every key, from 1. None where fields are not lines of
    their own: a mapping in braces, or several documents' marks between them.
    """
    lines = text.split("\n")
    if not places:
        return {}
    starts = sorted((line - 1, key) for key, (line, _) in places.items())
    if any(col != 1 for _, col in places.values()) or len({line for line, _ in starts}) < len(starts):
        return None
    if any(line.startswith(("---", "...")) for line in lines[starts[0][0] :]):
        return None
    ends = [line for line, _ in starts[1:]] + [len(lines)]
    return {key: (start, _end(lines, start, end)) for (start, key), end in zip(starts, ends, strict=True)}


def _end(lines: Sequence[str], start: int, end: int) -> int:
    while end > start + 1 and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
        end -= 1
    return end


def taken(text: str, span: Span) -> list[str]:
    """The lines of a field."""
    return text.split("\n")[span[0] : span[1]]


def put(text: str, span: Span | None, lines: Sequence[str]) -> str:
    """The text with these lines in the place of a field, or at its end; none take the field away."""
    whole = text.split("\n")
    if span is not None:
        whole[span[0] : span[1]] = lines
        return "\n".join(whole)
    while whole and not whole[-1].strip():
        whole.pop()
    return "\n".join([*whole, *lines, ""])


def says_nothing(text: str) -> bool:
    """Whether only blank lines and comments are left."""
    return all(not line.strip() or line.lstrip().startswith("#") for line in text.split("\n"))


def has_words(text: str) -> bool:
    """Whether a comment is left that a person wrote: one for the editor is not."""
    comments = (line.strip() for line in text.split("\n"))
    return any(line and not line.startswith("# yaml-language-server:") for line in comments)
