"""The last commit that a run made with the lockfile. In a clone, it is all that an unchanged plan asks git for."""

from __future__ import annotations

from pathlib import Path

from reconciler.adapters.git.glance import glance
from reconciler.adapters.git.printed import versions_in
from reconciler.core.frozen import dataclass
from reconciler.core.ledger.subjects import is_publishing

_FEW = 10  # versions that are looked through for one that a run wrote
_SECONDS = 3.0


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
        said = glance(root, log, _SECONDS)
        if said is None:  # no commit yet, or a history that is too long to be looked through for a warning
            return None
        commits = [_written(entry) for entry in said.decode("utf-8", "replace").split("\0") if entry]
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
