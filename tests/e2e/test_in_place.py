"""Changes in place against a platform on a socket and a real remote: the ID stays, and nothing is lost or undone."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.e2e.actors import Actors
from tests.e2e.far_ends import LINK, Project, interrupt, wait_until

IN_PLACE = {"RECONCILE_METADATA_CHANGES": "in_place"}


def named(name: str, locales: str = "de, fr", more: str = "") -> str:
    return f"name: {name}\nlocales: [{locales}]\n{more}{LINK}"


@pytest.fixture
def acme(project: Project) -> Project:
    """A project with one engine that serves."""
    project.engine("shop/web").unlink()
    project.engine("acme", named("Acme"))
    project.run("apply", "--yes").ended(0)
    return project


def engine(platform: SandboxServer) -> dict[str, Any]:
    """The only engine there is."""
    [one] = platform.engines()
    return one


def puts(platform: SandboxServer) -> int:
    return sum(request.method == "PUT" for request in platform.requests())


def test_the_engine_keeps_its_id_and_has_the_new_values(acme: Project, platform: SandboxServer) -> None:
    before = acme.entry("acme")
    acme.engine("acme", named("Acme Corp", "de, ja", "description: Better\n"))
    planned = acme.run("plan", "--format", "json", env=IN_PLACE)
    [action] = planned.json["actions"]
    assert (action["action"], action["engineId"]) == ("update", before["engineId"])
    acme.run("apply", "--yes", env=IN_PLACE).ended(0)
    shown = engine(platform)
    assert (shown["id"], shown["name"], shown["description"]) == (before["engineId"], "Acme Corp", "Better")
    assert (shown["targetLocales"], platform.create_calls(), puts(platform)) == (["de", "ja"], 1, 1)
    after = acme.entry("acme")
    same = ("engineId", "jobId", "operationId", "provisionedAt", "summary")
    assert {name: before.get(name) for name in same} == {name: after.get(name) for name in same}
    assert (after["revision"], after["spec"]["name"], acme.lock["version"]) == (1, "Acme Corp", 2)
    assert "updating" not in after
    assert acme.run("plan", "--detailed-exitcode", env=IN_PLACE).code == 0


def test_what_a_file_no_longer_has_is_taken_away(acme: Project, platform: SandboxServer) -> None:
    acme.engine("acme", named("Acme", "de", "description: Better\n"))
    acme.run("apply", "--yes", env=IN_PLACE).ended(0)
    acme.engine("acme", "name: Acme\n" + LINK)
    acme.run("apply", "--yes", env=IN_PLACE).ended(0)
    assert (engine(platform)["description"], engine(platform)["targetLocales"]) == ("", [])


@pytest.mark.parametrize(
    ("fault", "calls"),
    [
        ("lost-answer", 1),
        ("drop", 2),
        ("error-after=500", 1),
        ("status=502", 2),
        ("html-200", 1),
        ("garbage=200", 1),
    ],
)
def test_a_lost_answer_is_made_up_for(acme: Project, platform: SandboxServer, fault: str, calls: int) -> None:
    platform.faults.add("engine-update", fault)
    acme.engine("acme", named("Acme Corp"))
    acme.run("apply", "--yes", env=IN_PLACE).ended(0)
    assert (engine(platform)["name"], puts(platform), platform.create_calls()) == ("Acme Corp", calls, 1)
    assert acme.entry("acme")["revision"] == 1


@pytest.mark.parametrize("fault", ["lost-answer", "drop"])
@pytest.mark.parametrize("then", ["Acme Corp", "Acme"])
def test_what_stays_unknown_is_made_sure_by_the_next_run(
    acme: Project, platform: SandboxServer, fault: str, then: str
) -> None:
    """Also where the file asks for the old name again by then."""
    platform.faults.add("engine", fault, times=None)
    acme.engine("acme", named("Acme Corp"))
    ran = acme.run("apply", "--yes", env=IN_PLACE).ended(1)
    assert "may or may not have it" in ran.out
    assert acme.entry("acme")["updating"] == [1]
    assert "serving, update not confirmed" in acme.run("status").ended(0).out
    status = acme.run("status", "--format", "json").ended(0).json
    assert "reconcile apply --only acme" in status["engines"][0]["hint"]
    platform.faults.clear()
    acme.engine("acme", named(then))
    assert acme.run("plan", "--detailed-exitcode", env=IN_PLACE).code == 2
    acme.run("apply", "--yes", env=IN_PLACE).ended(0)
    assert engine(platform)["name"] == then
    assert "updating" not in acme.entry("acme")
    assert platform.create_calls() == 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("status=405", "metadata_changes: reprovision"),
        ("status=501", "metadata_changes: reprovision"),
        ("status=404", "metadata_changes: reprovision"),
        ("status=400", "edit engines/acme.yaml"),
        ("status=401", "LINGO_API_KEY"),
        ("status=402", "credit"),
        ("status=429", "quota"),
        ("redirect", "redirect"),
    ],
)
def test_a_refusal_leaves_everything_as_it_was(
    acme: Project, platform: SandboxServer, fault: str, words: str
) -> None:
    before = acme.lockfile.read_bytes()
    platform.faults.add("engine-update", fault, times=None)
    acme.engine("acme", named("Acme Corp"))
    ran = acme.run("apply", "--yes", env=IN_PLACE).ended(1)
    assert words in ran.out + ran.err
    assert acme.lockfile.read_bytes() == before
    assert (engine(platform)["name"], platform.create_calls()) == ("Acme", 1)
    platform.faults.clear()
    acme.run("apply", "--yes", env=IN_PLACE).ended(0)
    assert engine(platform)["name"] == "Acme Corp"


def test_an_engine_that_is_gone_is_named(acme: Project, platform: SandboxServer) -> None:
    acme.engine("acme", named("Acme Corp"))
    platform.faults.add("engine", "status=404", times=None)
    ran = acme.run("apply", "--yes", env=IN_PLACE).ended(1)
    assert f"the platform knows no engine {acme.entry('acme')['engineId']}" in ran.out
    assert "reconcile plan --refresh" in ran.out


def test_a_platform_without_the_endpoint_is_told_once_and_new_engines_are_created(
    acme: Project, platform: SandboxServer
) -> None:
    for number in range(12):
        acme.engine(f"shop/{number}")
    acme.run("apply", "--yes").ended(0)
    for number in range(12):
        acme.engine(f"shop/{number}", f"name: Other {number}\nlocales: [de, fr]\n")
    acme.engine("new")
    platform.faults.add("engine-update", "status=405", times=None)
    ran = acme.run("apply", "--yes", "--concurrency", "1", env=IN_PLACE).ended(1)
    assert (puts(platform), platform.create_calls()) == (1, 14)
    assert ran.out.count("the platform does not offer changing engines in place") <= 2


def test_a_protected_engine_is_updated_and_not_replaced(acme: Project, platform: SandboxServer) -> None:
    protect = "lifecycle: {protect: true}\n"
    acme.engine("acme", named("Acme", more=protect))
    acme.run("apply", "--yes", env=IN_PLACE).ended(0)
    acme.engine("acme", named("Acme Corp", more=protect))
    acme.run("apply", "--yes", env=IN_PLACE).ended(0)
    assert engine(platform)["name"] == "Acme Corp"
    acme.engine("acme", f"name: Acme Corp\nlocales: [de, fr]\n{protect}")
    acme.run("apply", "--yes", env=IN_PLACE).ended(6)


def test_an_interrupt_in_the_midst_of_the_call(acme: Project, platform: SandboxServer) -> None:
    platform.faults.add("engine-update", "hang")
    acme.engine("acme", named("Acme Corp"))
    process = acme.start("apply", "--yes", env=IN_PLACE)
    wait_until(lambda: puts(platform) == 1, "the call is on its way")
    interrupt(process, signal.SIGTERM)
    ran = acme.finish(process)
    assert ran.code == 130
    assert acme.entry("acme")["updating"] == [1]
    acme.run("apply", "--yes", env=IN_PLACE).ended(0)
    assert (engine(platform)["name"], puts(platform)) == (
        "Acme Corp",
        1,
    )  # it had been done, and a look tells


def test_a_saved_plan_does_what_was_reviewed(acme: Project, platform: SandboxServer) -> None:
    acme.engine("acme", named("Acme Corp"))
    acme.run("plan", "--out", "plan.json", env=IN_PLACE).ended(0)
    acme.run("apply", "plan.json", "--yes").ended(6)  # without the setting it would be a replacement
    acme.engine("acme", named("Acme Inc"))
    acme.run("apply", "plan.json", "--yes", env=IN_PLACE).ended(6)
    acme.engine("acme", named("Acme Corp"))
    acme.run("apply", "plan.json", "--yes", env=IN_PLACE).ended(0)
    assert (engine(platform)["name"], platform.create_calls()) == ("Acme Corp", 1)


def test_an_older_commit_does_not_undo_a_newer_one(tmp_path: Path, platform: SandboxServer) -> None:
    actors = Actors(tmp_path, platform, "acme")
    actors.publish().ended(0)
    actors.edit("acme", "One\nlocales: [de, fr]")
    older = actors.clone()
    actors.edit("acme", "Two\nlocales: [de, fr]")
    newer = actors.clone()
    actors.publish(newer, env=IN_PLACE).ended(0)
    ran = actors.publish(older, env=IN_PLACE)
    assert ran.code == 6
    assert "is applied by its own run" in ran.out
    assert (engine(platform)["name"], actors.entry("acme")["spec"]["name"]) == ("Two", "Two")
    assert actors.entry("acme")["revision"] == 1


def test_two_clones_at_once_end_with_what_the_branch_says(tmp_path: Path, platform: SandboxServer) -> None:
    actors = Actors(tmp_path, platform, "acme", "blog")
    actors.publish().ended(0)
    ids = {key: actors.entry(key)["engineId"] for key in ("acme", "blog")}
    actors.edit("acme", "Acme 2\nlocales: [de, fr]")
    one = actors.clone()
    actors.edit("blog", "Blog 2\nlocales: [de, fr]")
    two = actors.clone()
    both = [project.start("apply", "--yes", "--publish", env=IN_PLACE) for project in (one, two)]
    codes = [project.finish(each).code for project, each in zip((one, two), both, strict=True)]
    assert set(codes) <= {0, 5, 6}
    actors.publish(env=IN_PLACE).ended(0)
    assert {one["name"] for one in platform.engines()} == {"Acme 2", "Blog 2"}
    assert {key: actors.entry(key)["engineId"] for key in ids} == ids
    assert all("updating" not in actors.entry(key) for key in ids)
    actors.check_converged()
