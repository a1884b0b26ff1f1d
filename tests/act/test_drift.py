"""The workflow about drift, run by act: it opens one issue, and closes it when all is well."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.settings import SandboxSettings
from tests import plain_http
from tests.act.actions import Repository, Workflow
from tests.e2e.far_ends import KEY
from tests.github_comments_fake import ACTIONS_TOKEN as TOKEN
from tests.github_issues_fake import FakeIssues

pytestmark = [
    pytest.mark.act,
    pytest.mark.skipif(
        not (Path(sys.executable).parent / "act").exists() or shutil.which("bash") is None,
        reason="act is not installed",
    ),
]


def look(repository: Repository) -> Workflow:
    every_morning = {"schedule": "23 5 * * *"}
    secrets = {"LINGO_API_KEY": KEY}
    return repository.act("schedule", "engines-drift.yml", every_morning, secrets=secrets, token=TOKEN)


def test_one_issue_is_opened_and_closed_again(tmp_path: Path) -> None:
    settings = SandboxSettings(job_seconds=0.2, api_keys=(KEY,))
    with SandboxServer(settings) as platform, FakeIssues() as github:
        repository = Repository(tmp_path, platform.url, github.url)
        for key in ("acme", "blog"):
            repository.work.engine(key)
        repository.work.run("apply", "--yes", "--no-publish").ended(0)
        repository.push("First")
        gone = repository.work.entry("acme")["engineId"]
        plain_http.delete(f"{platform.url}/engines/{gone}", headers={"X-API-Key": KEY}).raise_for_status()

        ran = look(repository).ended(0, "issue: opened")
        assert ran.outputs["changed"] == "true"
        assert ran.outputs["summary"] == "1 recreate, 1 unchanged"
        (issue,) = github.open_issues
        assert gone.replace("_", "\\_") in issue["body"]

        repository.work.run("apply", "--yes", "--refresh", "--no-publish").ended(0)
        repository.push("Recreated")
        look(repository).ended(0, "issue: closed (no drift)")
        assert github.open_issues == []
        assert platform.create_calls() == 3
