"""`--publish pr`: a main that nobody may push to, a GitHub with pull requests, and what people do to them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.e2e.far_ends import Project, Ran
from tests.github_fake import REPOSITORY, TOKEN
from tests.github_pulls_fake import FakePulls

LEDGER = "refs/reconcile/production"
OURS = "refs/heads/reconcile/production"
PROTECTED = '[ "$1" != refs/heads/main ] || { echo "main is protected" >&2; exit 1; }'
LOCKFILE = "engines.lock.json"


@dataclass
class Scene:
    """A bare origin whose `main` is protected, GitHub before it, and a platform that counts what it makes."""

    origin: Path
    github: FakePulls
    platform: SandboxServer
    _clones: int = 0

    def clone(self, *arguments: str) -> Project:
        """A fresh runner."""
        self._clones += 1
        project = Project(self.origin.parent / f"runner{self._clones}", self.platform.url)
        where = [f"file://{self.origin}", "."]
        project.git("clone", "--quiet", "--template=", *arguments, *where)
        return project

    def run(self, project: Project, *words: str) -> Ran:
        ran = project.run(*words, env=self.env)
        assert TOKEN not in ran.out + ran.err
        return ran

    @property
    def env(self) -> dict[str, str | None]:
        return {"GITHUB_API_URL": self.github.url, "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_TOKEN": TOKEN}

    def apply(self, project: Project | None = None, *words: str) -> Ran:
        """Of a fresh clone, unless a project is named."""
        return self.run(project or self.clone(), "apply", "--yes", "--publish", "pr", *words)

    def git(self, *arguments: str) -> str:
        made = subprocess.run(["git", "-C", str(self.origin), *arguments], capture_output=True, check=True)
        return made.stdout.decode().strip()

    def lock(self, ref: str) -> Any:
        return json.loads(self.git("show", f"{ref}:{LOCKFILE}"))["engines"]

    def journal(self) -> str:
        return self.git("show", f"{LEDGER}:journal.jsonl")

    def merge(self, change: Callable[[Project], object]) -> None:
        """Somebody's pull request with this change is merged."""
        project = self.clone()
        change(project)
        topic = f"topic-{self._clones}"
        project.git("checkout", "--quiet", "-b", topic)
        project.commit(topic)
        project.git("push", "--quiet", "origin", "HEAD")
        self.github.merge(self.github.put(topic)["number"])

    @property
    def ours(self) -> list[dict[str, Any]]:
        """The open pull requests with the lockfile."""
        return [pull for pull in self.github.open if pull["head"]["ref"] == "reconcile/production"]

    @property
    def made(self) -> int:
        return self.platform.create_calls()


@pytest.fixture
def scene(tmp_path: Path, platform: SandboxServer) -> Iterator[Scene]:
    origin = tmp_path / "origin.git"
    subprocess.run(
        ["git", "init", "--quiet", "--bare", "--initial-branch=main", "--template=", str(origin)], check=True
    )
    first = Project(tmp_path / "first", platform.url)
    first.git("init", "--quiet", "--initial-branch=main", "--template=")
    first.engine("acme")
    first.commit()
    first.git("push", "--quiet", str(origin), "main")
    (origin / "hooks").mkdir()
    hook = origin / "hooks/update"
    hook.write_text(f"#!/bin/sh\n{PROTECTED}\n")
    hook.chmod(0o755)
    with FakePulls(origin) as github:
        yield Scene(origin, github, platform)


def test_the_lockfile_comes_by_a_pull_request_and_the_journal_stays_until_it_is_merged(scene: Scene) -> None:
    main = scene.git("rev-parse", "main")
    ran = scene.apply().ended(0, "pull request #1 opened", "merge https://github.example/acme/engines/pull/1")
    assert (scene.git("rev-parse", "main"), scene.made) == (main, 1)
    (pull,) = scene.ours
    engine = scene.lock(OURS)["acme"]["engineId"]
    assert engine in pull["body"]
    assert engine in ran.out
    assert engine in scene.journal()
    assert pull["title"] == "Record acme (production)"

    number = pull["number"]
    for words in ([], ["--format", "json"]):
        again = scene.apply(None, *words).ended(0)
    assert again.json["outcome"]["pullRequest"] == pull["html_url"]
    assert again.json["outcome"]["published"] is False
    assert (scene.made, [one["number"] for one in scene.ours]) == (1, [number])

    scene.github.merge(number)
    scene.apply().ended(0, "the branch has everything that was proposed", "1 engine is up to date")
    assert (scene.journal(), scene.made, scene.ours) == ("", 1, [])
    assert scene.git("rev-parse", OURS)
    assert "note" not in scene.apply().ended(0).err


