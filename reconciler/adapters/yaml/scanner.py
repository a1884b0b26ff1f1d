"""ruamel.yaml's scanner, made to take tabs as YAML 1.2 does: they separate, and never indent.

The original knows spaces alone between tokens and inside plain texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler.core.patterns import lazy_pattern

_MAX_TAG = 200
# What may follow `-` and a tab on its line: no list and no key, whose column would be that of an indentation.
_COLON = lazy_pattern(r":(?:[ \t\n]|$)")
_COMPACT = lazy_pattern(
    r"[-?:](?:[ \t\n]|$)"
    r"|(?:[^\"'#\[{\n]|(?<![ \t])#)*:(?:[ \t\n]|$)"
    r"|(?:\"[^\"\n]*\"|'[^'\n]*')[ \t]*:"
)


def events(text: str) -> Iterator[Any]:
    """ruamel.yaml's events. A tag is cut short: what it would do with one of half a megabyte takes a minute."""
    from ruamel.yaml import YAML
    from ruamel.yaml.scanner import Scanner, ScannerError

    class WithTabs(Scanner):
        def scan_to_next_token(self) -> None:
            super().scan_to_next_token()
            while self.reader.peek() == "\t" and (blanks := _separating(text, self.reader.get_mark().index)):
                self.reader.forward(blanks)
                super().scan_to_next_token()

        def scan_plain_spaces(self, indent: Any, start_mark: Any) -> Any:
            blanks = self._blanks()
            if (
                "\t" not in blanks or self.reader.peek(len(blanks)) in "\0\n#"
            ):  # these end the text or its line
                self.reader.forward(len(blanks) if "\t" in blanks else 0)
                return super().scan_plain_spaces(indent, start_mark)
            self.reader.forward(len(blanks))
            return [blanks]

        def scan_block_scalar_ignored_line(self, start_mark: Any) -> Any:
            self.reader.forward(len(self._blanks()))
            return super().scan_block_scalar_ignored_line(start_mark)

        def fetch_tag(self) -> None:
            if len(self.reader.prefix(_MAX_TAG).split(maxsplit=1)[0]) == _MAX_TAG:
                raise ScannerError(None, None, "undefined tag handle", self.reader.get_mark())
            super().fetch_tag()

        def _blanks(self) -> str:
            length = 0
            while self.reader.peek(length) in (" ", "\t"):
                length += 1
            blanks: str = self.reader.prefix(length)
            return blanks

    yaml = YAML(typ="safe", pure=True)
    yaml.Scanner = WithTabs
    found: Iterator[Any] = yaml.parse(text)
    return found


def _separating(text: str, index: int) -> int:
    """How many blanks begin with the tab there, if they stand after a colon or a dash, at the end of a line, or before
    a comment or a key's colon; otherwise 0.
    """
    end = index
    while text[end : end + 1] in (" ", "\t"):
        end += 1
    before = index - 1
    while before >= 0 and text[before] in " \t":
        before -= 1
    if text[end : end + 1] in ("", "\n", "#") or text[before : before + 1] == ":":
        return end - index
    if _COLON.match(text, end) and before >= 0 and text[before] != "\n":
        return end - index
    is_entry = text[before : before + 1] == "-" and text[before - 1 : before] in ("", "\n", " ")
    return end - index if is_entry and _COMPACT.match(text, end) is None else 0
