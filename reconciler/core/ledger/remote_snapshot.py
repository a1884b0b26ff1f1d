"""What runs share through the remote: the ledger (journal and lease on their ref) and the lockfile on the branch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.core.ledger.journal import (
    Acceptance,
    Begin,
    Decision,
    End,
    Record,
    Refusal,
    Settlement,
    UncertainOutcome,
)
from reconciler.core.ledger.lease import FREE, Lease
from reconciler.core.ledger.sealed import ALL_VERIFIED, Unverified
from reconciler.core.lockfile.entry import Entry
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


def ledger_subject(records: Iterable[Record], lease: Lease) -> str:
    """The first line of a ledger commit: what it adds, for those who read the ref's log."""
    words = [word for record in records if (word := _word(record)) is not None]
    if not words:
        return f"lease {lease.fencing} " + (f"held by {lease.holder}" if lease.holder else "given back")
    more = f" and {len(words) - 5} more" if len(words) > 5 else ""
    return "; ".join(words[:5]) + more


def _word(record: Record) -> str | None:
    match record:
        case Begin(key=key):
            return f"begin {key}"
        case Acceptance(engine_id=engine_id):
            return f"accepted {engine_id}"
        case Refusal() | UncertainOutcome() | Settlement():
            return f"{record.type} {record.operation}"
        case Decision(kind=kind, key=key):
            return f"{kind} {key}"
        case End(result=result):
            return f"{result} {record.operation}"
        case _:
            return None


def publish_message(before: Lockfile, after: Lockfile, run_url: str | None, *, skip_ci: bool) -> str:
    """The message of a lockfile commit: what changed, engine by engine, and the run that did it."""
    keys = sorted(
        key
        for key in before.engines.keys() | after.engines.keys()
        if before.engines.get(key) != after.engines.get(key)
    )
    lines = [_changed(key, before.entry(key), after.entry(key)) for key in keys]
    shown = lines[:100] + ([f"… and {len(lines) - 100} more"] if len(lines) > 100 else [])
    subject = f"Record {keys[0]}" if len(keys) == 1 else f"Record {len(keys)} engines"
    subject = "Bring outputs up to date" if before == after else subject
    tail = [f"Run: {run_url}"] if run_url else []
    tail += ["[skip ci]"] if skip_ci else []
    paragraphs = [subject, "\n".join(shown), "\n".join(tail)]
    return "\n\n".join(part for part in paragraphs if part) + "\n"


def is_publishing(subject: str) -> bool:
    """Whether the first line of a commit's message is one of `publish_message`, also in a merge of our pull request."""
    return subject.startswith(("Record ", "Bring outputs up to date"))


def _changed(key: str, before: Entry | None, after: Entry | None) -> str:
    old = before.current.engine_id if before and before.current else None
    new = after.current.engine_id if after and after.current else None
    if after is None:
        return f"{key}: retired or moved ({old})" if old else f"{key}: removed"
    if new != old:
        return f"{key}: {new}" + (f" (was {old})" if old else "")
    pending = after.pressing
    return f"{key}: {new or 'no engine yet'}" + (f", {pending.status}" if pending else "")