def test_a_plan_elsewhere_counts_what_is_not_merged_yet(scene: Scene) -> None:
    scene.apply().ended(0)
    shown = scene.clone().run("plan", "--fetch", "--format", "json").ended(0)
    assert shown.json["summary"]["create"] == 0
    assert shown.json["lockfile"]["unwritten"] == 1


def test_what_comes_while_it_is_open_joins_it(scene: Scene) -> None:
    scene.apply().ended(0)
    scene.merge(lambda project: project.engine("shop/web"))
    scene.apply().ended(0, "pull request #1 updated")
    assert set(scene.lock(OURS)) == {"acme", "shop/web"}
    assert scene.git("rev-parse", f"{OURS}^") == scene.git("rev-parse", "main")
    assert (scene.made, scene.ours[0]["title"]) == (2, "Record 2 engines (production)")
    first = scene.lock(OURS)["acme"]["engineId"]
    scene.merge(lambda project: project.engine("acme", "name: Other\n"))
    scene.apply().ended(0)
    entry = scene.lock(OURS)["acme"]
    assert (scene.made, entry["superseded"][0]["engineId"]) == (3, first)
    scene.github.merge(1)
    scene.apply().ended(0)
    assert (scene.journal(), scene.made, scene.lock("main")["acme"]) == ("", 3, entry)


def test_what_is_merged_leaves_the_journal_with_the_next_run_that_does_something(scene: Scene) -> None:
    scene.apply().ended(0)
    first = scene.lock(OURS)["acme"]["engineId"]
    scene.github.merge(1)
    scene.merge(lambda project: project.engine("shop/web"))
    scene.apply().ended(0, "pull request #3 opened")
    second = scene.lock(OURS)["shop/web"]["engineId"]
    assert first not in scene.journal()
    assert second in scene.journal()
    assert scene.lock(OURS)["acme"]["engineId"] == first


def test_three_runners_at_once_make_each_engine_once_and_one_pull_request(scene: Scene) -> None:
    scene.merge(lambda project: [project.engine(f"e{number}") for number in range(3)])
    runs = [scene.clone() for _ in range(3)]
    words = ["apply", "--yes", "--publish=pr", "--lease-wait", "90s"]
    processes = [(project, project.start(*words, env=scene.env)) for project in runs]
    for project, process in processes:
        project.finish(process).ended(0)
    assert scene.made == 4
    assert len(scene.lock(OURS)) == 4
    assert len(scene.ours) == 1


def test_moves_and_retirements_while_it_is_open(scene: Scene) -> None:
    scene.apply().ended(0)
    engine = scene.lock(OURS)["acme"]["engineId"]

    def renamed(project: Project) -> None:
        project.git("mv", "engines/acme.yaml", "engines/brand.yaml")
        project.engine("gone")

    scene.merge(renamed)
    scene.apply().ended(0)
    scene.merge(lambda project: (project.root / "engines/gone.yaml").unlink())
    tips = set()
    for _ in range(2):
        scene.apply().ended(0)
        tips.add(scene.git("rev-parse", OURS))
    assert len(tips) == 1
    assert (scene.made, set(scene.lock(OURS)), scene.lock(OURS)["brand"]["engineId"]) == (
        2,
        {"brand"},
        engine,
    )
    scene.github.merge(1)
    scene.apply().ended(0)
    assert (scene.made, set(scene.lock("main")), scene.journal()) == (2, {"brand"}, "")


