"""The lockfile: what is recorded as provisioned, and its file format.

JSON with sorted keys, two-space indent and a final newline; no global hash, serial or timestamp, so that two branches
that change different engines merge cleanly. It carries a version, and a newer one is refused in words.

A `Lockfile` keeps the documents as they were read and makes typed entries only of those that are asked for. With ten
thousand engines and nothing to do, none is, and the module that does it is not even imported; and what nobody touched
is written back as it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sized
from typing import TYPE_CHECKING, Any

from reconciler.core.commands import last_good_lockfile, reconcile
from reconciler.core.digests import sha256
from reconciler.core.errors import Diagnostic, LockfileError, Severity
from reconciler.core.frozen import dataclass, field, replace
from reconciler.core.lockfile.text.document import NEWER, TextDocument
from reconciler.core.strict_json import JsonRefused, read_json
from reconciler.core.values import KEY, are_keys, shown

if TYPE_CHECKING:
    from reconciler.core.lockfile.entry import Entry, Retired
    from reconciler.core.lockfile.entry_format import Document

# An older program would switch a rolled-back engine forward again, go back to one that is being deleted, discard what
# is made in the place of an engine that is gone, and take one that was changed in place for edited by hand. So it must
# refuse such a file.
VERSION = 2
_FIRST = 1

NEARLY_REFUSED = 80_000_000  # bytes
BIG = 1 << 21  # bytes; below that, importing msgspec costs more than it saves
_ENTRY, _RETIRED = b"\n    ", b"\n      "  # line feed and indent of an entry's closing brace
_MARKERS = (b"<<<<<<< ", b"||||||| ", b">>>>>>> ", b"=======")


@dataclass(frozen=True, slots=True)
class Lockfile:
    """Entries by key, as documents. `entry` and `retired_of` read them; the `with_…` methods give a new lockfile."""

    engines: Mapping[str, Document] = field(default_factory=dict)
    retired: Mapping[str, tuple[Document, ...]] = field(default_factory=dict)

    def entry(self, key: str) -> Entry | None:
        """The typed entry, or None. Raises `LockfileError` when its document is not one."""
        document = self.engines.get(key)
        if document is None:
            return None
        from reconciler.core.lockfile.entry_format import read_entry

        return read_entry(document, f"engines.{key}")

    def retired_of(self, key: str) -> tuple[Retired, ...]:
        """The retired entries that had this key, oldest first."""
        documents = self.retired.get(key)
        if not documents:
            return ()
        from reconciler.core.lockfile.entry_format import read_retired

        return tuple(read_retired(document, f"retired.{key}") for document in documents)

    def check(self) -> None:
        """Read every entry, as before something is written: what nobody touched is written back as it was. Raises
        `LockfileError` for the first that cannot be read.
        """
        if any(isinstance(document, TextDocument) for document in self.engines.values()):
            from reconciler.core.lockfile.text.entry import EntryText, prove

            prove((one for one in self.engines.values() if isinstance(one, EntryText)), _ENTRY)
        for key, document in self.engines.items():
            if _spelled(document, _ENTRY) is None:
                self.entry(key)
        for key, documents in self.retired.items():
            if any(_spelled(one, _RETIRED) is None for one in documents):
                self.retired_of(key)

    def with_entry(self, key: str, entry: Entry | None) -> Lockfile:
        """The lockfile with this entry; None, or an empty one, takes the key out."""
        return self.with_entries({key: entry})

    def with_entries(self, entries: Mapping[str, Entry | None]) -> Lockfile:
        """As `with_entry`, for many at the cost of one copy."""
        from reconciler.core.lockfile.entry_format import entry_document

        engines = dict(self.engines)
        for key, entry in entries.items():
            if entry is None or entry.empty:
                engines.pop(key, None)
            else:
                engines[key] = entry_document(entry)
        return replace(self, engines=engines)

    def with_retired(self, key: str, retired: tuple[Retired, ...]) -> Lockfile:
        """The lockfile with these retired entries for a key, and no others."""
        return self.with_retirements({key: retired})

    def with_retirements(self, retirements: Mapping[str, tuple[Retired, ...]]) -> Lockfile:
        """As `with_retired`, for many at the cost of one copy."""
        from reconciler.core.lockfile.entry_format import retired_document

        everything = dict(self.retired)
        for key, retired in retirements.items():
            everything.pop(key, None)
            if retired:
                everything[key] = tuple(retired_document(one) for one in retired)
        return replace(self, retired=everything)


EMPTY = Lockfile()


class _Known:
    """A big file that was read, with its `digest` where somebody asked for it; or one that was written, of which the
    digest is known, and the content once it is read again.
    """

    __slots__ = ("content", "digest", "lockfile", "size")

    def __init__(self, content: bytes, lockfile: Lockfile, digest: str = "", size: int = 0) -> None:
        self.content = content
        self.lockfile = lockfile
        self.digest = digest
        self.size = size


_last: list[_Known] = []


def render(lockfile: Lockfile) -> bytes:
    """The file's exact content. Entries that are still texts, and as a run writes them, are put there as they are."""
    documents = (*lockfile.engines.values(), *(one for some in lockfile.retired.values() for one in some))
    if any(isinstance(one, TextDocument) for one in documents):
        return b"".join(_pieces(lockfile, _version(documents)))
    document: dict[str, Any] = {"version": _version(documents), "engines": lockfile.engines}
    if lockfile.retired:
        document["retired"] = lockfile.retired
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, indent=2)
    return (text + "\n").encode("utf-8", "surrogatepass")


