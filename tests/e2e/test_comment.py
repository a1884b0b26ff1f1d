"""`plan --comment` as GitHub Actions runs it: event, summary and token by variables, GitHub itself on a local port."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.e2e.far_ends import KEY, Project, Ran
from tests.github_comments_fake import ACTIONS_TOKEN, PERSON, FakeComments
from tests.github_fake import REPOSITORY, TOKEN, Reply, Trouble

COMMIT = "4f2c1a9be07d5a3c8e6f1b2d9a0c7e5f4b3a2d1c"


@pytest.fixture
def github() -> Iterator[FakeComments]:
    with FakeComments() as fake:
        fake.users[TOKEN] = PERSON
        yield fake


class Job:
    """A step of a workflow, in a project with one engine that is not made yet."""

    def __init__(self, github: FakeComments, folder: Path) -> None:
        self.project = Project(folder / "repo", key=None)
        self.project.engine("acme")
        self.event = folder / "event.json"
        self.summary = folder / "summary.md"
        self.happened(REPOSITORY)
        self.env: dict[str, str | None] = {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": github.url,
            "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_EVENT_PATH": str(self.event),
            "GITHUB_REF": "refs/pull/1/merge",
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_RUN_ID": "4711",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_SHA": "0" * 40,
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_TOKEN": ACTIONS_TOKEN,
        }

    def happened(self, head: str) -> None:
        sides = {
            "head": {"sha": COMMIT, "repo": {"full_name": head}},
            "base": {"repo": {"full_name": REPOSITORY}},
        }
        self.event.write_text(json.dumps({"number": 1, "pull_request": {"number": 1, **sides}}))

    def plan(self, *arguments: str, **env: str | None) -> Ran:
        ran = self.project.run("plan", "--comment", *arguments, env=self.env | env)
        assert ACTIONS_TOKEN not in ran.out + ran.err
        return ran


@pytest.fixture
def job(github: FakeComments, tmp_path: Path) -> Job:
    return Job(github, tmp_path)


def test_a_comment_is_made_and_kept_up_to_date(job: Job, github: FakeComments) -> None:
    job.plan().ended(0, "comment on #1: created: https://github.com/acme/engines/pull/1#issuecomment-1001")
    body = github.bodies()[0]
    assert body.startswith("<!-- reconcile:v1 plan production . -->\n")
    assert "\n\n**Plan: 1 to create.**\n\n" in body
    assert f"https://github.com/acme/engines/commit/{COMMIT}" in body
    assert "https://github.com/acme/engines/actions/runs/4711" in body
    job.plan().ended(0, ": unchanged")
    job.project.engine("shop/web")
    job.plan("--detailed-exitcode").ended(2, ": updated")
    assert len(github.comments) == 1
    assert "**Plan: 2 to create.**" in github.bodies()[0]


def test_summary_and_annotations_come_with_it(job: Job) -> None:
    ran = job.plan("--format", "json", "--detailed-exitcode").ended(2)
    assert ran.json["exitCode"] == 2
    assert "::notice file=engines/acme.yaml,line=1,title=reconcile%3A create acme::" in ran.err
    assert job.summary.read_text().startswith("### Localization engines: plan for `production`")
    ran = job.plan("--format", "github").ended(0)
    assert ran.out.count("::notice") == 1
    assert "::notice" not in ran.err


def test_the_github_format_alone_writes_the_summary_and_asks_nobody(job: Job, github: FakeComments) -> None:
    job.project.run("plan", "--format", "github", env=job.env).ended(
        0, "::notice file=engines/acme.yaml,line=1,"
    )
    assert (
        "Merging creates 1 provisioning job" in job.summary.read_text()
        or "Applying" in job.summary.read_text()
    )
    assert github.requests == []


def test_without_the_flag_nothing_is_asked_and_nothing_written(job: Job, github: FakeComments) -> None:
    job.project.run("plan", env=job.env).ended(0)
    assert github.requests == []
    assert not job.summary.exists()


@pytest.mark.parametrize("token", [None, "", "readonly"])
def test_a_fork_gets_summary_and_annotations(job: Job, github: FakeComments, token: str | None) -> None:
    job.happened("someone/engines")
    github.tokens["ghs_readonly"] = None
    github.readers.add("ghs_readonly")
    ran = job.plan(GITHUB_TOKEN="ghs_readonly" if token else token)
    ran.ended(
        0, "::notice title=reconcile::this run cannot write comments", "::notice file=engines/acme.yaml"
    )
    assert job.summary.exists()
    assert github.comments == []


def test_a_fork_that_may_write_gets_a_comment(job: Job, github: FakeComments) -> None:
    job.happened("someone/engines")
    job.plan().ended(0, ": created")
    assert len(github.comments) == 1


def test_a_missing_permission_is_an_error_with_what_to_do(job: Job, github: FakeComments) -> None:
    github.readers.add(ACTIONS_TOKEN)
    ran = job.plan().ended(1, "Resource not accessible by integration", "pull-requests: write")
    assert "acme will be created" in ran.out
    job.plan("--format", "json").ended(1)


@pytest.mark.parametrize(
    ("env", "code", "words"),
    [
        ({"GITHUB_TOKEN": None}, 3, "GITHUB_TOKEN is empty"),
        ({"GITHUB_TOKEN": "a b"}, 3, "GITHUB_TOKEN"),
        ({"GITHUB_REPOSITORY": None}, 3, "GITHUB_REPOSITORY"),
        ({"GITHUB_REPOSITORY": "acme/../x"}, 3, "GITHUB_REPOSITORY"),
        ({"GITHUB_API_URL": "http://github.example"}, 3, "GITHUB_API_URL"),
        ({"GITHUB_TOKEN": "ghp_unknown"}, 1, "does not accept the token"),
        ({"GITHUB_STEP_SUMMARY": "/gone/summary.md"}, 1, "GITHUB_STEP_SUMMARY"),
        ({"GITHUB_EVENT_PATH": "/gone/event.json"}, 3, "GITHUB_EVENT_PATH"),
    ],
)
def test_what_may_be_wrong_around_it(job: Job, env: dict[str, str | None], code: int, words: str) -> None:
    job.plan(**env).ended(code, words, "hint:")


def test_a_run_by_hand_without_a_pull_request_is_an_error(job: Job, github: FakeComments) -> None:
    job.event.write_text("{}")
    by_hand = {"GITHUB_REF": "refs/heads/main", "GITHUB_EVENT_NAME": "workflow_dispatch"}
    job.plan(**by_hand).ended(64, "not for a pull request", "--comment-on")
    assert github.requests == []


@pytest.mark.parametrize(
    ("event", "ref"),
    [
        ("push", "refs/heads/main"),
        ("schedule", "refs/heads/main"),
        ("merge_group", "refs/heads/gh-readonly-queue/main/pr-12-0123abcd"),
        ("merge_group", "refs/heads/gh-readonly-queue/release/1.0/pr-12-0123abcd"),
    ],
)
def test_an_event_without_a_pull_request_gets_the_summary(
    job: Job, github: FakeComments, event: str, ref: str
) -> None:
    """A required check must pass in a merge queue, too."""
    job.project.git("init", "--quiet", "--initial-branch=main")
    job.project.commit()
    job.event.write_text(json.dumps({"merge_group": {"head_ref": ref}} if event == "merge_group" else {}))
    job.plan(GITHUB_REF=ref, GITHUB_EVENT_NAME=event).ended(
        0, "::notice title=reconcile::this run is not for a pull request"
    )
    done = "Merging" if event == "merge_group" else "Applying"
    assert f"{done} creates 1 provisioning job" in job.summary.read_text()
    assert github.requests == []


def test_a_pull_request_by_number(job: Job, github: FakeComments) -> None:
    github.pull_requests.add(5)
    nowhere = {"GITHUB_EVENT_PATH": None, "GITHUB_REF": None, "GITHUB_ACTIONS": None, "GITHUB_TOKEN": TOKEN}
    job.plan("--comment-on", "5", **nowhere).ended(0, "comment on #5: created")
    assert len(github.bodies(5)) == 1
    job.plan("--comment-on", "6", **nowhere).ended(1, "found nothing there", "check the number")
    job.plan("--comment-on", "0").ended(64)
    job.project.run("plan", "--comment-on", "5", env=job.env).ended(64, "goes with --comment")


@pytest.mark.parametrize("when", ["keep", "delete"])
def test_once_nothing_changes_the_comment_says_so_or_goes(
    job: Job, github: FakeComments, platform: SandboxServer, when: str
) -> None:
    job.project.key, job.project.url = KEY, platform.url
    unchanged = ("--comment-when-unchanged", when)
    job.plan(*unchanged).ended(0, ": created")
    job.project.apply().ended(0)
    job.plan(*unchanged).ended(0, ": updated" if when == "keep" else "deleted (no changes on this branch)")
    assert len(github.comments) == (1 if when == "keep" else 0)
    assert all("**No changes. 1 engine is up to date.**" in body for body in github.bodies())
    github.comments.clear()
    job.plan(*unchanged).ended(0, "not posted (no changes on this branch)")
    assert github.comments == []


def test_files_that_are_wrong_are_told_instead_of_a_plan(job: Job, github: FakeComments) -> None:
    job.plan().ended(0)
    job.project.engine("acme", "name: Acme\nlocale: [de]\n")
    job.plan().ended(3, ": updated", "::error file=engines/acme.yaml,line=2,col=1,")
    assert "**No plan could be made: 1 error in 1 file.**" in github.bodies()[0]


def test_a_lockfile_that_cannot_be_read_does_not_leave_an_old_plan_standing(
    job: Job, github: FakeComments
) -> None:
    job.plan().ended(0)
    job.project.lockfile.write_text("<<<<<<< HEAD\n{}\n")
    job.plan().ended(3, ": updated", "conflict")
    assert "**No plan could be made: " in github.bodies()[0]


def test_a_branch_is_told_what_is_its_own(job: Job, github: FakeComments) -> None:
    """As GitHub checks a pull request out: the merge of what it goes into and the branch."""
    project = job.project
    project.git("init", "--quiet", "--initial-branch=main")
    project.commit()
    project.git("checkout", "--quiet", "-b", "feature")
    project.engine("shop/web")
    project.commit()
    project.git("checkout", "--quiet", "main")
    project.git("merge", "--quiet", "--no-ff", "-m", "Merge", "feature")
    job.plan(GITHUB_BASE_REF="main", GITHUB_SHA=project.git("rev-parse", "HEAD").strip()).ended(
        0, ": created"
    )
    body = github.bodies()[0]
    assert "Of these, 1 comes from this branch, 1 was merged earlier but not applied yet." in body
    assert body.index("<code>shop/web</code>") < body.index("#### Merged earlier, not applied yet")
    assert body.index("#### Merged earlier, not applied yet") < body.index("<code>acme</code>")


def test_each_project_of_a_repository_has_its_own_comment(job: Job, github: FakeComments) -> None:
    root = job.project.root
    job.project.git("init", "--quiet")
    other = Project(root / "apps" / "web")
    other.engine("shop")
    (other.root / "reconcile.yaml").write_text("")
    job.plan().ended(0)
    job.plan("-C", "apps/web").ended(0, "::notice file=apps/web/engines/shop.yaml,line=1,")
    assert [body.partition("\n")[0] for body in github.bodies()] == [
        "<!-- reconcile:v1 plan production . -->",
        "<!-- reconcile:v1 plan production apps/web -->",
    ]


def test_trouble_at_github_does_not_hide_the_plan(job: Job, github: FakeComments) -> None:
    github.always = Trouble(Reply(403, {"message": "rate limit"}, {"retry-after": "3600"}))
    ran = job.plan().ended(1, "the comment was not posted: GitHub's rate limit is exceeded")
    assert "acme will be created" in ran.out
