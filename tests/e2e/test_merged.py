"""`apply --comment` and `collect --comment`: the pull request that was merged hears what became of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.e2e.far_ends import Project, Ran
from tests.github_comments_fake import ACTIONS_TOKEN, PERSON, FakeComments
from tests.github_fake import REPOSITORY, Reply, Trouble

MARKER = "<!-- reconcile:v1 apply production . -->"
PAGE = f"https://github.com/{REPOSITORY}"


@pytest.fixture
def github() -> Iterator[FakeComments]:
    with FakeComments() as fake:
        yield fake


class Push:
    """A run of GitHub Actions for a push to main, which pull request 1 brought."""

    def __init__(self, project: Project, github: FakeComments) -> None:
        self.project = project
        self.github = github
        self.summary = project.root.parent / "summary.md"
        origin = project.root.parent / "origin.git"
        project.git("init", "--quiet", "--bare", "--initial-branch=main", str(origin))
        project.git("remote", "add", "origin", str(origin))
        self.commit = self.merged(1)

    def merged(self, number: int) -> str:
        """The project as it is now, pushed; the commit is that of a pull request."""
        self.project.commit()
        self.project.git("push", "--quiet", "origin", "HEAD:main")
        self.commit = self.project.git("rev-parse", "HEAD").strip()
        self.github.merge(self.commit, number)
        return self.commit

    def pull(self) -> None:
        self.project.git("fetch", "--quiet", "origin", "main")
        self.project.git("checkout", "--quiet", "--force", "-B", "main", "FETCH_HEAD")

    def env(self, **more: str | None) -> dict[str, str | None]:
        base = {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": self.github.url,
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_RUN_ID": "4711",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_SHA": self.commit,
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_TOKEN": ACTIONS_TOKEN,
        }
        return base | more

    def apply(self, *arguments: str, **env: str | None) -> Ran:
        return self._run("apply", "--yes", *arguments, **env)

    def collect(self, *arguments: str, **env: str | None) -> Ran:
        more = {"GITHUB_EVENT_NAME": "schedule", "GITHUB_RUN_ID": "4712", "GITHUB_SHA": self.tip()}
        return self._run("collect", *arguments, **(more | env))

    def _run(self, *arguments: str, **env: str | None) -> Ran:
        self.summary.unlink(missing_ok=True)
        ran = self.project.run(*arguments, "--comment", env=self.env(**env))
        for text in (ran.out, ran.err, *self.github.bodies()):
            assert ACTIONS_TOKEN not in text
        return ran

    def tip(self) -> str:
        return self.project.git("ls-remote", "origin", "refs/heads/main").split()[0]

    @property
    def body(self) -> str:
        (body,) = self.github.bodies()
        return body


@pytest.fixture
def push(project: Project, github: FakeComments) -> Push:
    return Push(project, github)


def test_the_merged_pull_request_hears_what_was_made(push: Push) -> None:
    push.apply().ended(0, f"comment on #1: created: {PAGE}/pull/1#issuecomment-1001")
    engines = {key: push.project.entry(key)["engineId"] for key in ("acme", "shop/web")}
    lines = push.body.split("\n")
    assert lines[0] == MARKER
    assert lines[2] == "### Localization engines: applied to `production`"
    assert lines[4] == "**Apply: 2 created.**"
    for line, (key, engine) in zip(lines[8:], engines.items(), strict=False):
        assert line.startswith(f"| `{key}` | created | `{engine}` | ")
    commits = (push.commit, push.tip())
    assert all(f"[`{commit[:12]}`](<{PAGE}/commit/{commit}>)" in push.body for commit in commits)
    assert f"[run](<{PAGE}/actions/runs/4711>)" in push.body
    summary = push.summary.read_text()
    assert summary.startswith("### Localization engines: applied to `production`\n\n**Apply: 2 created.**")
    assert "reconcile:" not in summary
    push.pull()
    push.apply().ended(0)  # nothing to tell
    assert push.github.comments[0].edits == 0
    assert "**Apply: 2 unchanged.**" in push.summary.read_text()


def test_replaced_and_retired_engines_are_named(push: Push) -> None:
    push.apply().ended(0)
    push.pull()
    old = push.project.entry("acme")["engineId"]
    push.project.engine("acme", "name: Acme Corp\nlocales: [de]\n")
    (push.project.root / "engines/shop/web.yaml").unlink()
    push.merged(2)
    push.apply().ended(0, "comment on #2: created")
    (body,) = push.github.bodies(2)
    assert "**Apply: 1 replaced, 1 retired.**" in body
    assert f"| `acme` | replaced | `{push.project.entry('acme')['engineId']}` (was `{old}`) |" in body
    assert re.search(r"\| `shop/web` \| retired \| `eng_\w+` \| stays on the platform \|", body)


@pytest.mark.parametrize("job_seconds", [600])
def test_what_was_left_running_is_told_when_it_is_collected(push: Push, platform: SandboxServer) -> None:
    push.apply("--detach").ended(0, ": created")
    assert "**Apply: 1 created, 1 still running.**" in push.body
    assert re.search(r"\| `acme` \| \*\*still running\*\* \| `eng_\w+` \| job `pjb_\w+` \|", push.body)
    push.pull()
    push.project.engine("other")  # a later pull request, with a comment of its own
    push.merged(2)
    push.apply("--detach").ended(0, "comment on #2: created")
    push.pull()
    push.collect("--no-wait").ended(0, "no pull request is waiting")
    push.pull()
    platform.end_jobs()
    ran = push.collect().ended(0, "Collect: 1 resumed", "comment on #1: updated")
    assert "comment on #2:" in ran.err  # its run had seen the job running, too
    assert "**Apply and collect: 2 created.**" in push.body
    assert f"| `acme` | created | `{push.project.entry('acme')['engineId']}` |" in push.body
    assert "still running" not in push.body
    assert push.commit != push.tip()
    runs = [f"[first run](<{PAGE}/actions/runs/4711>)", f"[collect run](<{PAGE}/actions/runs/4712>)"]
    assert all(run in push.body for run in runs)
    assert "**Collect: 1 resumed" in push.summary.read_text()


def test_a_run_that_is_repeated_keeps_what_was_told(push: Push, platform: SandboxServer) -> None:
    push.project.engine("acme", "name: acme\ndescription: '[sandbox: fail times=1]'\n", running=True)
    push.merged(1)
    push.apply().ended(1, ": created")
    assert "**Apply: 1 created, 1 failed.**" in push.body
    again = "reconcile apply --publish --retry-failed --only acme"
    assert f"- failed, `acme`: edit engines/acme.yaml, or try again: {again}" in push.body
    push.pull()
    push.apply("--retry-failed", GITHUB_RUN_ID="4713").ended(0, ": updated")
    assert "**Apply: 2 created.**" in push.body
    assert "failed" not in push.body.rpartition("<!--")[0]


def test_what_is_uncertain_says_how_it_is_settled(push: Push) -> None:
    push.project.engine("acme", "name: acme\ndescription: '[sandbox: status=500 times=1]'\n")
    push.merged(1)
    push.apply().ended(7, ": created")
    assert "| `acme` | **uncertain** |" in push.body
    assert "reconcile resolve acme" in push.body


def test_a_run_that_does_nothing_says_why(push: Push) -> None:
    push.apply(LINGO_API_KEY=None).ended(3, ": created", "no API key")
    assert "**Not applied: no API key** Hint: set LINGO_API_KEY;" in push.body.replace("\\", "")
    push.project.engine("acme", "name: acme\nlocale: [de]\n")
    push.apply().ended(3, ": updated")
    assert "**Not applied: no plan could be made: 1 error in 1 file**" in push.body
    assert "engines/acme.yaml:2:1" in push.body
    assert "engines/acme.yaml:2:1" in push.summary.read_text()


def test_json_on_stdout_stays_json(push: Push) -> None:
    assert push.apply("--format", "json").ended(0, ": created").json["exitCode"] == 0


def test_each_project_has_a_comment_of_its_own(push: Push) -> None:
    other = Project(push.project.root / "apps/web", push.project.url)
    other.engine("shop")
    (other.root / "reconcile.yaml").write_text("")
    push.merged(1)
    push.apply().ended(0)
    push.pull()
    push.apply("-C", "apps/web").ended(0)
    assert [body.partition("\n")[0] for body in push.github.bodies()] == [
        MARKER,
        "<!-- reconcile:v1 apply production apps/web -->",
    ]


def test_comments_that_others_wrote_are_left_alone(push: Push, github: FakeComments) -> None:
    forged = github.add(f"{MARKER}\n\nall is well", PERSON)
    push.apply().ended(0, ": created")
    assert forged.body.endswith("all is well")
    assert len(github.bodies()) == 2


# ── which pull request ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_one_that_the_event_is_about(push: Push, github: FakeComments) -> None:
    """As on `pull_request: types: [closed]`."""
    event = push.project.root.parent / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 9, "merged": True}}))
    github.pull_requests.add(9)
    named = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(event)}
    push.apply(**named).ended(0, "comment on #9: created")


@pytest.mark.parametrize("sha", [None, "main", "f" * 40])
def test_no_pull_request_is_a_notice(push: Push, github: FakeComments, sha: str | None) -> None:
    push.apply(GITHUB_SHA=sha).ended(0, "::notice title=reconcile::no pull request for this commit")
    assert github.comments == []
    assert "**Apply: 2 created.**" in push.summary.read_text()


# ── trouble ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"GITHUB_TOKEN": None}, "GITHUB_TOKEN is empty"),
        ({"GITHUB_TOKEN": "ghp_unknown"}, "does not accept the token"),
        ({"GITHUB_REPOSITORY": "../x"}, "GITHUB_REPOSITORY"),
        ({"GITHUB_API_URL": "http://github.example"}, "GITHUB_API_URL"),
        ({"GITHUB_EVENT_PATH": "/gone/event.json"}, "GITHUB_EVENT_PATH"),
    ],
)
def test_a_comment_that_cannot_be_made_changes_nothing(
    push: Push, github: FakeComments, env: dict[str, str | None], said: str
) -> None:
    ran = push.apply("--only", "shop/web", **env).ended(0, "Apply: 1 created", said)
    assert "::warning title=reconcile::the comment was not posted: " in ran.err
    assert github.comments == []
    assert "**Apply: 1 created.**" in push.summary.read_text()


def test_a_missing_permission_says_which(push: Push, github: FakeComments) -> None:
    github.readers.add(ACTIONS_TOKEN)
    push.apply().ended(0, "the comment was not posted", "pull-requests: write")


def test_trouble_at_github_and_a_failure_end_as_the_failure(push: Push, github: FakeComments) -> None:
    push.project.engine("acme", "name: acme\ndescription: '[sandbox: fail times=1]'\n", running=True)
    push.merged(1)
    github.always = Trouble(Reply(403, {"message": "rate limit"}, {"retry-after": "3600"}))
    push.apply().ended(1, "the comment was not posted: GitHub's rate limit is exceeded")
    github.always = None
    push.apply("--only", "shop/web", GITHUB_STEP_SUMMARY="/gone/s.md").ended(0)
    push.project.engine("third")
    ran = push.apply("--only", "third", GITHUB_STEP_SUMMARY="/gone/s.md").ended(0, ": created")
    assert "the job summary was not written: GITHUB_STEP_SUMMARY" in ran.err


def test_a_comment_that_was_edited_is_written_anew(push: Push, github: FakeComments) -> None:
    github.add(f'{MARKER}\n\nnothing\n\n<!-- reconcile:told {{"v": 1, "results": [{{"key": 1}}]}} -->')
    push.apply("--only", "shop/web").ended(0, ": updated")
    assert "**Apply: 1 created.**" in push.body


def test_without_the_flag_nobody_is_asked(push: Push, github: FakeComments) -> None:
    push.project.run("apply", "--yes", env=push.env()).ended(0)
    assert github.requests == []
    assert not push.summary.exists()


def test_the_pull_request_hears_which_engine_a_lost_answer_may_be_about(
    push: Push, platform: SandboxServer
) -> None:
    mcp = {"RECONCILE_MCP_URL": f"{platform.url}/mcp"}
    platform.faults.add("create", "lost-answer", match="shop/web")
    push.apply(**mcp).ended(7)
    engine = next(str(one["id"]) for one in platform.engines() if one["name"] == "shop/web")
    for text in (push.body, push.summary.read_text()):
        assert f"{engine} has this name, was created at ".replace("_", "\\_") in text
        assert f"--engine-id {engine}".replace("_", "\\_") in text
    push.pull()
    push.collect(RECONCILE_LOOKUP="auto", **mcp).ended(0, f"completed {engine}")
    push.pull()
    assert push.project.entry("shop/web")["engineId"] == engine
