"""Schedules of several actors around create calls without an answer, each of which lost an engine or made one twice.

The rest of them is in `test_nothing_old_comes_back.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.e2e.actors import ACCEPTED, NO_ANSWER, Actors
from tests.e2e.far_ends import Project


@pytest.fixture
def actors(tmp_path: Path, platform: SandboxServer) -> Actors:
    return Actors(tmp_path, platform, "acme", "other")


def two_uncertain(actors: Actors) -> tuple[Project, list[str]]:
    """A laptop and a runner, each of which died in a create call for `acme`; the laptop, and the engines."""
    laptop = actors.clone("laptop")
    actors.die(laptop, NO_ANSWER, "--only", "acme", "--no-publish")
    actors.edit("acme", "Second")
    actors.die(actors.clone(), NO_ANSWER, "--only", "acme", "--publish")
    actors.free_lease()
    laptop.git("pull", "--quiet")
    return laptop, actors.engines()


@pytest.mark.parametrize("job_seconds", [600.0])
def test_a_call_at_a_desk_stays_known_when_a_runner_began_after_it(
    actors: Actors, platform: SandboxServer
) -> None:
    laptop = actors.clone("laptop")
    actors.die(laptop, NO_ANSWER, "--only", "acme", "--no-publish")
    [lost] = actors.engines()
    actors.edit("acme", "Second", running=True)
    actors.die(actors.clone(), ACCEPTED, "--only", "acme", "--publish")
    laptop.git("pull", "--quiet")
    laptop.run("lease", "break", "--yes").ended(0)
    actors.publish(laptop, "--timeout", "1s").ended(7, "reconcile resolve acme")
    assert len(actors.entry("acme")["uncertain"]) == 1
    assert (actors.made, actors.entry("acme")["pending"]["status"]) == (3, "in_progress")
    actors.clone().run("resolve", "acme", "--engine-id", lost, "--publish").ended(0)
    assert lost in [one["engineId"] for one in actors.entry("acme")["superseded"]]
    assert {"pending", "superseded"} <= actors.entry("acme").keys()
    actors.publish(None, "--timeout", "1s").ended(4)
    assert actors.made == 3


@pytest.mark.parametrize("job_seconds", [600.0])
@pytest.mark.parametrize("ahead", [5.0, 600.0])
def test_a_clock_that_is_ahead_hides_no_call(actors: Actors, platform: SandboxServer, ahead: float) -> None:
    actors.edit("acme", "First", running=True)
    first = actors.clone()
    actors.die(first, ACCEPTED, "--only", "acme", "--publish", env=actors.clock(ahead))
    actors.free_lease()
    actors.edit("acme", "Second")
    actors.die(actors.clone(), NO_ANSWER, "--only", "acme", "--publish")
    actors.free_lease()
    plan = actors.clone().run("plan", "--fetch").ended(0, "reconcile resolve acme")
    assert "1 uncertain" in plan.out
    actors.publish(None, "--only", "acme", "--timeout", "1s").ended(7, "reconcile resolve acme")
    assert actors.made == 2
    [_, lost] = actors.engines()
    actors.clone().run("resolve", "acme", "--engine-id", lost, "--publish").ended(0)
    platform.end_jobs()
    actors.check_converged()
    assert (actors.entry("acme")["engineId"], actors.made) == (lost, 3)


def test_an_old_journal_brings_no_resolved_call_back(actors: Actors) -> None:
    keeps = actors.clone("keeps-its-disk")
    actors.die(keeps, NO_ANSWER, "--only", "acme", "--publish")
    actors.free_lease()
    [first] = actors.engines()
    actors.clone().run("resolve", "acme", "--engine-id", first, "--publish").ended(0)
    actors.edit("acme", "Second")
    lost = actors.clone()
    actors.die(lost, NO_ANSWER, "--only", "acme", "--publish")
    actors.free_lease()
    keeps.git("pull", "--quiet")
    actors.publish(keeps).ended(7, "reconcile resolve acme")
    entry = actors.entry("acme")
    assert entry["engineId"] == first
    assert entry["pending"]["status"] == "uncertain"
    assert "uncertain" not in entry
    second = next(
        engine for engine in actors.engines() if engine not in actors.git("show", "main:engines.lock.json")
    )
    actors.clone().run("resolve", "acme", "--engine-id", second, "--publish").ended(0)
    actors.check_converged()
    assert actors.made == 3


def test_an_old_journal_does_not_undo_a_retry(actors: Actors) -> None:
    keeps = actors.clone("keeps-its-disk")
    actors.die(keeps, "create call about to leave#1", "--only", "acme", "--publish")
    actors.free_lease()
    actors.clone().run("resolve", "acme", "--retry", "--publish").ended(0)
    actors.publish(keeps).ended(0)
    assert actors.made == 2
    actors.check_converged()


def test_two_calls_without_an_answer_stop_nothing_else(actors: Actors) -> None:
    laptop, [first, second] = two_uncertain(actors)
    actors.publish(laptop, "--only", "other").ended(0)
    assert actors.entry("other")["engineId"]
    actors.clone().run("collect", "--publish").ended(7)
    ran = actors.publish(laptop).ended(7, "--operation")
    calls = [actors.entry("acme")["pending"], *actors.entry("acme")["uncertain"]]
    operations = [one["operationId"] for one in calls]
    assert len(set(operations)) == 2
    for operation in operations:
        assert f"--operation {operation}" in ran.out + ran.err
    assert actors.made == 3

    somebody = actors.clone("somebody")
    somebody.run("resolve", "acme", "--retry", "--publish").ended(64, "2 calls", *operations)
    for call in calls:
        engine = second if call["spec"]["name"] == "Second" else first
        words = ["--operation", call["operationId"], "--engine-id", engine, "--publish"]
        somebody.run("resolve", "acme", *words).ended(0)
    actors.check_converged()
    assert actors.entry("acme")["engineId"] == second
    assert [one["engineId"] for one in actors.entry("acme")["superseded"]] == [first]
    assert actors.made == 3


def test_several_calls_are_shown_where_one_looks(actors: Actors) -> None:
    laptop, _ = two_uncertain(actors)
    actors.publish(laptop).ended(7)
    shown = actors.clone()
    for words in (["status"], ["plan"], ["plan", "--fetch"]):
        shown.run(*words).ended(0, "acme", "outcome unknown")
    for words in (["status", "--format", "json"], ["plan", "--format", "json"]):
        text = shown.run(*words).ended(0).out
        for one in [actors.entry("acme")["pending"], *actors.entry("acme")["uncertain"]]:
            assert one["operationId"] in text, words
    shown.run("doctor")
    assert shown.run("history", "acme").ended(0).out.count("outcome unknown") >= 2


@pytest.mark.parametrize("decision", ["retry", "forget"])
@pytest.mark.parametrize("words", [[], ["--no-publish"]], ids=["at-once", "with-the-next-run"])
def test_what_is_resolved_at_a_desk_counts_for_every_run(
    actors: Actors, decision: str, words: list[str]
) -> None:
    actors.die(actors.clone(), "create call about to leave#1", "--only", "acme", "--publish")
    actors.free_lease()
    desk = actors.clone("desk")
    desk.run("plan", "--fetch").ended(0, "reconcile resolve acme")
    desk.run("resolve", "acme", f"--{decision}", *words).ended(0)
    if words:  # then the decision waits in the journal for the next run here that publishes
        actors.publish(desk, "--only", "other").ended(0)
    ran = actors.publish()
    assert "reconcile resolve" not in ran.out + ran.err
    ran.ended(0 if decision == "retry" else 1)
    assert actors.made == (2 if decision == "retry" else 1)
    assert ("engineId" in actors.entry("acme")) == (decision == "retry")
