"""Records with their seals, as they stand on the ledger: a journal's lines, each with a `seal` in it.

What verifies counts. Everything else is carried along as it is, by whoever writes the ledger next, so that nothing is
lost that another key wrote: it folds to nothing, and an operation that it alone knows of is in doubt (`doubts`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from reconciler.core.frozen import dataclass, field, replace
from reconciler.core.ledger.journal import (
    Acceptance,
    Begin,
    Decision,
    Pruned,
    Pruning,
    Record,
    Refusal,
    Settlement,
    Update,
    UpdateBegin,
    UpdateRefusal,
    canonical,
    documents,
    read_record,
)
from reconciler.core.ledger.seal import RECORD, Seal
from reconciler.core.ledger.working_copy import WorkingCopy
from reconciler.core.lockfile import transitions
from reconciler.core.lockfile.entry import UNCERTAIN, Pending
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.lockfile.names import unresolved_in

OTHER_KEY = "the remote's record of it was not written with this API key"
NO_KEY = "the remote's record of it cannot be verified without the API key"


class Sealed(NamedTuple):
    """A record, and what stands in its seal's place; None where nothing does."""

    record: Record
    seal: str | None


@dataclass(frozen=True, slots=True)
class Unverified:
    """Records that do not verify, and whether there was a key to verify them with. `confirmed` has, by operation, the
    job and the engine that the platform says that job made.
    """

    records: tuple[Sealed, ...] = ()
    has_key: bool = True
    confirmed: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.records)

    def also(self, more: Sequence[Sealed]) -> Unverified:
        """With begins that are told of elsewhere, where they are not among these."""
        begun = {one.record.operation for one in self.records if isinstance(one.record, Begin)}
        new = tuple(one for one in more if one.record.operation not in begun)
        return replace(self, records=(*self.records, *new))

    def without(self, operations: Iterable[str]) -> Unverified:
        """Those that are not about these operations."""
        gone = frozenset(operations)
        left = tuple(one for one in self.records if one.record.operation not in gone)
        return replace(self, records=left) if left else ALL_VERIFIED


ALL_VERIFIED = Unverified()


def sealed(records: Iterable[Record], seal: Seal) -> tuple[Sealed, ...]:
    """Records of ours, for the ledger."""
    return tuple(Sealed(record, seal.of(RECORD, canonical(record))) for record in records)


def render(lines: Iterable[Sealed]) -> bytes:
    """The lines on the ledger."""
    return "".join(_line(one) + "\n" for one in lines).encode("utf-8", "surrogatepass")


def _line(one: Sealed) -> str:
    text = canonical(one.record)
    return text if one.seal is None else f'{text[:-1]},"seal":{json.dumps(one.seal)}}}'


def parse(content: bytes, file: str) -> tuple[Sealed, ...]:
    """The records on the ledger, each once for every seal, in their order. Raises `JournalError`."""
    found: dict[tuple[str, str | None], Sealed] = {}
    for number, document in documents(content, file):
        seal = document.pop("seal", None)
        record = read_record(document, file, number)
        one = Sealed(record, seal if isinstance(seal, str) else None)
        found.setdefault((canonical(record), one.seal), one)
    return tuple(found.values())


def sorted_out(lines: Iterable[Sealed], seal: Seal | None) -> tuple[tuple[Record, ...], Unverified]:
    """The records that verify, and the others. Without a seal to compare with none does."""
    verified: dict[str, Record] = {}
    others: dict[str, Sealed] = {}
    for one in lines:
        text = canonical(one.record)
        if seal is not None and seal.fits(RECORD, text, one.seal):
            verified[text] = one.record
        else:
            others.setdefault(text, one)
    left = tuple(one for text, one in others.items() if text not in verified)
    return tuple(verified.values()), Unverified(left, seal is not None) if left else ALL_VERIFIED


def to_keep(records: Iterable[Record], unverified: Unverified) -> bytes:
    """What is kept on this machine of a ledger: what verifies bare, and the rest with whatever its seal was."""
    marked = (one._replace(seal=one.seal or "") for one in unverified.records)
    return render((*(Sealed(record, None) for record in records), *marked))


def left_over(unverified: Unverified, lockfile: Lockfile) -> Unverified:
    """What still has to be kept of them where this lockfile is published: not what a run with another key decided,
    changed in place or deleted, and nothing about calls whose outcome is in the lockfile.
    """
    operations = {one.record.operation for one in unverified.records}
    settled = WorkingCopy(lockfile, operations).homes.keys() - unresolved_in(lockfile)
    kinds = Decision | Pruning | Pruned | UpdateBegin | Update | UpdateRefusal
    decided = {one.record.operation for one in unverified.records if isinstance(one.record, kinds)}
    return unverified.without(settled | decided)


def doubts(
    lockfile: Lockfile, records: Sequence[Record], unverified: Unverified
) -> dict[str, tuple[Pending, ...]]:
    """By key the create calls that only unverified begins tell of: whether they made an engine is unknown. `lockfile`
    is the folded one, `records` are those that count. Of a call that begins in none of them, an answer is no answer:
    nobody knows for which key it was.
    """
    begins = {one.record.operation: one.record for one in unverified.records if isinstance(one.record, Begin)}
    for record in records:
        if isinstance(record, Begin | Refusal | Settlement):
            begins.pop(record.operation, None)
    if not begins:
        return {}
    known = WorkingCopy(lockfile, begins).homes
    reason = OTHER_KEY if unverified.has_key else NO_KEY
    found: dict[str, tuple[Pending, ...]] = {}
    for operation, begin in begins.items():
        if operation not in known:
            job_id, engine_id = unverified.confirmed.get(operation, (None, None))
            call = replace(_pending(begin, reason), job_id=job_id, engine_id=engine_id)
            found[begin.key] = (*found.get(begin.key, ()), call)
    return found


def _pending(begin: Begin, reason: str) -> Pending:
    return Pending(
        status=UNCERTAIN,
        operation_id=begin.operation,
        fingerprint=begin.fingerprint,
        spec=begin.spec,
        files=begin.files,
        submitted_at=transitions.seconds(begin.at),
        error=reason,
        instead_of=begin.instead_of,
        because=begin.because,
    )


def begin_in(doubtful: Mapping[str, Sequence[Pending]], operation: str) -> Begin | None:
    """The begin of a call in doubt, for a person's resolution. Of what stood beside its spec nothing is believed, so it
    has no blob ids, and the file is read again.
    """
    for key, calls in doubtful.items():
        for call in calls:
            if call.operation_id == operation:
                at = call.submitted_at or ""
                gone, why = call.instead_of, call.because
                return Begin(operation, key, call.fingerprint, call.spec, {}, at, None, gone, why)
    return None


def told_of(unverified: Unverified) -> str:
    """In a sentence, which records do not count."""
    counts: dict[str, int] = {}
    for one in unverified.records:
        word = _word(one.record)
        counts[word] = counts.get(word, 0) + 1
    kinds = ", ".join(f"{count} {word}{'s' if count != 1 else ''}" for word, count in sorted(counts.items()))
    many = len(unverified.records) != 1
    why = "without the API key" if not unverified.has_key else "with this API key"
    return (
        f"{len(unverified.records)} unverified record{'s' if many else ''} on the remote ({kinds}): "
        f"{'they are' if many else 'it is'} ignored, and cannot be verified {why}"
    )


def _word(record: Record) -> str:
    if isinstance(record, Begin | UpdateBegin):
        return "begin"
    if isinstance(record, Acceptance | Update):
        return "answer"
    return "decision" if isinstance(record, Decision) or record.type == "resolved" else "other fact"
