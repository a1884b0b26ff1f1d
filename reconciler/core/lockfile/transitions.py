"""How an entry changes: every way from one recorded situation to the next, as pure functions.

`engineId` at the top of an entry changes in `complete` and `restore` only (docs/design.md, section 1), an engine that
leaves its place goes to `superseded`, and a create call with an unknown outcome leaves by its own answer or resolution
alone: no function here forgets either.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from reconciler.core.engine.fingerprint import same_meaning
from reconciler.core.engine.spec import LifecycleOptions
from reconciler.core.frozen import replace
from reconciler.core.lockfile.entry import (
    FAILED,
    IN_PROGRESS,
    UNCERTAIN,
    Entry,
    Hold,
    Pending,
    Provisioned,
    Retired,
    Superseded,
)


def seconds(at: str) -> str:
    """A UTC time to whole seconds, as the lockfile writes it."""
    return at[:19] + "Z"


def submit(entry: Entry | None, operation: Pending, at: str) -> Entry:
    """A create call is about to be issued. A job that runs gives way to it only once it is accepted."""
    entry = unheld(entry or Entry(), operation.fingerprint)
    if entry.pending is not None and entry.pending.status == FAILED:
        return _put(entry, operation, at)
    return submit_unresolved(entry, operation)


def give_way(entry: Entry, at: str) -> Entry:
    """A call was issued that left nothing; what had failed before it is over all the same."""
    return drop(entry, at) if entry.pending is not None and entry.pending.status == FAILED else entry


def submit_unresolved(entry: Entry, operation: Pending) -> Entry:
    """A call with an unknown outcome is known of, beside whatever else there is."""
    if entry.pending is None or entry.pending.status == UNCERTAIN:
        return _put(entry, operation, "")
    return replace(entry, uncertain=(*entry.uncertain, operation))


def accept(
    entry: Entry, operation_id: str, job_id: str, engine_id: str, at: str, *, overtaken: bool = False
) -> Entry:
    """A call made an engine, and its job runs; one that was overtaken meanwhile keeps it in reserve."""
    rest, operation = _take_out(entry, operation_id)
    accepted = replace(operation, status=IN_PROGRESS, job_id=job_id, engine_id=engine_id, error=None)
    if overtaken:
        return replace(rest, superseded=rest.superseded + superseded_by_dropping(accepted, at))
    return _put(rest, accepted, at)


def adopt(
    entry: Entry,
    operation_id: str,
    engine_id: str,
    at: str,
    summary: Mapping[str, int] | None = None,
    *,
    overtaken: bool = False,
) -> Entry:
    """A person names the engine that a call made, without a job to wait for: it serves, or is kept in reserve."""
    rest, operation = _take_out(entry, operation_id)
    # What is kept beside the spec may be from a newer file than the call was made for: without ids the file is read.
    files = operation.files if entry.current is None else {}
    named = replace(operation, status=IN_PROGRESS, engine_id=engine_id, error=None, files=files)
    if not overtaken:
        return complete(_put(rest, named, at), at, summary)
    [past] = superseded_by_dropping(named, at)
    past = replace(past, status=None, provisioned_at=seconds(at), summary=summary)
    return replace(rest, superseded=(*rest.superseded, past))


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
    return _filled(replace(entry, current=current, pending=None, superseded=superseded))


def fail(entry: Entry, error: str) -> Entry:
    """The pending operation failed; what serves now goes on serving."""
    return replace(entry, pending=replace(_pending(entry), status=FAILED, error=error))


def refuse(entry: Entry, operation_id: str, error: str, at: str) -> Entry:
    """An unresolved call made nothing, and the same call would fare no better. A job that runs goes on."""
    rest, operation = _take_out(entry, operation_id)
    if rest.pending is not None and rest.pending.status == IN_PROGRESS:
        return rest
    return _put(rest, replace(operation, status=FAILED, error=error), at)


def withdraw(entry: Entry, operation_id: str) -> Entry:
    """An unresolved call made nothing, and leaves no trace."""
    return _take_out(entry, operation_id)[0]


def doubt(entry: Entry, operation_id: str, reason: str) -> Entry:
    """Why the outcome of an unresolved call is unknown."""

    def said(one: Pending) -> Pending:
        return replace(one, error=reason) if one.operation_id == operation_id else one

    pending = entry.pending
    if pending is not None and pending.status == UNCERTAIN:
        pending = said(pending)
    return replace(entry, pending=pending, uncertain=tuple(map(said, entry.uncertain)))


def drop(entry: Entry, at: str) -> Entry:
    """The pending operation is discarded; an engine it made is kept in `superseded`, an unresolved call stays."""
    pending = entry.pending
    if pending is None or pending.status == UNCERTAIN:
        return entry
    return _filled(
        replace(entry, pending=None, superseded=entry.superseded + superseded_by_dropping(pending, at))
    )


def restore(entry: Entry, engine_id: str, files: Mapping[str, str], at: str) -> Entry:
    """Switch back to a completed engine in `superseded`. Raises `KeyError` when it is not there, or being deleted."""
    found = _superseded(entry, lambda one: one.engine_id == engine_id and engine_id not in entry.pruning)
    current = Provisioned(
        engine_id=found.engine_id,
        job_id=found.job_id,
        operation_id=found.operation_id,
        fingerprint=found.fingerprint,
        files=files,
        spec=found.spec,
        provisioned_at=found.provisioned_at,
        summary=found.summary,
        revision=found.revision,
        updated_at=found.updated_at,
        updating=found.updating,
    )
    entry = drop(_passed_over(entry, found), at)
    return replace(entry, current=current, superseded=entry.superseded + _replaced(entry.current, at))


def readopt(
    entry: Entry, operation_id: str, files: Mapping[str, str], at: str, instead_of: str | None = None
) -> Entry:
    """Wait again for an overtaken engine whose job had not ended: it becomes pending, and nothing is created.

    Where its job is known to have ended, it is being deleted, or it is not there, the entry stays as it is.
    """
    running = [
        one
        for one in entry.superseded
        if one.operation_id == operation_id
        and one.status == IN_PROGRESS
        and one.engine_id not in entry.pruning
    ]
    if not running:
        return entry
    [found, *_] = running
    pending = Pending(
        status=IN_PROGRESS,
        operation_id=operation_id,
        fingerprint=found.fingerprint,
        spec=found.spec,
        files=files,
        engine_id=found.engine_id,
        job_id=found.job_id,
        submitted_at=found.submitted_at,
        instead_of=instead_of,
    )
    return _put(_passed_over(entry, found), pending, at)


def join(retired: Retired, entry: Entry) -> Entry:
    """A retired entry comes back beside what has its key by now: its engines are among those that can be restored."""
    old = retired.entry
    known = set(entry.engine_ids)
    former = (*old.superseded, *_replaced(old.current, retired.retired_at))
    former += _discarded(old.pending, retired.retired_at)
    superseded = tuple(one for one in former if one.engine_id not in known) + entry.superseded
    uncertain, pruning = (*old.unresolved, *entry.uncertain), {**old.pruning, **entry.pruning}
    return replace(entry, superseded=superseded, uncertain=uncertain, pruning=pruning)


def _superseded(entry: Entry, wanted: Callable[[Superseded], bool]) -> Superseded:
    for one in reversed(entry.superseded):
        if wanted(one):
            return one
    raise KeyError("no such superseded engine")


def _passed_over(entry: Entry, found: Superseded) -> Entry:
    return replace(entry, superseded=tuple(one for one in entry.superseded if one is not found))


def find_superseded(
    entry: Entry, fingerprint: str, *, completed: bool, gone: Collection[str] = ()
) -> Superseded | None:
    """The newest superseded engine with this meaning: one that completed, or one whose job may still run. None that is
    gone, or being deleted.
    """
    wanted = None if completed else IN_PROGRESS
    for one in reversed(entry.superseded):
        if (
            one.status == wanted
            and one.engine_id not in gone
            and one.engine_id not in entry.pruning
            and same_meaning(one.fingerprint, one.spec, fingerprint)
        ):
            return one
    return None


def unpend(entry: Entry) -> Entry:
    """The entry without what is pending, of which nothing is kept."""
    return _filled(replace(entry, pending=None))


def step_down(entry: Entry, engine_id: str | None) -> Entry:
    """The serving engine leaves the entry, and the superseded one serves again; none where that is not there."""
    found = next((one for one in reversed(entry.superseded) if one.engine_id == engine_id), None)
    if found is None or found.engine_id in entry.pruning:
        return replace(entry, current=None)
    current = Provisioned(
        engine_id=found.engine_id,
        job_id=found.job_id,
        operation_id=found.operation_id,
        fingerprint=found.fingerprint,
        files=found.files,
        spec=found.spec,
        provisioned_at=found.provisioned_at,
        summary=found.summary,
        revision=found.revision,
        updated_at=found.updated_at,
        updating=found.updating,
    )
    return replace(_passed_over(entry, found), current=current)


def roll_back(entry: Entry, engine_id: str, hold: Hold | None, at: str) -> Entry:
    """As `restore`, to an engine that the file does not ask for. Raises `KeyError` when it is not there."""
    return replace(restore(entry, engine_id, {}, at), hold=hold)


def unheld(entry: Entry, fingerprint: str) -> Entry:
    """The entry, once its file asks for this: a hold on anything else is over."""
    over = entry.hold is not None and not entry.hold.holds_back(fingerprint)
    return replace(entry, hold=None) if over else entry


def refile(entry: Entry, fingerprint: str, files: Mapping[str, str]) -> Entry:
    """The same engines, read from other files from now on (a move)."""
    current, pending = entry.current, entry.pending
    if current is not None and same_meaning(current.fingerprint, current.spec, fingerprint):
        current = replace(current, files=files)
    if pending is not None and same_meaning(pending.fingerprint, pending.spec, fingerprint):
        pending = replace(pending, files=files)
    return replace(entry, current=current, pending=pending)


def keep(entry: Entry, kept: LifecycleOptions, files: Mapping[str, str]) -> Entry:
    """What the file says beside its spec, in the version that `files` names. Where that is news, parts that were read
    from another version lose their blob ids: if that version comes back, the file has to be read again.
    """
    if entry.kept == kept:
        return entry
    current, pending = entry.current, entry.pending
    if current is not None and current.files != files:
        current = replace(current, files={})
    if pending is not None and pending.files != files:
        pending = replace(pending, files={})
    uncertain = tuple(one if one.files == files else replace(one, files={}) for one in entry.uncertain)
    return replace(entry, current=current, pending=pending, uncertain=uncertain, kept=kept)


def without(entry: Entry, operation_id: str) -> Entry:
    """The entry without an unresolved call, if it is there: it was resolved elsewhere."""
    known = any(one.operation_id == operation_id for one in entry.unresolved)
    return withdraw(entry, operation_id) if known else entry


def _put(entry: Entry, operation: Pending, at: str) -> Entry:
    """The operation becomes the pending one; what was pending gives way to it."""
    before = entry.pending
    if before is not None and before.status == UNCERTAIN:
        return replace(entry, pending=operation, uncertain=(*entry.uncertain, before))
    return replace(entry, pending=operation, superseded=entry.superseded + _discarded(before, at))


def _discarded(pending: Pending | None, at: str) -> tuple[Superseded, ...]:
    return () if pending is None else superseded_by_dropping(pending, at)


def _take_out(entry: Entry, operation_id: str) -> tuple[Entry, Pending]:
    """The entry without an unanswered call, and that call. Raises `KeyError` when it is not there."""
    for one in entry.unanswered:
        if one.operation_id == operation_id:
            rest = replace(
                entry,
                pending=None if entry.pending is one else entry.pending,
                uncertain=tuple(other for other in entry.uncertain if other is not one),
            )
            return _filled(rest), one
    raise KeyError(operation_id)


def _filled(entry: Entry) -> Entry:
    """The newest unresolved call is the pending one where nothing else is."""
    if entry.pending is not None or not entry.uncertain:
        return entry
    *others, newest = entry.uncertain
    return replace(entry, pending=newest, uncertain=tuple(others))


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
        revision=current.revision,
        updated_at=current.updated_at,
        updating=current.updating,
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
