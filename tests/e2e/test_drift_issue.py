"""`plan --issue` as a scheduled job runs it: one issue, opened, kept up to date, and closed when all is well."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from tests import plain_http
from tests.e2e.far_ends import KEY, Project, Ran
from tests.e2e.test_drift import EVIL, change, delete, fault
from tests.github_comments_fake import ACTIONS_TOKEN, PERSON
from tests.github_fake import REPOSITORY
from tests.github_issues_fake import FakeIssues

MARKER = "<!-- reconcile:v1 drift production . -->"


@pytest.fixture
def github() -> Iterator[FakeIssues]:
    with FakeIssues() as fake:
        yield fake


@pytest.fixture
def repo(tmp_path: Path, platform: SandboxServer) -> Iterator[Project]:
    made = Project(tmp_path / "repo", platform.url)
    for key in ("acme", "blog", "shop"):
        made.engine(key)
    made.apply().ended(0)
    yield made
    made.check_no_key_left()


def look(repo: Project, github: FakeIssues, *arguments: str, **more: str | None) -> Ran:
    env: dict[str, str | None] = {
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": github.url,
        "GITHUB_EVENT_NAME": "schedule",
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_RUN_ID": "4711",
        "GITHUB_SHA": "0" * 40,
        "GITHUB_TOKEN": ACTIONS_TOKEN,
    }
    ran = repo.run("plan", "--issue", *arguments, env=env | more)
    assert ACTIONS_TOKEN not in ran.out + ran.err
    return ran


def test_one_issue_from_the_first_drift_to_the_last(repo: Project, github: FakeIssues) -> None:
    look(repo, github).ended(0, "issue: none needed")
    assert github.issues == []

    gone = delete(repo, "acme")
    look(repo, github).ended(0, f"issue: opened: https://github.com/{REPOSITORY}/issues/1")
    (issue,) = github.issues
    assert issue["title"] == "Localization engines: drift in production"
    assert issue["body"].startswith(f"{MARKER}\n\n**1 engine is not as `engines.lock.json` has it**")
    assert gone.replace("_", "\\_") in issue["body"]
    assert re.search(r"`reconcile apply [^`]*--refresh[^`]*` creates them again", issue["body"]), issue[
        "body"
    ]
    look(repo, github).ended(0, "issue: unchanged")

    change(repo, "blog", name="Mine")
    look(repo, github).ended(0, "issue: updated")
    assert "**2 engines are not as" in issue["body"]
    assert "+ name: Mine" in issue["body"]

    repo.apply("--refresh").ended(0)
    change(repo, "blog", name="blog")
    look(repo, github).ended(0, "issue: closed (no drift)")
    assert (issue["state"], issue["state_reason"]) == ("closed", "completed")
    assert "All is well" in issue["body"]
    look(repo, github).ended(0, "issue: none needed")

    delete(repo, "shop")
    look(repo, github).ended(0, "issue: opened")
    assert [one["number"] for one in github.open_issues] == [2]


def test_other_issues_are_left_alone(repo: Project, github: FakeIssues) -> None:
    theirs = github.issue(f"{MARKER}\n\nnot ours", PERSON)
    pull = github.issue(MARKER, pull_request={})
    other = github.issue("<!-- reconcile:v1 drift staging . -->")
    before = [dict(one) for one in github.issues]
    look(repo, github).ended(0, "none needed")
    delete(repo, "acme")
    look(repo, github).ended(0, "opened")
    assert [theirs, pull, other] == before
    assert len(github.issues) == 4


def test_of_two_the_oldest_stays(repo: Project, github: FakeIssues) -> None:
    delete(repo, "acme")
    first, second = github.issue(MARKER), github.issue(MARKER)
    look(repo, github).ended(0, "updated")
    assert (first["state"], second["state"]) == ("open", "closed")


def test_what_is_not_known_closes_nothing(repo: Project, github: FakeIssues) -> None:
    issue = github.issue(f"{MARKER}\n\nearlier")
    for do in ("status=404", "status=500"):
        plain_http.delete(f"{repo.url}/sandbox/faults").raise_for_status()
        fault(repo, do=do)
        look(repo, github).ended(0, "stays as it is")
    plain_http.delete(f"{repo.url}/sandbox/faults").raise_for_status()
    repo.engine("blog", "nmae: x\n")
    look(repo, github).ended(3, "stays as it is")
    assert (issue["state"], issue["body"]) == ("open", f"{MARKER}\n\nearlier")


def test_what_the_platform_says_acts_nowhere(repo: Project, github: FakeIssues) -> None:
    change(repo, "blog", name=EVIL, description=f"```\n{EVIL}\n```")
    out = look(repo, github).ended(0, "opened").out
    body = github.issues[0]["body"]
    assert "\x1b" not in body + out
    outside = body.split("````")[::2]
    assert all("<img" not in part and "@everyone" not in part for part in outside)
    assert not [line for line in out.splitlines() if line.startswith(("::error", "::add-mask"))]


def test_what_github_refuses_is_an_error_beside_the_plan(repo: Project, github: FakeIssues) -> None:
    delete(repo, "acme")
    look(repo, github, GITHUB_TOKEN="ghs_none").ended(1, "the issue was not updated", "will be recreated")
    look(repo, github, GITHUB_TOKEN=None).ended(3, "GITHUB_TOKEN", "will be recreated")
    look(repo, github, "--only", "acme").ended(64, "--issue is about all engines")
    look(repo, github, LINGO_API_KEY=KEY[:-1]).ended(1, "the platform refused the API key (401)")
    assert github.issues == []
