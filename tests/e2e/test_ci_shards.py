"""The workflows for shards in `docs/ci` are run here, with a shell, git and a platform: every job, in its order."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.yaml.reader import read_yaml
from reconciler.sandbox.server import SandboxServer
from tests.e2e.actors import LOCKFILE, Actors
from tests.e2e.far_ends import KEY, Project

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs" / "ci"
GITHUB: Any = read_yaml((DOCS / "github-shards.yml").read_bytes(), "github-shards.yml").value
ENGINES = [f"e{number}" for number in range(4)]


@pytest.fixture
def actors(tmp_path: Path, platform: SandboxServer) -> Actors:
    made = Actors(tmp_path, platform, *ENGINES)
    command = tmp_path / "bin" / "reconcile"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{ROOT}/.venv/bin/python" -m reconciler "$@"\n')
    command.chmod(0o755)
    return made


def shell(actors: Actors, project: Project, script: str, **env: str) -> None:
    """As a runner does it: `bash -e`, with the variables of a job."""
    variables = project.environment(CI="true", RUNNER_TEMP=str(actors.root), RECONCILE_BRANCH="main", **env)
    variables["PATH"] = f"{actors.root}/bin:{variables['PATH']}"
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=project.root,
        env=variables,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    project.check_text(done.stdout + done.stderr)


def check_made_once(actors: Actors) -> None:
    assert actors.lock()["engines"].keys() == set(ENGINES)
    assert actors.made == len(ENGINES) == len(actors.engines())
    assert len(actors.git("log", "--format=%h", "main", "--", LOCKFILE).split()) == 1


def test_the_workflow_for_github(actors: Actors) -> None:
    jobs = GITHUB["jobs"]
    assert list(jobs) == ["plan", "shard", "collect"]
    matrix = jobs["shard"]["strategy"]["matrix"]["shard"]
    assert jobs["shard"]["strategy"]["fail-fast"] is False
    assert matrix == list(range(1, 9))
    for name in jobs:
        script = reconciling(jobs[name]).replace("--shards 8", "--shards 2").replace("/8", "/2")
        for shard in matrix[:2] if name == "shard" else [""]:  # two will do
            shell(actors, actors.clone(), script, SHARD=str(shard))
    check_made_once(actors)


def reconciling(job: Any) -> str:
    [script] = [step["run"] for step in job["steps"] if step.get("run", "").startswith("reconcile ")]
    return str(script)


def test_each_job_of_it_has_what_it_needs_and_no_more() -> None:
    """The key goes to the steps that apply, and to no other; actions are named by commit."""
    text = (DOCS / "github-shards.yml").read_text(encoding="utf-8")
    assert GITHUB["permissions"] == {}
    for name, job in GITHUB["jobs"].items():
        keyed = [step for step in job["steps"] if "LINGO_API_KEY" in str(step)]
        assert [step["run"].split()[1] for step in keyed] == (
            [] if name == "plan" else [reconciling(job).split()[1]]
        )
        assert ("environment" in job) is (name != "plan")
        assert job["permissions"]["contents"] == ("read" if name == "plan" else "write")
    used = re.findall(r"uses: (\S+)", text)
    ours = (ROOT / ".github" / "workflows").glob("*.yml")
    known = {one for path in ours for one in re.findall(r"uses: (\S+)", path.read_text(encoding="utf-8"))}
    assert set(used) <= known  # the commits that our own workflows use


def test_the_pipeline_for_gitlab(actors: Actors) -> None:
    text = (DOCS / "gitlab-shards.yml").read_text(encoding="utf-8")
    pipeline: Any = read_yaml(text.replace("!reference ", "").encode(), "gitlab-shards.yml").value
    [plan] = pipeline["engines-shards-plan"]["script"]
    assert f"--shards {pipeline['engines-shard']['parallel']} " in plan
    count = 2  # will do
    shell(actors, actors.clones[0], plan.replace("--shards 8", "--shards 2"))
    folder = actors.clones[0].root / "shards"  # the artifact, which GitLab puts in the same place
    for name, jobs in (("engines-shard", count), ("engines-shards-collect", 1)):
        command = pipeline[name]["variables"]["ENGINES_COMMAND"]
        assert pipeline[name]["extends"] == ".engines-publishing"
        for index in range(1, jobs + 1):
            runner = actors.clone()
            subprocess.run(["cp", "-r", folder, runner.root / "shards"], check=True)
            parallel = {"CI_NODE_INDEX": str(index), "CI_NODE_TOTAL": str(count)} if jobs > 1 else {}
            shell(actors, runner, f"reconcile {command}", RECONCILE_PUBLISH="true", **parallel)
    check_made_once(actors)
    assert KEY not in text
