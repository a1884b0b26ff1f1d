"""Reads what git prints: values out of its output, and never an error, whatever stands in a commit.

Lines end at newlines only. Names of people and refs may hold other characters that Python takes for the end of a line.
"""

from __future__ import annotations


def contents_of(output: bytes) -> list[bytes | None]:
    """The contents in what `cat-file --batch` prints: `<id> <type> <size>`, or `<name> missing`, line by line."""
    contents: list[bytes | None] = []
    at = 0
    while (end := output.find(b"\n", at)) >= 0:
        words = output[at:end].rsplit(b" ", 2)
        size = words[-1]
        if len(words) < 3 or not size.isdigit() or len(size) > 18:
            contents.append(None)
            at = end + 1
            continue
        content = output[end + 1 : end + 1 + int(size)]
        contents.append(content if words[-2] == b"blob" else None)
        at = end + 2 + int(size)
    return contents


def names_in(output: bytes) -> list[str | None]:
    """The objects in what `cat-file --batch-check=%(objectname)` prints; None for `<name> missing` and the like."""
    lines = output.decode("utf-8", "replace").split("\n")[:-1]
    return [None if " " in line else line for line in lines]


def tips_in(output: bytes) -> dict[str, str]:
    """The refs in what `ls-remote` prints, and what they point to."""
    lines = output.decode("utf-8", "replace").split("\n")
    pairs = (line.partition("\t") for line in lines)
    return {name: tip for tip, tab, name in pairs if tab}


def changed_in(output: bytes) -> dict[str, str | None]:
    """The paths in what `diff-tree -r -z` prints, with their new blob ids; None for one that is gone."""
    fields = output.decode("utf-8", "surrogateescape").split("\0")
    changed: dict[str, str | None] = {}
    for about, path in zip(fields[:-1:2], fields[1::2], strict=False):
        words = about.split(" ")
        if len(words) > 4:
            changed[path] = words[3] if words[3].strip("0") else None
    return changed


def versions_in(text: str) -> list[str]:
    """The blob ids in what `log --raw` prints of one file, newest first; zeros where it was gone."""
    lines = (
        line.split() for line in text.split("\n") if not line.startswith("::")
    )  # a merge, where those are shown
    return [words[3] for words in lines if len(words) > 4]


def parents_in(commit: str) -> list[str]:
    """The parents that a commit names, as `cat-file commit` prints it."""
    header = commit.partition("\n\n")[0].split("\n")
    return [line.removeprefix("parent ") for line in header if line.startswith("parent ")]


def entries_in(output: str, fields: int) -> list[list[str]]:
    """The commits in what `log -z` prints with that many fields, separated by tabs."""
    entries = (entry.split("\t", fields - 1) for entry in output.split("\0"))
    return [entry for entry in entries if len(entry) == fields]


def sides_in(output: bytes) -> dict[str, str]:
    """The blob ids in what `ls-files --unmerged -z` prints, by their stage."""
    heads = (entry.partition("\t")[0].split(" ") for entry in output.decode("utf-8", "replace").split("\0"))
    return {head[2]: head[1] for head in heads if len(head) == 3}
