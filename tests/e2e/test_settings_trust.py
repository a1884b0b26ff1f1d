"""A pull request that changes settings only: where the key goes, and what its plan says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from tests import plain_http
from tests.e2e.actors import Actors
from tests.e2e.far_ends import KEY, Project

ELSEWHERE = "https://platform.example"
CHANGE = f"environments:\n  production:\n    timeout: 45m\n    api_url: {ELSEWHERE}\n"


@pytest.fixture
def changed(project: Project) -> Project:
    """A branch that changes nothing but where the platform is."""
    (project.root / "reconcile.yaml").write_text("environments:\n  production: {}\n")
    project.apply().ended(0)
    project.commit("Applied")
    (project.root / "reconcile.yaml").write_text(CHANGE)
    return project


def test_every_view_of_the_plan_names_the_change(changed: Project) -> None:
    expected = f"this branch changes the setting `api_url` of environment `production`: not set → {ELSEWHERE}"
    for view in ("text", "markdown", "github"):
        shown = changed.run("plan", "--base", "HEAD", "--format", view).ended(0)
        assert expected in shown.out, view
    document = json.loads(changed.run("plan", "--base", "HEAD", "--format", "json").ended(0).out)
    assert document["diagnostics"][-1]["message"] == expected
    assert document["diagnostics"][-1]["file"] == "reconcile.yaml"


def test_a_host_that_only_the_file_names_gets_no_key(changed: Project) -> None:
    (changed.root / "engines/acme.yaml").write_text("name: Acme 2\n")
    refused = changed.run("apply", "--yes", env={"LINGO_API_URL": None, "LINGO_API_KEY": KEY}).ended(6)
    assert "LINGO_API_URL" in refused.err
    assert ELSEWHERE in refused.err


def test_a_lockfile_that_a_branch_edits_by_hand_is_named(project: Project) -> None:
    project.apply().ended(0)
    project.commit("Record 2 engines")
    text = project.lockfile.read_text()
    engine_id = project.entry("acme")["engineId"]
    project.lockfile.write_text(text.replace(engine_id, "eng_other"))
    edited = (
        f"was edited by hand since the base, commit {project.git('rev-parse', 'HEAD')[:12]}: `acme`: engineId"
    )
    shown = project.run("plan", "--base", "HEAD", "--format", "github").ended(0, edited)
    assert "::warning file=engines.lock.json,line=" in shown.out
    assert project.run("plan", "--base", "HEAD").ended(0, edited).out.count("by hand") == 1
    project.run("plan").ended(0, f"`acme`: engineId {engine_id} → eng_other")
    project.run("status").ended(0, "by hand since commit")
    project.run("doctor", "--offline").ended(0, "was edited by hand")
    project.lockfile.write_text(text)
    assert "by hand" not in project.run("plan", "--base", "HEAD").ended(0).out


STAGING = "environments:\n  production: {}\n  staging: {lockfile: s.lock.json, api_key_env: LINGO_API_KEY_STAGING}\n"


def test_each_environment_has_the_key_of_its_own_variable(project: Project, platform: SandboxServer) -> None:
    (project.root / "reconcile.yaml").write_text(STAGING)
    own: dict[str, str | None] = {"LINGO_API_KEY": "lk_of_production_xyz", "LINGO_API_KEY_STAGING": KEY}
    project.run("--env", "staging", "apply", "--yes", env=own).ended(0)
    made = platform.create_calls()
    assert made > 0
    project.run("--env", "production", "apply", "--yes", env=own).ended(1, "check LINGO_API_KEY, which")
    project.engine("new")
    none: dict[str, str | None] = {"LINGODOTDEV_API_KEY": KEY, "LINGO_API_KEY_STAGING": " "}
    refused = project.run("--env", "staging", "apply", "--yes", env=none)
    refused.ended(3, "no API key for the environment `staging`", "set LINGO_API_KEY_STAGING;")
    project.run("--env", "staging", "doctor", env=none).ended(1, "set LINGO_API_KEY_STAGING;")
    project.run("--env", "staging", "doctor", env=own).ended(0, "an API key is set (LINGO_API_KEY_STAGING)")
    wrong: dict[str, str | None] = {"LINGO_API_KEY_STAGING": "lk_refused_by_all"}
    project.run("--env", "staging", "apply", "--yes", env=wrong).ended(1, "check LINGO_API_KEY_STAGING")
    assert platform.create_calls() == made


@pytest.mark.parametrize(
    "name", ["GITHUB_TOKEN", "LINGO_API_KEYS", "lingo_api_key_x", "'LINGO_API_KEY_ X'", "7"]
)
def test_only_a_key_of_ours_can_be_named_as_the_key(project: Project, name: str) -> None:
    (project.root / "reconcile.yaml").write_text(f"api_key_env: {name}\n")
    project.run("plan").ended(3, "api_key_env must be the name of a variable that begins with LINGO_API_KEY")


def test_a_plan_names_a_change_of_the_variable_with_the_key(changed: Project) -> None:
    (changed.root / "reconcile.yaml").write_text(
        "environments:\n  production: {api_key_env: LINGO_API_KEY_EVIL}\n"
    )
    said = "this branch changes the setting `api_key_env` of environment `production`: not set → LINGO_API_KEY_EVIL"
    changed.run("plan", "--base", "HEAD").ended(0, said)


def test_an_inbox_of_the_repository_is_not_believed(project: Project) -> None:
    (project.root / "reconcile.yaml").write_text("inbox: inbox.db\n")
    refused = project.apply().ended(6)
    assert "RECONCILE_INBOX" in refused.err


def marked(project: Project, engine_id: str) -> None:
    """The lockfile says, by hand, that the engine is retired and being deleted."""
    lock = project.lock
    entry = {**lock["engines"]["acme"], "engineId": engine_id, "jobId": "pjb_x", "operationId": "op-x"}
    entry |= {"pruning": {engine_id: "2026-11-01T00:00:00Z"}, "retiredAt": "2026-11-01T00:00:00Z"}
    lock |= {"version": 2, "retired": {"old": [entry]}}
    project.lockfile.write_text(json.dumps(lock, indent=2, sort_keys=True) + "\n")


@pytest.mark.parametrize("publish", ["--publish", "--no-publish"])
def test_a_mark_in_the_lockfile_alone_deletes_no_engine(
    tmp_path: Path, platform: SandboxServer, publish: str
) -> None:
    actors = Actors(tmp_path, platform, "acme")
    actors.publish().ended(0)
    answer = plain_http.post(
        f"{platform.url}/jobs/provisioning", json={"engine": {"name": "Theirs"}}, headers={"X-API-Key": KEY}
    )
    theirs: str = answer.raise_for_status().json()["engineId"]
    actors.change(lambda project: marked(project, theirs))
    said = f"{theirs} is marked as being deleted in engines.lock.json, but no run recorded that it began"
    for _ in range(2):  # whatever the first one publishes, it vouches for no mark
        actors.edit("acme", f"Acme {len(actors.clones)}")
        actors.publish(None, publish).ended(0, said)
    assert theirs in actors.engines()
    limited = {"RECONCILE_MAX_PRUNE": "0"}
    held = actors.clone().run("prune", "--yes", publish, "--only", "old", env=limited)
    held.ended(6, theirs, "the limit is 0")
    assert theirs in actors.engines()


def test_an_engine_that_a_branch_lists_as_out_of_use_is_named(project: Project) -> None:
    project.apply().ended(0)
    project.commit("Record 2 engines")
    lock = project.lock
    entry = lock["engines"]["acme"]
    theirs = {"engineId": "eng_theirs", "fingerprint": "v1:x", "spec": {"name": "Theirs"}}
    entry["superseded"] = [theirs | {"replacedAt": "2026-11-01T00:00:00Z"}]
    project.lockfile.write_text(json.dumps(lock, indent=2, sort_keys=True) + "\n")
    said = "this branch lists engines as out of use that the base, commit"
    project.run("plan", "--base", "HEAD").ended(0, said, "eng_theirs (`acme`); a prune deletes them")
    shown = project.run("plan", "--base", "HEAD", "--format", "github").ended(0)
    assert "::warning file=engines.lock.json,line=" in shown.out
    entry["superseded"][0]["engineId"] = lock["engines"]["acme"]["engineId"]
    project.git("checkout", "--quiet", "engines.lock.json")
    project.engine("acme", "name: Acme 2\n")
    project.apply().ended(0)  # what was replaced is listed by the base
    assert said not in project.run("plan", "--base", "HEAD").ended(0).out