def _version(documents: Iterable[Document]) -> int:
    return VERSION if any(_is_newer(one) or _stands_in(one) for one in documents) else _FIRST


def _is_newer(document: Document) -> bool:
    if isinstance(document, TextDocument):
        return document.newer
    parts = (document, *document.get("superseded", ()))
    return any(isinstance(part, dict) and not NEWER.isdisjoint(part) for part in parts)


def _stands_in(document: Document) -> bool:
    """Whether an operation is for an engine in the place of one that is gone."""
    if "pending" not in document and "uncertain" not in document:
        return False
    calls = (document.get("pending"), *(document.get("uncertain") or ()))
    return any(isinstance(call, dict) and "insteadOf" in call for call in calls)


def _pieces(lockfile: Lockfile, version: int) -> Iterator[bytes | memoryview]:
    """The same as `render`, entry by entry; so the file is in memory once."""
    yield b'{\n  "engines": {'
    for number, (key, document) in enumerate(sorted(lockfile.engines.items())):
        yield b",\n    " if number else b"\n    "
        yield _encoded(key) + b": "
        yield _text(document, _ENTRY)
    yield b"\n  }" if lockfile.engines else b"}"
    if lockfile.retired:
        yield b',\n  "retired": {'
        for number, (key, documents) in enumerate(sorted(lockfile.retired.items())):
            yield b",\n    " if number else b"\n    "
            yield _encoded(key) + b": ["
            for at, document in enumerate(documents):
                yield b",\n      " if at else b"\n      "
                yield _text(document, _RETIRED)
            yield b"\n    ]" if documents else b"]"
        yield b"\n  }"
    yield b',\n  "version": %d\n}\n' % version


def _text(document: Document, indent: bytes) -> bytes | memoryview:
    text = _spelled(document, indent)
    return _encoded(dict(document)).replace(b"\n", indent) if text is None else text


def _encoded(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=2).encode("utf-8", "surrogatepass")


def _spelled(document: Document, indent: bytes) -> memoryview | None:
    return document.spelled(indent) if isinstance(document, TextDocument) else None


def parse(content: bytes, file: str) -> Lockfile:
    """The lockfile in `content`. Raises `LockfileError` with the place and what to do."""
    if len(content) >= BIG and (lockfile := _taken_apart(content)) is not None:
        return lockfile
    return read_exactly(content, file)


def _taken_apart(content: bytes) -> Lockfile | None:
    """A big file as texts; None for one that the exact reader has to look at. A run reads the same file several times,
    and it is on the branch, too: so the last ones are kept, with their contents.
    """
    if (known := _known(content)) is not None:
        return known.lockfile
    try:
        from reconciler.core.lockfile.text.entry import taken_apart
    except ImportError:  # no msgspec for this system
        return None
    found = taken_apart(content, _last[0].lockfile.engines if _last else {})
    if found is None:
        return None
    engines, retired, keys = found
    if not (are_keys(engines) and are_keys(retired) and _are_lines(content, keys, engines, retired)):
        return None
    lockfile = Lockfile(engines, retired)
    _last[:] = [_Known(content, lockfile), *_last[:1]]
    return lockfile


def digest_of(content: bytes) -> str:
    """`sha256:<hex>` of a lockfile's content."""
    known = _known(content)
    if known is not None and known.digest:
        return known.digest
    digest = f"sha256:{sha256(content)}"
    if known is not None:
        known.digest = digest
    return digest


def content_of(lockfile: Lockfile) -> bytes | None:
    """What a big lockfile was read from, so that nobody holds it twice; None where that is not kept."""
    return next((one.content for one in _last if one.lockfile is lockfile), None)


def written(lockfile: Lockfile, size: int, digest: str) -> None:
    """Remember what a run wrote: so many bytes, with this digest. It will be read again."""
    if size >= BIG:
        _last[:] = [_Known(b"", lockfile, digest, size), *_last[:1]]


