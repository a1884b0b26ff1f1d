"""What verified webhooks teach about the operations on record: events in, facts for the journal out.

An event with a known job tells that the job ended. One whose path carries an operation whose create call was never
answered tells which engine that call made. So a lost answer heals without a person. What is on record already, what is
about nothing of ours, and what contradicts the record gives no fact: repeating, reordering or misdirecting deliveries
changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from reconciler.core.ledger.journal import Acceptance, End, JobSummary, Record
from reconciler.core.lockfile.entry import IN_PROGRESS, Entry
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.platform.job import COMPLETED
from reconciler.core.platform.webhook import Event


class Delivery(NamedTuple):
    """A verified webhook in an inbox; `id` names it there."""

    id: str
    event: Event


class LostAnswer(NamedTuple):
    """What the create call of an operation made, although its answer never came."""

    operation_id: str
    job_id: str
    engine_id: str


@dataclass(slots=True)
class Known:
    """The jobs and operations of a lockfile. `running` and `unsummed` name the operation of a job."""

    running: dict[str, str] = field(default_factory=dict)
    unsummed: dict[str, str] = field(default_factory=dict)
    unanswered: set[str] = field(default_factory=set)
    jobs: set[str] = field(default_factory=set)
    engines: set[str] = field(default_factory=set)
    operations: set[str] = field(default_factory=set)


def known_in(lockfile: Lockfile) -> Known:
    """Everything that an event could be about. Raises `LockfileError` for an entry that cannot be read."""
    known = Known()
    for key in lockfile.engines:
        entry = lockfile.entry(key)
        if entry is not None:
            _note(known, entry)
            _note_open(known, entry)
    for key in lockfile.retired:
        for retired in lockfile.retired_of(key):
            _note(known, retired.entry)
    return known


def concerns(known: Known, event: Event) -> bool:
    """Whether an event is about an engine of this lockfile; others may share the receiver."""
    return event.job_id in known.jobs or event.operation_id in known.operations


def learn(lockfile: Lockfile, events: Iterable[Event], at: str) -> tuple[Record, ...]:
    """The facts that these events add to the folded lockfile, `at` being when that was found out."""
    known = known_in(lockfile)
    return tuple(record for event in events for record in _learnt(known, event, at))


def _learnt(known: Known, event: Event, at: str) -> Iterator[Record]:
    job = event.job_id
    if job is None:
        return
    operation = known.running.get(job)
    if operation is None and (lost := lost_answer(known, event)) is not None:
        operation = lost.operation_id
        yield Acceptance(operation, job, lost.engine_id, at)
        known.unanswered.discard(operation)
        known.running[job] = operation
        known.jobs.add(job)
        known.engines.add(lost.engine_id)
    if operation is not None and event.status is not None:
        del known.running[job]
        yield End(operation, event.status, at, event.error)
        if event.status == COMPLETED:
            known.unsummed[job] = operation
    if event.summary and event.status == COMPLETED and job in known.unsummed:
        yield JobSummary(known.unsummed.pop(job), event.summary, at)


def lost_answer(known: Known, event: Event) -> LostAnswer | None:
    """What an event says that a call without an answer made: an engine and a job that nobody else has."""
    operation_id, job_id, engine_id = event.operation_id, event.job_id, event.engine_id
    if operation_id is None or job_id is None or engine_id is None or operation_id not in known.unanswered:
        return None
    if engine_id in known.engines or job_id in known.jobs:
        return None
    return LostAnswer(operation_id, job_id, engine_id)


def _note(known: Known, entry: Entry) -> None:
    known.engines.update(entry.engine_ids)
    for part in entry.parts:
        known.jobs |= {part.job_id} if part.job_id is not None else set()
        known.operations |= {part.operation_id} if part.operation_id is not None else set()


def _note_open(known: Known, entry: Entry) -> None:
    """What could still be learnt: an answer, an end, a summary."""
    pending, current = entry.pending, entry.current
    known.unanswered |= {call.operation_id for call in entry.unanswered}
    for part in (pending, *entry.superseded):
        if part is not None and part.status == IN_PROGRESS and part.job_id and part.operation_id:
            known.running[part.job_id] = part.operation_id
    if current is not None and current.summary is None and current.job_id and current.operation_id:
        known.unsummed[current.job_id] = current.operation_id
