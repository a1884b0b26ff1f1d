"""The entries of a big lockfile as texts: proved to be entries in one pass, and read only where somebody asks.

`json.loads` makes some fifty objects of every entry, and a plan over ten thousand of them looks at three values of
each. So a big file is taken apart into one text for each entry, and msgspec checks every text against the types below
without keeping anything of it. Whatever is not exactly as these types say (an unknown key, a number with a fraction,
half a character, bytes that are no UTF-8) leaves the whole file to the exact reader, which has words for it.

The values of a text are read by the exact reader, too. So both ways give the same values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import UNSET, MsgspecError, Raw, Struct
from msgspec.json import Decoder, Encoder
from msgspec.json import format as laid_out

from reconciler.core.lockfile.text.document import NEWER, TextDocument
from reconciler.core.lockfile.text.values import EntryValues, RetiredValues
from reconciler.core.strict_json import read_json
from reconciler.core.values import ID

# Most entries have none of these, and it is asked about all of them; what is asked of `read_json` is rarely wanted.
_RARE = {
    "pending": "pending",
    "uncertain": "uncertain",
    "superseded": "superseded",
    "hold": "hold",
    "pruning": "pruning",
    "outputs": "outputs",
    "protect": "protect",
    "revision": "revision",
    "updatedAt": "updated_at",
    "updating": "updating",
}
_AT_ONCE = 1000  # entries of which all values are in memory together
_NONE: frozenset[str] = frozenset()


class _Names(Struct, rename="camel", gc=False):
    engine_id: str | None = None
    operation_id: str | None = None


class _AllNames(Struct, rename="camel", gc=False):
    engine_id: str | None = None
    operation_id: str | None = None
    pending: _Names | None = None
    uncertain: Sequence[_Names] = ()
    superseded: Sequence[_Names] = ()


class _File(Struct, forbid_unknown_fields=True, gc=False):
    version: int
    engines: dict[str, Raw]
    retired: dict[str, list[Raw]] = {}


_file = Decoder(_File).decode
_values = Decoder(EntryValues).decode
_retired_values = Decoder(RetiredValues).decode
_names = Decoder(_AllNames).decode
_encode = Encoder(order="sorted").encode


class EntryText(TextDocument):
    """The document of an entry: its text, and its values as soon as somebody asks for them."""

    __slots__ = ("_document", "_proved", "_rare", "_text", "keys_in_text", "settled_files")
    settled_files: Mapping[str, str] | None
    _read: Callable[[Raw], EntryValues] = staticmethod(_values)

    def __init__(
        self, text: Raw, rare: frozenset[str], files: Mapping[str, str] | None = None, keys: int = 0
    ) -> None:
        self._text = text
        self._rare = rare
        self.settled_files = files  # see `TextDocument`
        self.keys_in_text = keys
        self._document: dict[str, Any] | None = None
        self._proved = b""  # with which indent it is known to be sound, and spelled as a run writes it

    def is_text(self, text: Raw) -> bool:
        """Whether it is this very text."""
        return bytes(self._text) == bytes(text)

    @property
    def document(self) -> dict[str, Any]:
        """All of its values, as the exact reader reads them."""
        if self._document is None:
            self._document = read_json(bytes(self._text), unique=False)
        return self._document

    def __getitem__(self, name: str) -> Any:
        return self.document[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.document)

    def __len__(self) -> int:
        return len(self.document)

    def __contains__(self, name: object) -> bool:
        return name in (self._rare if name in _RARE else self.document)

    def get(self, name: str, default: Any = None) -> Any:
        """As everywhere."""
        return default if name in _RARE and name not in self._rare else self.document.get(name, default)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if isinstance(other, EntryText):
            if self.is_text(other._text):
                return True
            other = other.document
        return self.document == other

    __hash__ = None  # type: ignore[assignment]  # like every mapping that compares by its values

    @property
    def newer(self) -> bool:
        """See `TextDocument`."""
        if not self._rare.isdisjoint(NEWER):
            return True
        superseded = self._read(self._text).superseded if "superseded" in self._rare else ()
        past = () if superseded is UNSET else superseded
        return any(one.revision is not UNSET or one.updating is not UNSET for one in past)

    def names(self) -> Iterator[tuple[str, str | None, str | None]]:
        """See `TextDocument`."""
        values = _names(self._text)
        yield "", values.engine_id, values.operation_id
        if not self._rare:
            return
        if values.pending is not None:
            yield "pending", values.pending.engine_id, values.pending.operation_id
        for name, parts in (("uncertain", values.uncertain), ("superseded", values.superseded)):
            yield from ((name, part.engine_id, part.operation_id) for part in parts)

    def spelled(self, indent: bytes) -> memoryview | None:
        """See `TextDocument`."""
        if self._proved != indent:
            from reconciler.core.lockfile.text.check import is_sound  # only where something is written

            values = self._read(self._text)
            if not _is_spelled(values, bytes(self._text), indent) or not is_sound(values):
                return None
            self._proved = indent
        return memoryview(self._text)


def _is_spelled(values: EntryValues, text: bytes, indent: bytes) -> bool:
    return laid_out(_encode(values), indent=2).replace(b"\n", indent) == text


def prove(texts: Iterable[EntryText], indent: bytes) -> None:
    """Find out of many texts whether they are `spelled`, at half the cost of asking each. It gives no answer: what is
    not proved here is proved, or not, when it is asked.
    """
    from reconciler.core.lockfile.text.check import are_sound

    plain = [
        one for one in texts if one.settled_files is not None and not one._rare and one._proved != indent
    ]
    for start in range(0, len(plain), _AT_ONCE):
        some = plain[start : start + _AT_ONCE]
        values = [_values(one._text) for one in some]
        if are_sound(values) and all(
            _is_spelled(each, bytes(one._text), indent) for each, one in zip(values, some, strict=True)
        ):
            for one in some:
                one._proved = indent


class RetiredText(EntryText):
    """The same, of a retired entry."""

    __slots__ = ()
    _read = staticmethod(_retired_values)


def taken_apart(
    content: bytes, known: Mapping[str, object]
) -> tuple[dict[str, EntryText], dict[str, tuple[EntryText, ...]], int] | None:
    """The entries, the retired ones, and how many keys the entries have, all of them together. None where the file is
    not in every respect what a run writes; whether keys are engine keys, and none is there twice, is not looked at.

    Of a file that is a newer or an older one of the same lockfile nearly all texts are `known`, and stay what they are.
    """
    keys = 0
    serving: list[str] = []  # the IDs of engines
    engines: dict[str, EntryText] = {}
    try:
        file = _file(content)
        if file.version not in (1, 2):
            return None
        for key, text in file.engines.items():
            before = known.get(key)
            if not isinstance(before, EntryText) or not before.is_text(text):
                values = _values(text)
                rare, files = _rare_in(values), _settled_files(values)
                before = EntryText(text, rare, files, _count(values, rare, settled=files is not None))
                if files is not None and values.engine_id is not UNSET:
                    serving.append(values.engine_id)
            engines[key] = before
            keys += before.keys_in_text
        retired: dict[str, tuple[EntryText, ...]] = {}
        for key, texts in file.retired.items():
            retired[key] = tuple(map(_retired, texts))
    except (MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    return (engines, retired, keys) if ID.accepts_all(serving) else None


def _retired(text: Raw) -> RetiredText:
    return RetiredText(text, _rare_in(_retired_values(text)))


def _rare_in(values: EntryValues) -> frozenset[str]:
    if (
        values.pending is UNSET
        and values.superseded is UNSET
        and values.uncertain is UNSET
        and values.outputs is UNSET
        and values.protect is UNSET
        and values.hold is UNSET
        and values.pruning is UNSET
        and values.revision is UNSET
        and values.updated_at is UNSET
        and values.updating is UNSET
    ):
        return _NONE
    return frozenset(name for name, attribute in _RARE.items() if getattr(values, attribute) is not UNSET)


def _settled_files(values: EntryValues) -> Mapping[str, str] | None:
    """As `fast_path.recorded_files` asks of a document, but for whether its engine ID is one."""
    files, spec = values.files, values.spec
    if values.pending is not UNSET or values.uncertain is not UNSET or values.hold is not UNSET:
        return None
    if values.updating is not UNSET or files is UNSET or spec is UNSET:
        return None
    if not values.fingerprint or values.engine_id is UNSET:
        return None
    for source in () if spec.sources is UNSET else spec.sources:
        if source.file is not UNSET and source.file not in files:
            return None
    return files


def _count(values: EntryValues, rare: frozenset[str], *, settled: bool) -> int:
    """How many keys it has."""
    count = len(rare) + (values.job_id is not UNSET) + (values.operation_id is not UNSET)
    count += (values.provisioned_at is not UNSET) + (values.summary is not UNSET)
    if settled:  # it has all of them
        return count + 4
    needed = (values.engine_id, values.files, values.fingerprint, values.spec)
    return count + sum(value is not UNSET for value in needed)
