"""How an entry changes: every way from one recorded situation to the next, as pure functions.

`engineId` at the top of an entry changes in `complete`, `restore` and `settle` only (docs/design.md, section 1), and
an engine that leaves its place goes to `superseded`: no function here forgets one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.core.engine.fingerprint import same_meaning
from reconciler.core.lockfile.entry import (
    FAILED,
    IN_PROGRESS,
    UNCERTAIN,
    Entry,
    Pending,
    Provisioned,
    Superseded,
)


def seconds(at: str) -> str:
    """A UTC time to whole seconds, as the lockfile writes it."""
    return at[:19] + "Z"


def submit(entry: Entry | None, pending: Pending, at: str) -> Entry:
    """A new operation begins; the one it overtakes keeps its engine in `superseded`."""
    return replace(drop(entry or Entry(), at), pending=pending)


def accept(entry: Entry, job_id: str, engine_id: str) -> Entry:
    """The pending operation made an engine, and its job runs."""
    pending = _pending(entry)
    return replace(
        entry,
        pending=replace(pending, status=IN_PROGRESS, job_id=job_id, engine_id=engine_id, error=None),
    )


def complete(entry: Entry, at: str, summary: Mapping[str, int] | None = None) -> Entry:
    """The pending engine serves from now on; the one before it goes to `superseded`."""
    pending = _pending(entry)
    assert pending.engine_id is not None  # only an accepted operation completes
    current = Provisioned(
        engine_id=pending.engine_id,
        job_id=pending.job_id,
        operation_id=pending.operation_id,
        fingerprint=pending.fingerprint,
        files=pending.files,
        spec=pending.spec,
        provisioned_at=seconds(at),
        summary=summary,
    )
    superseded = entry.superseded + _replaced(entry.current, at)
    return replace(entry, current=current, pending=None, superseded=superseded)


def fail(entry: Entry, error: str) -> Entry:
    """The pending operation failed; what serves now goes on serving."""
    return replace(entry, pending=replace(_pending(entry), status=FAILED, error=error))


def doubt(entry: Entry, reason: str) -> Entry:
    """The pending create call has no known outcome."""
    return replace(entry, pending=replace(_pending(entry), status=UNCERTAIN, error=reason))


def drop(entry: Entry, at: str) -> Entry:
    """The pending operation is let go; an engine it made is kept in `superseded`."""
    pending = entry.pending
    if pending is None:
        return entry
    return replace(entry, pending=None, superseded=entry.superseded + superseded_by_dropping(pending, at))


def restore(entry: Entry, fingerprint: str, files: Mapping[str, str], at: str) -> Entry:
    """Switch back to the newest completed engine in `superseded` that has this meaning."""
    found = find_superseded(entry, fingerprint, completed=True)
    assert found is not None  # the plan found it in this very entry
    rest = tuple(one for one in entry.superseded if one is not found)
    current = Provisioned(
        engine_id=found.engine_id,
        job_id=found.job_id,
        operation_id=found.operation_id,
        fingerprint=fingerprint,
        files=files,
        spec=found.spec,
        provisioned_at=found.provisioned_at,
        summary=found.summary,
    )
    dropped = () if entry.pending is None else superseded_by_dropping(entry.pending, at)
    superseded = rest + dropped + _replaced(entry.current, at)
    return replace(entry, current=current, pending=None, superseded=superseded)


def readopt(entry: Entry, fingerprint: str, files: Mapping[str, str], at: str) -> Entry:
    """Wait again for an overtaken engine whose job had not ended: it becomes pending, and nothing is created."""
    found = find_superseded(entry, fingerprint, completed=False)
    assert found is not None  # the plan found it in this very entry
    assert found.operation_id is not None  # whatever was not completed came from an operation
    pending = Pending(
        status=IN_PROGRESS,
        operation_id=found.operation_id,
        fingerprint=fingerprint,
        spec=found.spec,
        files=files,
        engine_id=found.engine_id,
        job_id=found.job_id,
        submitted_at=found.submitted_at,
    )
    rest = replace(entry, superseded=tuple(one for one in entry.superseded if one is not found))
    return submit(rest, pending, at)


def find_superseded(entry: Entry, fingerprint: str, *, completed: bool) -> Superseded | None:
    """The newest superseded engine with this meaning: one that completed, or one whose job may still run."""
    wanted = None if completed else IN_PROGRESS
    for one in reversed(entry.superseded):
        if one.status == wanted and same_meaning(one.fingerprint, one.spec, fingerprint):
            return one
    return None


def refile(entry: Entry, fingerprint: str, files: Mapping[str, str]) -> Entry:
    """The same engines, read from other files from now on (a move)."""
    current, pending = entry.current, entry.pending
    if current is not None and same_meaning(current.fingerprint, current.spec, fingerprint):
        current = replace(current, files=files)
    if pending is not None and same_meaning(pending.fingerprint, pending.spec, fingerprint):
        pending = replace(pending, files=files)
    return replace(entry, current=current, pending=pending)


def _pending(entry: Entry) -> Pending:
    assert entry.pending is not None  # callers hold an operation that is pending here
    return entry.pending


def superseded_by(current: Provisioned, at: str) -> Superseded:
    """What is kept of an engine that served until `at`."""
    return Superseded(
        engine_id=current.engine_id,
        fingerprint=current.fingerprint,
        spec=current.spec,
        replaced_at=seconds(at),
        files=current.files,
        job_id=current.job_id,
        operation_id=current.operation_id,
        provisioned_at=current.provisioned_at,
        summary=current.summary,
    )


def _replaced(current: Provisioned | None, at: str) -> tuple[Superseded, ...]:
    return () if current is None else (superseded_by(current, at),)


def superseded_by_dropping(pending: Pending, at: str) -> tuple[Superseded, ...]:
    """What is kept of an operation that is let go: its engine, where it made one."""
    if pending.engine_id is None:
        return ()
    return (
        Superseded(
            engine_id=pending.engine_id,
            fingerprint=pending.fingerprint,
            spec=pending.spec,
            replaced_at=seconds(at),
            files=pending.files,
            job_id=pending.job_id,
            operation_id=pending.operation_id,
            status=FAILED if pending.status == FAILED else IN_PROGRESS,
            error=pending.error,
            submitted_at=pending.submitted_at,
        ),
    )
