"""Whatever lies in a file's place, a command that reads it ends with a code of ours, never with "this is a bug"."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.cli.main import main
from reconciler.core.errors import ExitCode
from tests.fuzz.mutations import as_bytes
from tests.fuzz.readers import DOCUMENT, HOSTILE, JOURNAL, PLAN_DOCUMENT

ENTRY = DOCUMENT["engines"]["acme"]
NOISE = [
    b"",
    b"\n",
    b"\xff\xfe",
    b"[]",
    b"null",
    b"[" * 50_000,
    b'{"version": 1}',
    b"1" * 5_000,
    b"\xef\xbb\xbf{}",
]


def lockfiles() -> Iterator[bytes]:
    for number, name in enumerate(ENTRY):
        for value in HOSTILE[number :: len(ENTRY)]:
            yield as_bytes({"version": 1, "engines": {"acme": ENTRY | {name: value}}})
    for key in [one for one in HOSTILE if isinstance(one, str)][::4]:
        yield as_bytes({"version": 1, "engines": {key: ENTRY}, "retired": {key: [ENTRY]}})
    yield from NOISE


def journals() -> Iterator[bytes]:
    yield from (
        JOURNAL.replace(b"eng_6", value) for value in (b"", b"a\\nb", b"\\ud800", b"x" * 200, b"../x")
    )
    yield from (one + b"\n" for one in NOISE)


def plans() -> Iterator[bytes]:
    for value in HOSTILE[::2]:
        action = PLAN_DOCUMENT["actions"][0] | {"key": value}
        yield as_bytes(PLAN_DOCUMENT | {"actions": [action]})
        yield as_bytes(PLAN_DOCUMENT | {"environment": value})
    yield from NOISE


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "engines").mkdir()
    (tmp_path / "engines/acme.yaml").write_text("name: Acme\n")
    (tmp_path / ".reconcile").mkdir()
    monkeypatch.setenv("LINGO_API_KEY", "k" * 20)
    return tmp_path


def codes(project: Path, file: str, contents: Iterator[bytes], *commands: list[str]) -> set[int]:
    found = set()
    for content in contents:
        (project / file).write_bytes(content)
        for command in commands:
            code = main([*command, "-C", str(project)])
            assert code != ExitCode.BUG, (command, content)
            found.add(code)
    (project / file).unlink()
    return found


def test_no_lockfile_leads_to_a_bug(project: Path) -> None:
    commands = [["plan", "--format", "github"], ["status", "--format", "json"], ["export", "--format", "env"]]
    found = codes(project, "engines.lock.json", lockfiles(), *commands)
    assert ExitCode.INVALID in found


def test_no_journal_leads_to_a_bug(project: Path) -> None:
    assert ExitCode.INVALID in codes(project, ".reconcile/journal.jsonl", journals(), ["plan"], ["status"])


def test_no_plan_file_leads_to_a_bug(project: Path) -> None:
    command = ["apply", str(project / "plan.json"), "--yes", "--no-publish"]
    assert codes(project, "plan.json", plans(), command) <= {ExitCode.INVALID, ExitCode.GUARD}


def test_no_settings_lead_to_a_bug(project: Path) -> None:
    contents = [
        as_bytes({name: value}) for name in ("timeout", "engines", "environments") for value in HOSTILE
    ]
    assert ExitCode.INVALID in codes(project, "reconcile.yaml", iter([*contents, *NOISE]), ["plan"])


@pytest.mark.parametrize(
    "file", ["engines.lock.json", "reconcile.yaml", ".reconcile/journal.jsonl", "plan.json"]
)
@pytest.mark.parametrize("kind", ["folder", "pipe", "link out", "link to itself"])
def test_nothing_that_is_no_file_leads_to_a_bug_or_is_waited_for(project: Path, file: str, kind: str) -> None:
    place = project / file
    match kind:
        case "folder":
            place.mkdir()
        case "pipe":
            os.mkfifo(place)
        case "link out":
            place.symlink_to("/etc/passwd")
        case _:
            place.symlink_to(place.name)
    for command in (["plan"], ["status"], ["apply", str(project / "plan.json"), "--yes", "--no-publish"]):
        code = main([*command, "-C", str(project)])
        assert code != ExitCode.BUG
        if kind == "link out" and (file != "plan.json" or command[0] == "apply"):
            assert code == ExitCode.INVALID
