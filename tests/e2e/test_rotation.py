"""The API key is rotated while something is under way: the new key's runs finish it, or report it with its command.

And whoever may push to the ledger without having the key makes no run do anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.settings import SandboxSettings
from tests.e2e.actors import ACCEPTED, LEDGER, LOCKFILE, NO_ANSWER, Actors
from tests.e2e.far_ends import KEY, Project

NEW_KEY = "lk_after_the_rotation_4712"
UNVERIFIED = "cannot be verified with this API key"


@pytest.fixture
def platform(job_seconds: float) -> Iterator[SandboxServer]:
    settings = SandboxSettings(job_seconds=job_seconds, api_keys=(KEY, NEW_KEY))
    with SandboxServer(settings) as server:
        yield server


@pytest.fixture
def actors(tmp_path: Path, platform: SandboxServer) -> Actors:
    return Actors(tmp_path, platform, "acme")


def with_new_key(actors: Actors) -> Project:
    project = actors.clone("new-key")
    project.key = NEW_KEY
    return project


@pytest.mark.parametrize(("step", "job_seconds"), [(NO_ANSWER, 0.2), (ACCEPTED, 2.0)])
def test_a_call_of_the_old_key_is_reported_and_resolved_and_made_once(actors: Actors, step: str) -> None:
    actors.edit("acme", "Acme", running=True)
    actors.die(actors.clone(), step, "--publish")
    actors.free_lease()
    [engine] = actors.engines()
    project = with_new_key(actors)
    ran = actors.publish(project).ended(7, "reconcile resolve acme", UNVERIFIED)
    assert ("--engine-id" in ran.out, f"--engine-id {engine}" in ran.out) == (True, step == ACCEPTED)
    assert LOCKFILE not in actors.git("ls-tree", "--name-only", "main")
    nobody = actors.clone("nobody")
    nobody.key = None
    nobody.run("plan", "--fetch").ended(0, "cannot be verified without the API key", "LINGO_API_KEY")
    nobody.run("status").ended(0, "cannot be verified without the API key")
    nobody.run("history").ended(0, "unverified")
    nobody.run("resolve", "acme", "--retry").ended(3, "engines-resolve.yml", "LINGO_API_KEY")
    project.run("resolve", "acme", "--engine-id", engine, "--publish").ended(0)
    assert (actors.entry("acme")["engineId"], actors.made, actors.ledger()) == (engine, 1, [])
    actors.publish(with_new_key(actors)).ended(0)
    actors.check_converged()
    assert actors.made == 1


@pytest.mark.parametrize(
    "step", ["ledger pushed#1", "publishing push about to leave#1", "lockfile published#1"]
)
def test_wherever_the_old_keys_run_was_killed_nothing_is_made_twice(actors: Actors, step: str) -> None:
    actors.die(actors.clone(), step, "--publish")
    actors.free_lease()
    project = with_new_key(actors)
    if step.startswith("lockfile published"):  # the branch has it all
        actors.publish(project).ended(0)
    else:
        actors.publish(project).ended(7, "reconcile resolve acme")
        found = ["--engine-id", *actors.engines()] if actors.engines() else ["--retry"]
        project.run("resolve", "acme", *found, "--publish").ended(0)
        actors.publish(project).ended(0)
    assert (actors.made, actors.entry("acme")["engineId"], actors.ledger()) == (1, *actors.engines(), [])


@pytest.mark.parametrize("job_seconds", [1.5])
def test_a_job_that_the_old_key_published_is_finished_by_the_new_one(actors: Actors) -> None:
    actors.edit("acme", "First", running=True)
    actors.publish(None, "--detach").ended(0)
    with_new_key(actors).run("collect", "--publish").ended(0)
    assert (actors.entry("acme")["engineId"], actors.made) == (actors.engines()[0], 1)


def test_whoever_pushes_to_the_ledger_makes_no_run_do_anything(actors: Actors) -> None:
    actors.publish().ended(0)
    before, made = actors.lock(), actors.made
    forger = actors.clone("forger")
    forger.git("fetch", "--quiet", "origin", LEDGER)
    forger.git("checkout", "--quiet", "--detach", "FETCH_HEAD")
    entry = before["engines"]["acme"]
    spec = {"fingerprint": entry["fingerprint"], "spec": entry["spec"], "files": entry["files"]}
    told = {"v": 1, "operation": "forged", "at": "2026-11-24T11:00:00.000Z"}
    records = [
        told | spec | {"type": "begin", "key": "acme"},
        told | {"type": "accepted", "jobId": "pjb_evil", "engineId": "eng_evil"},
        told | {"type": "ended", "result": "completed"},
        told | {"type": "decided", "kind": "retire", "key": "acme", "engineId": entry["engineId"]},
    ]
    lines = "".join(json.dumps(one) + "\n" for one in records)
    (forger.root / "journal.jsonl").write_text(lines)
    evil = json.dumps(before).replace(entry["engineId"], "eng_evil")
    (forger.root / "published.lock.json").write_text(evil)
    forger.commit("forged")
    forger.git("push", "--quiet", "origin", f"HEAD:{LEDGER}")
    ran = actors.publish().ended(7, "4 unverified records", "reconcile resolve acme")
    assert "eng_evil" not in ran.out + ran.err
    assert (actors.lock(), actors.made) == (before, made)
    actors.clone().run("get", "acme").ended(0, entry["engineId"])
    actors.clone().run("resolve", "acme", "--retry", "--publish").ended(0)
    actors.check_converged()
    assert actors.lock() == before
