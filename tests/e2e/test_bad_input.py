"""Bad input from users: one clear message, the documented exit code, and JSON where it was asked for."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.e2e.far_ends import KEY, Project, Ran


def refused(project: Project, code: int, *words: str, said: tuple[str, ...]) -> Ran:
    """Told on stderr for people, and as JSON on stdout since that was asked for."""
    ran = project.run(*words, "--format", "json").ended(code, *said)
    assert ran.err.startswith("error: ")
    assert ran.json["exitCode"] == code
    assert ran.json["error"]["message"]
    return ran


# ── the key ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_wrong_key(project: Project, platform: SandboxServer) -> None:
    project.key = "lk_wrong_but_secret"
    project.apply().ended(1, "not started")
    assert platform.create_calls() == 0
    assert not project.lockfile.exists()
    assert project.apply("--format", "json").ended(1).json["exitCode"] == 1


def test_no_key(project: Project, platform: SandboxServer) -> None:
    project.key = None
    project.apply().ended(3, "no API key", "LINGO_API_KEY")
    assert project.apply("--format", "json").ended(3).json["exitCode"] == 3
    assert platform.requests() == []


@pytest.mark.parametrize("key", ["lk_first_half\nlk_other_half", "lk_first half_of_it", "lk_schlüssel_x"])
def test_a_key_that_is_none(project: Project, platform: SandboxServer, key: str) -> None:
    project.key = key
    project.apply().ended(3, "the API key contains a space, a line break or another invalid character")
    assert platform.requests() == []


def test_a_key_with_a_newline_at_its_end_is_the_key(project: Project) -> None:
    project.key = KEY + "\n"
    project.apply("--only", "shop/web").ended(0)


def test_the_deprecated_name_of_the_key(project: Project) -> None:
    new, old = dict.fromkeys(("LINGO_API_KEY", "LINGO_API_URL")), {"API_KEY": KEY, "API_URL": project.url}
    ran = project.run(
        "apply",
        "--yes",
        "--only",
        "shop/web",
        env=new | {f"LINGODOTDEV_{name}": value for name, value in old.items()},
    )
    ran.ended(0, "LINGODOTDEV_API_KEY is deprecated", "LINGODOTDEV_API_URL is deprecated")


# ── the lockfile ───────────────────────────────────────────────────────────────────────────────────────────────────

GOOD = '{\n  "engines": {},\n  "version": 1\n}\n'
LOCKFILES = {
    "conflict": (
        '{\n<<<<<<< ours\n  "engines": {}\n=======\n  "engines": {}\n>>>>>>> theirs\n}\n',
        "conflict",
    ),
    "truncated": (GOOD[:-8], "incomplete"),
    "newer": (GOOD.replace("1", "3"), "version 3"),
    "edited": (GOOD.replace("{}", '{"acme": "eng_1"}'), "engines"),
    "edited entry": (GOOD.replace("{}", '{"acme": {"engineId": 7}}'), "engines.acme"),
    "typo": (GOOD.replace("{}", "{},,"), "JSON"),
    "unknown key": (GOOD.replace("{}", '{}, "serial": 7'), "serial"),
    "empty": ("", "empty"),
    "twice": (GOOD.replace("{}", '{"a": {}, "a": {}}'), "duplicate key `a`"),
    "binary": ("\0\x01\x02", "JSON"),
}


@pytest.mark.parametrize(("content", "said"), LOCKFILES.values(), ids=LOCKFILES)
def test_a_lockfile_that_is_none(bare: Project, content: str, said: str) -> None:
    bare.lockfile.write_text(content)
    refused(bare, 3, "apply", "--yes", said=("engines.lock.json", said, "hint:"))
    assert bare.lockfile.read_text() == content
    assert not bare.private.exists()


def test_a_folder_in_the_place_of_the_lockfile(bare: Project) -> None:
    bare.lockfile.mkdir()
    refused(bare, 1, "apply", "--yes", said=("engines.lock.json is not a regular file",))


# ── engine files, settings, arguments ──────────────────────────────────────────────────────────────────────────────


def test_no_engine_files(bare: Project) -> None:
    (bare.root / "engines/acme.yaml").unlink()
    refused(bare, 3, "plan", said=("engines", "hint:"))
    shutil.rmtree(bare.root / "engines")
    refused(bare, 3, "plan", said=("engines", "hint:"))
    refused(bare, 3, "apply", "--yes", said=("engines",))


def test_every_wrong_engine_file_is_told_at_once(bare: Project) -> None:
    bare.engine("one", "nam: One\n")
    bare.engine("two", "name: Two\nlocales: [klingon!]\n")
    said = ("engines/one.yaml:1:1", "engines/two.yaml:2:", "name")
    bare.run("plan").ended(3, *said)
    bare.run("apply", "--yes").ended(3, *said)
    bare.run("validate").ended(3, *said)
    document = bare.run("plan", "--format", "json").ended(3).json
    assert {one["file"] for one in document["diagnostics"]} == {"engines/one.yaml", "engines/two.yaml"}
    assert document["exitCode"] == 3
    assert "file=engines/one.yaml,line=1" in bare.run("plan", "--format", "github").ended(3).out
    bare.run("validate", "engines/acme.yaml").ended(0, "1 engine file valid")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("plan", "--only", "acne"), "did you mean `acme`?"),
        (("plan", "--only", "x*"), "no engine matches `x*`"),
        (("apply", "--yes", "--only", ""), "no engine matches"),
        (("plan", "--frobnicate"), "--frobnicate"),
        (("plna",), "did you mean `reconcile plan"),
        (("-C", "/nowhere/at/all", "plan"), "/nowhere/at/all"),
        (("apply", "--yes", "--timeout", "soon"), "timeout"),
        (("apply", "--yes", "--timeout", "-1s"), "timeout"),
        (("apply", "--yes", "--concurrency", "0"), "concurrency"),
        (("apply", "--yes", "--concurrency", "many"), "concurrency"),
        (("--dry-run", "--detach"), "--detach"),
        (("--dry-run", "apply", "--yes"), "--dry-run goes without a command"),
        (("--only", "acme", "apply", "--yes"), "--only goes after `apply`"),
        (("-y", "apply"), "--yes goes after `apply`"),
        (("apply", "--yes", "--detailed-exitcode"), "--detailed-exitcode"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_arguments_that_make_no_sense(bare: Project, words: tuple[str, ...], said: str) -> None:
    refused(bare, 64, *words, said=(said,))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("concurency: 4\n", "reconcile.yaml:1:1"),
        ("concurrency: none at all\n", "reconcile.yaml:1:"),
        ("- a list\n", "reconcile.yaml"),
        ("engines: ../elsewhere\n", "reconcile.yaml:1:"),
        ("a: [\n", "reconcile.yaml"),
        ("api_url: http://platform.example\n", "reconcile.yaml:1:"),
    ],
)
def test_settings_that_make_no_sense(bare: Project, content: str, said: str) -> None:
    (bare.root / "reconcile.yaml").write_text(content)
    bare.url = None
    refused(bare, 3, "plan", said=(said,))


def test_settings_in_the_environment_that_make_no_sense(bare: Project) -> None:
    ran = bare.run("plan", env={"RECONCILE_CONCURRENCY": "lots"}).ended(3, "RECONCILE_CONCURRENCY")
    assert ran.out == ""


def test_a_settings_file_that_is_not_there(bare: Project) -> None:
    refused(bare, 3, "plan", "--config", "other.yaml", said=("other.yaml", "does not exist"))


def test_hostile_names_are_harmless(project: Project, platform: SandboxServer) -> None:
    """Escape sequences, right-to-left marks and line breaks in names and keys reach no terminal and no log raw."""
    name = "Evil\x1b]0;owned\x07\x1b[2J\u202e\n::error::boo"
    project.engine("evil", f"name: {json.dumps(name)}\n")
    project.engine("e\x1b[31mvil", "name: Other\n")
    platform.faults.add("create", "status=400", match="Evil")
    shown = []
    for words in (
        ("plan",),
        ("plan", "--format", "github"),
        ("plan", "--format", "markdown"),
        ("validate",),
        ("apply", "--yes"),
        ("status",),
        ("plan", "--format", "json"),
    ):
        ran = project.run(*words)
        shown.append(ran.out + ran.err)
    for text in shown:
        assert not {"\x1b", "\x07", "\u202e"} & set(text), repr(text)
        assert "\n::error::boo" not in text


def test_a_file_that_leads_out_of_the_project(bare: Project, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("the secret text")
    bare.engine("acme", "name: A\nsources: [{type: content, file: ../../secret.txt}]\n")
    ran = bare.run("plan").ended(3, "engines/acme.yaml:2:")
    assert "the secret text" not in ran.out + ran.err


@pytest.mark.parametrize("words", [("get",), ("history",), ("resolve", "--retry")], ids=" ".join)
def test_an_engine_may_be_named_by_its_file(bare: Project, words: tuple[str, ...]) -> None:
    """Each says the same of the path as of the key."""
    command, *options = words
    by_key = bare.run(command, "nothing/here", *options)
    by_path = bare.run(command, "engines/nothing/here.yaml", *options)
    assert (by_path.code, by_path.err) == (by_key.code, by_key.err)
    assert ".yaml" not in by_path.err


def test_only_takes_the_path_of_an_engine_file(bare: Project) -> None:
    (bare.root / "engines/one.yaml").write_text("name: One\n", encoding="utf-8")
    for path in ("engines/one.yaml", "./engines/one.yaml", "engines/one"):
        found = bare.run("plan", "--only", path, "--format", "json").ended(0).json
        assert [action["key"] for action in found["actions"]] == ["one"]


@pytest.mark.parametrize(
    "words",
    [
        ("plan",),
        ("-C", "{project}", "plan"),
        ("status", "--format", "html"),
        ("export", "--format=env"),
        ("init", "--ci", "github"),
    ],
)
def test_a_current_folder_that_is_gone(project: Project, words: tuple[str, ...]) -> None:
    code = "import os, sys\nos.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')\n"
    code += "os.execv(sys.argv[1], sys.argv[1:])"
    line = [word.format(project=project.root) for word in words]
    command = [sys.executable, "-c", code, sys.executable, "-m", "reconciler", *line]
    done = subprocess.run(
        command, cwd=project.root, env=project.environment(), capture_output=True, text=True
    )
    project.check_text(done.stdout + done.stderr)
    assert done.returncode == 1
    assert "the current folder cannot be used" in done.stderr


def test_a_folder_with_a_name_that_is_too_long(project: Project) -> None:
    project.run("-C", "x" * 5_000, "plan").ended(64, "no such folder")
    project.run("plan", "--config", "x" * 5_000).ended(1, "File name too long")
