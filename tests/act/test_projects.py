"""The workflows for several projects in docs/ci, run as GitHub runs them: one plan, and an apply for each job."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.settings import SandboxSettings
from tests.act.actions import HERE, REPOSITORY, Repository, Workflow
from tests.e2e.far_ends import KEY
from tests.github_comments_fake import ACTIONS_TOKEN as TOKEN
from tests.github_comments_fake import FakeComments

pytestmark = [
    pytest.mark.act,
    pytest.mark.skipif(
        not (Path(sys.executable).parent / "act").exists() or shutil.which("bash") is None,
        reason="act is not installed",
    ),
]
ENGINE = "name: {}\nlocales: [de]\n"
TWO = "environments:\n  production: {}\n  staging: {lockfile: s.lock.json}\n"


@pytest.fixture
def platform() -> Iterator[SandboxServer]:
    with SandboxServer(SandboxSettings(job_seconds=0.1, api_keys=(KEY,))) as server:
        yield server


@pytest.fixture
def github() -> Iterator[FakeComments]:
    with FakeComments() as fake:
        yield fake


@pytest.fixture
def repository(tmp_path: Path, platform: SandboxServer, github: FakeComments) -> Repository:
    made = Repository(tmp_path, platform.url, github.url)
    for file in (HERE / "docs/ci").glob("github-projects-*.yml"):
        text = file.read_text(encoding="utf-8").replace(f"OWNER/reconcile@{'0' * 40}", "./")
        assert text.count("uses: ./\n") == text.count("command: ")
        (made.work.root / ".github/workflows" / file.name).write_text(text, encoding="utf-8")
    for folder, settings in (
        ("apps/api", "concurrency: 4\n"),
        ("apps/web", TWO),
        ("docs", "concurrency: 4\n"),
    ):
        write(made, f"{folder}/reconcile.yaml", settings)
        write(made, f"{folder}/engines/one.yaml", ENGINE.format(folder))
    made.push("First")
    return made


def write(repository: Repository, path: str, text: str) -> None:
    file = repository.work.root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def apply(repository: Repository, before: str) -> Workflow:
    return repository.act(
        "push",
        "github-projects-apply.yml",
        {"ref": "refs/heads/main", "before": before},
        secrets={"LINGO_API_KEY": KEY},
        token=TOKEN,
    )


def test_a_push_applies_each_project_that_it_touches(repository: Repository, platform: SandboxServer) -> None:
    before = repository.work.git("rev-parse", "HEAD").strip()
    write(repository, "apps/web/engines/two.yaml", ENGINE.format("two"))
    write(repository, "$(touch pwned)/reconcile.yaml", "concurrency: 4\n")
    write(repository, "docs/reconcile.yaml", "nonsense: 1\n")
    repository.push("Second")
    ran = apply(repository, before)
    assert ran.code != 0  # two projects get no job, and the run says so
    assert "docs gets no job" in ran.log
    assert "$(touch pwned) gets no job: its name has the sign $" in ran.log
    assert not list(repository.root.rglob("pwned"))
    assert sorted(one["name"] for one in platform.engines()) == ["apps/web", "apps/web", "two", "two"]
    refs = repository.git_of_origin("for-each-ref", "--format=%(refname)", "refs/reconcile").split()
    assert refs == ["refs/reconcile/production+apps%2Fweb", "refs/reconcile/staging+apps%2Fweb"]
    files = repository.git_of_origin("ls-tree", "-r", "--name-only", "main").split()
    assert {"apps/web/engines.lock.json", "apps/web/s.lock.json"} <= set(files)
    assert "apps/api/engines.lock.json" not in files


def test_without_a_commit_before_all_projects_are_applied(
    repository: Repository, platform: SandboxServer
) -> None:
    apply(repository, "0" * 40).ended(0)
    assert sorted(one["name"] for one in platform.engines()) == ["apps/api", "apps/web", "apps/web", "docs"]
    repository.pull()
    before = repository.work.git("rev-parse", "HEAD").strip()
    write(repository, "README.md", "Nothing\n")
    repository.push("Nothing")
    apply(repository, before).ended(0)
    assert platform.create_calls() == 4


def test_a_pull_request_gets_one_comment_and_needs_no_secret(
    repository: Repository, github: FakeComments
) -> None:
    repository.work.git("checkout", "--quiet", "-b", "feature")
    write(repository, "apps/api/engines/two.yaml", ENGINE.format("two"))
    head = repository.push("Feature", "feature")
    repository.check_out_merge_of("feature")
    pull = {"number": 1, "head": {"sha": head, "repo": {"full_name": REPOSITORY}}}
    payload = {
        "number": 1,
        "pull_request": {**pull, "base": {"ref": "main", "repo": {"full_name": REPOSITORY}}},
    }
    ran = repository.act("pull_request", "github-projects-plan.yml", payload, token=TOKEN).ended(0)
    assert "comment on #1: created" in ran.log
    assert ran.outputs["exit-code"] == "0"
    assert ran.outputs["changed"] == ran.outputs["plan"] == ran.outputs["report"] == ""
    [body] = github.bodies()
    assert body.startswith("<!-- reconcile:v1 plans % % -->")
    assert "| `apps/web` | `staging` |" in body
