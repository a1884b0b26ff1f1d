"""What lockfiles and their entries name: engines and operations, without reading the entries whole."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.lockfile.entry_format import Document
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.lockfile.text.document import TextDocument


def engines_of(lockfile: Lockfile) -> set[str]:
    """Every engine that a lockfile names, in use, superseded or retired."""
    documents = [*lockfile.engines.values(), *(one for some in lockfile.retired.values() for one in some)]
    return {engine_id for document in documents for engine_id in _engines_in(document)}


def _engines_in(document: Document) -> Iterator[str]:
    if isinstance(document, TextDocument):
        yield from (
            engine for part, engine, _ in document.names() if engine is not None and part != "uncertain"
        )
        return
    for part in (document, document.get("pending"), *(document.get("superseded") or ())):
        engine_id = part.get("engineId") if isinstance(part, dict) else None
        if isinstance(engine_id, str):
            yield engine_id


def used_in(document: Document) -> list[str]:
    """The engines of an entry that serve, or are about to."""
    if isinstance(document, TextDocument):
        return [
            engine for part, engine, _ in document.names() if engine is not None and part in ("", "pending")
        ]
    parts = (document, document.get("pending"), *(document.get("uncertain") or ()))
    return [
        one["engineId"] for one in parts if isinstance(one, dict) and isinstance(one.get("engineId"), str)
    ]


def out_of_use(lockfile: Lockfile) -> set[str]:
    """The engines that were superseded, and all that are retired."""
    retired = Lockfile({}, lockfile.retired)
    return engines_of(retired).union(*map(_superseded_in, lockfile.engines.values()))


def _superseded_in(document: Document) -> list[str]:
    if isinstance(document, TextDocument):
        return [engine for part, engine, _ in document.names() if engine is not None and part == "superseded"]
    parts = document.get("superseded") or ()
    return [
        one["engineId"] for one in parts if isinstance(one, dict) and isinstance(one.get("engineId"), str)
    ]


def unresolved_in(lockfile: Lockfile) -> set[str]:
    """Every operation whose outcome is unknown."""
    calls = (
        call
        for document in lockfile.engines.values()
        for call in (document.get("pending"), *(document.get("uncertain") or ()))
    )
    return {
        str(call.get("operationId"))
        for call in calls
        if isinstance(call, dict) and call.get("status") == "uncertain"
    }


def names_of(document: Document) -> Iterator[str]:
    """The engines of an entry and its operations: either shows that two entries have to do with each other."""
    if isinstance(document, TextDocument):
        for _, engine_id, operation_id in document.names():
            yield from (name for name in (engine_id, operation_id) if name is not None)
        return
    parts = (document.get("uncertain") or (), document.get("superseded") or ())
    for part in (document, document.get("pending"), *parts[0], *parts[1]):
        if isinstance(part, dict):
            names = (part.get("engineId"), part.get("operationId"))
            yield from (name for name in names if isinstance(name, str))
