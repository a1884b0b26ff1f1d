"""The journal's records and its file format: one JSON object to a line, appended and never changed.

A journal is a set of facts keyed by operation. Two copies merge by union, a fact that is there twice counts once, and
the order of lines does not matter. A last line without its newline is torn: its write never returned, so nothing was
done on the strength of it. Anything else that is unreadable is an error, since it may name an engine.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from reconciler.core.engine.record import are_counts, are_files, why_no_record
from reconciler.core.engine.spec import SpecRecord
from reconciler.core.errors import Diagnostic, JournalError
from reconciler.core.frozen import dataclass, said_of
from reconciler.core.ledger.update_records import Update as Update
from reconciler.core.ledger.update_records import UpdateBegin as UpdateBegin
from reconciler.core.ledger.update_records import UpdateRefusal as UpdateRefusal
from reconciler.core.lockfile.lifecycle_options import why_not_kept
from reconciler.core.strict_json import JsonRefused, read_json
from reconciler.core.values import FINGERPRINT, ID, KEY, LINE, TIME, as_line, is_count, is_number, shown

VERSION = 2
_FIRST = 1  # of every kind that an older program knows, so that it can read on


@dataclass(frozen=True, slots=True)
class Begin:
    """A create call is about to be issued. `at` is UTC with milliseconds, and orders the operations of a key."""

    type: ClassVar[str] = "begin"
    operation: str
    key: str
    fingerprint: str
    spec: SpecRecord
    files: Mapping[str, str]
    at: str
    kept: Mapping[str, Any] | None = (
        None  # what its file says beside the spec (core/lockfile/lifecycle_options.py)
    )
    instead_of: str | None = None  # the serving engine whose place it takes: it is gone, or see `because`
    because: str | None = None  # `sources`: pages changed that the serving engine learned from


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The platform made an engine for the operation."""

    type: ClassVar[str] = "accepted"
    operation: str
    job_id: str
    engine_id: str
    at: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Nothing was made. `status` is the HTTP status, 0 when no request was sent; `final`: the spec itself was
    refused.
    """

    type: ClassVar[str] = "refused"
    operation: str
    message: str
    status: int
    final: bool
    at: str


@dataclass(frozen=True, slots=True)
class UncertainOutcome:
    """The call's outcome is unknown."""

    type: ClassVar[str] = "uncertain"
    operation: str
    reason: str
    at: str


@dataclass(frozen=True, slots=True)
class End:
    """The job ended: `result` is `completed` or `failed`."""

    type: ClassVar[str] = "ended"
    operation: str
    result: str
    at: str
    error: str | None = None


@dataclass(frozen=True, slots=True)
class JobSummary:
    """What a completed job made, as counts."""

    type: ClassVar[str] = "summary"
    operation: str
    summary: Mapping[str, int]
    at: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """A person settled an uncertain operation: `engine` (it made this engine), `forget`, or `retry`."""

    type: ClassVar[str] = "resolved"
    operation: str
    decision: str
    at: str
    engine_id: str | None = None
    job_id: str | None = None


@dataclass(frozen=True, slots=True)
class Pruning:
    """An engine that nothing uses is about to be deleted on the platform. From then on nothing switches back to it.
    `since` is when it left its place: where it has been in use again meanwhile, this says nothing of it.
    """

    type: ClassVar[str] = "pruning"
    operation: str  # no operation of its own: `prune_of` the engine
    key: str
    engine_id: str
    since: str
    at: str


@dataclass(frozen=True, slots=True)
class Pruned:
    """What became of that: the engine is `deleted`, or it was `kept`, since the platform or a guard refused. `begun` is
    the `at` of what it ends; empty where a person deleted the engine.
    """

    type: ClassVar[str] = "pruned"
    operation: str
    key: str
    engine_id: str
    result: str
    at: str
    begun: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a run decided for a key without a call: `kind` is one of `DECISIONS`. `engine_id` or `about`, an operation,
    names what it is about; `files` and `kept` are those of the engine's file then.
    """

    type: ClassVar[str] = "decided"
    operation: str  # no operation of its own: a digest of what is decided
    key: str
    kind: str
    at: str
    engine_id: str | None = None
    about: str | None = None
    instead_of: str | None = None  # restore: the engine that served until then; resume: as in `Begin`
    from_key: str | None = None
    fingerprint: str | None = None
    files: Mapping[str, Any] | None = None
    kept: Mapping[str, Any] | None = None
    spec: SpecRecord | None = None  # adopt, rollback: what the file asks for
    by: str | None = None  # rollback: who


DECISIONS = frozenset(
    {
        "move",
        "retire",
        "restore",
        "discard",
        "resume",
        "record",
        "hold",
        "undo",
        "adopt",
        "rollback",
        "release",
        "delete",
    }
)
_NEWER = frozenset(
    {"pruning", "pruned", "delete", "updating", "updated", "not_updated"}
)  # what an older program must refuse in words

Announcement = Begin | UpdateBegin  # durable, here and on the remote, before its call


def is_begin(record: Record) -> bool:
    """Whether it has to be durable before a call."""
    return isinstance(record, Begin | UpdateBegin)


Record = (
    Announcement
    | Acceptance
    | Update
    | UpdateRefusal
    | Refusal
    | UncertainOutcome
    | End
    | JobSummary
    | Settlement
    | Decision
    | Pruning
    | Pruned
)

_KINDS: dict[str, Any] = {
    kind.type: kind
    for kind in (
        Begin,
        UpdateBegin,
        Acceptance,
        Update,
        UpdateRefusal,
        Refusal,
        UncertainOutcome,
        End,
        JobSummary,
        Settlement,
        Decision,
        Pruning,
        Pruned,
    )
}
_CAMEL = {"job_id": "jobId", "engine_id": "engineId", "from_key": "fromKey", "instead_of": "insteadOf"}
_TEXTS = {
    **dict.fromkeys(("operation", "about", "jobId", "engineId", "insteadOf"), ID),
    **dict.fromkeys(("key", "fromKey"), KEY),
    **dict.fromkeys(("message", "reason", "error", "by", "because"), LINE),
    "fingerprint": FINGERPRINT,
    **dict.fromkeys(("at", "since", "begun"), TIME),
}
_RESULTS = {"ended": frozenset({"completed", "failed"}), "pruned": frozenset({"deleted", "kept"})}
_WORDS = {
    "result": frozenset().union(*_RESULTS.values()),
    "decision": frozenset({"engine", "forget", "retry"}),
    "kind": DECISIONS,
}
_REMEMBERED = 1 << 16
_spelled: dict[int, tuple[Record, str]] = {}  # by identity, which is safe while the record is held here
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def render(records: Iterable[Record]) -> bytes:
    """The lines to append."""
    return "".join(canonical(record) + "\n" for record in records).encode("utf-8", "surrogatepass")


def canonical(record: Record) -> str:
    """The record's one spelling, without a line feed. A run asks for it at every push, so it is remembered."""
    known = _spelled.get(id(record))
    if known is not None:
        return known[1]
    document: dict[str, Any] = {"v": _version_of(record), "type": record.type}
    for attribute in said_of(type(record)):
        value = getattr(record, attribute)
        if value is not None:
            name = _CAMEL.get(attribute, attribute)
            document[name] = as_line(value) if _TEXTS.get(name) is LINE else value
    if len(_spelled) >= _REMEMBERED:
        _spelled.clear()
    text = _encode(document)
    _spelled[id(record)] = (record, text)
    return text


