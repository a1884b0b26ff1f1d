"""Reads what `git cat-file --batch` prints."""

from __future__ import annotations


def contents_of(output: bytes) -> list[bytes | None]:
    """The contents in what `cat-file --batch` prints: `<id> <type> <size>`, or `<name> missing`, line by line."""
    contents: list[bytes | None] = []
    at = 0
    while (end := output.find(b"\n", at)) >= 0:
        *_, kind, size = output[at:end].rsplit(b" ", 2)
        if not size.isdigit():
            contents.append(None)
            at = end + 1
            continue
        content = output[end + 1 : end + 1 + int(size)]
        contents.append(content if kind == b"blob" else None)
        at = end + 2 + int(size)
    return contents
