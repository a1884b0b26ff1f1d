"""What an error means for a watch: a word for its metric, and whether waiting heals it."""

from __future__ import annotations

from reconciler.core.errors import (
    GitError,
    GitHubError,
    InvalidInput,
    PlatformError,
    PushRefused,
    ReconcileError,
    RemoteUnreachable,
    StorageError,
)
from reconciler.core.patterns import lazy_pattern
from reconciler.core.watch.machine import Trouble

_RIGHTS = lazy_pattern(
    r"Permission denied|Authentication failed|could not read (?:Username|Password)|returned error: 40[13]\b"
    r"|access denied|not authorized|invalid credentials|repository not found",
)
_LOCK = "lock file blocks"


def trouble_of(error: ReconcileError) -> Trouble:
    """For a log and a metric. Credentials may be renewed by whoever gives them, so even those are tried again."""
    kind, person = _kind(error)
    return Trouble(kind, error.message, error.hint, person)


def _kind(error: ReconcileError) -> tuple[str, bool]:
    if isinstance(error, RemoteUnreachable):
        refused = _RIGHTS.search(error.message) is not None
        return ("credentials", True) if refused else ("remote", False)
    if isinstance(error, PushRefused):
        return ("locked", True) if _LOCK in error.message else ("refused", True)
    if isinstance(error, GitError):
        return "git", not error.retryable
    if isinstance(error, StorageError):
        return "disk", True
    if isinstance(error, InvalidInput):
        return "files", True
    if isinstance(error, PlatformError | GitHubError):
        return "platform", not error.retryable
    return "run", not error.retryable
