from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.adapters.engine_files.lines import EngineLines
from reconciler.core.plan.model import Action, Change, Kind

ENGINE = """\
# Acme
name: Acme
description: >
  Production
locales:
  - de
  - fr
sources:
  - type: link
    payload: https://acme.com/a
  - type: content
    file: ../texts/glossary.md
  - {type: content, payload: Be kind.}
"""


def line(
    tmp_path: Path, *changes: Change, content: str | bytes = ENGINE, file: str | None = "e.yaml"
) -> int | None:
    data = content.encode() if isinstance(content, str) else content
    (tmp_path / "e.yaml").write_bytes(data)
    found = EngineLines(str(tmp_path))(Action("e", Kind.REPLACE, "", file=file, changes=changes))
    assert found is None or found[0] == file
    return None if found is None else found[1]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (Change("name", "x", "Acme"), 2),
        (Change("description", None, "Production"), 3),
        (Change("locales", new="fr"), 7),
        (Change("locales", old="ja"), 5),
        (Change("sources", new="https://acme.com/a"), 9),
        (Change("sources", old="https://acme.com/b"), 8),
        (Change("sources", "x", "y", content=True, file="texts/glossary.md"), 11),
        (Change("sources", None, "y", content=True, new_text="Be kind."), 13),
        (Change("sources", "x", None, content=True), 8),
        (Change("unknown", "x", "y"), 2),
    ],
)
def test_a_change_is_found(tmp_path: Path, change: Change, expected: int) -> None:
    assert line(tmp_path, change) == expected


def test_the_first_that_is_still_there_counts(tmp_path: Path) -> None:
    assert line(tmp_path, Change("outputs", "x"), Change("locales", new="de")) == 6


def test_a_new_engine_begins_at_its_name(tmp_path: Path) -> None:
    assert line(tmp_path) == 2


@pytest.mark.parametrize("content", [b"\xff", "a: [", "", "- a", "just text", "a: &x 1"])
def test_what_cannot_be_read_has_no_line(tmp_path: Path, content: str | bytes) -> None:
    assert line(tmp_path, content=content) is None


@pytest.mark.parametrize("file", [None, "gone.yaml", "../e.yaml", "/etc/passwd", ""])
def test_a_file_that_is_not_there_has_no_line(tmp_path: Path, file: str | None) -> None:
    assert line(tmp_path, file=file) is None
