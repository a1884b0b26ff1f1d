"""Where a project is hosted, as git knows it: the address of its remote, and the branch that is merged into."""

from __future__ import annotations

import re
from pathlib import Path

from reconciler.adapters.git.command import run_git
from reconciler.core.errors import GitError
from reconciler.core.ledger.seal import repository_name

_USUAL = ("main", "master")


def web_address(top: Path, remote: str) -> str | None:
    """`https://github.com/acme/web` for a remote on a server, however its address is spelled, and without passwords."""
    address = _asked(top, "config", "--get", f"remote.{remote}.url")
    name = repository_name(address) if address else ""
    host, _, path = name.partition("/")
    if not re.fullmatch(r"[a-z0-9.-]+(?::[0-9]+)?", host) or not re.fullmatch(r"[\w.-]+(?:/[\w.-]+)+", path):
        return None
    return f"https://{host}/{path}"


def default_branch(top: Path, remote: str) -> str:
    """What the remote calls its HEAD, as of the last clone; else a usual name that exists; else what is checked out."""
    head = _asked(top, "symbolic-ref", "--quiet", f"refs/remotes/{remote}/HEAD")
    if head:
        return head.removeprefix(f"refs/remotes/{remote}/")
    known = set(
        _asked(top, "for-each-ref", "--format=%(refname)", "refs/heads", f"refs/remotes/{remote}").split()
    )
    for name in _USUAL:
        if known & {f"refs/heads/{name}", f"refs/remotes/{remote}/{name}"}:
            return name
    return _asked(top, "symbolic-ref", "--quiet", "HEAD").removeprefix("refs/heads/") or _USUAL[0]


def _asked(top: Path, *arguments: str) -> str:
    """The answer; empty where git has none, or does not work."""
    try:
        return run_git(top, arguments, timeout=5.0)
    except GitError:
        return ""
