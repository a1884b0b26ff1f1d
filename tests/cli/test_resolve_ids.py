"""What `resolve --engine-id` takes: an ID, of an engine that the platform shows where it can tell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.main import main
from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.settings import SandboxSettings
from tests import plain_http

SPEC = {"fingerprint": "v1:x", "files": {}, "spec": {"name": "A"}}
UNCERTAIN = {
    "pending": {
        "status": "uncertain",
        "operationId": "op",
        "submittedAt": "2026-11-24T11:08:13Z",
        "error": "lost",
        **SPEC,
    }
}


@pytest.fixture(scope="module")
def platform() -> Iterator[SandboxServer]:
    with SandboxServer(SandboxSettings(api_keys=("lk_1",))) as server:
        yield server


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "engines").mkdir()
    monkeypatch.delenv("LINGO_API_KEY", raising=False)
    record(tmp_path)
    return tmp_path


def record(root: Path, **engines: Any) -> None:
    content = {"version": 1, "engines": {"acme": UNCERTAIN, **engines}}
    (root / "engines.lock.json").write_text(json.dumps(content))


def resolved(root: Path) -> bool:
    return "pending" not in json.loads((root / "engines.lock.json").read_text())["engines"]["acme"]


@pytest.mark.parametrize(
    "given",
    [
        "<ENGINE_ID>",
        "ID",
        "ENGINE_ID",
        "",
        "https://lingo.dev/engines/eng_1",
        "'eng_1'",
        "eng 1",
        "eng_é",
        "e" * 129,
        "eng_1\n",
    ],
)
def test_what_is_no_id_is_refused(project: Path, given: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["resolve", "acme", "--engine-id", given]) == 64
    assert main(["resolve", "acme", "--engine-id", "eng_1", "--job-id", given]) == 64
    assert "placeholder" in (said := capsys.readouterr().err) or "is not a valid engine ID" in said
    assert not resolved(project)


def test_without_a_key_a_person_is_believed(project: Path) -> None:
    assert main(["resolve", "acme", "--engine-id", "eng_1"]) == 0
    assert resolved(project)


def created(platform: SandboxServer, key: str = "lk_1") -> str:
    body = {"engine": {"name": "Shop"}}
    answer = plain_http.post(f"{platform.url}/jobs/provisioning", json=body, headers={"X-API-Key": key})
    engine_id: str = answer.json()["engineId"]
    return engine_id


def asking(monkeypatch: pytest.MonkeyPatch, url: str, key: str = "lk_1") -> None:
    monkeypatch.setenv("LINGO_API_URL", url)
    monkeypatch.setenv("LINGO_API_KEY", key)


def test_an_engine_that_the_platform_does_not_show(
    project: Path,
    platform: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asking(monkeypatch, platform.url)
    record(project, shop={"engineId": created(platform), **SPEC})
    assert main(["resolve", "acme", "--engine-id", "eng_typo"]) == 64
    said = capsys.readouterr().err
    assert "the platform has no engine `eng_typo` (404)" in said
    assert "to record it anyway: reconcile resolve acme --engine-id eng_typo --force" in said
    assert not resolved(project)
    assert main(["resolve", "acme", "--engine-id", "eng_typo", "--force"]) == 0
    assert resolved(project)


def test_an_engine_that_is_there(
    project: Path, platform: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking(monkeypatch, platform.url)
    assert main(["resolve", "acme", "--engine-id", created(platform)]) == 0
    assert resolved(project)


def test_a_platform_that_shows_no_engine_at_all_says_nothing(
    project: Path,
    platform: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asking(monkeypatch, platform.url)
    record(project, shop={"engineId": "eng_gone", **SPEC})
    assert main(["resolve", "acme", "--engine-id", "eng_1"]) == 0
    assert "has no other engine to compare with" in capsys.readouterr().err
    assert resolved(project)


@pytest.mark.parametrize(("url", "key"), [("http://127.0.0.1:9", "lk_1"), (None, "lk_wrong")])
def test_a_platform_that_cannot_be_asked(
    project: Path,
    platform: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    url: str | None,
    key: str,
) -> None:
    asking(monkeypatch, url or platform.url, key)
    assert main(["resolve", "acme", "--engine-id", "eng_1"]) == 1
    assert "the engine cannot be looked up" in (said := capsys.readouterr().err)
    assert "--force" in said
    assert main(["resolve", "acme", "--retry", "--force"]) == 64
    assert not resolved(project)


@pytest.mark.parametrize("said", [["--engine-id", "eng_1"], ["--retry"], ["--forget"]])
def test_the_last_word_can_be_taken_back_once(
    project: Path, said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = json.loads((project / "engines.lock.json").read_text())["engines"]["acme"]["pending"]
    assert main(["resolve", "acme", "--undo"]) == 64
    assert main(["resolve", "acme", *said]) == 0
    assert main(["resolve", "acme", "--undo"]) == 0
    entry = json.loads((project / "engines.lock.json").read_text())["engines"]["acme"]
    assert entry.keys() == {"pending"}
    changed = {"operationId": entry["pending"]["operationId"], "error": "its resolution was undone"}
    assert entry["pending"] | {"files": {}} == before | changed
    capsys.readouterr()
    assert main(["resolve", "acme", "--undo"]) == 64
    assert "`acme` was not resolved on this machine" in capsys.readouterr().err
    assert main(["resolve", "acme", "--undo", "--retry"]) == 64
    assert main(["resolve", "acme", "--engine-id", "eng_2"]) == 0


def test_a_record_of_resolutions_that_was_edited(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["resolve", "acme", "--retry"]) == 0
    for content in ("[]", "{", '{"acme": {}}', '{"acme": {"begin": {"v": 1}, "resolved": 5}}'):
        (project / ".reconcile/resolved.json").write_text(content)
        assert main(["resolve", "acme", "--undo"]) == 3
        assert "resolved.json cannot be read" in capsys.readouterr().err
