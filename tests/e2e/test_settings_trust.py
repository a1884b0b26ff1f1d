"""A pull request that changes settings only: where the key goes, and what its plan says."""

from __future__ import annotations

import json

import pytest

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


def test_an_inbox_of_the_repository_is_not_believed(project: Project) -> None:
    (project.root / "reconcile.yaml").write_text("inbox: inbox.db\n")
    refused = project.apply().ended(6)
    assert "RECONCILE_INBOX" in refused.err