def test_closed_deleted_or_pushed_to_it_is_made_anew(scene: Scene) -> None:
    scene.apply().ended(0)
    scene.github.close(1)
    scene.apply().ended(0, "pull request #1 was closed without merging", "pull request #2 opened")
    scene.git("update-ref", "-d", OURS)
    scene.apply().ended(0, "pull request #2 unchanged")
    person = scene.clone("--branch", "reconcile/production")
    (person.root / LOCKFILE).write_text("{}")
    person.commit("by hand")
    person.git("push", "--quiet", "origin", "HEAD")
    scene.apply().ended(0, "had manual commits")
    assert (set(scene.lock(OURS)), scene.made, len(scene.ours)) == ({"acme"}, 1, 1)


def test_a_missing_right_ends_with_1_and_the_journal_keeps_everything(scene: Scene) -> None:
    scene.github.may_open = False
    ran = scene.apply().ended(1, "not permitted to create", "pull-requests: write")
    engine = scene.lock(OURS)["acme"]["engineId"]
    assert engine in ran.out
    assert engine in scene.journal()
    refused = scene.apply(None, "--format", "json").ended(1)
    assert "not permitted" in refused.json["outcome"]["unpublished"]
    scene.github.may_open = True
    scene.apply().ended(0, "pull request #1 opened")
    assert scene.made == 1


def test_a_github_that_does_not_know_us_is_no_loss(scene: Scene) -> None:
    scene.github.repositories.clear()
    scene.apply().ended(1, "GitHub found nothing there")
    scene.github.repositories.add(REPOSITORY)
    scene.apply().ended(0, "pull request #1 opened")
    assert scene.made == 1


@pytest.mark.parametrize(
    ("step", "lost"),
    [
        (
            "publishing push about to leave#1",
            False,
        ),  # on a machine that is lost, nobody knows of the answer yet
        ("lockfile proposed#1", True),
        ("lockfile replaced#1", True),
    ],
)
def test_killed_on_the_way_the_next_run_opens_it(scene: Scene, step: str, lost: bool) -> None:
    project = scene.clone()
    killed = {**scene.env, "RECONCILE_TEST_KILL_AFTER_STEP": step}
    project.finish(project.start("apply", "--yes", "--publish=pr", env=killed), killed=True)
    project.run("lease", "break", "--yes")
    scene.apply(None if lost else project).ended(0, "pull request #1 opened")
    assert (scene.made, set(scene.lock(OURS)), len(scene.ours)) == (1, {"acme"}, 1)


def test_a_runner_with_one_commit_and_jobs_that_are_left_running(scene: Scene) -> None:
    scene.merge(lambda project: project.engine("acme", running=True))
    scene.apply(scene.clone("--depth=1"), "--detach").ended(0)
    assert scene.lock(OURS)["acme"]["pending"]["status"] == "in_progress"
    collected = scene.run(scene.clone("--depth=1"), "collect", "--publish", "pr")
    collected.ended(0, "pull request #2 updated")
    assert "pending" not in scene.lock(OURS)["acme"]
    assert scene.made == 1


@pytest.mark.parametrize("job_seconds", [600.0])
def test_a_revert_that_is_not_merged_yet_outlives_the_end_of_the_job_it_dropped(scene: Scene) -> None:
    scene.apply().ended(0)
    scene.github.merge(1)
    scene.apply().ended(0)
    first = scene.lock("main")["acme"]["engineId"]
    text = (scene.clone().root / "engines/acme.yaml").read_text()
    scene.merge(lambda project: project.engine("acme", "name: Second\n", running=True))
    scene.apply(None, "--detach").ended(0)
    assert scene.lock(OURS)["acme"]["pending"]["status"] == "in_progress"
    scene.merge(lambda project: project.engine("acme", text))
    scene.apply().ended(0)
    assert '"kind":"discard"' in scene.journal()
    scene.platform.end_jobs()
    scene.run(scene.clone(), "collect", "--publish", "pr").ended(0)
    entry = scene.lock(OURS)["acme"]
    assert (entry["engineId"], "pending" in entry, scene.made) == (first, False, 2)
    scene.github.merge(scene.ours[0]["number"])
    scene.apply().ended(0)
    entry = scene.lock("main")["acme"]
    assert (entry["engineId"], len(entry["superseded"]), scene.journal()) == (first, 1, "")


