"""Reading files that somebody else's repository names: only regular files, only inside the project, never blocking.

A pull request may contain any path: a link to `/etc/passwd` or `/dev/zero`, a FIFO, a file of gigabytes. Everything
here opens with O_NONBLOCK, asks the open descriptor what it is, and reads no more than the cap. Folders are resolved
once and remembered, so that a plain file costs one open, one fstat, one read and one close.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from typing import Literal

MAX_FILE_BYTES = 1 << 20
_LONGEST_LINK = 1024  # bytes

Refusal = Literal["missing", "outside", "not a file", "too large", "unreadable", "not a folder"]

_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_FLAGS |= getattr(os, "O_BINARY", 0)
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)


class FileRefused(Exception):
    """Why a file was not read; `detail` is the system's word where it has one. Mapped to a diagnostic by callers."""

    def __init__(self, reason: Refusal, detail: str = "") -> None:
        super().__init__(reason)
        self.reason: Refusal = reason
        self.detail = detail


def real_path(path: str) -> str | None:
    """Where a path leads with every link resolved; None where the system does not say, as of a link to another user's
    process (`/proc/1/cwd`), for which `os.path.realpath` raises up to Python 3.12.
    """
    try:
        return os.path.realpath(path)
    except OSError:
        return None


class SafeFiles:
    """Reads files below one root. Paths are relative to it, with forward slashes."""

    def __init__(self, root: str, max_bytes: int = MAX_FILE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._root = os.path.abspath(root)
        self._real_root = os.path.realpath(root)
        self._folders: dict[str, bool] = {}  # folder → whether it is inside the root, links resolved

    def inside(self, path: str) -> bool:
        """Whether `path`, with every link resolved, is in the root, and not in git's own folder."""
        return self._is_usable(path)

    def link_as_text(self, path: str, data: bytes) -> str | None:
        """Where a file leads that git wrote in the place of a link, as it does where `core.symlinks` is off: its whole
        content is the path of something that is there.
        """
        if not 0 < len(data) <= _LONGEST_LINK or b"\n" in data or b"\0" in data:
            return None
        target = os.fsdecode(data)
        if target != target.strip() or not target.isprintable() or ("/" not in target and "." not in target):
            return None
        there = os.path.join(os.path.dirname(path), target)
        return target if self.inside(there) and os.path.lexists(os.path.join(self._root, there)) else None

    def detour(self, path: str) -> str | None:
        """The first folder in `path` that is there and is none: a file, or a link to wherever."""
        parts = path.split("/")[:-1]
        for count in range(1, len(parts) + 1):
            folder = "/".join(parts[:count])
            full = f"{self._root}/{folder}"
            if os.path.lexists(full) and (os.path.islink(full) or not os.path.isdir(full)):
                return folder
        return None

    def find(self, path: str) -> str:
        """The path as it is spelled on disk: a Mac may keep a name in another Unicode form (NFD) than the one that is
        typed. The path itself where there is no such file, or there is one of exactly that name.
        """
        if path.isascii() or os.path.lexists(f"{self._root}/{path}"):
            return path
        spelled = ""
        for part in path.split("/"):
            there = part if part in (".", "..") else self._spelled(spelled, part)
            if there is None:
                return path
            spelled = f"{spelled}/{there}" if spelled else there
        return spelled

    def _spelled(self, folder: str, name: str) -> str | None:
        if os.path.lexists(f"{self._root}/{folder}/{name}"):
            return name
        wanted = unicodedata.normalize("NFC", name)
        try:
            names = sorted(os.listdir(f"{self._root}/{folder}"))
        except (OSError, ValueError):
            return None
        return next((one for one in names if unicodedata.normalize("NFC", one) == wanted), None)

    def read(self, path: str) -> bytes:
        """The file's content. Raises FileRefused, and nothing else."""
        folder, slash, name = path.rpartition("/")
        if not name or name in (".", "..") or "\\" in path or "\0" in path or slash == "/" == path[0]:
            raise FileRefused("outside")
        known = self._folders.get(folder)
        if known is None:
            known = self._folders[folder] = self._is_usable(folder)
        if not known:
            raise FileRefused("outside")
        return self._read(f"{self._root}/{path}")

    def _is_usable(self, path: str) -> bool:
        real = real_path(os.path.join(self._root, path))
        return real is not None and (real == self._real_root or self._is_below(real))

    def _is_below(self, real: str) -> bool:
        prefix = self._real_root.rstrip(os.sep) + os.sep
        return real.startswith(prefix) and ".git" not in real[len(prefix) :].split(os.sep)

    def _read(self, full: str) -> bytes:
        try:
            descriptor = os.open(full, _FLAGS | _NOFOLLOW)
        except OSError as error:
            descriptor = self._open_anyway(full, error)
        except ValueError as error:  # a name that cannot be encoded
            raise FileRefused("missing") from error
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise FileRefused("not a file")
            size = status.st_size
            if size > self._max_bytes:
                raise FileRefused("too large")
            content = os.read(descriptor, size + 1)
            return content if len(content) == size else self._rest(descriptor, content)
        except OSError as error:
            raise FileRefused("unreadable", error.strerror or "") from error
        finally:
            os.close(descriptor)

    def _open_anyway(self, full: str, error: OSError) -> int:
        """Follows a link that stays inside the root; says why for everything else that did not open."""
        if not os.path.islink(full):
            raise self._refusal(full, error) from error
        real = real_path(full)
        if real is None or not self._is_below(real):
            raise FileRefused("outside") from error
        try:
            return os.open(real, _FLAGS | _NOFOLLOW)
        except OSError as second:
            raise self._refusal(real, second) from second

    @staticmethod
    def _refusal(full: str, error: OSError) -> FileRefused:
        if isinstance(error, (FileNotFoundError, NotADirectoryError)):
            return FileRefused("missing")
        try:
            regular = stat.S_ISREG(os.lstat(full).st_mode)
        except OSError:
            regular = True
        return FileRefused("unreadable" if regular else "not a file", error.strerror or "")

    def _rest(self, descriptor: int, content: bytes) -> bytes:
        """What remains of a file that grew, or that the system gives out in pieces."""
        parts = [content]
        size = len(content)
        while part := os.read(descriptor, 65536):
            parts.append(part)
            size += len(part)
            if size > self._max_bytes:
                raise FileRefused("too large")
        return b"".join(parts)
