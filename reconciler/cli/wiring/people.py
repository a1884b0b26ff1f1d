"""Who is at work here, as a lockfile or a report names them: in CI who started the run, at a desk who git says."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

from reconciler.adapters.git.drafts import Identity
from reconciler.adapters.git.remote import GitRemote
from reconciler.adapters.project.places import find_git
from reconciler.core.errors import GitError
from reconciler.core.values import as_line

_STARTED_BY = ("GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR", "GITLAB_USER_LOGIN")
_MOST = 100


def who(root: Path) -> str:
    """A name; never empty, one line."""
    found = next(filter(None, (os.environ.get(name, "").strip() for name in _STARTED_BY)), "")
    return as_line(found or _configured(root) or _user())[:_MOST]


def _configured(root: Path) -> str:
    if find_git(root) is None:
        return ""
    try:
        identity = GitRemote(root, "origin", Identity("", "")).configured_identity()
    except GitError:
        return ""
    return "" if identity is None else f"{identity.name} <{identity.email}>"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user, as in many containers
        return "unknown"
