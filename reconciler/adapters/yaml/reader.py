"""Reading one YAML document, the only way this project does: strictly, and with the place of everything.

YAML 1.2's core schema, so `no` is Norwegian and not false. Two readers stand behind one function: `yaml_fast` for plain
documents, `yaml_reference` (ruamel.yaml) for everything else, for every verdict that a document is bad, and for places.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from reconciler.adapters.yaml import fast as yaml_fast
from reconciler.adapters.yaml import text as yaml_text
from reconciler.adapters.yaml.invisible import with_invisible
from reconciler.core.errors import Diagnostic, InvalidInput
from reconciler.core.excerpt import Excerpt

Path = tuple[str | int, ...]


class YamlDocument:
    """A document's value: plain dicts, lists, strings, numbers, booleans and None; None for an empty file."""

    __slots__ = ("_file", "_reading", "_text", "value")

    def __init__(self, value: Any, text: str, file: str, reading: Any = None) -> None:
        self.value = value
        self._text = text
        self._file = file
        self._reading = reading

    def place(self, path: Path, *, of: Literal["key", "value"] = "value") -> tuple[int, int, Excerpt]:
        """Line and column from 1, and that line to show, of a value or of the key it stands under.

        A path that leads nowhere gives the place of the nearest parent.
        """
        reading = self._read()
        places = reading.keys if of == "key" else reading.values
        place = places.get(path) or reading.values.get(path)
        while place is None and path:
            path = path[:-1]
            place = reading.values.get(path)
        line, col = place or (1, 1)
        return line, col, yaml_text.excerpt(self._text, line, col)

    def written(self, path: Path) -> str | None:
        """A plain (unquoted) scalar as it stands in the file: `1.10`, where the value is 1.1; None for others."""
        written: str | None = self._read().written.get(path)
        return written

    def explained(self, findings: Iterable[Diagnostic]) -> list[Diagnostic]:
        """The findings about this document, with what cannot be seen in it."""
        return with_invisible(findings, self._text)

    def _read(self) -> Any:
        if self._reading is None:
            from reconciler.adapters.yaml.reference import read_reference

            self._reading = read_reference(self._text, self._file)
        return self._reading


def read_yaml(data: bytes, file: str, *, max_bytes: int = yaml_text.MAX_BYTES) -> YamlDocument:
    """Reads `data`; `file` is only the name that diagnostics carry. Raises InvalidInput with all that was found."""
    text = yaml_text.decode(data, file, max_bytes)
    value = yaml_fast.read_fast(text)
    if value is not yaml_fast.DECLINED:
        return YamlDocument(value, text, file)
    from reconciler.adapters.yaml.reference import read_reference

    try:
        reading = read_reference(text, file)
    except InvalidInput as error:
        raise yaml_text.refused(file, *with_invisible(error.diagnostics, text)) from error
    return YamlDocument(reading.value, text, file, reading)
