"""The lockfile's own history: the commits that changed it, as the repo's git knows them, and what it was then."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reconciler.adapters.git.command import GitFailed, call_git
from reconciler.adapters.git.printed import contents_of, entries_in, versions_in
from reconciler.core.engine.fingerprint import blob_id
from reconciler.core.errors import GitError
from reconciler.core.frozen import dataclass
from reconciler.core.ledger.subjects import is_publishing

AT_ONCE = 20  # contents in memory together: a lockfile of ten thousand engines has some megabytes
_FEW = 10  # versions that are looked through for one that a run wrote
_SECONDS = 3.0
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


@dataclass(frozen=True, slots=True)
class Written:
    """A commit that changed the lockfile, and the blob that it made of it, where the log says so."""

    commit: str
    subject: str
    blob: str | None


def last_written(root: Path, name: str) -> Written | None:
    """The last commit of the current branch that a run made with the lockfile; where no run commits, the oldest of the
    last few that changed it. None where there is none, or git cannot say.
    """
    paths = ["--end-of-options", "HEAD", "--", f":(literal){name}"]
    for limit in (1, _FEW):
        log = ["log", f"--max-count={limit}", "--format=%x00%H %s", "--raw", "--no-abbrev", *paths]
        try:
            said = call_git(root, log, timeout=_SECONDS).decode("utf-8", "replace")
        except GitError:  # no commit yet, or a history that is too long to be looked through for a warning
            return None
        commits = [_written(entry) for entry in said.split("\0") if entry]
        by_run = [one for one in commits if is_publishing(one.subject)]
        if by_run:
            return by_run[0]
    return commits[-1] if commits else None


def _written(entry: str) -> Written:
    """One commit as that log prints it; of a merge, and where that is configured of the first commit, no blob."""
    first, _, rest = entry.partition("\n")
    commit, _, subject = first.partition(" ")
    blobs = versions_in(rest)
    return Written(commit, subject, blobs[0] if len(blobs) == 1 else None)


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