def _version_of(record: Record) -> int:
    kind = record.kind if isinstance(record, Decision) else record.type
    return VERSION if kind in _NEWER else _FIRST


def parse(content: bytes, file: str) -> tuple[tuple[Record, ...], int]:
    """The records, each once and in their order, and how many bytes of `content` are whole lines.

    Raises `JournalError` for a line that is whole and yet unreadable.
    """
    records = (read_record(document, file, number) for number, document in documents(content, file))
    return union(records), content.rfind(b"\n") + 1


def documents(content: bytes, file: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The whole lines that are not empty, as JSON objects with their numbers. Raises `JournalError`."""
    whole = content[: content.rfind(b"\n") + 1]
    for number, line in enumerate(whole.split(b"\n")[:-1], start=1):
        if not line.strip():
            continue
        try:
            document = read_json(line)
        except JsonRefused as refused:
            raise _broken(file, number, refused.reason) from refused
        if not isinstance(document, dict):
            raise _broken(file, number, "not a JSON object")
        yield number, document


def read_record(document: dict[str, Any], file: str, number: int) -> Record:
    """The record in a line. Raises `JournalError`."""
    version = document.pop("v", None)
    if type(version) is not int or not _FIRST <= version <= VERSION:
        what = f"version {shown(version)}, but this reconcile supports versions up to {VERSION}"
        raise _broken(file, number, what)
    kind = _KINDS.get(str(document.pop("type", None)))
    if kind is None:
        raise _broken(file, number, "unknown type of record")
    return _read_record(kind, document, file, number)


def _read_record(kind: Any, document: dict[str, Any], file: str, number: int) -> Record:
    names = {_CAMEL.get(attribute, attribute): attribute for attribute in said_of(kind)}
    for name, value in document.items():
        problem = _why_not(name, value) if name in names else "wrong fields for its type"
        if problem is not None:
            raise _broken(file, number, problem)
    try:
        record: Record = kind(**{names[name]: value for name, value in document.items()})
    except TypeError as error:  # one is missing
        raise _broken(file, number, "wrong fields for its type") from error
    if isinstance(record, End | Pruned) and record.result not in _RESULTS[record.type]:
        raise _broken(file, number, f"unknown result `{shown(record.result)}`")
    if isinstance(record, Settlement) and (record.decision == "engine") is (record.engine_id is None):
        raise _broken(file, number, "an engine ID is allowed only if the decision names an engine")
    return record


def _why_not(name: str, value: object) -> str | None:
    """What is wrong with a value of a record, as a sentence."""
    kind, words = _TEXTS.get(name), _WORDS.get(name)
    if kind is not None:
        return None if kind.accepts(value) else f"`{name}` must be {kind.what}"
    if words is not None:
        return None if isinstance(value, str) and value in words else f"unknown {name} `{shown(value)}`"
    match name:
        case "spec":
            problem = why_no_record(value)
            return problem and f"`spec`: {problem}"
        case "kept":
            return why_not_kept(value)
        case "final":
            fine = isinstance(value, bool)
        case "status":
            fine = is_count(value)
        case "number":
            fine = is_number(value)
        case "files":
            fine = are_files(value)
        case _:
            fine = are_counts(value)
    return None if fine else f"`{name}` is malformed"


def _broken(file: str, line: int, what: str) -> JournalError:
    return JournalError(
        f"the journal {file} cannot be read (line {line}: {what})",
        hint="keep a copy, then fix or remove that line by hand; it may be the only record of an engine",
        diagnostics=[Diagnostic(what, file, line, 1)],
    )


def union(*journals: Iterable[Record]) -> tuple[Record, ...]:
    """The facts of several copies, each once."""
    seen: dict[str, Record] = {}
    for records in journals:
        for record in records:
            seen.setdefault(canonical(record), record)
    return tuple(seen.values())


def new_in(records: Iterable[Record], before: Iterable[Record]) -> list[Record]:
    """Those of the records that another copy does not have."""
    known = set(map(canonical, before))
    return [record for record in records if canonical(record) not in known]
