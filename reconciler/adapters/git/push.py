"""What a failed push means: the remote has moved, will not have it, or was not reached.

Git tells machines by lines (`--porcelain`), one for each ref, and people by words on stderr, where the words of a
remote's hooks are, too. The lines decide where there are any: without one nothing was compared, so nothing happened.
"""

from __future__ import annotations

import re

from reconciler.adapters.git.command import GitFailed
from reconciler.core.errors import GitError, PushRefused, RefMoved, RemoteUnreachable

# What is said of a ref that somebody else moved, by git itself and by what it finds on the remote.
_MOVED = (
    "stale info",
    "non-fast-forward",
    "fetch first",
    "incorrect old value",
    "failed to lock",
    "cannot lock ref",
    "lock failure",
    "reference already exists",
    "failed to update ref",
    "remote ref updated since checkout",
)
# What is said of the refs that shared the fate of another.
_ALONG = ("atomic push fail", "transaction failed")
_UNTOLD = ("remote failed to report status",)
_LINE = re.compile(r"^!\t[^\t]*\t(.*)$", re.MULTILINE)
_RIGHTS = re.compile(
    r"Permission denied|Permission to \S+ denied|Authentication failed|could not read (?:Username|Password)"
    r"|returned error: 40[13]\b|not permitted|not granted|does not support --atomic"
)
_NOTHING_LOST = "nothing is lost: the next run that may push publishes it"


def push_error(error: GitFailed, remote: str) -> GitError:
    """The failure in our words, with those of the remote in it."""
    lines: list[str] = _LINE.findall(error.stdout)
    reasons = [line for line in lines if not _any(_ALONG, line)]
    if any(_any(_UNTOLD, line) for line in reasons):
        return _unreachable(error, remote)
    refused = [line for line in reasons if not _any(_MOVED, line)]
    if refused:
        told = "; ".join(dict.fromkeys(_remote_words(error.stderr) or refused))
        return PushRefused(
            f"the remote `{remote}` refused the push: {told}",
            hint="allow this push (branch protection, hook, permission), or publish by other means; "
            + _NOTHING_LOST,
        )
    if lines:
        return RefMoved(f"the remote `{remote}` has moved: {'; '.join(dict.fromkeys(reasons or lines))}")
    if _RIGHTS.search(error.stderr):
        return PushRefused(
            f"the remote `{remote}` refused the push: {error.said}",
            hint=f"give the token or key the right to push; {_NOTHING_LOST}",
        )
    return _unreachable(error, remote)


def _unreachable(error: GitFailed, remote: str) -> RemoteUnreachable:
    return RemoteUnreachable(
        f"the remote `{remote}` cannot be reached: {error.said}",
        hint="nothing is lost; run again when it is back",
    )


def _any(words: tuple[str, ...], text: str) -> bool:
    return any(word in text for word in words)


def _remote_words(stderr: str) -> list[str]:
    lines = (
        line.strip().removeprefix("remote:").strip() for line in stderr.splitlines() if "remote:" in line
    )
    return [line for line in lines if line]
