"""What was published last, as the ledger has it, and what the branch lacks of it.

The seal on it has a number that grows with every publication: so an old one that is put back on the ledger with its old
seal does not pass for newer than what the branch has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from reconciler.core.ledger.journal import Begin
from reconciler.core.ledger.seal import PUBLISHED, Seal
from reconciler.core.ledger.sealed import Sealed
from reconciler.core.ledger.working_copy import WorkingCopy
from reconciler.core.lockfile.ancestor import with_former
from reconciler.core.lockfile.entry import Entry, Provisioned
from reconciler.core.lockfile.merge import merge
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.lockfile.names import engines_of, unresolved_in

_EPOCH = "1970-01-01T00:00:00Z"
_DIGITS = 15  # of a number that is believed to be one


def next_seal(seal: Seal, before: str, blob: str) -> str:
    """The seal on the lockfile with this blob id, to be published after what has the seal `before`."""
    text = f"{_claimed(before) + 1} {blob}"
    return f"{_claimed(before) + 1}:{seal.of(PUBLISHED, text)}"


def number_of(seal: Seal | None, blob: str, told: str) -> int | None:
    """The number of that publication; None where its seal does not verify."""
    number, mark = _claimed(told), told.partition(":")[2]
    return number if seal is not None and seal.fits(PUBLISHED, f"{number} {blob}", mark) else None


def is_published(seal: Seal | None, blob: str, seals: Iterable[str]) -> bool:
    """Whether one of these seals is on the lockfile with this id."""
    return any(number_of(seal, blob, one) is not None for one in seals)


def was_before(seal: Seal | None, blob: str, last: str, last_seal: str, seals: Iterable[str]) -> bool:
    """Whether the lockfile with this id was published before the `last` one. `seals` are those of the ledger's log."""
    newest = number_of(seal, last, last_seal)
    numbers = (number_of(seal, blob, one) for one in seals)
    return newest is not None and any(number is not None and number < newest for number in numbers)


def _claimed(told: str) -> int:
    number = told.partition(":")[0]
    return int(number) if number.isascii() and number.isdigit() and len(number) <= _DIGITS else 0


def set_back(
    published: Lockfile,
    now: Lockfile,
    *,
    earlier: bool,
    former: Callable[[], Sequence[Lockfile]],
) -> Lockfile | None:
    """What the branch should have, where it lacks something of what was published last; None where it lacks nothing.

    `earlier`: it has exactly what was published at some time before, or nothing. Otherwise every engine counts that is
    named nowhere any more, and every call without an answer: a resolution that the ledger knows of would have been
    published. One that only git knows of is asked for again; to drop the question could cost an engine.
    `former` gives what was published before, newest first: what the branch has of that adds nothing.
    """
    if earlier:
        return published if published != now else None
    if engines_of(published) <= engines_of(now):
        calls = unresolved_in(published) - unresolved_in(now)
        if not calls or calls <= WorkingCopy(now, calls).homes.keys():  # answered there
            return None
    return merge(with_former(None, now, former()), published, now).lockfile


def begins_lost(published: Lockfile, restored: Lockfile, now: Lockfile) -> tuple[Sealed, ...]:
    """The calls in a published lockfile that does not verify which the branch lacks: as unverified begins, so that
    nothing is created for their keys before it is known what they made.
    """
    lost: list[Sealed] = []
    entries = [*_entries_of(published, restored)]
    told = {part.operation_id for _, entry in entries for part in entry.parts if part.operation_id}
    known, have = WorkingCopy(now, told).homes, engines_of(now)
    for key, entry in entries:
        for part in entry.parts:
            operation = part.operation_id
            if operation is None or operation in known or part.engine_id in have:
                continue
            at = part.provisioned_at if isinstance(part, Provisioned) else part.submitted_at
            begin = Begin(operation, key, part.fingerprint, part.spec, dict(part.files), at or _EPOCH)
            lost.append(Sealed(begin, None))
    return tuple(lost)


def _entries_of(published: Lockfile, restored: Lockfile) -> Iterator[tuple[str, Entry]]:
    """Those of the keys that are to be put right, retired ones last."""
    for key in sorted(published.engines.keys() & restored.engines.keys()):
        if (entry := published.entry(key)) is not None:
            yield key, entry
    for key in sorted(published.retired.keys() & restored.retired.keys()):
        yield from ((key, one.entry) for one in published.retired_of(key))