def test_the_settings_say_it_as_well(scene: Scene) -> None:
    settings = "publish: pr\npr_branch: bots/engines\npr_labels: l10n, bot\npr_auto_merge: squash\n"
    scene.merge(lambda project: (project.root / "reconcile.yaml").write_text(settings))
    scene.run(scene.clone(), "apply", "--yes").ended(0, "pull request #2 opened")
    pull = scene.github.pull(2)
    assert pull["head"]["ref"] == "bots/engines"
    assert [label["name"] for label in pull["labels"]] == ["l10n", "bot"]
    assert pull["auto_merge"] == {"merge_method": "squash"}
    scene.run(scene.clone(), "apply", "--yes", "--no-publish").ended(0)
    assert scene.made == 2


def test_an_uncertain_operation_is_settled_by_a_pull_request_too(scene: Scene) -> None:
    project = scene.clone()
    killed = {**scene.env, "RECONCILE_TEST_KILL_AFTER_STEP": "create call answered#1"}
    project.finish(project.start("apply", "--yes", "--publish-pr", env=killed), killed=True)
    project.run("lease", "break", "--yes").ended(0)
    (engine,) = scene.platform.engines()
    fresh = scene.clone()
    (fresh.root / "reconcile.yaml").write_text("publish: pr\n")
    words = ["resolve", "acme", "--engine-id", str(engine["id"]), "--publish"]
    scene.run(fresh, *words).ended(0, "pull request #1 opened")
    assert (scene.lock(OURS)["acme"]["engineId"], scene.made) == (engine["id"], 1)


@pytest.mark.parametrize(
    ("env", "words", "code", "said"),
    [
        ({"GITHUB_TOKEN": None}, [], 3, "needs GITHUB_TOKEN"),
        ({"GITHUB_TOKEN": "a\nb"}, [], 1, "GITHUB_TOKEN"),
        ({"GITHUB_REPOSITORY": None}, [], 3, "GITHUB_REPOSITORY"),
        ({"GITHUB_REPOSITORY": "a/b/c"}, [], 3, "GITHUB_REPOSITORY"),
        ({"RECONCILE_PR_BRANCH": "main"}, [], 3, "which is also the target"),
        ({"RECONCILE_PR_BRANCH": "-x"}, [], 3, "RECONCILE_PR_BRANCH"),
        (
            {"RECONCILE_PR_AUTO_MERGE": "fast"},
            [],
            3,
            "RECONCILE_PR_AUTO_MERGE must be merge, squash or rebase",
        ),
        ({"RECONCILE_PR_LABELS": ",,"}, [], 3, "RECONCILE_PR_LABELS"),
        (
            {"RECONCILE_PUBLISH": "yes please"},
            ["--timeout", "5m"],
            3,
            "RECONCILE_PUBLISH must be true, pr or false",
        ),
        ({"GITHUB_API_URL": "http://example.com"}, [], 1, "GITHUB_API_URL"),
    ],
)
def test_what_cannot_work_is_said(
    scene: Scene, env: dict[str, str | None], words: list[str], code: int, said: str
) -> None:
    flags = words or ["--publish", "pr"]
    scene.clone().run("apply", "--yes", *flags, env=scene.env | env).ended(code, said)
    assert scene.made == (1 if code == 1 else 0)


def test_an_engine_that_is_looked_up_is_in_the_pull_request(scene: Scene) -> None:
    scene.merge(lambda project: project.engine("lost", "name: Lost\n"))
    scene.platform.faults.add("create", "lost-answer", match="Lost")
    mcp = {"RECONCILE_MCP_URL": f"{scene.platform.url}/mcp", "RECONCILE_LOOKUP": "auto"}
    ran = scene.clone().run("apply", "--yes", "--publish", "pr", env=scene.env | mcp)
    ran.ended(0, "found by name", "pull request ")
    engine = next(str(one["id"]) for one in scene.platform.engines() if one["name"] == "Lost")
    [pull] = scene.ours
    assert f"merge {pull['html_url']}" in ran.out
    assert scene.lock(OURS)["lost"]["engineId"] == engine
    made = scene.made
    scene.github.merge(pull["number"])
    scene.apply().ended(0)
    assert (scene.lock("main")["lost"]["engineId"], scene.made) == (engine, made)
