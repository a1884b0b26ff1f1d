"""A plan with nothing to do loads only what it needs: the heavy libraries stay out (docs/design.md: it is instant)."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.e2e.far_ends import Project

HEAVY = {
    "pydantic", "httpx", "ruamel", "rich", "websockets", "git", "asyncio", "ssl", "uvicorn", "starlette", "langcodes",
    "filelock", "keyring", "yaml_rs", "logging", "subprocess", "tempfile",
}  # fmt: skip
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


def test_status_loads_nothing_heavy(settled: Project) -> None:
    assert loaded(settled, "status") & HEAVY == set()


def test_a_new_engine_needs_no_network_library_and_no_git(project: Project) -> None:
    assert loaded(project, "--dry-run") & {"httpx", "websockets", "ssl", "asyncio", "git", "rich"} == set()
