"""The lockfile's own history: the commits that changed it, as the repo's git knows them, and what it was then."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reconciler.adapters.git.command import GitFailed, call_git
from reconciler.adapters.git.printed import contents_of, entries_in
from reconciler.core.engine.fingerprint import blob_id
from reconciler.core.frozen import dataclass

AT_ONCE = 20  # contents in memory together: a lockfile of ten thousand engines has some megabytes
_FORMAT = "--format=%H%x09%aI%x09%an <%ae>%x09%B"


@dataclass(frozen=True, slots=True)
class Version:
    """A commit, `by` as `name <address>`, and the lockfile's content in it: empty where it was removed."""

    commit: str
    at: str
    by: str
    message: str
    content: bytes


def lockfile_versions(root: Path, name: str, limit: int) -> Iterator[Version]:
    """The last `limit` versions on the current branch, oldest first; none where nothing was committed yet.

    `name` is the lockfile's path below `root`. Raises `GitError`.
    """
    paths = ["--end-of-options", "HEAD", "--", f":(literal){name}"]
    try:
        log = call_git(root, ["log", "-z", f"--max-count={limit}", _FORMAT, *paths])
    except GitFailed:
        if _has_commits(root):
            raise
        return
    commits = entries_in(log.decode("utf-8", "replace"), 4)
    commits.reverse()
    for start in range(0, len(commits), AT_ONCE):
        some = commits[start : start + AT_ONCE]
        asked = "".join(f"{commit}:./{name}\n" for commit, *_ in some).encode()
        contents = contents_of(call_git(root, ["cat-file", "--batch"], stdin=asked))
        for (commit, at, by, message), content in zip(some, contents, strict=True):
            yield Version(commit, at, by, message, content or b"")


def content_at(root: Path, place: str, here: bytes) -> bytes | None:
    """A file of a commit or ref (`REF:PATH`), without the network; None where there is none. Where its id is that of
    the content `here`, git need not unpack it. Raises `GitError`.
    """
    offline = ["-c", "protocol.allow=never", "cat-file"]
    asked = f"{place}\n".encode()
    told = (
        call_git(root, [*offline, "--batch-check=%(objectname)"], stdin=asked)
        .decode("ascii", "replace")
        .strip()
    )
    if " " in told:  # `… missing`
        return None
    if blob_id(here, len(told)) == told:
        return here
    [content] = contents_of(call_git(root, [*offline, "--batch"], stdin=f"{told}\n".encode()))
    return content


def _has_commits(root: Path) -> bool:
    try:
        call_git(root, ["rev-parse", "--verify", "--quiet", "HEAD"])
    except GitFailed:
        return False
    return True
