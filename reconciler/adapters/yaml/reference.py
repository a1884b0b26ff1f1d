"""The reference reader: ruamel.yaml's pure-Python parser, with a value builder of our own on top.

ruamel.yaml decides what is well-formed and where everything stands. Its own constructors are not used: they read dates,
`1_000` and `=` in YAML 1.1's way, and would follow aliases. Here scalars follow YAML 1.2's core schema, and what
configuration has no use for (anchors, aliases, tags, directives, further documents) is an error with its place.
The C parser is not used either: it is optional, and differs in what it accepts.

Depth and number of nodes are limited while parsing, so that hostile files end early and no recursion runs deep.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from reconciler.adapters.yaml.fast import MAX_DEPTH, MAX_NODES
from reconciler.adapters.yaml.scanner import events
from reconciler.adapters.yaml.text import excerpt, place_of, refused
from reconciler.adapters.yaml.words import syntax_diagnostic
from reconciler.core.errors import Diagnostic
from reconciler.core.patterns import lazy_pattern

MAX_FINDINGS = 20

Path = tuple[str | int, ...]
Place = tuple[int, int]  # line and column, from 1


@dataclass
class Reading:
    """A document's value, and where its parts stand. `written` is the source text of plain scalars."""

    value: Any = None
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    written: dict[Path, str] = field(default_factory=dict)


def read_reference(text: str, file: str) -> Reading:
    """Parses one document. Raises InvalidInput with every finding that could be made."""
    from ruamel.yaml.error import YAMLError

    if not text.strip():
        return Reading()
    builder = _Builder(text, file)
    if directive := _DIRECTIVE.match(text):
        builder.find(
            "directives are not allowed",
            place_of(text, directive.end() - 1),
            "remove the line; this is YAML 1.2",
        )
        raise refused(file, *builder.findings)
    try:
        # ruamel lets some malformed escapes through to chr() and int()
        builder.run(events(text))
    except (YAMLError, ValueError, OverflowError) as error:
        raise refused(file, *builder.findings, syntax_diagnostic(error, text, file)) from error
    except _Enough:
        pass
    if builder.findings:
        raise refused(file, *builder.findings)
    return builder.reading


_DIRECTIVE = lazy_pattern(r"(?:[ \t]*(?:#[^\n]*)?\n)*%")

_HINT_TAG = "remove the tag; quote the value if it is text"
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = lazy_pattern(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = lazy_pattern(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL = lazy_pattern(r"([-+]?)\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MAX_DIGITS = 400  # far beyond any setting, far below what makes int() slow


def core_schema(plain: str) -> str | int | float | bool | None:
    """What a plain scalar is under YAML 1.2's core schema (YAML 1.2.2, §10.3.2)."""
    if plain in _NULL:
        return None
    if plain in _BOOL:
        return _BOOL[plain]
    if len(plain) > _MAX_DIGITS or plain[0] not in "-+.0123456789":
        return plain
    if _INT.fullmatch(plain):
        return int(plain, {"0o": 8, "0x": 16}.get(plain[:2], 10))
    if _FLOAT.fullmatch(plain):
        return float(plain)
    if special := _SPECIAL.fullmatch(plain):
        return float(plain.replace(".", "")) if special[1] is not None else float("nan")
    return plain


class _Enough(Exception):
    """A limit was reached; reading on would only cost time."""


class _Builder:
    """Turns parse events into a value, and remembers where everything was."""

    def __init__(self, text: str, file: str) -> None:
        self.reading = Reading()
        self.findings: list[Diagnostic] = []
        self._text = text
        self._file = file
        self._nodes = 0
        self._events: Iterator[Any] = iter(())

    def find(self, message: str, place: Place, hint: str) -> None:
        line, col = place
        shown = excerpt(self._text, line, col)
        self.findings.append(Diagnostic(message, self._file, line, col, shown, hint))
        if len(self.findings) >= MAX_FINDINGS:
            raise _Enough

    def _word(self, event: Any) -> str:
        """The word an event begins with, quoted. The event's own fields may be of any length, and slow to build."""
        start: int = event.start_mark.index
        return f"`{self._text[start : start + 40].split(maxsplit=1)[0]}`"

    def run(self, events: Iterator[Any]) -> None:
        self._events = events
        documents = 0
        for event in events:
            kind = type(event).__name__
            if kind == "DocumentStartEvent":
                documents += 1
                if documents > 1:
                    self.find("a second document begins here", _place(event), "keep one document per file")
                    raise _Enough
            elif kind not in ("StreamStartEvent", "StreamEndEvent", "DocumentEndEvent", "CommentEvent"):
                self.reading.value = self._node(event, ())

    def _node(self, event: Any, path: Path) -> Any:
        place = _place(event)
        self.reading.values[path] = place
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self.find(f"more than {MAX_NODES} values in one file", place, "split the file")
            raise _Enough
        kind = type(event).__name__
        if kind == "AliasEvent":
            self.find(f"aliases are not allowed: {self._word(event)}", place, "write out the value")
            return None
        self._refuse_properties(event, place)
        if kind == "ScalarEvent":
            return self._scalar(event, path)
        if len(path) >= MAX_DEPTH:
            self.find(f"nested more than {MAX_DEPTH} levels deep", place, "check that it is the right file")
            raise _Enough
        return self._sequence(path) if kind == "SequenceStartEvent" else self._mapping(path)

    def _refuse_properties(self, event: Any, place: Place) -> None:
        if event.anchor is not None:
            self.find(
                f"anchors are not allowed: {self._word(event)}",
                place,
                "write out the value where it is needed",
            )
        if event.ctag is not None:
            self.find(f"tags are not allowed: {self._word(event)}", place, _HINT_TAG)

    def _scalar(self, event: Any, path: Path) -> Any:
        value: str = event.value
        if event.style:  # quoted, or a block scalar
            if _LONE_SURROGATE.search(value):
                self.find(
                    "half a surrogate pair is not a character", _place(event), "write the character itself"
                )
            return value
        self.reading.written[path] = value
        return core_schema(value)

    def _sequence(self, path: Path) -> list[Any]:
        items: list[Any] = []
        for event in self._events:
            if type(event).__name__ == "SequenceEndEvent":
                break
            items.append(self._node(event, (*path, len(items))))
        return items

    def _mapping(self, path: Path) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for event in self._events:
            if type(event).__name__ == "MappingEndEvent":
                break
            key = self._key(event, path, mapping)
            value_path = (*path, key if key is not None else "?")
            value = self._node(next(self._events), value_path)
            if (
                self.reading.written.get(value_path) == ""
            ):  # nothing stands there; ruamel names the next token's place
                self.reading.values[value_path] = _place(event)
            if key is not None:
                mapping[key] = value
        return mapping

    def _key(self, event: Any, path: Path, mapping: dict[str, Any]) -> str | None:
        """The key, or None when it was refused; its value is read all the same."""
        place = _place(event)
        key = self._node(event, (*path, "?"))
        if not isinstance(key, str):
            self.find("a key must be text", place, "put the key in quotes")
            return None
        if key == "<<" and not event.style:
            self.find("merge keys (`<<`) are not allowed", place, "write out the keys")
            return None
        if key in mapping:
            first = self.reading.keys[(*path, key)][0]
            self.find(f"duplicate key `{key}`", place, f"keep one of them; the first is on line {first}")
            return None
        self.reading.keys[(*path, key)] = place
        return key


_LONE_SURROGATE = lazy_pattern("[\ud800-\udfff]")


def _place(event: Any) -> Place:
    return event.start_mark.line + 1, event.start_mark.column + 1
