"""`docs/ci`: the pipeline for GitLab and the recipes for other systems are run here, with a shell, git and a platform.

What GitLab itself does (rules, resource groups, artifacts) is only looked at.
"""

from __future__ import annotations

import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.yaml.reader import read_yaml
from reconciler.sandbox.server import SandboxServer
from tests.e2e.far_ends import Project
from tests.test_docs import spoken_of, wrong_in

DOCS = Path(__file__).resolve().parents[2] / "docs" / "ci"
PIPELINE: dict[str, Any] = read_yaml((DOCS / "gitlab-ci.yml").read_bytes(), "gitlab-ci.yml").value
TOKEN = "glpat-do-not-tell-4711"
RECIPE = re.compile(r"^```bash\n# (?P<name>[a-z]+)\.sh\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
RECIPES = {found["name"]: found["body"] for found in RECIPE.finditer((DOCS / "generic.md").read_text())}


def job(name: str) -> dict[str, Any]:
    """As GitLab merges it with what it extends: mappings are merged, all else is replaced."""
    own: dict[str, Any] = PIPELINE[name]
    merged = job(own["extends"]) if "extends" in own else {}
    both = {key for key in own.keys() & merged.keys() if isinstance(own[key], dict)}
    return merged | own | {key: merged[key] | own[key] for key in both}


@pytest.fixture
def checkout(tmp_path: Path, platform: SandboxServer) -> Iterator[Project]:
    """As a runner has it: HEAD detached, its own token in the remote's address; `reconcile` is on PATH."""
    origin = tmp_path / "server" / "group" / "repo.git"
    origin.parent.mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(origin)], check=True)
    made = Project(tmp_path / "work", platform.url)
    made.git("init", "--quiet", "--initial-branch=main", "--template=")
    made.git("remote", "add", "origin", str(origin))
    made.engine("acme")
    made.commit()
    made.git("push", "--quiet", "origin", "main")
    made.git("checkout", "--quiet", "--detach")
    command = tmp_path / "bin" / "reconcile"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m reconciler "$@"\n')
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    yield made
    made.check_no_key_left()


def shell(project: Project, script: str, **env: str) -> subprocess.CompletedProcess[str]:
    """With the runner's variables, and the shell options that it sets."""
    server = project.root.parent
    variables = project.environment(
        CI="true",
        CI_SERVER_URL=f"file://{server}/server",
        CI_SERVER_PROTOCOL="https",
        CI_SERVER_FQDN="gitlab.example",
        CI_PROJECT_PATH="group/repo",
        CI_PROJECT_DIR=str(project.root),
        CI_DEFAULT_BRANCH="main",
        PUSH_TOKEN=TOKEN,
    )
    variables |= env
    variables["PATH"] = f"{server}/bin:{variables['PATH']}"
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=project.root,
        env=variables,
        capture_output=True,
        text=True,
        timeout=100,
    )
    project.check_text(done.stdout + done.stderr)
    assert TOKEN not in done.stdout + done.stderr
    return done


def run(project: Project, name: str) -> subprocess.CompletedProcess[str]:
    wanted = job(name)
    env = {key: value for key, value in wanted["variables"].items() if "$" not in value}
    env |= {"RECONCILE_BRANCH": "main"} if "RECONCILE_BRANCH" in wanted["variables"] else {}
    assert env.pop("LINGO_API_URL", None) in (
        None,
        "https://api.lingo.dev",
    )  # the project's own variable wins
    done = shell(project, "\n".join(wanted["script"]), **env)
    if "after_script" in wanted:
        shell(project, "\n".join(wanted["after_script"]))
    return done


def test_every_job_is_what_gitlab_takes() -> None:
    jobs = [name for name in PIPELINE if name != "variables" and not name.startswith(".")]
    assert jobs == ["engines-plan", "engines-apply", "engines-collect"]
    for name in jobs:
        wanted = job(name)
        assert wanted["stage"] in (
            "build",
            "test",
            "deploy",
        )  # of GitLab's own, so that it can be included anywhere
        assert all(isinstance(line, str) for line in wanted["script"] + wanted["before_script"])
        assert all(isinstance(value, str) for value in wanted["variables"].values())
        assert wanted["rules"]
    assert {job(name)["resource_group"] for name in jobs[1:]} == {"engines-production"}
    plan = job("engines-plan")
    assert "environment" not in plan  # nor anything else that has the key
    assert plan["artifacts"]["reports"]["codequality"] in plan["script"][0]


def test_the_plan_of_a_merge_request(checkout: Project) -> None:
    done = run(checkout, "engines-plan")
    assert done.returncode == 0, done.stderr
    assert "Plan: 1 to create" in done.stdout
    assert '"reconcile/create"' in (checkout.root / "gl-code-quality-report.json").read_text()


def test_the_plan_of_a_broken_merge_request(checkout: Project) -> None:
    checkout.engine("acme", "nme: x\n")
    done = run(checkout, "engines-plan")
    assert done.returncode == 3
    assert '"critical"' in (checkout.root / "gl-code-quality-report.json").read_text()
    checkout.lockfile.write_text("{")
    assert run(checkout, "engines-plan").returncode == 3
    assert (checkout.root / "gl-code-quality-report.json").read_text() == "[]\n"


def test_apply_and_collect(checkout: Project) -> None:
    done = run(checkout, "engines-apply")
    assert done.returncode == 0, done.stderr
    checkout.git("fetch", "--quiet", "origin")
    assert "engines.lock.json" in checkout.git("ls-tree", "--name-only", "origin/main")
    assert "refs/reconcile/production" in checkout.git("ls-remote", "origin")
    assert not (checkout.root.parent / ".git-credentials").exists()
    done = run(checkout, "engines-collect")
    assert done.returncode == 0, done.stderr


def test_git_takes_the_token_from_the_store(checkout: Project) -> None:
    script = job("engines-apply")["script"]
    before = "\n".join(line for line in script if not line.startswith("reconcile"))
    ask = 'printf "protocol=https\\nhost=gitlab.example\\n\\n" | git credential fill > "$HOME/answer"'
    assert shell(checkout, f"{before}\n{ask}").returncode == 0
    assert f"password={TOKEN}" in (checkout.root.parent / "answer").read_text()
    assert stat.S_IMODE((checkout.root.parent / ".git-credentials").stat().st_mode) == 0o600


def test_the_recipes(checkout: Project) -> None:
    assert RECIPES.keys() == {"plan", "apply"}
    planned = shell(checkout, RECIPES["plan"])
    assert (planned.returncode, "there is something to apply" in planned.stdout) == (0, True), planned.stderr
    applied = shell(checkout, RECIPES["apply"], RECONCILE_BRANCH="main")
    assert applied.returncode == 0, applied.stderr
    planned = shell(checkout, RECIPES["plan"])
    assert "nothing to apply" in planned.stdout
    checkout.engine("broken", "nme: x\n")
    assert shell(checkout, RECIPES["plan"]).returncode == 3
    assert shell(checkout, RECIPES["apply"], RECONCILE_BRANCH="main").returncode == 3


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: str(page.name))
def test_commands_and_links_of_the_pages(page: Path) -> None:
    assert [word for line in spoken_of(page) for word in wrong_in(line)] == []
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), target
