"""Names that are ours: of refs in the repository here, and of files in the ledger's commits."""

from __future__ import annotations

TRACKING = "refs/reconcile-remote"
PUBLISHED_FILE = "published.lock.json"
PUBLISHED_SEAL_FILE = "published.seal"
JOURNAL_FILE = "journal.jsonl"
LEASE_FILE = "lease.json"
SHARDS = "shards"  # a folder, while shards work on one plan: each records in a file of its own


def shard_file(shard: int) -> str:
    """The journal of one shard."""
    return f"{SHARDS}/{shard}.jsonl"


def tracking_ref(ref: str) -> str:
    """Where the remote's ref is kept here: without folders, as `a` may give way to `a/b`."""
    return f"{TRACKING}/{ref.removeprefix('refs/').replace('%', '%25').replace('/', '%2F')}"
