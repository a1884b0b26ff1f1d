"""Whether a document is the record of a spec, as the lockfile and the journal keep it (see `spec.record_of`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.core.engine.spec import MAX_SOURCES
from reconciler.core.values import (
    COUNTED,
    DIGEST,
    LINE,
    LINK,
    LOCALE,
    MAX_NAME,
    OBJECT_ID,
    PATH,
    TEXT,
    Kind,
    is_count,
    shown,
)

LONGEST_NAME = 3 * MAX_NAME  # canonical composition can make it longer
_SPEC = frozenset({"name", "description", "locales", "sources"})
_LINK = {"payload": LINK}
_CONTENT: dict[str, Kind] = {"digest": DIGEST, "file": PATH}


def why_no_record(spec: object) -> str | None:
    """What is wrong with it, as a sentence; None where it is one."""
    if not isinstance(spec, dict):
        return "it must be an object"
    for name in spec:
        if name not in _SPEC:
            return f"unknown key `{shown(name)}`"
    name, description = spec.get("name"), spec.get("description", "")
    if not LINE.accepts(name) or len(name) > LONGEST_NAME:
        return f"`name` must be {LINE.what}"
    if not TEXT.accepts(description):
        return f"`description` must be {TEXT.what}"
    locales, sources = spec.get("locales", []), spec.get("sources", [])
    if not isinstance(locales, list):
        return "`locales` must be a list"
    if not all(map(LOCALE.accepts, locales)):
        return f"each of the `locales` must be {LOCALE.what}"
    if not isinstance(sources, list) or len(sources) > MAX_SOURCES:
        return f"`sources` must be a list of at most {MAX_SOURCES}"
    return next(filter(None, map(_why_no_source, sources)), None)


def _why_no_source(source: object) -> str | None:
    kind = source.get("type") if isinstance(source, dict) else None
    if not isinstance(source, dict) or kind not in ("link", "content"):
        return "`sources` must be a list of links and content digests"
    values: Mapping[str, Any] = source
    kinds = _LINK if kind == "link" else _CONTENT
    for name, value in values.items():
        if name in kinds:
            if not kinds[name].accepts(value):
                return f"`{name}` of a source must be {kinds[name].what}"
        elif kind == "content" and name == "chars":
            if not is_count(value):
                return "`chars` of a source must be a whole number"
        elif name != "type":
            return f"unknown key `{name}` of a source"
    needed = "payload" if kind == "link" else "digest"
    return None if needed in values else f"a source has no `{needed}`"


def are_files(files: object) -> bool:
    """Whether it maps paths to git's object IDs."""
    return (
        isinstance(files, dict)
        and all(map(PATH.accepts, files))
        and all(map(OBJECT_ID.accepts, files.values()))
    )


def are_counts(summary: object) -> bool:
    """Whether it maps names to how much of it a job made."""
    return (
        isinstance(summary, dict)
        and all(map(COUNTED.accepts, summary))
        and all(map(is_count, summary.values()))
    )
