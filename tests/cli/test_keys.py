"""Keys on the command line: in any Unicode form, and with a dash in front."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from reconciler.cli.main import main

CAFE = unicodedata.normalize("NFD", "café")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "engines").mkdir()
    entry = {
        "engineId": "eng_1",
        "operationId": "op",
        "fingerprint": "v1:x",
        "files": {},
        "spec": {"name": "A"},
    }
    keys = {unicodedata.normalize("NFC", CAFE): entry, "-acme": entry | {"engineId": "eng_2"}}
    (tmp_path / "engines.lock.json").write_text(json.dumps({"version": 1, "engines": keys}))
    for name in (CAFE, "-acme"):
        (tmp_path / f"engines/{name}.yaml").write_text("name: A\n")
    return tmp_path


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    "line",
    [
        ["get", CAFE],
        ["status", "--only", CAFE],
        ["export", "--format", "env", "--only", CAFE],
        ["plan", "--only", CAFE],
        ["plan", "--only", f"{CAFE[:2]}*{CAFE[-2:]}"],
        ["validate", f"engines/{unicodedata.normalize('NFC', CAFE)}.yaml"],
        ["get", "--", "-acme"],
        ["plan", "--only", "-acme", "--allow-replace", "-acme"],
    ],
)  # fmt: skip
def test_an_engine_is_found(line: list[str]) -> None:
    assert main(line) == 0


@pytest.mark.usefixtures("project")
def test_a_dash_that_is_taken_for_an_option_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["get", "-acme"]) == 64
    assert "for a key that begins with a dash, run `reconcile get -- -acme`" in capsys.readouterr().err


@pytest.mark.parametrize("line", [["get", "<KEY>"], ["plan", "--out", "<FILE>"], ["plan", "--only=<KEY>"]])
def test_a_placeholder_is_refused_as_it_stands(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line) == 64
    assert "is a placeholder" in capsys.readouterr().err
