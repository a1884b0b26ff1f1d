"""How many sockets this process may hold open at once.

Each watched job holds one, and the usual limit on open files is 1,024, on macOS 256. Meeting it would fail
not only the next socket but the journal's next write, so the limit is raised as far as the system lets us,
and some room is kept.
"""

from __future__ import annotations

import contextlib

KEPT_FREE = 100  # files for everything else: journal, git's pipes, connections for create calls
WANTED = 4096
FEWEST = 16


def room_for_sockets() -> int:
    """Raises this process's soft limit on open files where that is allowed; how many sockets then fit."""
    try:
        import resource
    except ImportError:  # not a POSIX system: no such limit
        return WANTED
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < WANTED:
        wanted = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return WANTED
    return max(FEWEST, min(WANTED, soft - KEPT_FREE))
