from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.adapters.github.event_file import append_summary, read_job_event
from reconciler.core.errors import InvalidInput, StorageError


def test_an_event_is_read(tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    file.write_text(json.dumps({"number": 7}))
    assert read_job_event(file) == {"number": 7}


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_event(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "event.json"
    file.write_bytes(content)
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_job_event(file)


@pytest.mark.parametrize("name", ["gone.json", ".", "a\0b"])
def test_an_event_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_job_event(tmp_path / name)


def test_a_summary_goes_behind_what_is_there(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    assert append_summary(file, lambda room: "one")
    assert append_summary(file, lambda room: "two")
    assert file.read_text() == "one\n\ntwo\n\n"


def test_a_summary_is_told_how_much_room_is_left(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    file.write_text("x" * 1_000_000)
    assert append_summary(file, lambda room: f"room for {room}")
    room = int(file.read_text().split()[-1])
    assert 0 < room <= (1 << 20) - 1_000_000
    file.write_text("x" * 1_045_000)
    assert not append_summary(file, lambda room: "more")
    assert file.stat().st_size == 1_045_000


@pytest.mark.parametrize("name", ["", "gone/summary.md", "a\0b"])
def test_a_summary_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(StorageError, match="GITHUB_STEP_SUMMARY"):
        append_summary(tmp_path / name, lambda room: "x")
