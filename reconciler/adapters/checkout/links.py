"""Where links lead: what a project depends on besides the names that it has itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

from reconciler.adapters.project.safe_read import real_path

_MOST = 40  # links one after another, as many as Linux follows


def ways(path: str) -> Iterator[str]:
    """A path, and every place that it leads to by links, its folders' too, whether there is something or not."""
    yield path
    at = path
    for _ in range(_MOST):
        led = _one_link_further(at)
        if led is None:
            break
        at = led
        yield at
    real = real_path(path)
    if real is not None and real != at:
        yield real


def _one_link_further(path: str) -> str | None:
    """With the first link in it followed; None without one."""
    end = 0
    while 0 <= end < len(path):
        end = path.find("/", end + 1)
        above, rest = (path, "") if end < 0 else (path[:end], path[end + 1 :])
        with suppress(OSError):  # no link, or nothing at all
            return os.path.normpath(os.path.join(os.path.dirname(above), os.readlink(above), rest))
    return None


def targets(folder: str, within: str) -> Iterator[str]:
    """Where the links in a folder lead, at any depth. Those to folders `within` one are followed once, as engine files
    are found. A folder that is elsewhere itself is not looked into.
    """
    if not f"{real_path(folder)}/".startswith(f"{within}/"):
        return
    followed: set[str] = set()
    for link in _links(folder):
        yield from ways(link)
        real = real_path(link)
        if real is not None and real.startswith(f"{within}/") and os.path.isdir(real):
            followed.add(real)
    for real in sorted(followed):
        for link in _links(real):
            yield from ways(link)


def _links(folder: str) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = os.path.join(place, name)
            if os.path.islink(path):
                yield path
