"""What pages and texts were like when engines learned from them: `engines.sources.json`, beside the lockfile.

It is a file of its own, so that the lockfile stays small and its differences readable, and by engine ID, so that two
branches seldom touch the same lines and a rollback finds the pages as the older engine read them. It is versioned,
sorted and free of global values, as the lockfile is; the newer look at a link wins where two sides have one.

Pages are looked at without any credential, and what is kept of one is a digest of each sentence with its first words:
enough to say what changed, and no copy of somebody's page in the repository.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from reconciler.core.errors import LockfileError
from reconciler.core.frozen import dataclass, field, replace
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.strict_json import JsonRefused, read_json
from reconciler.core.values import DIGEST, ID, LINE, LINK, MAX_LINE, PATH, TIME, Kind, is_count, shown

VERSION = 1
MAX_SENTENCES = 200  # of a page that are kept
_TEXT_DIGEST = Kind("a digest of a main text, like m1:sha256:…", r"m[0-9]{1,3}:sha256:[0-9a-f]{64}")
_MARKERS = (b"<<<<<<< ", b"=======", b">>>>>>> ")
_HINT = "delete it to start over; engines are `unknown` until their pages are recorded again"


class NewerSources(LockfileError):
    """The file is of a newer version: it is neither read nor written."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at a page. `sentences` are those of its main text, as `core/sources/sentences` keeps them. Without a
    `digest` there was no page to read. `reader` is what took the text out of the page.
    """

    looked_at: str
    status: int | None = None
    final_url: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    size: int | None = None
    digest: str | None = None
    reader: str = ""
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineRecord:
    """What one engine learned from: pages by the address in its file, and texts by the path of their file."""

    links: Mapping[str, Seen] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourcesState:
    """Records by engine ID."""

    engines: Mapping[str, EngineRecord] = field(default_factory=dict)

    def seen(self, engine_id: str, url: str) -> Seen | None:
        record = self.engines.get(engine_id)
        return None if record is None else record.links.get(url)

    def with_record(self, engine_id: str, record: EngineRecord) -> SourcesState:
        """With what the record has, and what was there of other links."""
        before = self.engines.get(engine_id, EngineRecord())
        links, files = {**before.links, **record.links}, {**before.files, **record.files}
        return replace(self, engines={**self.engines, engine_id: EngineRecord(links, files)})

    def of(self, lockfile: Lockfile) -> SourcesState:
        """Without engines that the lockfile does not name any more."""
        known = engine_ids(lockfile)
        return replace(self, engines={name: one for name, one in self.engines.items() if name in known})


EMPTY = SourcesState()


def path_beside(lockfile: str) -> str:
    """Where the file is that belongs to a lockfile: `engines.sources.json` beside `engines.lock.json`."""
    stem = lockfile.removesuffix(".json").removesuffix(".lock")
    return f"{stem}.sources.json"


def engine_ids(lockfile: Lockfile) -> frozenset[str]:
    """Every engine that a lockfile names: those that serve, are made, or can be returned to."""
    found: set[str] = set()
    for key in lockfile.engines:
        entry = lockfile.entry(key)
        found.update(() if entry is None else entry.engine_ids)
    for key in lockfile.retired:
        for retired in lockfile.retired_of(key):
            found.update(retired.entry.engine_ids)
    return frozenset(found)


# ── the file ───────────────────────────────────────────────────────────────────────────────────────────────────


def render(state: SourcesState) -> bytes:
    """The file's exact content."""
    engines = {name: _record_document(one) for name, one in state.engines.items()}
    document = {"version": VERSION, "engines": engines}
    return (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode(
        "utf-8", "replace"
    )


def _record_document(record: EngineRecord) -> dict[str, Any]:
    links = {url: _seen_document(seen) for url, seen in record.links.items()}
    return _known(links=links or None, files=dict(record.files) or None)


def _seen_document(seen: Seen) -> dict[str, Any]:
    return _known(
        lookedAt=seen.looked_at,
        status=seen.status,
        finalUrl=seen.final_url,
        etag=seen.etag,
        lastModified=seen.last_modified,
        size=seen.size,
        digest=seen.digest,
        reader=seen.reader or None,
        sentences=list(seen.sentences) or None,
    )


def _known(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def parse(content: bytes, path: str) -> SourcesState:
    """Raises `NewerSources` for a newer version, `LockfileError` with the place for anything else that is wrong."""
    if not content.strip():
        return EMPTY
    if any(line.startswith(_MARKERS) for line in content.splitlines()):
        raise LockfileError(f"{path} has an unresolved merge conflict", hint=_HINT)
    try:
        document = read_json(content)
    except JsonRefused as refused:
        place = f":{refused.line}:{refused.col}" if refused.line is not None else ""
        raise LockfileError(f"{path}{place}: {refused.reason}", hint=_HINT) from refused
    read = _Reader(path)
    top = read.mapping(document, "the file")
    version = top.get("version")
    if is_count(version) and version > VERSION:
        raise NewerSources(
            f"{path} has version {version}, and this reconcile reads up to {VERSION}",
            hint="upgrade reconcile; until then the file is left as it is",
        )
    if version != VERSION or type(version) is bool:
        raise read.wrong("version", "must be 1", version)
    read.only(top, ("version", "engines"), "the file")
    engines = read.mapping(top.get("engines", {}), "engines")
    return SourcesState({name: read.record(one, name) for name, one in engines.items()})


class _Reader:
    """Reads the parts of one file, and says where something is wrong."""

    def __init__(self, path: str) -> None:
        self._path = path

    def wrong(self, place: str, must: str, value: object) -> LockfileError:
        return LockfileError(f"{self._path}: {place} {must}, not `{shown(value)}`", hint=_HINT)

    def mapping(self, value: object, place: str) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self.wrong(place, "must be an object", value)
        return value

    def only(self, value: Mapping[str, Any], known: Collection[str], place: str) -> None:
        for name in value:
            if name not in known:
                raise LockfileError(f"{self._path}: unknown key `{shown(name)}` in {place}", hint=_HINT)

    def record(self, value: object, name: str) -> EngineRecord:
        place = f"engines.{shown(name)}"
        if not ID.accepts(name):
            raise self.wrong("a key of `engines`", f"must be {ID.what}", name)
        found = self.mapping(value, place)
        self.only(found, ("links", "files"), place)
        links = self.mapping(found.get("links", {}), f"{place}.links")
        files = self.mapping(found.get("files", {}), f"{place}.files")
        for path, digest in files.items():
            if not PATH.accepts(path):
                raise self.wrong(f"a key of {place}.files", f"must be {PATH.what}", path)
            if not DIGEST.accepts(digest):
                raise self.wrong(f"{place}.files.{shown(path)}", f"must be {DIGEST.what}", digest)
        return EngineRecord({url: self.seen(one, url, f"{place}.links") for url, one in links.items()}, files)

    def seen(self, value: object, url: str, place: str) -> Seen:
        if not LINK.accepts(url):
            raise self.wrong(f"a key of {place}", f"must be {LINK.what}", url)
        place = f"{place}.{shown(url)}"
        found = self.mapping(value, place)
        self.only(found, [name for name, _, _ in _FIELDS], place)
        for name, accepts, what in _FIELDS:
            needed = name == "lookedAt"
            if (name in found or needed) and not accepts(found.get(name)):
                raise self.wrong(f"{place}.{name}", f"must be {what}", found.get(name))
        return Seen(
            found["lookedAt"],
            found.get("status"),
            found.get("finalUrl"),
            found.get("etag"),
            found.get("lastModified"),
            found.get("size"),
            found.get("digest"),
            found.get("reader", ""),
            tuple(found.get("sentences", ())),
        )


def _are_lines(value: object) -> bool:
    return isinstance(value, list) and len(value) <= MAX_SENTENCES and all(map(LINE.accepts, value))


_LINE = f"one line of at most {MAX_LINE:,} characters"
_FIELDS: tuple[tuple[str, Callable[[object], bool], str], ...] = (
    ("lookedAt", TIME.accepts, TIME.what),
    ("status", is_count, "a whole number"),
    ("finalUrl", LINK.accepts, LINK.what),
    ("etag", LINE.accepts, _LINE),
    ("lastModified", LINE.accepts, _LINE),
    ("size", is_count, "a whole number"),
    ("digest", _TEXT_DIGEST.accepts, _TEXT_DIGEST.what),
    ("reader", LINE.accepts, _LINE),
    ("sentences", _are_lines, f"a list of at most {MAX_SENTENCES} lines"),
)


# ── merging ────────────────────────────────────────────────────────────────────────────────────────────────────


def merge(base: SourcesState | None, ours: SourcesState, theirs: SourcesState) -> SourcesState:
    """Both sides in one: what only one side changed or removed is taken from it, and of two looks at a link the newer
    one. The result does not depend on which side is ours.
    """
    if ours == theirs:
        return ours
    before = EMPTY if base is None else base
    names = {*ours.engines, *theirs.engines}
    merged = {}
    for name in sorted(names):
        record = _merged(before.engines.get(name), ours.engines.get(name), theirs.engines.get(name))
        if record is not None:
            merged[name] = record
    return SourcesState(merged)


def _merged(
    base: EngineRecord | None, ours: EngineRecord | None, theirs: EngineRecord | None
) -> EngineRecord | None:
    if ours in (base, theirs):
        return theirs
    if theirs == base:
        return ours
    if ours is None or theirs is None:
        return theirs if ours is None else ours
    links = {
        url: _newer(ours.links.get(url), theirs.links.get(url)) for url in _names(ours.links, theirs.links)
    }
    files = {}
    for path in _names(ours.files, theirs.files):
        found = [one for one in (ours.files.get(path), theirs.files.get(path)) if one is not None]
        files[path] = max(found)
    return EngineRecord(links, files)


def _names(one: Collection[str], other: Collection[str]) -> Iterator[str]:
    return iter(sorted({*one, *other}))


def _newer(one: Seen | None, other: Seen | None) -> Seen:
    found = [seen for seen in (one, other) if seen is not None]
    return max(found, key=lambda seen: (seen.looked_at, json.dumps(_seen_document(seen), sort_keys=True)))
