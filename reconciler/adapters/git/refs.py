"""Names that are ours: of refs in the repository here, and of files in the ledger's commits."""

from __future__ import annotations

TRACKING = "refs/reconcile-remote"
PUBLISHED_FILE = "published.lock.json"
PUBLISHED_SEAL_FILE = "published.seal"
JOURNAL_FILE = "journal.jsonl"
LEASE_FILE = "lease.json"


def tracking_ref(ref: str) -> str:
    """Where the remote's ref is kept here: without folders, as `a` may give way to `a/b`."""
    return f"{TRACKING}/{ref.removeprefix('refs/').replace('%', '%25').replace('/', '%2F')}"
