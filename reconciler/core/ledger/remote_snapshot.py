"""What runs share through the remote: the ledger (journal and lease on their ref) and the lockfile on the branch."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.core.frozen import dataclass, field
from reconciler.core.ledger.journal import (
    Record,
)
from reconciler.core.ledger.lease import FREE, Lease
from reconciler.core.ledger.sealed import ALL_VERIFIED, Unverified
from reconciler.core.lockfile.model import EMPTY, Lockfile


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a branch of our own has, for a pull request that brings it to the branch. `tip` is a commit id."""

    tip: str
    lockfile: Lockfile


@dataclass(frozen=True, slots=True)
class RemoteSnapshot:
    """As it was seen last. Tips are commit ids; `branch_tip` is None where the remote has no such branch yet.

    `proposal` is there where the lockfile goes to the branch by pull requests; until it is merged, `records` stay.
    `base` is the lockfile of the commit that the checkout and the branch have in common, or what was published since
    and the one in the work tree goes on from; None where that is not known.
    `moved_on` has the files, relative to the project's root, that the branch changed since that commit, with their blob
    ids now (None: gone). `restored` is what the branch had before it was set back. `past` names operations of this
    machine's journal that the ledger has moved past. `records` and `restored` are what verifies; `unverified` is the
    rest of the ledger.
    """

    ledger_tip: str | None = None
    records: tuple[Record, ...] = ()
    lease: Lease = FREE
    branch_tip: str | None = None
    lockfile: Lockfile = EMPTY
    content: bytes = b""  # of the lockfile on the branch
    proposal: Proposal | None = None
    branch: str = ""
    base: Lockfile | None = None
    moved_on: Mapping[str, str | None] = field(default_factory=dict)
    unverified: Unverified = ALL_VERIFIED
    published: str | None = None  # the blob id of the lockfile that was put on the branch last
    published_seal: str = ""  # its seal, as the ledger has it
    restored: Lockfile | None = None
    past: frozenset[str] = frozenset()
    logged: tuple[Record, ...] = ()  # what the ledger's log says of calls that are open in a lockfile
    outputs_failed: tuple[str, ...] = ()  # what was not published beside the lockfile, in sentences

    @property
    def recorded(self) -> Lockfile:
        """What counts as recorded on the branch."""
        return self.lockfile if self.restored is None else self.restored
