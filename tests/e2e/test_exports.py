"""`get` and `export`: engine IDs for scripts, from files alone."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.ledger import journal
from tests.e2e.far_ends import Project

SPEC = {"name": "x"}
PENDING = {
    "status": "in_progress",
    "operationId": "op",
    "fingerprint": "v1:b",
    "spec": SPEC,
    "engineId": "eng_new",
    "jobId": "pjb_2",
}


def entry(engine: str, **more: Any) -> dict[str, Any]:
    return {"engineId": engine, "jobId": "pjb_1", "fingerprint": "v1:a", "spec": SPEC, **more}


@pytest.fixture
def made(bare: Project) -> Project:
    write(
        bare,
        {"acme": entry("eng_1", pending=PENDING), "shop/web": entry("eng_2"), "new": {"pending": PENDING}},
    )
    return bare


def write(project: Project, engines: dict[str, Any]) -> None:
    text = json.dumps({"version": 1, "engines": engines}, indent=2, sort_keys=True)
    project.lockfile.write_text(text + "\n")


def test_get_prints_the_id_and_nothing_else(made: Project) -> None:
    assert made.run("get", "acme").ended(0).out == "eng_1\n"
    assert made.run("get", "acme", "--field", "jobId").ended(0).out == "pjb_1\n"
    assert made.run("get", "new", "--field", "status").ended(0).out == "in_progress\n"


def test_get_without_an_engine_to_give(made: Project) -> None:
    wrong = made.run("get", "shop/wep").ended(1, "no engine `shop/wep`", "did you mean `shop/web`?")
    assert wrong.out == ""
    assert made.run("get", "new").ended(1, "is not ready yet", "reconcile collect").out == ""
    made.run("get", "acme", "--field", "nothing").ended(64)
    made.run("get").ended(64)
    made.lockfile.unlink()
    made.run("get", "acme").ended(1, "reconcile apply")


@pytest.mark.parametrize("format_", ["json", "yaml", "typescript", "python"])
def test_a_prefix_that_would_go_unheard_is_refused(made: Project, format_: str) -> None:
    made.run("export", "--format", format_, "--prefix", "E_").ended(64, f"--format {format_} has none")


def test_what_the_journal_knows_counts(bare: Project) -> None:
    """A run that was killed before it wrote the lockfile knew the engine all the same."""
    at = "2026-11-24T11:00:00.000Z"
    known: list[journal.Record] = [
        journal.Begin("op-9", "acme", "v1:a", SPEC, {}, at),
        journal.Acceptance("op-9", "pjb_9", "eng_9", at),
    ]
    bare.private.mkdir(parents=True)
    bare.journal.write_bytes(journal.render(known))
    bare.run("get", "acme").ended(1, "its job pjb_9 is still running")
    bare.journal.write_bytes(journal.render([*known, journal.End("op-9", "completed", at)]))
    assert bare.run("get", "acme").ended(0).out == "eng_9\n"
    assert not bare.lockfile.exists()


def test_export_in_each_format(made: Project) -> None:
    env = made.run("export", "--format", "env").ended(0, "left out, because no engine is ready yet: new")
    assert env.out == "LINGO_ENGINE_ACME=eng_1\nLINGO_ENGINE_SHOP_WEB=eng_2\n"
    assert made.run("export", "--format=json").json == {"acme": "eng_1", "shop/web": "eng_2"}
    assert made.run("export", "--format=yaml", "--only", "shop/*").out == "shop/web: eng_2\n"
    output = made.run("export", "--format=github-output", "--prefix", "E_", "--only", "acme").out
    assert output.startswith("E_ACME<<reconcile-")
    assert "\neng_1\n" in output


def test_export_to_a_file_replaces_it(made: Project) -> None:
    (made.root / ".env").write_text("OLD=1\n")
    assert made.run("export", "--format=env", "--prefix=", "--output", ".env").ended(0).out == ""
    assert (made.root / ".env").read_text() == "ACME=eng_1\nSHOP_WEB=eng_2\n"
    made.run("export", "--format=env", "--output", "no/such/.env").ended(
        1, "--output no/such/.env: there is no folder", f"mkdir -p {made.root}/no/such"
    )


def test_outputs_of_a_step_are_added(made: Project, tmp_path: Path) -> None:
    file = tmp_path / "output"
    file.write_text("before=1")  # by `echo -n`
    env = {"GITHUB_OUTPUT": str(file)}
    assert made.run("export", "--format=github-output", "--only=acme", env=env).ended(0).out == ""
    lines = file.read_text().splitlines()
    assert lines[0] == "before=1"
    assert lines[1].startswith("LINGO_ENGINE_ACME<<")
    assert lines[2] == "eng_1"
    made.run("export", "--format=github-output", "--output=here", env=env).ended(0)
    assert file.read_text().splitlines() == lines
    assert "eng_2" in (made.root / "here").read_text()
    made.run("export", "--format=env", env=env).ended(0, "LINGO_ENGINE_ACME=eng_1")


def test_a_pipe_as_github_output_does_not_hang(made: Project, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    env = {"GITHUB_OUTPUT": str(tmp_path / "pipe")}
    made.run("export", "--format=github-output", env=env).ended(1, "$GITHUB_OUTPUT is not a regular file")
    made.run("export", "--format=github-output", env={"GITHUB_OUTPUT": str(tmp_path)}).ended(
        1, "cannot write"
    )


def test_export_refuses(made: Project) -> None:
    made.run("export").ended(64, "--format")
    made.run("export", "--format=env", "--output=").ended(64, "name of a file")
    made.run("export", "--format=env", "--only=zzz").ended(64, "no engine matches `zzz`")
    made.run("export", "--format=env", "--prefix", "A-").ended(3, "cannot be the name of a variable")
    write(made, {"a-b": entry("eng_1"), "a/b": entry("eng_2")})
    made.run("export", "--format=env").ended(3, "`a-b` and `a/b` would both be LINGO_ENGINE_A_B")
    assert made.run("export", "--format=json").json == {"a-b": "eng_1", "a/b": "eng_2"}
    write(made, {"acme": entry("eng_1\nPATH=/tmp")})
    made.run("export", "--format=env").ended(3, "must be an ID")
    made.lockfile.write_text("{")
    made.run("export", "--format=env").ended(3, "cannot be read as a lockfile")


def test_nothing_serves_yet(made: Project) -> None:
    write(made, {})
    assert made.run("export", "--format=env").ended(0).out == ""
    assert made.run("export", "--format=json").json == {}


@pytest.mark.parametrize("words", [("get", "acme"), ("export", "--format=env")])
def test_they_import_nothing_heavy(made: Project, words: tuple[str, ...]) -> None:
    ran = made.run(*words, env={"PYTHONPROFILEIMPORTTIME": "1"}).ended(0)
    loaded = {
        line.rpartition("|")[2].strip().partition(".")[0] for line in ran.err.splitlines() if "|" in line
    }
    assert "reconciler" in loaded
    heavy = {
        "pydantic",
        "httpx",
        "ruamel",
        "rich",
        "websockets",
        "git",
        "starlette",
        "uvicorn",
        "sqlite3",
        "asyncio",
    }
    assert not loaded & heavy


@pytest.mark.parametrize("format_", ["typescript", "python", "json", "yaml", "env"])
def test_a_committed_export_can_be_checked(made: Project, format_: str) -> None:
    words = ("export", "--format", format_, "--output", "src engines", "--only", "*c*e*", "--only", "shop/*")
    again = f"reconcile export --format {format_} --only '*c*e*' --only 'shop/*' --output 'src engines'"
    made.run(*words, "--check").ended(3, "src engines is missing", again)
    made.run(*words).ended(0)
    made.run(*words, "--check").ended(0, "src engines is up to date")
    written = (made.root / "src engines").read_bytes()
    (made.root / "src engines").write_bytes(written.replace(b"\n", b"\r\n"))  # as git may check it out
    made.run(*words, "--check").ended(0, "src engines is up to date")
    (made.root / "src engines").write_bytes(written)
    before = (made.root / "src engines").stat().st_mtime_ns
    write(made, {"acme": entry("eng_9"), "shop/web": entry("eng_2")})
    made.run(*words, "--check").ended(3, "src engines is out of date", again)
    assert (made.root / "src engines").stat().st_mtime_ns == before
    made.run("export", "--format", format_, "--check").ended(64, "--check needs --output FILE")
