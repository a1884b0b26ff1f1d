"""`docs/ci/gitlab-projects.yml`: its jobs run with a shell, and the child pipeline is one that GitLab takes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.yaml.reader import read_yaml
from reconciler.sandbox.server import SandboxServer
from tests.e2e.repository import Repository

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docs/ci/gitlab-projects.yml"
PIPELINE: dict[str, Any] = read_yaml(FILE.read_bytes(), FILE.name).value
TOKEN = "glpat-do-not-tell-4711"


@pytest.fixture
def repository(tmp_path: Path, platform: SandboxServer) -> Iterator[Repository]:
    origin = tmp_path / "server/group/repo.git"
    origin.parent.mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(origin)], check=True)
    made = Repository(tmp_path / "work", platform.url)
    made.git("remote", "add", "origin", str(origin))
    made.project("apps/api", "one")
    made.project("apps/web", "two")
    made.commit()
    made.git("push", "--quiet", "origin", "main")
    command = tmp_path / "bin/reconcile"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m reconciler "$@"\n')
    command.chmod(0o755)
    yield made
    made.check_no_key_left()


def test_no_two_jobs_have_one_group() -> None:
    """Of two jobs that wait in one group GitHub drops the older: `a` in `b-c` is not `a-b` in `c`."""
    github = read_yaml((ROOT / "docs/ci/github-projects-apply.yml").read_bytes(), "github").value
    groups = [
        github["jobs"]["apply"]["concurrency"]["group"],
        PIPELINE[".engines-project"]["resource_group"],
    ]
    for group in groups:
        said = re.sub(
            r"\$\{\{ matrix\.(\w+) \}\}|\$ENGINES_(\w+)", lambda one: f"{{{one[1] or one[2].lower()}}}", group
        )
        pairs = [
            ("a", "b-c"),
            ("a-b", "c"),
            ("a.b", "c"),
            ("a", "b.c"),
            ("b-c", "a"),
            ("c", "a-b"),
            ("c/a", "b"),
            ("a", "c"),
        ]
        assert len({said.format(project=one, environment=two) for one, two in pairs}) == len(pairs), said


def run(repository: Repository, job: str, **variables: str) -> int:
    server = repository.root.parent
    env = repository.environment(
        CI="true",
        CI_SERVER_URL=f"file://{server}/server",
        CI_SERVER_PROTOCOL="https",
        CI_SERVER_FQDN="gitlab.example",
        CI_PROJECT_PATH="group/repo",
        CI_PROJECT_DIR=str(repository.root),
        PUSH_TOKEN=TOKEN,
        RECONCILE_BRANCH="main",
        RECONCILE_PUBLISH="true",
        **variables,
    )
    script = "\n".join(PIPELINE[job]["script"])
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=repository.root,
        env=env | {"PATH": f"{server}/bin:{env['PATH']}"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert TOKEN not in done.stdout + done.stderr
    return done.returncode


def test_the_child_pipeline_runs_each_project_that_a_push_touches(
    repository: Repository, platform: SandboxServer
) -> None:
    before = repository.git("rev-parse", "HEAD").strip()
    repository.file("apps/web/engines/new.yaml", "name: new\n")
    repository.file("-rf/reconcile.yaml", "concurrency: 4\n")
    repository.commit()
    repository.git("push", "--quiet", "origin", "main")
    allowed = PIPELINE["engines-projects"]["allow_failure"]["exit_codes"]
    assert run(repository, "engines-projects", ENGINES_SINCE=before) == allowed
    child = json.loads((repository.root / "engines-child.yml").read_text())
    assert child["include"] == [{"local": "ci/engines-project.yml"}]
    [variables] = child["engines"]["parallel"]["matrix"]
    assert variables == {"ENGINES_PROJECT": "apps/web", "ENGINES_ENVIRONMENT": "production"}
    assert run(repository, ".engines-project", **variables) == 0
    assert sorted(one["name"] for one in platform.engines()) == ["new", "two"]


def test_a_push_that_touches_none_makes_a_pipeline_that_does_nothing(repository: Repository) -> None:
    before = repository.git("rev-parse", "HEAD").strip()
    assert run(repository, "engines-projects", ENGINES_SINCE=before) == 0
    assert list(json.loads((repository.root / "engines-child.yml").read_text())) == ["no-engines"]


def test_a_plan_has_no_environment_and_so_no_key(repository: Repository) -> None:
    assert run(repository, "engines-plan", LINGO_API_KEY="") == 0
    issues = json.loads((repository.root / "gl-code-quality-report.json").read_text())
    assert {one["location"]["path"] for one in issues} == {
        "apps/api/engines/one.yaml",
        "apps/web/engines/two.yaml",
    }
    for name in ("engines-plan", "engines-projects", "engines-apply"):
        assert "environment" not in PIPELINE[name]


def test_gitlab_takes_the_child(repository: Repository) -> None:
    assert run(repository, "engines-projects", ENGINES_SINCE="0" * 40) == 0
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci"]
    done = subprocess.run([*check, "engines-child.yml"], cwd=repository.root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_installation_is_that_of_the_pipeline_for_one_project() -> None:
    one = (ROOT / "docs/ci/gitlab-ci.yml").read_text(encoding="utf-8")
    several = FILE.read_text(encoding="utf-8")
    begin, end = "variables:\n", "# Needs no key. The report"
    assert several[several.index(begin) : several.index(end)] == one[one.index(begin) : one.index(end)]
