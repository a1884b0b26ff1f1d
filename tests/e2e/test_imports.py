"""A plan with nothing to do loads only what it needs: the heavy libraries stay out (docs/design.md: it is instant)."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.e2e.far_ends import Project

HEAVY = {
    "pydantic", "httpx", "ruamel", "rich", "websockets", "git", "asyncio", "ssl", "uvicorn", "starlette", "langcodes",
    "filelock", "keyring", "psycopg", "yaml_rs", "logging", "subprocess", "tempfile",
}  # fmt: skip
# What a command that only reads what is recorded has no use for either; each of them takes milliseconds.
NOT_FOR_READING = HEAVY | {
    "dataclasses",
    "hashlib",
    "shlex",
    "random",
    "shutil",
    "textwrap",
    "difflib",
}
LOADED = """
import json, sys
from reconciler.cli.main import main
code = main(sys.argv[1:])
print("\\n" + json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


def loaded(project: Project, *words: str) -> set[str]:
    """The top-level modules in memory after the command."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *words],
        cwd=project.root,
        env=project.environment(),
        capture_output=True,
        check=True,
    )
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 0, done.stderr
    return set(modules)


@pytest.fixture
def settled(project: Project) -> Project:
    project.apply().ended(0)
    return project


def test_an_unchanged_plan_loads_nothing_heavy(settled: Project) -> None:
    assert "click" in loaded(settled, "--dry-run")
    assert loaded(settled, "--dry-run") & HEAVY == set()
    assert loaded(settled, "plan", "--format", "json") & HEAVY == set()


def test_settings_do_not_change_that_much(settled: Project) -> None:
    """Reading YAML takes the fast reader; everything else stays out."""
    (settled.root / "reconcile.yaml").write_text("concurrency: 4\n")
    assert loaded(settled, "--dry-run") & (HEAVY - {"yaml_rs"}) == set()


NEEDED_FOR_A_FILE = {"yaml_rs", "subprocess"}  # to read it, and to ask git for its old text


def test_new_edited_and_validated_files_load_what_reads_them_and_no_more(project: Project) -> None:
    """They are checked by pydantic-core alone: the model is only built to say what is wrong with a file."""
    assert loaded(project, "--dry-run") & (HEAVY - NEEDED_FOR_A_FILE) == set()
    assert loaded(project, "validate", "engines/acme.yaml") & (HEAVY - NEEDED_FOR_A_FILE) == set()
    project.apply().ended(0)
    file = project.root / "engines/acme.yaml"
    file.write_bytes(file.read_bytes() + b"description: Edited\n")
    found = loaded(project, "--dry-run")
    assert "pydantic_core" in found
    assert found & (HEAVY - NEEDED_FOR_A_FILE) == set()


def test_an_apply_without_a_terminal_loads_nothing_to_draw_with(project: Project) -> None:
    found = loaded(project, "apply", "--yes")
    assert {"httpx", "websockets"} <= found
    assert (
        found & {"rich", "pygments", "ruamel", "pydantic", "git", "keyring", "starlette", "uvicorn"} == set()
    )


NEEDED = {
    "--version": {"subprocess"},  # it names the commit of a clone
    "export": {"shlex"},  # to quote
    "status": {"hashlib"},  # to know whether a run on this machine wrote the lockfile
}


@pytest.mark.parametrize(
    "command", [("get", "acme"), ("status",), ("export", "--format", "env"), ("--version",)]
)
def test_reading_what_is_recorded_loads_nothing_heavy(settled: Project, command: tuple[str, ...]) -> None:
    needed = NEEDED.get(command[0], set())
    assert loaded(settled, *command) & (NOT_FOR_READING - needed) == set()
