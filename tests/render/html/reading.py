"""A report taken apart, as a browser reads it: its elements, its words, and the data that its script shows."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

_VOID = {"meta", "input", "link", "br", "img", "hr"}
_RAW = {"style", "script"}


@dataclass
class Element:
    name: str
    attributes: dict[str, str]
    text: str = ""


@dataclass
class Page(HTMLParser):
    """`words` is what people see without a script; `elements` are all of them, in their order."""

    source: str
    elements: list[Element] = field(default_factory=list)
    words: str = ""

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[Element] = []
        self.feed(self.source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(made)
        if tag not in _VOID and not self.get_starttag_text_ends():
            self._open.append(made)

    def get_starttag_text_ends(self) -> bool:
        return (self.get_starttag_text() or "").endswith("/>")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().name == tag

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data
        if not self._open or self._open[-1].name not in _RAW:
            self.words += data

    def all(self, name: str) -> list[Element]:
        return [one for one in self.elements if one.name == name]

    @property
    def data(self) -> dict[str, Any]:
        [found] = [one for one in self.all("script") if one.attributes.get("id") == "data"]
        document: dict[str, Any] = json.loads(found.text)
        return document

    def engine(self, key: str) -> dict[str, Any]:
        [found] = [one for one in self.data["engines"] if one["key"] == key]
        engine: dict[str, Any] = found
        return engine
