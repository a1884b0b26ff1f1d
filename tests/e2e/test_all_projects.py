"""`plan` and `validate` for all projects and environments: one table, one document, one comment, one exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.sandbox.server import SandboxServer
from tests.e2e.far_ends import Project, Ran
from tests.e2e.repository import Repository
from tests.github_comments_fake import ACTIONS_TOKEN, PERSON, FakeComments
from tests.github_fake import REPOSITORY, TOKEN

FILE = Path(__file__).parents[2] / "schemas/plans.schema.json"
VALIDATOR = jsonschema.Draft202012Validator(json.loads(FILE.read_text(encoding="utf-8")))
STAGING = "{lockfile: staging.lock.json, api_key_env: LINGO_API_KEY_STAGING}"
TWO = f"environments:\n  production: {{}}\n  staging: {STAGING}\n"


@pytest.fixture
def repository(tmp_path: Path, platform: SandboxServer) -> Iterator[Repository]:
    """`apps/api` in one environment, `apps/web` in two."""
    made = Repository(tmp_path / "repo", platform.url)
    made.project("apps/api", "one")
    made.project("apps/web", "two", "three", settings=TWO)
    made.commit()
    yield made
    made.check_no_key_left()


def plans(ran: Ran) -> dict[tuple[str, str], Any]:
    """The plans of a document that its schema takes, by project and environment."""
    VALIDATOR.validate(ran.json)
    assert ran.json["exitCode"] == ran.code
    return {(one["project"], one.get("environment", "?")): one for one in ran.json["plans"]}


def test_every_environment_of_every_project(repository: Repository) -> None:
    found = plans(repository.run("plan", "--all-projects", "--format", "json").ended(0))
    assert list(found) == [("apps/api", "production"), ("apps/web", "production")]
    every = repository.run(
        "plan", "--all-projects", "--all-environments", "--format", "json", "--detailed-exitcode"
    )
    found = plans(every.ended(2))
    assert list(found) == [("apps/api", "production"), ("apps/web", "production"), ("apps/web", "staging")]
    assert found["apps/web", "staging"]["lockfile"]["path"] == "staging.lock.json"
    assert every.json["summary"]["create"] == every.json["summary"]["provisioningJobs"] == 5
    inside = repository.within("apps/web")
    assert (
        list(plans(inside.run("plan", "--all-environments", "--format", "json").ended(0))) == list(found)[1:]
    )
    staging = repository.run("plan", "--all-projects", "--env", "staging", "--format", "json").ended(0)
    assert list(plans(staging)) == [("apps/web", "staging")]
    assert staging.json["skipped"] == [{"project": "apps/api", "reason": "it has no environment `staging`"}]


def test_each_plan_is_the_one_that_the_project_makes_by_itself(repository: Repository) -> None:
    found = plans(repository.run("plan", "--all-projects", "--format", "json").ended(0))
    for folder in ("apps/api", "apps/web"):
        alone = repository.within(folder).run("plan", "--format", "json").ended(0).json
        assert found[folder, "production"] == {"project": folder, **alone}


def test_it_knows_what_each_project_has_applied(repository: Repository) -> None:
    key = {"LINGO_API_KEY_STAGING": repository.key}
    repository.within("apps/web").run("apply", "--yes", "--env", "staging", env=key).ended(0)
    found = plans(repository.run("plan", "--all-projects", "--all-environments", "--format", "json").ended(0))
    assert {pair: one["summary"]["create"] for pair, one in found.items()} == {
        ("apps/api", "production"): 1,
        ("apps/web", "production"): 2,
        ("apps/web", "staging"): 0,
    }


def test_what_needs_a_key_uses_that_of_each_environment(
    repository: Repository, platform: SandboxServer
) -> None:
    web = repository.within("apps/web")
    key = {"LINGO_API_KEY_STAGING": repository.key}
    web.run("apply", "--yes", "--env", "staging", env=key).ended(0)
    refresh = ["plan", "--all-environments", "--refresh", "--format", "json"]
    found = plans(web.run(*refresh, env=key).ended(0))
    assert found["apps/web", "staging"]["summary"]["unchanged"] == 2
    found = plans(web.run(*refresh).ended(3))
    assert "LINGO_API_KEY_STAGING" in json.dumps(found["apps/web", "staging"]["error"])
    assert "error" not in found["apps/web", "production"]


@pytest.mark.parametrize(
    ("file", "content", "code"),
    [
        ("reconcile.yaml", "concurrency: [\n", 3),
        ("reconcile.yaml", "concurency: 4\n", 3),
        ("reconcile.yaml", "lockfile: ../x.json\n", 3),
        ("reconcile.yaml", "environments: {pro duction: {}}\n", 3),
        ("reconcile.yaml", "environments: {production: {}, pro duction: {lockfile: p.lock.json}}\n", 3),
        ("engines/one.yaml", "name: [\n", 3),
        ("engines.lock.json", "{\n", 3),
        ("engines.lock.json", "<<<<<<< HEAD\n", 3),
    ],
)
def test_a_broken_project_is_a_row_and_not_the_end(
    repository: Repository, file: str, content: str, code: int
) -> None:
    repository.file(f"apps/api/{file}", content)
    ran = repository.run("plan", "--all-projects", "--format", "json", "--detailed-exitcode").ended(code)
    found = {project: one for (project, _), one in plans(ran).items()}
    assert found["apps/api"]["exitCode"] == code
    assert found["apps/api"]["diagnostics"]
    assert found["apps/web"]["exitCode"] == 2
    text = repository.run("plan", "--all-projects").ended(
        code, "no plan: ", "1 could not be made, 1 with changes"
    )
    assert text.out.index("== apps/api") < text.out.index("== apps/web") < text.out.index("PROJECT")
    checked = repository.run("validate", "--all-projects", "--format", "json")
    assert [one["exitCode"] for one in checked.json["projects"]][1] == 0
    for format_ in ("markdown", "github", "gitlab", "sarif"):
        shown = repository.run("plan", "--all-projects", "--format", format_).ended(code).out
        assert "apps/web" in shown
        assert "apps/api" in shown


def test_an_environment_without_a_name_is_one_error_at_its_place(repository: Repository) -> None:
    repository.file("apps/api/reconcile.yaml", "environments:\n  pro duction: {}\n")
    for command in (["projects"], ["plan", "--all-projects"]):
        ran = repository.run(*command).ended(
            3, "reconcile.yaml:2:3: error: an environment must be a name", "1 error in 1 file."
        )
        assert "--env" not in ran.out


def test_each_environment_has_its_overlays(repository: Repository) -> None:
    repository.file("apps/web/engines/two.staging.yaml", "name: Two in staging\n")
    every = ["plan", "--all-projects", "--all-environments", "--format", "json"]
    found = plans(repository.run(*every, "--changed-since", "HEAD").ended(0))
    names = {
        environment: [
            one["new"] for act in plan["actions"] for one in act["changes"] if one["field"] == "name"
        ]
        for (_, environment), plan in found.items()
    }
    assert names == {"production": ["three", "two"], "staging": ["three", "Two in staging"]}
    repository.file("apps/web/engines/two.staging.yaml", "nme: x\n")
    found = plans(repository.run(*every).ended(3))
    assert {pair: one["exitCode"] for pair, one in found.items()} == {
        ("apps/api", "production"): 0,
        ("apps/web", "production"): 0,
        ("apps/web", "staging"): 3,
    }
    assert found["apps/web", "staging"]["diagnostics"][0]["file"] == "engines/two.staging.yaml"


def test_environments_that_share_a_lockfile_are_an_error_as_ever(repository: Repository) -> None:
    repository.file("apps/web/reconcile.yaml", "environments: {production: {}, staging: {}}\n")
    ran = repository.run("plan", "--all-projects", "--all-environments", "--format", "json").ended(3)
    assert "share the lockfile" in json.dumps(ran.json)
    repository.within("apps/web").run("plan", "--all-environments").ended(3, "share the lockfile")


def test_reports_have_paths_from_the_repositorys_root(repository: Repository) -> None:
    within = repository.within("apps/web")
    for project in (repository, within):
        every = ["plan", "--all-projects", "--all-environments", "--format"]
        issues = json.loads(project.run(*every, "gitlab").ended(0).out)
        assert {one["location"]["path"] for one in issues} == {
            "apps/api/engines/one.yaml",
            "apps/web/engines/three.yaml",
            "apps/web/engines/two.yaml",
        }
        assert len({one["fingerprint"] for one in issues}) == len(issues) == 5
        sarif = json.loads(project.run(*every, "sarif").ended(0).out)
        [run] = sarif["runs"]
        assert len(run["results"]) == 5
        assert "file=apps/api/engines/one.yaml,line=1" in project.run(*every, "github").ended(0).out


def test_a_hint_acts_on_the_project_it_is_about(repository: Repository) -> None:
    repository.git("rm", "--quiet", "-r", "apps/api/engines")
    ran = repository.run("plan", "--all-projects").ended(3)
    assert "reconcile -C apps/api init" in ran.out
    ran = repository.within("apps/web").run("plan", "--all-projects").ended(3)
    assert "reconcile -C ../api init" in ran.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--all-projects", "--out", "x.json"], "--out saves one plan"),
        (["--all-projects", "--report-html", "x.html"], "--report-html is a page of one plan"),
        (["--all-projects", "--issue"], "--issue is about one project"),
        (["--all-projects", "--format", "html"], "--format html is a page of one plan"),
        (["--all-projects", "--only", "one"], "--only names engines of one project"),
        (["--projects", "apps/*", "--allow-replace", "one"], "--allow-replace names engines"),
        (["--all-projects", "--config", "reconcile.yaml"], "--config is about one project"),
        (["--all-environments", "--env", "staging"], "cannot be used with --env"),
        (["--projects", "nothing"], "no project matches"),
        (["--projects", "/"], "without `..`"),
    ],
)
def test_what_makes_no_sense_for_several_is_refused(
    repository: Repository, options: list[str], said: str
) -> None:
    before = repository.snapshot()
    repository.run("plan", *options).ended(64, said)
    assert repository.snapshot() == before


def test_validate_takes_no_path_with_several(repository: Repository) -> None:
    repository.run("validate", "--all-projects", "apps").ended(64, "PATH is about one project")
    ran = repository.run("validate", "--all-projects", "--all-environments").ended(0)
    assert ran.out.endswith("3 checks: 5 engine files valid.\n")


def test_one_lockfile_from_outside_does_not_stand_for_several_environments(repository: Repository) -> None:
    env = {"RECONCILE_LOCKFILE": "other.lock.json"}
    words = ("plan", "--all-projects", "--all-environments")
    repository.run(*words, env=env).ended(64, "RECONCILE_LOCKFILE is set", "unset RECONCILE_LOCKFILE")
    repository.within("apps/web").run("plan", "--all-environments", env=env).ended(
        64, "RECONCILE_LOCKFILE is set"
    )
    repository.run("plan", "--all-projects", env=env).ended(0)


def test_validate_warns_once_about_a_place_of_several_environments(repository: Repository) -> None:
    place = "name: Two\noutputs: [{file: app.json, pointer: /id}]\n"
    repository.file("apps/web/engines/two.yaml", place)
    ran = repository.run("validate", "--all-projects").ended(0)
    assert ran.out.count("app.json /id is written for `production` and `staging`") == 1
    assert "app.json" not in repository.run("validate", "--all-projects", "--env", "staging").ended(0).out


def test_validate_checks_every_environment_and_reports_once_what_they_share(repository: Repository) -> None:
    repository.file("apps/web/engines/three.yaml", "nme: x\n")
    repository.file("apps/web/engines/two.staging.yaml", "locales: [nonsense]\n")
    ran = repository.run("validate", "--all-projects", "--format", "json").ended(3)
    found = {one["environment"]: len(one["diagnostics"]) for one in ran.json["projects"][1:]}
    assert found["staging"] == found["production"] + 1
    issues = json.loads(repository.run("validate", "--all-projects", "--format", "gitlab").ended(3).out)
    assert len(issues) == found["staging"]
    assert len({one["fingerprint"] for one in issues}) == len(issues)
    repository.run("validate", "--all-projects", "--env", "production").ended(3, "apps/web  production")
    repository.run("validate", "--all-projects", "--format", "github").ended(
        3, "file=apps/web/engines/two.staging.yaml"
    )


def test_only_goes_with_environments(repository: Repository) -> None:
    ran = (
        repository.within("apps/web")
        .run("plan", "--all-environments", "--only", "two", "--format", "json")
        .ended(0)
    )
    assert [one["summary"]["create"] for one in plans(ran).values()] == [1, 1]


def test_it_writes_nothing(repository: Repository) -> None:
    before = repository.snapshot()
    repository.run("plan", "--all-projects", "--all-environments").ended(0)
    assert repository.snapshot() == before


# ── one comment ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def github() -> Iterator[FakeComments]:
    with FakeComments() as fake:
        fake.users[TOKEN] = PERSON
        yield fake


class Job:
    """A step of a workflow for a pull request."""

    def __init__(
        self, github: FakeComments, repository: Repository, folder: Path, head: str = REPOSITORY
    ) -> None:
        self.repository = repository
        self.summary = folder / "summary.md"
        sides = {
            "head": {"sha": "4" * 40, "repo": {"full_name": head}},
            "base": {"repo": {"full_name": REPOSITORY}},
        }
        event = folder / "event.json"
        event.write_text(json.dumps({"number": 1, "pull_request": {"number": 1, **sides}}))
        self.env: dict[str, str | None] = {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": github.url,
            "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_REF": "refs/pull/1/merge",
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_RUN_ID": "4711",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_SHA": "0" * 40,
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_TOKEN": ACTIONS_TOKEN,
            "LINGO_API_KEY": None,
        }

    def plan(self, *arguments: str, within: str = ".") -> Ran:
        project = Project(self.repository.root / within, self.repository.url, key=None)
        return project.run("plan", "--comment", *arguments, env=self.env)


@pytest.fixture
def job(github: FakeComments, repository: Repository, tmp_path: Path) -> Job:
    return Job(github, repository, tmp_path)


def test_one_comment_stands_for_all_and_for_those_before(job: Job, github: FakeComments) -> None:
    job.plan(within="apps/api").ended(0)
    job.plan("--env", "staging", within="apps/web").ended(0)
    github.add("<!-- reconcile:v1 plan production apps/api -->\n\nmine", PERSON)
    assert len(github.bodies()) == 3
    job.plan("--all-projects", "--all-environments").ended(0, "comment on #1: created")
    theirs, ours = github.bodies()
    assert theirs.endswith("mine")
    assert ours.startswith("<!-- reconcile:v1 plans % % -->\n\n### Localization engines: 3 plans\n")
    assert "| `apps/web` | `staging` | 2 to create |" in ours
    assert ours.count("\n### Localization engines in `") == 3
    assert "https://github.com/acme/engines/actions/runs/4711" in ours
    job.plan("--all-projects", "--all-environments").ended(0, ": unchanged")
    job.repository.file("apps/api/engines/new.yaml", "name: New\n")
    job.plan("--all-projects", "--all-environments").ended(0, ": updated")
    assert "| `apps/api` | `production` | 2 to create |" in github.bodies()[-1]
    assert job.summary.read_text().count("### Localization engines: 3 plans") == 3


def test_what_keeps_all_from_being_planned_is_in_the_comment(job: Job, github: FakeComments) -> None:
    job.plan("--all-projects").ended(0)
    job.plan("--all-projects", "--changed-since", "nope").ended(1, ": updated")
    [body] = github.bodies()
    assert "is not a commit of this clone" in body
    job.plan("--all-projects", "--changed-since", "HEAD").ended(0, ": updated")
    assert "### Localization engines: 0 plans\n\n**No project is affected.**" in github.bodies()[0]


def test_all_projects_and_all_environments_have_comments_of_their_own(job: Job, github: FakeComments) -> None:
    job.plan("--all-projects").ended(0)
    job.plan("--all-environments", within="apps/web").ended(0)
    job.plan("--all-projects", "--env", "staging").ended(0)
    lines = [body.split("\n")[0] for body in github.bodies()]
    assert lines == [
        "<!-- reconcile:v1 plans %2A % -->",
        "<!-- reconcile:v1 plans % apps/web -->",
        "<!-- reconcile:v1 plans staging % -->",
    ]


def test_a_run_for_a_fork_needs_no_right(
    github: FakeComments, repository: Repository, tmp_path: Path
) -> None:
    job = Job(github, repository, tmp_path, head="someone/fork")
    job.env["GITHUB_TOKEN"] = None
    job.plan("--all-projects").ended(0, "this run cannot write comments")
    assert "### Localization engines: 2 plans" in job.summary.read_text()
    assert github.bodies() == []


def test_hostile_folders_do_not_act_in_the_comment(job: Job, github: FakeComments) -> None:
    for name in ("a|b", "<img src=x>", "@someone", "`x`", "[a](http:x)", "x\n### y", "-->", "::error::x"):
        job.repository.project(name)
    ran = job.plan("--all-projects", "--format", "github").ended(0)
    assert not [line for line in ran.out.split("\n") if line.startswith("::error::x")]
    [body] = github.bodies()
    assert "<img" not in body.replace("`<img", "")
    assert "\n### y" not in body
    assert body.split("\n")[0] == "<!-- reconcile:v1 plans %2A % -->"
    rows = [line for line in body.split("\n") if line.startswith("| ")]
    assert all(line.replace("\\|", "").count("|") == 4 for line in rows)
