"""What a failed push means: the remote has moved, will not have it, or was not reached.

Git tells machines by lines (`--porcelain`), one for each ref, and people by words on stderr, where the words of a
remote's hooks are, too. The lines decide where there are any: without one nothing was compared, so nothing happened.
"""

from __future__ import annotations

import re

from reconciler.adapters.git.command import GitFailed
from reconciler.core.errors import GitError, PushRefused, RefMoved, RemoteUnreachable
from reconciler.core.patterns import lazy_pattern

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
_LINE = lazy_pattern(r"^!\t[^\t]*\t(.*)$", re.MULTILINE)
_RIGHTS = lazy_pattern(
    r"Permission denied|Permission to \S+ denied|Authentication failed|could not read (?:Username|Password)"
    r"|returned error: 40[13]\b|not permitted|not granted|does not support --atomic"
)
# What a person has to mend, in the words of git on either side.
_BOTH = lazy_pattern(r"'(refs/[^'\n]+)' exists; cannot create '(refs/[^'\n]+)'")
_FOLDER = lazy_pattern(r"there is a non-empty directory '[^'\n]*' blocking reference '(refs/[^'\n]+)'")
_LOCK = lazy_pattern(r"Unable to create '([^'\n]+\.lock)': File exists")
_NOTHING_LOST = "nothing is lost: the next run that can push publishes it"


def is_locked(error: GitFailed) -> bool:
    """Whether a file is in the way that another git process may be about to take away."""
    return _LOCK.search(error.stderr) is not None


def in_the_way(error: GitFailed, where: str) -> PushRefused | None:
    """What keeps a ref from being made, and does not go by itself; None for any other failure."""
    if both := _BOTH.search(error.stderr):
        there, wanted = both.groups()
        return PushRefused(
            f"{where} has `{there}`, so `{wanted}` cannot be created: a name cannot be both a ref and a folder of refs",
            hint=f"rename or delete `{there}`, or choose another name (settings `branch`, `pr_branch`, `environment`)",
        )
    if folder := _FOLDER.search(error.stderr):
        return PushRefused(
            f"{where} already has a folder named `{folder[1]}`",
            hint="delete its contents, then run again",
        )
    if lock := _LOCK.search(error.stderr):
        return PushRefused(
            f"a lock file blocks the push in {where}: {lock[1]}",
            hint="wait for the git process that holds it; if none is running, delete the file",
        )
    return None


def push_error(error: GitFailed, remote: str) -> GitError:
    """The failure in our words, with those of the remote in it."""
    if (found := in_the_way(error, f"the remote `{remote}`")) is not None:
        return found
    lines: list[str] = _LINE.findall(error.stdout)
    reasons = [line for line in lines if not _any(_ALONG, line)]
    if any(_any(_UNTOLD, line) for line in reasons):
        return _unreachable(error, remote)
    refused = [line for line in reasons if not _any(_MOVED, line)]
    if refused:
        told = "; ".join(dict.fromkeys(_remote_words(error.stderr) or refused))
        return PushRefused(
            f"the remote `{remote}` refused the push: {told}",
            hint="allow this push (branch protection, hook, permission), or publish in another way; "
            + _NOTHING_LOST,
        )
    if lines:
        return RefMoved(f"the remote `{remote}` has moved: {'; '.join(dict.fromkeys(reasons or lines))}")
    if _RIGHTS.search(error.stderr):
        return PushRefused(
            f"the remote `{remote}` refused the push: {error.said}",
            hint=f"grant the token or key permission to push; {_NOTHING_LOST}",
        )
    return _unreachable(error, remote)


def _unreachable(error: GitFailed, remote: str) -> RemoteUnreachable:
    return RemoteUnreachable(
        f"the remote `{remote}` cannot be reached: {error.said}",
        hint="run again when it is reachable; nothing is lost",
    )


def _any(words: tuple[str, ...], text: str) -> bool:
    return any(word in text for word in words)


def _remote_words(stderr: str) -> list[str]:
    lines = (
        line.strip().removeprefix("remote:").strip() for line in stderr.splitlines() if "remote:" in line
    )
    return [line for line in lines if line]
