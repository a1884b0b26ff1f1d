"""A file with git's conflict markers, taken apart into its sides."""

from __future__ import annotations

from reconciler.core.commands import conflicted_lockfile
from reconciler.core.errors import LockfileError
from reconciler.core.frozen import dataclass

_OURS, _BASE, _THEIRS, _END = b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>"


@dataclass(frozen=True, slots=True)
class Sides:
    """Both versions of a file, and the one before them where git was told to show it (`merge.conflictStyle`)."""

    ours: bytes
    theirs: bytes
    base: bytes | None


def take_apart(content: bytes, file: str) -> Sides:
    """The sides of a conflicted file. Raises `LockfileError` when the markers are not whole."""
    sides: dict[bytes, list[bytes]] = {_OURS: [], _BASE: [], _THEIRS: []}
    part: bytes | None = None
    has_base = False
    for number, line in enumerate(content.splitlines(keepends=True), start=1):
        marker = _marker(line)
        if marker is None:
            for name in sides if part is None else (part,):
                sides[name].append(line)
            continue
        if marker not in _FOLLOWERS[part]:
            raise LockfileError(
                f"{file}:{number}: incomplete conflict markers",
                hint=f"run `{conflicted_lockfile()}` to start over",
            )
        has_base = has_base or marker == _BASE
        part = None if marker == _END else marker
    if part is not None:
        raise LockfileError(
            f"{file}: the last conflict has no end marker",
            hint=f"run `{conflicted_lockfile()}` to start over",
        )
    joined = {name: b"".join(lines) for name, lines in sides.items()}
    return Sides(joined[_OURS], joined[_THEIRS], joined[_BASE] if has_base else None)


_FOLLOWERS: dict[bytes | None, tuple[bytes, ...]] = {
    None: (_OURS,),
    _OURS: (_BASE, _THEIRS),
    _BASE: (_THEIRS,),
    _THEIRS: (_END,),
}


def _marker(line: bytes) -> bytes | None:
    """JSON has no line that begins like this, so nothing of the file can be taken for a marker. Those of a conflict in
    the base itself (of two branches that were merged crosswise) are longer: they are content of the base.
    """
    start = line[:7]
    known = start in (_OURS, _BASE, _THEIRS, _END)
    return start if known and line[7:8] != start[:1] else None
