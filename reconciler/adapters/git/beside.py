"""A file that goes to the branch together with the lockfile: on the branch's newest tip, from what it holds there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from reconciler.adapters.git.remote import GitRemote
    from reconciler.core.lockfile.model import Lockfile

_FILE = "100644"


class Beside(Protocol):
    """`path` is relative to the project's root."""

    path: str

    def content(self, before: bytes | None, lockfile: Lockfile) -> bytes | None:
        """What it is to hold, given what it holds there; None to leave it as it is. Never raises."""
        ...


def file_beside(
    beside: Beside,
    remote: GitRemote,
    tip: str,
    folder: str,
    lockfile: Lockfile,
    notice: Callable[[str], object],
) -> dict[str, bytes]:
    """The file by its path in the repository; nothing where it stays, or something other than a file stands there."""
    path = f"{folder}/{beside.path}" if folder else beside.path
    if remote.modes(tip, [path]).get(path, _FILE) != _FILE:
        notice(f"{path} is not a regular file on the branch, so it is left as it is")
        return {}
    [before] = remote.read([(tip, path)])
    content = beside.content(before, lockfile)
    return {} if content is None else {path: content}
