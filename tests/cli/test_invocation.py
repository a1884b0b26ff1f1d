"""The commands of a run go by its own options, and in CI by the root of a clone; pasted, they find the same thing."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from reconciler.cli.main import main

FAILED = {
    "status": "failed",
    "operationId": "op",
    "fingerprint": "v1:x",
    "files": {},
    "spec": {"name": "A"},
    "submittedAt": "2026-11-24T11:08:13Z",
    "error": "no",
}
SETTINGS = "environments:\n  production: {}\n  qa:\n    lockfile: qa.lock.json\n    publish: false\n"


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a project in a folder; its lockfile of the environment `qa` has a failed engine."""
    for name in ("CI", "GITHUB_STEP_SUMMARY", "RECONCILE_ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "my repo/web"
    (root / "engines").mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", str(root.parent)], check=True)
    (root / "other.yaml").write_text(SETTINGS)
    (root / "engines/-acme.yaml").write_text("name: A\n")
    (root / "qa.lock.json").write_text(json.dumps({"version": 1, "engines": {"-acme": {"pending": FAILED}}}))
    return root.parent


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    found = re.search(r"or try again: (reconcile .*)", capsys.readouterr().out)
    assert found is not None
    return found[1]


def again(words: Sequence[str]) -> list[str]:
    """What is only looked at with a command that creates: the same with `status`."""
    command = list(words[1 : words.index("apply")])
    return [*command, "status", words[-1]]


@pytest.mark.parametrize(
    ("here", "line", "shown"),
    [
        ("web", [], "reconcile --config other.yaml --env qa"),
        ("web/engines", ["-C", ".."], "reconcile -C .. --config other.yaml --env qa"),
        ("..", ["-C", "my repo/web"], "reconcile -C 'my repo/web' --config other.yaml --env qa"),
    ],
)
def test_at_a_desk_by_the_folder_it_is_read_in(
    top: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    here: str,
    line: list[str],
    shown: str,
) -> None:
    monkeypatch.chdir(top / here)
    given = [*line, "--config", "other.yaml", "--env", "qa"]
    assert main([*given, "status"]) == 0
    command = printed(capsys)
    assert command == f"{shown} apply --retry-failed --only=-acme"
    assert main(again(shlex.split(command))) == 0
    assert printed(capsys) == command


def test_in_ci_by_the_root_of_a_clone_and_without_its_variables(
    top: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(top / "web/engines")
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("RECONCILE_ENVIRONMENT", "qa")
    assert main(["-C", "..", "--config", "other.yaml", "status"]) == 0
    command = printed(capsys)
    assert command == "reconcile -C web --config other.yaml --env qa apply --retry-failed --only=-acme"
    monkeypatch.chdir(top)
    monkeypatch.delenv("RECONCILE_ENVIRONMENT")
    assert main(again(shlex.split(command))) == 0
    assert printed(capsys) == command


def test_publishing_is_repeated_where_the_settings_do_not_say_it(
    top: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(top / "web")
    monkeypatch.setenv("RECONCILE_PUBLISH", "pr")
    assert main(["--config", "other.yaml", "--env", "qa", "status"]) == 0
    assert " apply --publish-pr --retry-failed" in printed(capsys)
    monkeypatch.delenv("RECONCILE_PUBLISH")
    (top / "web/reconcile.yaml").write_text("lockfile: qa.lock.json\n")
    monkeypatch.setenv("CI", "true")
    assert main(["status"]) == 0
    assert printed(capsys) == "reconcile -C web apply --publish --retry-failed --only=-acme"
