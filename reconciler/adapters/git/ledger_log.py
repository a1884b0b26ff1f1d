"""What the ledger's log has: records that were there before, lockfiles that were published before, and the commits.

Of all that, only what carries our seal is believed.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from itertools import islice

from reconciler.adapters.git.refs import (
    JOURNAL_FILE,
    LEASE_FILE,
    PUBLISHED_FILE,
    PUBLISHED_SEAL_FILE,
    shard_file,
)
from reconciler.adapters.git.remote import Commit, GitRemote
from reconciler.core.errors import JournalError, LockfileError
from reconciler.core.frozen import dataclass
from reconciler.core.ledger import journal, lease, sealed
from reconciler.core.ledger.journal import Record
from reconciler.core.ledger.published import is_published
from reconciler.core.ledger.seal import Seal
from reconciler.core.lockfile import model as lockfile_format
from reconciler.core.lockfile.model import Lockfile

FORMER, FORMER_BYTES = 50, 1 << 25  # how far back lockfiles that were published before are read


@dataclass(frozen=True, slots=True)
class LedgerLog:
    """The log of `ref`, beside the branch `branch_ref` with the lockfile at `path`. Methods may raise `GitError`."""

    remote: GitRemote
    ref: str
    branch_ref: str
    path: str
    seal: Seal | None

    def told_of(self, tip: str, operations: Iterable[str]) -> tuple[Record, ...]:
        """What it says of these operations."""
        wanted = frozenset(operations)
        commits = [
            commit
            for one in sorted(wanted)
            for commit in self.remote.log_of(self.ref, tip, JOURNAL_FILE, one)
        ]
        contents = self.remote.read([(commit, JOURNAL_FILE) for commit in reversed(commits)])
        journals = (sealed.sorted_out(self.lines(content), self.seal)[0] for content in contents)
        return tuple(record for record in journal.union(*journals) if record.operation in wanted)

    def former(self, tip: str | None, branch_tip: str | None) -> list[Lockfile]:
        """Lockfiles that were published before, newest first: with our seal, or on the branch."""
        blobs = [] if tip is None else self.published_by_us(tip)
        if branch_tip is not None:
            blobs += self.remote.blobs_in_log(self.branch_ref, branch_tip, self.path)[:FORMER]
        return self.lockfiles(blobs)

    def published(self, tip: str) -> list[str]:
        """The blobs of all lockfiles that the ledger says were published, newest first."""
        return self.remote.blobs_in_log(self.ref, tip, PUBLISHED_FILE)

    def published_by_us(self, tip: str) -> list[str]:
        """Those that carry our seal."""
        seals = self.seals(tip)
        return [one for one in self.published(tip)[:FORMER] if is_published(self.seal, one, seals)]

    def seals(self, tip: str) -> list[str]:
        """Those on every lockfile that was published before, newest first."""
        blobs = self.remote.blobs_in_log(self.ref, tip, PUBLISHED_SEAL_FILE)
        return [text_of(one) for one in self.remote.contents(blobs)]

    def lockfiles(self, blobs: Iterable[str]) -> list[Lockfile]:
        """Those that can be read, of so many bytes at the most."""
        found, size = [], 0
        for blob in dict.fromkeys(blobs):
            content = self.remote.contents([blob])[0] or b""
            size += len(content)
            if size > FORMER_BYTES:
                break
            with suppress(LockfileError):  # somebody's conflict, long ago
                found.append(lockfile_format.parse(content, self.path))
        return found

    def commits(self, tip: str, limit: int) -> list[tuple[Commit, tuple[Record, ...], frozenset[str]]]:
        """The ledger's commits, oldest first, each with the records that its journal held, and with the operations of
        which none of them verifies.
        """
        log = self.remote.history(tip, limit)
        leases = self.remote.read([(commit.id, LEASE_FILE) for commit in log])
        names = [(JOURNAL_FILE, *_shard_files(held)) for held in leases]
        places = [(commit.id, name) for commit, some in zip(log, names, strict=True) for name in some]
        contents = iter(self.remote.read(places))
        told = [list(islice(contents, len(some))) for some in names]
        return [(commit, *self._told(one)) for commit, one in zip(log, told, strict=True)][::-1]

    def _told(self, contents: Iterable[bytes | None]) -> tuple[tuple[Record, ...], frozenset[str]]:
        lines = [line for content in contents for line in self.lines(content)]
        verified = {record.operation for record in sealed.sorted_out(lines, self.seal)[0]}
        records = tuple(one.record for one in lines)
        return records, frozenset(record.operation for record in records) - verified

    def lines(self, content: bytes | None) -> tuple[sealed.Sealed, ...]:
        """The records in a journal of the ledger. Raises `JournalError`."""
        return sealed.parse(content or b"", f"{self.ref}:{JOURNAL_FILE}")


def _shard_files(content: bytes | None) -> tuple[str, ...]:
    """Where shards record under this lease, if they hold it."""
    try:
        epoch = lease.parse(content or b"").epoch
    except JournalError:
        return ()
    return () if epoch is None else tuple(shard_file(shard) for shard in range(1, epoch.shards + 1))


def text_of(content: bytes | None) -> str:
    """A seal's file, as what it is."""
    return (content or b"").decode("ascii", "replace").strip()
