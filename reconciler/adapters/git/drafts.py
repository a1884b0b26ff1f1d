"""Commits to be made, and how `git fast-import` is told of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from reconciler.core.frozen import dataclass, field

BIG = 1 << 20  # bytes of a file that is given once, whatever number of commits it is in


@dataclass(frozen=True, slots=True)
class Identity:
    """Who authors commits."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A commit to be made: these files put onto the parent's tree, or, with `alone`, being the whole tree.

    `:1` as a parent is the first draft that goes along with it.
    """

    parent: str | None
    files: dict[str, bytes]
    message: str
    alone: bool = False
    executable: frozenset[str] = frozenset()  # those of the files that stay so
    blobs: dict[str, str] = field(default_factory=dict)  # files by the id of a blob that the repository has
    for_branch: bool = False  # such commits are signed where that is asked for


def stream_of(drafts: Sequence[Draft], names: Sequence[str], identity: Identity, nothing: str) -> bytes:
    """What makes these commits, prints their ids, and leaves none of the refs `names` behind. `nothing` is an object id
    of zeros.
    """
    big = {id(one): one for draft in drafts for one in draft.files.values() if len(one) >= BIG}
    marks = {name: b":%d" % (len(drafts) + number) for number, name in enumerate(big, start=1)}
    stream = [b"blob\nmark %s\ndata %d\n%s\n" % (marks[name], len(one), one) for name, one in big.items()]
    for number, (draft, name) in enumerate(zip(drafts, names, strict=True), start=1):
        stream.append(_commit_stream(draft, number, name, identity, marks))
    for number in range(1, len(drafts) + 1):
        stream.append(b"get-mark :%d\n" % number)
    for name in names:
        stream.append(f"reset {name}\nfrom {nothing}\n\n".encode())
    return b"".join([*stream, b"done\n"])


def _commit_stream(
    draft: Draft, number: int, name: str, identity: Identity, marks: Mapping[int, bytes]
) -> bytes:
    """One commit in the format of `git fast-import`. `marks` are those of contents that were given before it, by
    the objects that they are.
    """
    message = draft.message.encode("utf-8", "replace")
    who = f"{_plain(identity.name)} <{_plain(identity.email)}> now"
    stream = f"commit {name}\nmark :{number}\nauthor {who}\ncommitter {who}\n".encode()
    stream += b"data %d\n%s\n" % (len(message), message)
    if draft.parent is not None:
        stream += f"from {draft.parent}\n".encode()
    if draft.alone:
        stream += b"deleteall\n"
    for path, content in draft.files.items():
        mode = b"100755" if path in draft.executable else b"100644"
        if (mark := marks.get(id(content))) is not None:
            stream += b"M %s %s %s\n" % (mode, mark, _quoted(path))
        else:
            stream += b"M %s inline %s\ndata %d\n%s\n" % (mode, _quoted(path), len(content), content)
    for path, blob in draft.blobs.items():
        stream += f"M 100644 {blob} ".encode() + _quoted(path) + b"\n"
    return stream + b"\n"


def _plain(text: str) -> str:
    return re.sub(r"[<>\x00-\x1f]", "", text).strip() or "reconcile"


def _quoted(path: str) -> bytes:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'.encode()
