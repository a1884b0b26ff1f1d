"""`--fix-drift`: what was changed on the platform is set back to what the engine file asks for, with no new engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from tests import plain_http
from tests.e2e.far_ends import Project
from tests.e2e.test_drift import HEADERS, change, engine, jobs


@pytest.fixture
def repo(tmp_path: Path, platform: SandboxServer) -> Iterator[Project]:
    made = Project(tmp_path / "repo", platform.url)
    made.git("init", "--quiet", "--initial-branch=main")
    for key in ("acme", "blog", "shop"):
        made.engine(key)
    made.apply().ended(0)
    yield made
    made.check_no_key_left()


def test_fix_drift_sets_the_engine_back(repo: Project) -> None:
    repo.engine("blog", "name: blog\ndescription: Ours\nlocales: [de, fr]\n")
    repo.apply().ended(0)
    serving = engine(repo, "blog")
    change(repo, "blog", name="Mine", description="By hand", targetLocales=["fr", "it"])
    shown = repo.run("plan", "--fix-drift", "--detailed-exitcode")
    shown.ended(
        2, "blog will be updated in place", "drift: it was changed on the platform", "blog → Mine", "-de +it"
    )
    shown.ended(2, "No provisioning jobs will be created")
    before = jobs(repo)
    repo.apply("--fix-drift").ended(0, "1 updated")
    assert engine(repo, "blog") == serving
    assert jobs(repo) == before
    there = plain_http.get(f"{repo.url}/engines/{serving}", headers=HEADERS).json()
    assert (there["name"], there["description"], there["targetLocales"]) == ("blog", "Ours", ["de", "fr"])
    repo.run("plan", "--refresh", "--detailed-exitcode").ended(0, "3 engines are up to date")
    repo.run("plan", "--detailed-exitcode").ended(0, "3 engines are up to date")
    repo.apply("--fix-drift").ended(0)


def test_a_saved_fix_is_what_is_done(repo: Project) -> None:
    change(repo, "blog", name="Mine")
    repo.run("plan", "--fix-drift", "--out", "../plan.json").ended(0)
    change(repo, "blog", name="Yours")
    repo.apply("../plan.json").ended(6, "`blog`")
    change(repo, "blog", name="Mine")
    repo.apply("../plan.json").ended(0, "1 updated")
    repo.run("plan", "--refresh", "--detailed-exitcode").ended(0)


def test_a_fix_whose_answer_is_lost_is_made_sure_by_the_next(repo: Project) -> None:
    change(repo, "blog", name="Mine")
    serving = engine(repo, "blog")
    repo.run("plan", "--fix-drift").ended(0, "updated in place")
    process = repo.start(
        "apply", "--yes", "--fix-drift", env={"RECONCILE_TEST_KILL_AFTER_STEP": "journal appended#1"}
    )
    repo.finish(process, killed=True)
    assert repo.records() == ["updating"]
    repo.apply("--fix-drift").ended(0, "1 updated")
    assert engine(repo, "blog") == serving


def test_nothing_is_overwritten_that_was_rolled_back(repo: Project) -> None:
    repo.engine("blog", "name: Two\n")
    repo.apply().ended(0)
    repo.run("rollback", "blog", "--yes", "--no-publish").ended(0)
    change(repo, "blog", name="Mine")
    repo.apply("--fix-drift").ended(0, "rolled back by", "blog → Mine")
    there = plain_http.get(f"{repo.url}/engines/{engine(repo, 'blog')}", headers=HEADERS).json()
    assert there["name"] == "Mine"


def test_a_platform_that_changes_nothing_is_an_error_and_the_entry_stays(repo: Project) -> None:
    change(repo, "blog", name="Mine")
    before = repo.entry("blog")
    refuses = {"on": "engine-update", "do": "status=405", "times": 100}
    plain_http.post(f"{repo.url}/sandbox/faults", json=refuses).raise_for_status()
    repo.apply("--fix-drift").ended(1, "blog")
    assert repo.entry("blog") == before
    assert jobs(repo) == 3