def _known(content: bytes) -> _Known | None:
    for one in _last:
        if one.content == content:
            return one
        if one.size == len(content) and not one.content and one.digest == f"sha256:{sha256(content)}":
            one.content = content
            return one
    return None


def read_exactly(content: bytes, file: str) -> Lockfile:
    """As `parse`, by the reader that has words for whatever is wrong."""
    document = _json(content, file)
    if not isinstance(document, dict):
        raise _broken(file, "it is not a JSON object")
    _check_version(document.get("version"), file)
    unknown = sorted(document.keys() - {"version", "engines", "retired"})
    if unknown:
        raise _broken(file, f"unknown key `{shown(unknown[0])}`")
    engines, retired = document.get("engines"), document.get("retired", {})
    if not (isinstance(engines, dict) and all(map(_is_entry, engines.values()))):
        raise _broken(file, "`engines` must map keys to entries")
    if not (isinstance(retired, dict) and all(map(_are_entries, retired.values()))):
        raise _broken(file, "`retired` must map keys to lists of entries with their times")
    if not (are_keys(engines) and are_keys(retired)):
        bad = next(key for key in (*engines, *retired) if not KEY.accepts(key))
        raise _broken(file, f"`{shown(bad)}` is not {KEY.what}")
    if not _keys_are_lines(content, document):
        _json(content, file, unique=True)
    return Lockfile(engines, {key: tuple(entries) for key, entries in retired.items()})


def _is_entry(document: object) -> bool:
    return (
        isinstance(document, dict)
        and isinstance(document.get("superseded", []), list)
        and isinstance(document.get("uncertain", []), list)
    )


def _are_entries(documents: object) -> bool:
    return isinstance(documents, list) and all(
        _is_entry(one) and isinstance(one.get("retiredAt"), str) for one in documents
    )


def _keys_are_lines(content: bytes, document: Mapping[str, Any]) -> bool:
    """Whether there are as many lines with a key as the document has keys, laid out as `render` writes it.

    JSON takes a key that stands there twice and keeps the last: so a merge by hand could lose an engine
    unseen. Counting lines costs little, and a lost entry, or a lost part of one, always had some; only a file
    that was laid out by hand needs the exact look.
    """
    engines = document["engines"]
    return _are_lines(content, sum(map(len, engines.values())), engines, document.get("retired", ()))


def _are_lines(content: bytes, parts: int, engines: Sized, retired: Sized) -> bool:
    if parts == 0 or parts != content.count(b'\n      "'):
        return False
    return not retired or len(engines) + len(retired) == content.count(b'\n    "')


def _json(content: bytes, file: str, *, unique: bool = False) -> Any:
    try:
        return read_json(content, unique=unique)
    except JsonRefused as refused:
        line = _conflict_line(content)
        if line is not None:
            raise LockfileError(
                f"{file} has conflict markers",
                hint=f"run `{reconcile('lockfile repair')}` to merge both sides without losing an engine",
                diagnostics=[Diagnostic("conflict marker", file, line, 1)],
            ) from refused
        raise _broken(file, refused.reason, refused.line, refused.col) from refused


def _conflict_line(content: bytes) -> int | None:
    for number, line in enumerate(content.splitlines(), start=1):
        if line.startswith(_MARKERS):
            return number
    return None


def _check_version(version: object, file: str) -> None:
    if isinstance(version, int) and not isinstance(version, bool) and version > VERSION:
        raise LockfileError(
            f"{file} has version {version}, but this reconcile supports versions up to {VERSION}",
            hint="upgrade reconcile: a newer version wrote it",
        )
    if version not in (_FIRST, VERSION) or isinstance(version, bool):
        raise _broken(file, f'`"version": {_FIRST}` is missing')


def outgrown(size: int, file: str) -> Diagnostic | None:
    """A warning for a lockfile of so many bytes, while there is time: GitHub and others refuse files over 100 MB."""
    if size < NEARLY_REFUSED:
        return None
    return Diagnostic(
        f"{file} has {size / 1e6:.0f} MB; GitHub and other git hosts refuse files over 100 MB",
        file,
        hint="split it before that: make each team's folder a project, with a lockfile of its own "
        "(docs/publishing.md#when-a-lockfile-gets-too-big)",
        severity=Severity.WARNING,
    )


def _broken(file: str, what: str, line: int | None = None, col: int | None = None) -> LockfileError:
    return LockfileError(
        f"{file} cannot be read as a lockfile: {what}",
        hint=f"run `{last_good_lockfile()}` to restore the last good one; the file is machine-written",
        diagnostics=[Diagnostic(what, file, line, col)],
    )
