"""Runs that look up by themselves what a lost answer made: shown beside the report, or adopted beyond doubt."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.e2e.actors import NO_ANSWER, Actors
from tests.e2e.dashboard import made_elsewhere
from tests.e2e.far_ends import Project, Ran, wait_until

Env = dict[str, str | None]


@pytest.fixture
def mcp(platform: SandboxServer) -> Env:
    return {"RECONCILE_MCP_URL": f"{platform.url}/mcp"}


@pytest.fixture
def auto(mcp: Env) -> Env:
    return mcp | {"RECONCILE_LOOKUP": "auto"}


def named(platform: SandboxServer, name: str) -> str:
    return next(str(one["id"]) for one in platform.engines() if one["name"] == name)


def lists(platform: SandboxServer) -> int:
    """How often the engines were listed."""
    bodies = [one.body for one in platform.requests() if one.path == "/mcp"]
    return sum(isinstance(one, dict) and one.get("method") == "tools/call" for one in bodies)


def lost(project: Project, platform: SandboxServer, env: Env, *words: str, match: str = "shop/web") -> Ran:
    platform.faults.add("create", "lost-answer", match=match)
    return project.run("apply", "--yes", *words, env=env)


# ── suggest ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_found_stands_beside_the_report(project: Project, platform: SandboxServer, mcp: Env) -> None:
    ran = lost(project, platform, mcp).ended(7, "1 created, 1 uncertain")
    engine = named(platform, "shop/web")
    assert f"hint: {engine} has this name, was created at " in ran.out
    assert f"reconcile resolve shop/web --engine-id {engine}" in ran.out
    again = project.run("apply", "--yes", env=mcp).ended(7, "No changes to apply", f"--engine-id {engine}")
    assert "lists no" not in again.out
    project.run("collect", env=mcp).ended(7, f"--engine-id {engine}")
    assert (lists(platform), platform.create_calls()) == (3, 2)
    assert project.entry("shop/web")["pending"]["status"] == "uncertain"


def test_json_markdown_and_the_report_file_have_it(
    project: Project, platform: SandboxServer, mcp: Env
) -> None:
    ran = lost(project, platform, mcp, "--format", "json", "--report", "out.json").ended(7)
    engine = named(platform, "shop/web")
    [result] = [one for one in ran.json["outcome"]["results"] if one["key"] == "shop/web"]
    [found] = result["found"]
    assert (found["engineId"], found["name"], found["sameName"]) == (engine, "shop/web", True)
    assert found["createdAt"].endswith("Z")
    assert json.loads((project.root / "out.json").read_text()) == ran.json
    ran = project.run("collect", "--format", "json", env=mcp).ended(7)
    assert ran.json["outcome"]["results"][0]["found"] == [found]
    project.engine("more")
    project.run("apply", "--yes", "--format", "markdown", env=mcp).ended(7, engine.replace("_", "\\_"))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("status=500", "(500)"),
        ("tool-error=Nope", "the platform's tool failed: Nope"),
        ("not-json", "no list of engines"),
        ("drop", "the connection ended"),
    ],
)
def test_a_lookup_that_fails_changes_nothing(
    project: Project, platform: SandboxServer, mcp: Env, fault: str, said: str
) -> None:
    platform.faults.add("mcp", fault)
    ran = lost(project, platform, mcp, "--format", "json").ended(7, "warning: ", said)
    assert said in ran.json["outcome"]["lookupFailed"]
    assert "'<ENGINE_ID>'" in ran.out


def test_nothing_found_is_said_to_prove_nothing(project: Project, platform: SandboxServer, mcp: Env) -> None:
    platform.faults.add("mcp", "empty-list")
    lost(project, platform, mcp).ended(7, "lists no unrecorded engine of that name, which proves nothing")


@pytest.mark.parametrize("more", [{"RECONCILE_LOOKUP": "off"}, {"RECONCILE_MCP_URL": None}])
def test_where_nobody_looks(project: Project, platform: SandboxServer, mcp: Env, more: Env) -> None:
    lost(project, platform, mcp | more).ended(7, "'<ENGINE_ID>'")
    assert lists(platform) == 0


def test_without_a_key_or_without_a_lost_answer_nobody_looks(
    project: Project, platform: SandboxServer, mcp: Env
) -> None:
    project.run("apply", "--yes", "--only", "acme", env=mcp).ended(0)
    lost(project, platform, mcp | {"RECONCILE_LOOKUP": "off"}).ended(7)
    project.run("collect", env=mcp | {"LINGO_API_KEY": None}).ended(7)
    assert lists(platform) == 0


def test_the_first_signal_ends_the_look_and_the_report_is_shown(
    project: Project, platform: SandboxServer, mcp: Env
) -> None:
    platform.faults.add("mcp", "hang")
    platform.faults.add("create", "lost-answer", match="shop/web")
    process = project.start("apply", "--yes", env=mcp)
    wait_until(lambda: lists(platform) == 1, "the list is asked for")
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    project.finish(process).ended(130, "1 uncertain", "the lookup was interrupted")
    assert time.monotonic() - began < 10


# ── auto ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_only_engine_of_its_name_is_adopted(project: Project, platform: SandboxServer, auto: Env) -> None:
    ran = lost(project, platform, auto).ended(0, "2 created", "its answer was lost; found by name")
    assert project.entry("shop/web")["engineId"] == named(platform, "shop/web")
    assert "adopted" in ran.err
    project.run("plan", "--detailed-exitcode").ended(0)
    assert (platform.create_calls(), project.journal.exists()) == (2, False)


@pytest.mark.parametrize("job_seconds", [0.5])
def test_its_job_is_waited_for_where_it_is_listed(
    project: Project, platform: SandboxServer, auto: Env
) -> None:
    platform.faults.add("mcp", "with-jobs")
    ran = lost(project, platform, auto, "--format", "json", match="acme").ended(0)
    [acme] = [one for one in ran.json["outcome"]["results"] if one["key"] == "acme"]
    assert (acme["status"], acme["action"], acme["lookedUp"]) == ("done", "create", True)
    assert acme["summary"]["brandVoices"] == 1
    entry = project.entry("acme")
    assert (entry["engineId"], entry["jobId"]) == (acme["engineId"], acme["jobId"])
    assert "pending" not in entry


@pytest.mark.parametrize("job_seconds", [600.0])
def test_a_run_that_does_not_wait_leaves_its_job_running(
    project: Project, platform: SandboxServer, auto: Env
) -> None:
    platform.faults.add("mcp", "with-jobs")
    lost(project, platform, auto, "--detach", match="acme").ended(0, "1 still running")
    assert project.entry("acme")["pending"]["status"] == "in_progress"
    assert "engineId" not in project.entry("acme")
    platform.faults.add("mcp", "with-jobs")
    project.run("collect", "--timeout", "1s", env=auto).ended(4)
    platform.end_jobs()
    project.run("collect", env=auto).ended(0)
    assert project.entry("acme")["engineId"] == named(platform, "acme")


@pytest.mark.parametrize("job_seconds", [0.5])
def test_a_job_that_failed_is_a_failure(project: Project, platform: SandboxServer, auto: Env) -> None:
    platform.faults.add("create", "lost-answer", match="acme")
    platform.faults.add("job", "fail=Could not crawl", match="acme")
    platform.faults.add("mcp", "with-jobs")
    project.run("apply", "--yes", env=auto).ended(1, "Could not crawl")
    assert project.entry("acme")["pending"]["status"] == "failed"


@pytest.mark.parametrize("command", ["apply", "collect"])
def test_a_later_run_with_nothing_else_to_do_adopts_too(
    project: Project, platform: SandboxServer, mcp: Env, auto: Env, command: str
) -> None:
    lost(project, platform, mcp).ended(7)
    words = ["--yes"] if command == "apply" else []
    engine = named(platform, "shop/web")
    project.run(command, *words, env=auto).ended(0, f"completed {engine}")
    assert project.entry("shop/web")["engineId"] == engine
    project.run(command, *words, env=auto).ended(0)


@pytest.mark.parametrize(
    "fault", ["empty-list", "shape=7", "status=500", "tool-error", "not-json", "huge-list"]
)
def test_a_list_that_is_empty_cut_or_missing_settles_nothing(
    project: Project, platform: SandboxServer, auto: Env, fault: str
) -> None:
    platform.faults.add("mcp", fault)
    lost(project, platform, auto).ended(7)
    assert project.entry("shop/web")["pending"]["status"] == "uncertain"
    assert platform.create_calls() == 2


def test_two_engines_of_the_name_are_a_doubt(project: Project, platform: SandboxServer, auto: Env) -> None:
    [twin] = made_elsewhere(platform, "shop/web")
    lost(project, platform, auto).ended(7, twin, named(platform, "shop/web"))
    assert "engineId" not in project.entry("shop/web")


def test_a_name_that_is_only_like_it_is_a_doubt(project: Project, platform: SandboxServer, auto: Env) -> None:
    platform.faults.add("create", "status=500", match="shop/web")  # nothing was made
    [alike] = made_elsewhere(platform, "Shop/Web")
    project.run("apply", "--yes", env=auto).ended(7, f"{alike} is named 'Shop/Web'")
    assert "engineId" not in project.entry("shop/web")


def test_two_lost_answers_of_one_name_are_a_doubt(
    project: Project, platform: SandboxServer, auto: Env
) -> None:
    project.engine("other", "name: shop/web\nlocales: [ja]\n")
    platform.faults.add("create", "lost-answer", match="shop/web", times=2)
    project.run("apply", "--yes", env=auto).ended(7)
    assert {one["pending"]["status"] for key, one in project.lock["engines"].items() if key != "acme"} == {
        "uncertain"
    }


@pytest.mark.parametrize("job_seconds", [600.0])
def test_a_failed_or_running_operation_of_the_name_is_a_doubt(
    project: Project, platform: SandboxServer, auto: Env
) -> None:
    project.engine("other", "name: shop/web\n", running=True)
    project.run("apply", "--yes", "--only", "other", "--detach", env=auto).ended(0)
    lost(project, platform, auto, "--detach").ended(7)
    assert project.entry("shop/web")["pending"]["status"] == "uncertain"


def test_an_operation_of_the_name_in_another_environment_is_a_doubt(
    project: Project, platform: SandboxServer, mcp: Env, auto: Env
) -> None:
    (project.root / "reconcile.yaml").write_text(
        "environments:\n  production: {}\n  staging: {lockfile: engines.staging.lock.json}\n"
    )
    lost(project, platform, mcp, "--env", "staging").ended(7)
    platform.faults.add("create", "status=500", match="shop/web")  # nothing was made for production
    project.run("apply", "--yes", env=auto).ended(7)
    assert "engineId" not in project.entry("shop/web")
    staging = project.root / "engines.staging.lock.json"
    staging.write_text(staging.read_text()[:-9])  # cannot be read, so nobody knows what it has
    project.run("apply", "--yes", env=auto).ended(7, "the environment `staging`")
    assert "engineId" not in project.entry("shop/web")


# ── auto, where runs share ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def actors(tmp_path: Path, platform: SandboxServer) -> Actors:
    return Actors(tmp_path, platform, "acme", "other")


def test_an_engine_that_is_adopted_reaches_the_branch(
    actors: Actors, platform: SandboxServer, auto: dict[str, Any]
) -> None:
    platform.faults.add("create", "lost-answer", match="acme")
    actors.publish(env=auto).ended(0, "found by name", "engines.lock.json · published")
    assert actors.entry("acme")["engineId"] == named(platform, "acme")
    assert actors.made == 2
    actors.check_converged()


def test_a_call_of_a_run_that_died_is_looked_up_by_the_next(actors: Actors, auto: dict[str, Any]) -> None:
    actors.die(actors.clone(), NO_ANSWER, "--only", "acme", "--publish")
    actors.free_lease()
    [engine] = actors.engines()
    runner = actors.clone()
    ran = runner.run("collect", "--publish", env=auto).ended(
        0, engine, "engines.lock.json · published", "git pull"
    )
    assert "git commit" not in ran.out
    assert actors.entry("acme")["engineId"] == engine
    actors.check_converged()


def test_what_somebody_resolved_meanwhile_counts_more(
    actors: Actors, platform: SandboxServer, auto: dict[str, Any]
) -> None:
    """The list comes late, and a person was faster."""
    actors.die(actors.clone(), NO_ANSWER, "--only", "acme", "--publish")
    actors.free_lease()
    [engine] = actors.engines()
    runner = actors.clone()
    platform.faults.add("mcp", "slow=3")
    process = runner.start("collect", "--publish", env=auto)
    wait_until(lambda: lists(platform) == 1, "the list is asked for")
    actors.clone("somebody").run("resolve", "acme", "--forget", "--publish").ended(0)
    ran = runner.finish(process)
    assert ran.code == 7, f"{ran.out}\n{ran.err}"
    assert engine not in actors.git("show", "main:engines.lock.json")
    assert "adopted" not in ran.err
    assert actors.made == 1


def test_a_call_of_two_keys_with_two_runs_is_adopted_once(
    actors: Actors, platform: SandboxServer, auto: dict[str, Any]
) -> None:
    platform.faults.add("create", "lost-answer", times=2)
    actors.publish(env=auto).ended(0, "2 created")
    assert {one["engineId"] for one in actors.lock()["engines"].values()} == set(actors.engines())
    actors.check_converged()


def test_a_desk_that_is_behind_adopts_nothing_that_the_branch_has(
    actors: Actors, platform: SandboxServer, mcp: dict[str, Any], auto: dict[str, Any]
) -> None:
    laptop = actors.clone("laptop")
    actors.publish().ended(0)
    engine = actors.entry("acme")["engineId"]
    platform.faults.add("create", "status=500", match="acme")  # nothing was made for the laptop
    laptop.run("apply", "--yes", "--no-publish", "--only", "acme", env=auto).ended(7)
    assert "engineId" not in laptop.entry("acme")
    ran = laptop.run("resolve", "acme", "--find", "--no-publish", env=mcp).ended(0)
    assert engine not in ran.out
    actors.origin.rename(actors.origin.with_name("gone.git"))
    laptop.run("apply", "--yes", "--no-publish", "--only", "acme", env=auto).ended(
        7, "the remote was not looked at"
    )
    assert "engineId" not in laptop.entry("acme")


def test_an_adoption_can_be_taken_back(project: Project, platform: SandboxServer, auto: Env) -> None:
    lost(project, platform, auto).ended(0)
    project.run("resolve", "shop/web", "--undo").ended(0)
    assert project.entry("shop/web")["pending"]["status"] == "uncertain"
    project.run("resolve", "shop/web", "--forget").ended(0)


def test_a_saved_plan_adopts_as_well(project: Project, platform: SandboxServer, auto: Env) -> None:
    project.run("plan", "--out", "plan.json").ended(0)
    platform.faults.add("create", "lost-answer", match="shop/web")
    platform.faults.add("mcp", "with-jobs")
    project.run("apply", "plan.json", "--yes", env=auto).ended(0, "found by name")
    assert project.entry("shop/web")["engineId"] == named(platform, "shop/web")
