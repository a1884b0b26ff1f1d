"""Entries as documents in the lockfile and back.

Reading is strict: the file is machine-written, so anything unexpected in it is a hand edit or a bad merge, and guessing
there could orphan an engine. Keys that have no value are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from reconciler.core.commands import last_good_lockfile
from reconciler.core.engine.spec import LifecycleOptions
from reconciler.core.errors import LockfileError
from reconciler.core.lockfile.entry import (
    FAILED,
    IN_PROGRESS,
    UNCERTAIN,
    Entry,
    Pending,
    Provisioned,
    Retired,
    Superseded,
)
from reconciler.core.lockfile.lifecycle_options import NAMES as KEPT_NAMES
from reconciler.core.lockfile.lifecycle_options import lifecycle_document, read_lifecycle

Document = Mapping[str, Any]
Part = TypeVar("Part", Provisioned, Pending, Superseded)

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
    "status": "status",
    "error": "error",
}
# Made once: a lockfile may hold ten thousand entries.
_PARTS = (Provisioned, Pending, Superseded)
_ATTRIBUTES = {
    kind: {name: attribute for attribute, name in _NAMES.items() if attribute in kind.__slots__}
    for kind in _PARTS
}
_OPTIONAL = {
    kind: {one.name for one in fields(kind) if (one.default, one.default_factory) != (MISSING, MISSING)}
    for kind in _PARTS
}
_REQUIRED = {
    kind: [name for name, attribute in _ATTRIBUTES[kind].items() if attribute not in _OPTIONAL[kind]]
    for kind in _PARTS
}
_OBJECTS = frozenset({"files", "spec", "summary"})
_PENDING_STATUSES = frozenset({IN_PROGRESS, FAILED, UNCERTAIN})


def entry_document(entry: Entry) -> dict[str, Any]:
    """The entry as it stands in the file; what serves now is at its top level."""
    document = {} if entry.current is None else _part_document(entry.current)
    if entry.pending is not None:
        document["pending"] = _part_document(entry.pending)
    if entry.uncertain:
        document["uncertain"] = [_part_document(one) for one in entry.uncertain]
    if entry.superseded:
        document["superseded"] = [_part_document(one) for one in entry.superseded]
    return document | lifecycle_document(entry.kept)


def retired_document(retired: Retired) -> dict[str, Any]:
    """A retired entry: as it was, and when."""
    return entry_document(retired.entry) | {"retiredAt": retired.retired_at}


def _part_document(part: Provisioned | Pending | Superseded) -> dict[str, Any]:
    values = ((name, getattr(part, field)) for field, name in _NAMES.items() if field in part.__slots__)
    return {name: value for name, value in values if value not in (None, "", {})}


def read_entry(document: Document, where: str) -> Entry:
    """The entry in a document. `where` names it in errors, such as `engines.acme`."""
    if not isinstance(document, dict):
        raise _broken(where, "it must be an object")
    apart = ("pending", "uncertain", "superseded", *KEPT_NAMES)
    top = {name: value for name, value in document.items() if name not in apart}
    pending = document.get("pending")
    entry = Entry(
        current=_read_part(Provisioned, top, where) if top else None,
        pending=None if pending is None else _read_part(Pending, pending, f"{where}.pending"),
        superseded=_read_list(Superseded, document, "superseded", where),
        kept=_read_kept(document, where),
        uncertain=_read_list(Pending, document, "uncertain", where),
    )
    if entry.empty:
        raise _broken(where, "it is empty")
    _check_pending(entry.pending, f"{where}.pending")
    for index, call in enumerate(entry.uncertain):
        if call.status != UNCERTAIN:
            raise _broken(f"{where}.uncertain[{index}]", f"unknown status `{call.status}`")
    for index, one in enumerate(entry.superseded):
        if one.status not in (None, IN_PROGRESS, FAILED):
            raise _broken(f"{where}.superseded[{index}]", f"unknown status `{one.status}`")
    return entry


def _read_list(kind: type[Part], document: Document, name: str, where: str) -> tuple[Part, ...]:
    parts = document.get(name, [])
    if not isinstance(parts, list):
        raise _broken(f"{where}.{name}", "it must be a list")
    return tuple(_read_part(kind, one, f"{where}.{name}[{index}]") for index, one in enumerate(parts))


def _read_kept(document: Document, where: str) -> LifecycleOptions:
    try:
        return read_lifecycle(document)
    except ValueError as error:
        raise _broken(where, str(error)) from error


def read_retired(document: Document, where: str) -> Retired:
    """A retired entry in a document."""
    if not isinstance(document, dict) or not isinstance(document.get("retiredAt"), str):
        raise _broken(where, "`retiredAt` is missing")
    rest = {name: value for name, value in document.items() if name != "retiredAt"}
    return Retired(read_entry(rest, where), document["retiredAt"])


def _read_part(kind: type[Part], document: Any, where: str) -> Part:
    if not isinstance(document, dict):
        raise _broken(where, "it must be an object")
    attributes = _ATTRIBUTES[kind]
    values: dict[str, Any] = {}
    for name, value in document.items():
        if name not in attributes:
            raise _broken(where, f"unknown key `{name}`")
        _check_type(name, value, where)
        values[attributes[name]] = value
    for name in _REQUIRED[kind]:
        if name not in document:
            raise _broken(where, f"`{name}` is missing")
    return kind(**values)


def _check_type(name: str, value: object, where: str) -> None:
    if name in _OBJECTS:
        if not isinstance(value, dict):
            raise _broken(where, f"`{name}` must be an object")
        if name == "spec":
            _check_spec(value, f"{where}.spec")
        if name == "files" and not all(isinstance(id_, str) for id_ in value.values()):
            raise _broken(where, "`files` must map paths to blob ids")
    elif not isinstance(value, str) or not value:
        raise _broken(where, f"`{name}` must be a text that is not empty")


def _check_spec(spec: Mapping[str, Any], where: str) -> None:
    if not isinstance(spec.get("name"), str):
        raise _broken(where, "`name` is missing")
    if not isinstance(spec.get("description", ""), str):
        raise _broken(where, "`description` must be a text")
    locales, sources = spec.get("locales", []), spec.get("sources", [])
    if not (isinstance(locales, list) and all(isinstance(tag, str) for tag in locales)):
        raise _broken(where, "`locales` must be a list of texts")
    if not (isinstance(sources, list) and all(_is_source(source) for source in sources)):
        raise _broken(where, "`sources` must be a list of links and content digests")


def _is_source(source: object) -> bool:
    if not isinstance(source, dict):
        return False
    kind = source.get("type")
    if kind not in ("link", "content"):
        return False
    return isinstance(source.get("payload" if kind == "link" else "digest"), str)


def _check_pending(pending: Pending | None, where: str) -> None:
    if pending is None:
        return
    if pending.status not in _PENDING_STATUSES:
        raise _broken(where, f"unknown status `{pending.status}`")
    if pending.status == IN_PROGRESS and not (pending.job_id and pending.engine_id):
        raise _broken(where, "an operation in progress must name its job and engine")


def _broken(where: str, what: str) -> LockfileError:
    return LockfileError(
        f"the lockfile's entry `{where}` cannot be read: {what}",
        hint=f"it is machine-written; bring back the last good one: {last_good_lockfile()}",
    )
