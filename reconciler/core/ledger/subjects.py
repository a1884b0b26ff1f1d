"""The first lines of our commits for a branch, by which they are known later. Plans ask, so this imports nothing."""

from __future__ import annotations

RECORD = "Record"
OUTPUTS_ONLY = "Bring outputs up to date"


def is_publishing(subject: str) -> bool:
    """Whether the first line of a message is that of a lockfile commit, also in a merge of our pull request."""
    return subject.startswith((f"{RECORD} ", OUTPUTS_ONLY))
