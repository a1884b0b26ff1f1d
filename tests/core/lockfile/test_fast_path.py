"""The fast path's question: only a plain, settled entry with all its parts qualifies."""

from __future__ import annotations

from typing import Any, Literal
from unicodedata import normalize

import pytest

from reconciler.core.lockfile.entry_format import entry_document
from reconciler.core.lockfile.fast_path import recorded_files
from tests.core.build import A, B, current, entry, pending, superseded

Form = Literal["NFC", "NFD"]
PATH = "engines/acme.yaml"
FILES = {PATH: "b10b" * 10, "glossary.md": "id"}
PLAIN = entry_document(entry(current("1", A, files=FILES), None, superseded("0", B)))


def test_a_plain_entry_tells_its_files() -> None:
    assert recorded_files(PLAIN, PATH) == FILES


def test_texts_from_files_are_accounted_for() -> None:
    spec = {"name": "x", "sources": [{"type": "link"}, {"type": "content", "file": "glossary.md"}]}
    assert recorded_files(PLAIN | {"spec": spec}, PATH) == FILES


def test_another_path_needs_a_full_comparison() -> None:
    assert recorded_files(PLAIN, "engines/acme.yml") is None


@pytest.mark.parametrize(("recorded", "path"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_another_unicode_form_of_the_path_is_the_same(recorded: Form, path: Form) -> None:
    files = {normalize(recorded, "engines/café.yaml"): "b10b"}
    document = PLAIN | {"files": files}
    assert recorded_files(document, normalize(path, "engines/café.yaml")) == files
    assert recorded_files(document, normalize(path, "engines/cafés.yaml")) is None


@pytest.mark.parametrize(
    "odd",
    [
        {"pending": entry_document(entry(None, pending("2", B)))["pending"]},
        {"engineId": ""},
        {"engineId": 5},
        {"engineId": None},
        {"fingerprint": ""},
        {"spec": {}},
        {"files": None},
        {"files": [PATH]},
        {"files": {}},
        {
            "files": {PATH: "b10b" * 10},
            "spec": {"name": "x", "sources": [{"type": "content", "file": "gone.md"}]},
        },
        {"spec": {"name": "x", "sources": [{"type": "content", "file": 5}]}},
        {"spec": {"name": "x", "sources": ["gone.md"]}},
        {"spec": {"name": "x", "sources": "gone.md"}},
        {"spec": "x"},
    ],
)
def test_anything_odd_needs_a_full_comparison(odd: dict[str, Any]) -> None:
    assert recorded_files(PLAIN | odd, PATH) is None
