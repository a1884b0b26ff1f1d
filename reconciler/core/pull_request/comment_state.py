"""What a pull request has been told of its engines, over several runs: an apply may leave jobs running, and a later
run ends them. The comment itself is the memory: what it tells is in it as data, and each run puts its results over it.

The data comes back out of a comment that people may edit. So it is read leniently, part by part, and it only decides
what the same comment says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from reconciler.core.frozen import dataclass, field, replace
from reconciler.core.lockfile.entry import FAILED, IN_PROGRESS, Entry, Superseded
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.plan.model import Kind
from reconciler.core.plan.uncertain import how_to_settle
from reconciler.core.run.outcome import Result, Status

VERSION = 1
_TEXTS = ("key", "engineId", "previous", "jobId", "operationId", "error", "hint", "file")
_LONGEST = 2_000  # characters of one text that is read back
_PRESSING = (
    Status.RUNNING,
    Status.UNCERTAIN,
    Status.FAILED,
    Status.GUARDED,
    Status.NOT_STARTED,
    Status.DRIFTED,
    Status.DONE,
)


@dataclass(frozen=True, slots=True)
class CommentState:
    """`results` by key, one each. `left` is how many more were told that had no room as data; `commit` and `run` are
    those of the first run that told something: the commit that was applied, and the run's address.
    """

    results: Mapping[str, Result] = field(default_factory=dict)
    unchanged: int = 0
    left: int = 0
    commit: str | None = None
    run: str | None = None

    @property
    def running(self) -> frozenset[str]:
        """The operations whose end has not been told."""
        found = (one.operation_id for one in self.results.values() if one.status is Status.RUNNING)
        return frozenset(one for one in found if one is not None)

    def and_then(self, results: Sequence[Result]) -> CommentState:
        """With later results over the earlier ones. A job that was waited for later ends what began it."""
        now = dict(self.results)
        for result in results:
            earlier = now.get(result.key)
            now[result.key] = result if earlier is None else _continued(earlier, result)
        return replace(self, results=now)


def ends_of(told: CommentState, lockfile: Lockfile) -> tuple[Result, ...]:
    """What became of the jobs that were told as running, as the lockfile has it now; whichever run found it out.

    Raises `LockfileError`.
    """
    running = [one for one in told.results.values() if one.status is Status.RUNNING]
    ends = (_end(one, lockfile.entry(one.key)) for one in running if one.operation_id is not None)
    return tuple(one for one in ends if one is not None)


def first_submitted(lockfile: Lockfile) -> datetime | None:
    """When the first of the jobs that run was submitted, in UTC; times that cannot be read do not count."""
    pending = [document.get("pending") for document in lockfile.engines.values()]
    running = [one for one in pending if isinstance(one, dict) and one.get("status") == IN_PROGRESS]
    return min(filter(None, (_moment(one.get("submittedAt")) for one in running)), default=None)


def _moment(text: object) -> datetime | None:
    """None for what a person made of it, who may edit a lockfile."""
    try:
        moment = datetime.fromisoformat(str(text))
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _end(result: Result, entry: Entry | None) -> Result | None:
    """None while it runs, and where nothing is known of it any more."""
    if entry is None:
        return None
    pending = entry.pending
    for call in entry.unresolved:
        if call.operation_id == result.operation_id:
            hint = how_to_settle(result.key, entry.unresolved)
            return replace(result, status=Status.UNCERTAIN, error=call.error, hint=hint)
    if pending is not None and pending.operation_id == result.operation_id:
        failed = pending.status == FAILED
        return replace(result, status=Status.FAILED, error=pending.error) if failed else None
    done = [one for one in (entry.current, *entry.superseded) if one is not None]
    found = next((one for one in done if one.operation_id == result.operation_id), None)
    if found is None or (isinstance(found, Superseded) and found.status is not None):
        return None
    return replace(
        result, status=Status.DONE, engine_id=found.engine_id, summary=found.summary, error=None, hint=None
    )


def _continued(earlier: Result, later: Result) -> Result:
    same = earlier.operation_id is not None and earlier.operation_id == later.operation_id
    if not same or later.kind is not Kind.RESUME:
        return later
    return replace(later, kind=earlier.kind, previous=later.previous or earlier.previous)


def told_document(told: CommentState, room: int, cost: Callable[[Mapping[str, Any]], int]) -> dict[str, Any]:
    """As plain values. Of the results, the most pressing first, those are kept that have `room` by what they `cost`."""
    pressing = sorted(told.results.values(), key=lambda one: _PRESSING.index(one.status))
    kept: list[dict[str, Any]] = []
    for result in pressing:
        document = _document(result)
        room -= cost(document)
        if room < 0:
            break
        kept.append(document)
    values = {
        "v": VERSION,
        "unchanged": told.unchanged,
        "left": told.left + len(pressing) - len(kept),
        "commit": told.commit,
        "run": told.run,
        "results": kept,
    }
    return {name: value for name, value in values.items() if value is not None}


def read_told(document: object) -> CommentState | None:
    """None for what is no such document, or of a later version; results that cannot be read are left out."""
    if not isinstance(document, dict) or document.get("v") != VERSION:
        return None
    items = document.get("results")
    results = [_read(item) for item in items] if isinstance(items, list) else []
    return CommentState(
        {one.key: one for one in results if one is not None},
        _number(document.get("unchanged")),
        _number(document.get("left")),
        _text(document.get("commit")),
        _text(document.get("run")),
    )


def _document(result: Result) -> dict[str, Any]:
    """What is needed to tell of it again; the operation only as long as its end is to come."""
    done, running = result.status is Status.DONE, result.status is Status.RUNNING
    values: dict[str, Any] = {
        "key": result.key,
        "kind": result.kind.value,
        "status": result.status.value,
        "engineId": result.engine_id,
        "previous": result.previous,
        "jobId": result.job_id if running else None,
        "operationId": result.operation_id if running else None,
        "error": result.error[:_LONGEST] if result.error and not done else None,
        "hint": result.hint[:_LONGEST] if result.hint and not done else None,
        "file": result.file if not done else None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _read(item: object) -> Result | None:
    if not isinstance(item, dict):
        return None
    texts = {name: _text(item.get(name)) for name in _TEXTS}
    key = texts["key"]
    try:
        kind, status = Kind(str(item.get("kind"))), Status(str(item.get("status")))
    except ValueError:
        return None
    if key is None:
        return None
    return Result(
        key,
        kind,
        status,
        engine_id=texts["engineId"],
        previous=texts["previous"],
        job_id=texts["jobId"],
        operation_id=texts["operationId"],
        error=texts["error"],
        hint=texts["hint"],
        file=texts["file"],
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= _LONGEST else None


def _number(value: object) -> int:
    return value if type(value) is int and 0 <= value < 1_000_000_000 else 0
