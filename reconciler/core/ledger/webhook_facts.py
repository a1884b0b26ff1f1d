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
    if operation is None and fits_unanswered(known, event):
        operation = event.operation_id
        assert operation is not None and event.engine_id is not None  # `fits_unanswered` says so
        yield Acceptance(operation, job, event.engine_id, at)
        known.unanswered.discard(operation)
        known.running[job] = operation
        known.jobs.add(job)
        known.engines.add(event.engine_id)
    if operation is not None and event.status is not None:
        del known.running[job]
        yield End(operation, event.status, at, event.error)
        if event.status == COMPLETED:
            known.unsummed[job] = operation
    if event.summary and event.status == COMPLETED and job in known.unsummed:
        yield JobSummary(known.unsummed.pop(job), event.summary, at)


def fits_unanswered(known: Known, event: Event) -> bool:
    """Whether an event names the engine of a call without an answer: an engine and a job that nobody else has."""
    return (
        event.operation_id in known.unanswered
        and event.engine_id is not None
        and event.engine_id not in known.engines
        and event.job_id is not None
        and event.job_id not in known.jobs
    )


def _note(known: Known, entry: Entry) -> None:
    known.engines.update(entry.engine_ids)
    for part in (entry.current, entry.pending, *entry.superseded):
        if part is not None:
            known.jobs |= {part.job_id} if part.job_id is not None else set()
            known.operations |= {part.operation_id} if part.operation_id is not None else set()


def _note_open(known: Known, entry: Entry) -> None:
    """What could still be learnt: an answer, an end, a summary."""
    pending, current = entry.pending, entry.current
    if pending is not None and pending.engine_id is None:
        known.unanswered.add(pending.operation_id)
    for part in (pending, *entry.superseded):
        if part is not None and part.status == IN_PROGRESS and part.job_id and part.operation_id:
            known.running[part.job_id] = part.operation_id
    if current is not None and current.summary is None and current.job_id and current.operation_id:
        known.unsummed[current.job_id] = current.operation_id
