"""Entries as documents in the lockfile and back.

Reading is strict: the file is machine-written, so anything unexpected in it is a hand edit or a bad merge, and guessing
there could orphan an engine. Keys that have no value are left out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from reconciler.core.commands import last_good_lockfile
from reconciler.core.engine.record import are_counts, are_files, why_no_record
from reconciler.core.engine.spec import LifecycleOptions
from reconciler.core.errors import LockfileError
from reconciler.core.frozen import said_of
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
from reconciler.core.lockfile.lifecycle_options import NAMES as KEPT_NAMES
from reconciler.core.lockfile.lifecycle_options import lifecycle_document, read_lifecycle
from reconciler.core.lockfile.text.document import TextDocument
from reconciler.core.values import FINGERPRINT, ID, LINE, TIME, as_line, is_number, shown

Document = Mapping[str, Any]
Part = TypeVar("Part", Provisioned, Pending, Superseded, Hold)

_NAMES = {
    "engine_id": "engineId",
    "job_id": "jobId",
    "operation_id": "operationId",
    "fingerprint": "fingerprint",
    "files": "files",
    "spec": "spec",
    "provisioned_at": "provisionedAt",
    "replaced_at": "replacedAt",
    "submitted_at": "submittedAt",
    "summary": "summary",
    "revision": "revision",
    "updated_at": "updatedAt",
    "updating": "updating",
    "status": "status",
    "error": "error",
    "instead_of": "insteadOf",
    "because": "because",
    "by": "by",
    "since": "since",
}
# Made once: a lockfile may hold ten thousand entries.
_PARTS = (Provisioned, Pending, Superseded, Hold)
ATTRIBUTES = {
    kind: {name: attribute for attribute, name in _NAMES.items() if attribute in kind.__slots__}
    for kind in _PARTS
}
_OPTIONAL = {kind: {name for name, said in said_of(kind).items() if said} for kind in _PARTS}
REQUIRED = {
    kind: [name for name, attribute in ATTRIBUTES[kind].items() if attribute not in _OPTIONAL[kind]]
    for kind in _PARTS
}
KINDS = {
    **dict.fromkeys(("engineId", "jobId", "operationId", "insteadOf"), ID),
    "fingerprint": FINGERPRINT,
    **dict.fromkeys(("provisionedAt", "replacedAt", "submittedAt", "updatedAt", "since"), TIME),
    **dict.fromkeys(("error", "by", "because"), LINE),
}
STATUSES = {
    Provisioned: frozenset[str](),
    Pending: frozenset({IN_PROGRESS, FAILED, UNCERTAIN}),
    Superseded: frozenset({IN_PROGRESS, FAILED}),
    Hold: frozenset[str](),
}


def entry_document(entry: Entry) -> dict[str, Any]:
    """The entry as it stands in the file; what serves now is at its top level."""
    document = {} if entry.current is None else _part_document(entry.current)
    if entry.pending is not None:
        document["pending"] = _part_document(entry.pending)
    if entry.uncertain:
        document["uncertain"] = [_part_document(one) for one in entry.uncertain]
    if entry.superseded:
        document["superseded"] = [_part_document(one) for one in entry.superseded]
    if entry.hold is not None:
        document["hold"] = _part_document(entry.hold)
    if entry.pruning:
        document["pruning"] = dict(entry.pruning)
    return document | lifecycle_document(entry.kept)


def retired_document(retired: Retired) -> dict[str, Any]:
    """A retired entry: as it was, and when."""
    return entry_document(retired.entry) | {"retiredAt": retired.retired_at}


def _part_document(part: Provisioned | Pending | Superseded | Hold) -> dict[str, Any]:
    values = ((name, getattr(part, field)) for field, name in _NAMES.items() if field in part.__slots__)
    return {
        name: as_line(value) if name in ("error", "by") else list(value) if name == "updating" else value
        for name, value in values
        if value not in (None, "", {}, ())
    }


def read_entry(document: Document, where: str) -> Entry:
    """The entry in a document. `where` names it in errors, such as `engines.acme`."""
    if isinstance(document, TextDocument):
        document = dict(document)
    if not isinstance(document, dict):
        raise _broken(where, "it must be an object")
    apart = ("pending", "uncertain", "superseded", "hold", "pruning", *KEPT_NAMES)
    top = {name: value for name, value in document.items() if name not in apart}
    entry = Entry(
        current=_read_part(Provisioned, top, where) if top else None,
        pending=_read_single(Pending, document, "pending", where),
        superseded=_read_list(Superseded, document, "superseded", where),
        kept=_read_kept(document, where),
        uncertain=_read_list(Pending, document, "uncertain", where),
        hold=_read_single(Hold, document, "hold", where),
        pruning=_read_pruning(document.get("pruning", {}), where),
    )
    if entry.empty:
        raise _broken(where, "it is empty")
    waits = entry.pending if entry.pending is not None and entry.pending.status == IN_PROGRESS else None
    if waits is not None and not (waits.job_id and waits.engine_id):
        raise _broken(f"{where}.pending", "an operation in progress must have a job ID and an engine ID")
    if any(call.status != UNCERTAIN for call in entry.uncertain):
        raise _broken(f"{where}.uncertain", "each operation there must have the status `uncertain`")
    return entry


def _read_single(kind: type[Part], document: Document, name: str, where: str) -> Part | None:
    return _read_part(kind, document[name], f"{where}.{name}") if name in document else None


def _read_list(kind: type[Part], document: Document, name: str, where: str) -> tuple[Part, ...]:
    parts = document.get(name, [])
    if not isinstance(parts, list):
        raise _broken(f"{where}.{name}", "it must be a list")
    return tuple(_read_part(kind, one, f"{where}.{name}[{index}]") for index, one in enumerate(parts))


def _read_pruning(document: Any, where: str) -> Mapping[str, str]:
    """Engines, and when their deletion began."""
    if not isinstance(document, dict):
        raise _broken(f"{where}.pruning", "it must be an object")
    for engine_id, since in document.items():
        if not ID.accepts(engine_id) or not TIME.accepts(since):
            raise _broken(f"{where}.pruning", "it must map engine IDs to times")
    return document


def _read_kept(document: Document, where: str) -> LifecycleOptions:
    try:
        return read_lifecycle(document)
    except ValueError as error:
        raise _broken(where, str(error)) from error


def read_retired(document: Document, where: str) -> Retired:
    """A retired entry in a document."""
    if isinstance(document, TextDocument):
        document = dict(document)
    if not isinstance(document, dict) or not TIME.accepts(document.get("retiredAt")):
        raise _broken(where, f"`retiredAt` must be {TIME.what}")
    rest = {name: value for name, value in document.items() if name != "retiredAt"}
    return Retired(read_entry(rest, where), document["retiredAt"])


def _read_part(kind: type[Part], document: Any, where: str) -> Part:
    if not isinstance(document, dict):
        raise _broken(where, "it must be an object")
    attributes = ATTRIBUTES[kind]
    values: dict[str, Any] = {}
    for name, value in document.items():
        if name not in attributes:
            raise _broken(where, f"unknown key `{shown(name)}`")
        problem = _why_not(name, value, STATUSES[kind])
        if problem is not None:
            raise _broken(where, problem)
        values[attributes[name]] = tuple(value) if name == "updating" else value
    for name in REQUIRED[kind]:
        if name not in document:
            raise _broken(where, f"`{name}` is missing")
    return kind(**values)


def _why_not(name: str, value: object, statuses: Collection[str]) -> str | None:
    """What is wrong with a value of an entry, as a sentence."""
    kind = KINDS.get(name)
    if kind is not None:
        return None if kind.accepts(value) else f"`{name}` must be {kind.what}"
    if name == "spec":
        problem = why_no_record(value)
        return problem and f"`spec`: {problem}"
    if name == "files":
        return None if are_files(value) else "`files` must map paths inside the project to git object IDs"
    if name == "revision":
        return None if is_number(value) else "`revision` must be a whole number from 1"
    if name == "updating":
        fine = isinstance(value, (list, tuple)) and bool(value) and all(map(is_number, value))
        return None if fine else "`updating` must be a list of whole numbers from 1"
    if name == "summary":
        return None if are_counts(value) else "`summary` must map names to whole numbers"
    return None if isinstance(value, str) and value in statuses else f"unknown status `{shown(value)}`"


def _broken(where: str, what: str) -> LockfileError:
    return LockfileError(
        f"the lockfile's entry `{where}` cannot be read: {what}",
        hint=f"run `{last_good_lockfile()}` to restore the last good one; the file is machine-written",
    )
